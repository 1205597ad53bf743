"""The pictures of a comparison: the settings with their intervals, and how each of them learnt."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from statistics import fmean
from typing import Any

from markupsafe import Markup

from rnncli.report.comparison import Compared, Comparison
from rnncli.report.figures import Line, Whisker
from rnncli.report.numbers import interval, number
from rnncli.report.svg import history_chart, whisker_chart

MOST_CURVES = 12
"""Settings whose learning curves are drawn: the base and the best."""
Histories = Mapping[str, Sequence[Sequence[Mapping[str, Any]]]]
"""By the name of a setting the lines of ``metrics.jsonl`` of each of its runs."""


def charts(comparison: Comparison, histories: Histories, key: str) -> Iterator[tuple[str, Markup]]:
    """Titles and pictures; ``key`` is unlike that of any other comparison on the page."""
    for count, metric in enumerate(comparison.metrics):
        title = comparison.titles[metric]
        if whiskers := [one for setting in comparison.settings if (one := _whisker(comparison, setting, metric))]:
            base = next(one for one in comparison.settings if one.name == comparison.base).scores[metric].mean
            yield f"{title} on {comparison.split}", whisker_chart(title, whiskers, f"{key}interval{count}", base)
    for name in (*comparison.metrics, "loss"):
        title = f"{comparison.titles.get(name, name)} on dev"
        lines = [_curve(setting.name, histories.get(setting.name, ()), name) for setting in _drawn(comparison)]
        if drawn := [line for line in lines if line.xs]:
            yield title, history_chart(title, title, drawn, f"{key}curve-{name}")


def _whisker(comparison: Comparison, setting: Compared, metric: str) -> Whisker | None:
    score, unit = setting.scores[metric], comparison.units[metric]
    if score.mean is None:
        return None
    ends = interval(score.low, score.high, unit)
    says = f"{number(score.mean, unit)} ({ends})" if ends else number(score.mean, unit)
    return Whisker(setting.name, says, score.mean, score.low, score.high)


def _drawn(comparison: Comparison) -> list[Compared]:
    """The base and the best settings, in the order of the table."""
    metric = comparison.metrics[0]

    def rank(setting: Compared) -> tuple[bool, float]:
        mean = setting.scores[metric].mean
        return setting.name != comparison.base, float("inf") if mean is None else comparison.badness(metric, mean)

    chosen = sorted(comparison.settings, key=rank)[:MOST_CURVES]
    return [setting for setting in comparison.settings if setting in chosen]


def _curve(name: str, histories: Sequence[Sequence[Mapping[str, Any]]], metric: str) -> Line:
    """The mean of a setting's runs by epoch, as far as all of them went."""
    points = []
    for rows in zip(*histories, strict=False):
        values = [row.get("metrics", {}).get(metric) for row in rows]
        known = [float(value) for value in values if isinstance(value, int | float)]
        if len(known) == len(rows) and isinstance(rows[0].get("epoch"), int):
            points.append((float(rows[0]["epoch"]), fmean(known)))
    return Line(name, tuple(x for x, _ in points), tuple(y for _, y in points))
