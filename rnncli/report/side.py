"""A comparison as rows of a table, for a terminal, a page or a csv."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from rich.text import Text

from rnncli.metrics.metric import Unit
from rnncli.report.comparison import Compared, Comparison, Versus
from rnncli.report.layout import grid, visible
from rnncli.report.numbers import UNDEFINED, number, signed, words
from rnncli.report.reach import reach_figure

SEVERAL = "runs"


@dataclass(frozen=True)
class SideCell:
    """What a cell shows; ``best`` in its column, ``number`` on the right."""

    text: str
    best: bool = False
    number: bool = True


def titles(comparison: Comparison) -> list[str]:
    """The columns: what differs, then for each metric mean, deviation and the difference to the base."""
    found = [*(comparison.keys or ("recipe",)), SEVERAL]
    for metric in comparison.metrics:
        found.append(words(metric))
        if _varied(comparison, metric):
            found.append("deviation")
        if _tested(comparison, metric):
            found += ["difference", f"{100 * comparison.confidence:g} % interval", "p"]
    found += ["parameters", "seconds"]
    return [*found, "gradient reach"] if _reached(comparison) else found


def rows(comparison: Comparison) -> Iterator[list[SideCell]]:
    """The cells of each setting, in the order of :func:`titles`."""
    for setting in comparison.settings:
        named = [written(setting.settings[key]) for key in comparison.keys] or [setting.name]
        cells = [SideCell(visible(text), number=False) for text in named]
        cells.append(SideCell(str(len(setting.runs))))
        for metric in comparison.metrics:
            cells += _scores(comparison, setting, metric)
        cells += [SideCell(f"{setting.parameters:,}"), SideCell(f"{setting.seconds:,.1f}")]
        if _reached(comparison):
            cells.append(SideCell(reach_figure(setting.reach, setting.reach_beyond)))
        yield cells


def heading(comparison: Comparison) -> str:
    """What is compared."""
    return f"{comparison.split}, {comparison.examples:,} examples; differences to {visible(comparison.base)}"


def lines(comparison: Comparison, width: int | None = None) -> list[Text]:
    """The comparison for a terminal, the best of each metric in bold; ``width`` None cuts nothing."""
    cells = list(rows(comparison))
    heads = titles(comparison)
    text = [i for i in range(len(heads)) if cells and not cells[0][i].number]
    align = "".join("l" if i in text else "r" for i in range(len(heads)))
    body = [[Text(cell.text, style="bold" if cell.best else "") for cell in row] for row in cells]
    table = grid([[Text(visible(head), style="dim") for head in heads], *body], align, width=width, flexible=text)
    shown = [Text(heading(comparison), style="bold"), *table]
    return [*shown, *(Text(f"note  {visible(note)}", style="dim") for note in comparison.notes)]


def as_csv(comparison: Comparison) -> str:
    """The comparison with whole figures: the settings, then every metric of the reports."""
    out = io.StringIO()
    metrics = list(comparison.settings[0].scores)
    tested = ("difference", "low", "high", "p", "p_adjusted")
    heads = [*comparison.keys, "setting", "runs", "seeds", "parameters", "seconds", "reach", "reach_beyond"]
    for metric in metrics:
        heads += [metric, f"{metric}_deviation"]
    heads += [f"{metric}_{name}" for metric in comparison.metrics for name in tested]
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(heads)
    for setting in comparison.settings:
        cells: list[Any] = [written(setting.settings[key]) for key in comparison.keys]
        cells += [setting.name, " ".join(setting.runs), " ".join(map(str, setting.seeds))]
        cells += [setting.parameters, setting.seconds, setting.reach, int(setting.reach_beyond)]
        for metric in metrics:
            cells += [setting.scores[metric].mean, setting.scores[metric].deviation]
        for metric in comparison.metrics:
            versus = setting.versus.get(metric)
            cells += [getattr(versus, name) if versus else None for name in tested]
        writer.writerow(cells)
    return out.getvalue()


def written(value: Any) -> str:
    """A recipe's value as the command line takes it."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _scores(comparison: Comparison, setting: Compared, metric: str) -> list[SideCell]:
    score = setting.scores[metric]
    best = comparison.best.get(metric) == setting.name and len(comparison.settings) > 1
    cells = [SideCell(number(score.mean, comparison.units[metric]), best)]
    if _varied(comparison, metric):
        cells.append(SideCell(number(score.deviation, comparison.units[metric]) if score.deviation is not None else ""))
    if _tested(comparison, metric):
        cells += _versus(comparison.units[metric], setting.versus.get(metric), setting.name == comparison.base)
    return cells


def _versus(unit: Unit, versus: Versus | None, base: bool) -> list[SideCell]:
    if versus is None:
        return [SideCell("" if base else UNDEFINED), SideCell(""), SideCell("")]
    texts = [signed(value, unit) for value in (versus.difference, versus.low, versus.high)]
    return [SideCell(texts[0]), SideCell(f"{texts[1]} .. {texts[2]}"), SideCell(probability(versus.p_adjusted))]


def probability(p: float) -> str:
    """p to two figures, no smaller than one that anyone should believe."""
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def _reached(comparison: Comparison) -> bool:
    return any(setting.reach is not None for setting in comparison.settings)


def _varied(comparison: Comparison, metric: str) -> bool:
    return any(setting.scores[metric].deviation is not None for setting in comparison.settings)


def _tested(comparison: Comparison, metric: str) -> bool:
    return any(metric in setting.versus for setting in comparison.settings)
