"""What reports say of models that write beside their metrics: help at test time, copying, what train resembles.

Shape letters: K blocks, C counts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from rnncli.metrics.statistics import Array, Scores, Statistics
from rnncli.recipe.schema import EvaluationSection
from rnncli.report.build import Estimate, ReportTable
from rnncli.report.figures import Figure, Line
from rnncli.tasks.base import About, Row
from rnncli.tasks.write.scoring import of_rows, of_sums, row_sums

ALONE = "the model alone"
RESEMBLES = 0.5
"""A document of which a larger share stands in train resembles it."""
FEW_BLOCKS = 10
"""Intervals over fewer are rough."""
MOST_POINTS = 200


@dataclass(frozen=True)
class ShownMetrics:
    """The metrics that tables show, by their titles there, how the sums of blocks make them, and what a whole is."""

    titles: Mapping[str, str]
    score: Callable[[Array], Scores]
    whole: str = "document"

    @property
    def first(self) -> str:
        """The one that has intervals."""
        return next(iter(self.titles))

    def cells(self, statistics: Statistics) -> list[float]:
        """Each of the metrics."""
        values = statistics.values()
        return [values[name] for name in self.titles]


def help_table(
    rows: Sequence[Row], about: About, shown: ShownMetrics, settings: EvaluationSection, seed: int
) -> ReportTable | None:
    """The model alone and with each way that helps it at test time; None where none was tried.

    ``about["weights"]`` has by way the weights of what is mixed, as dev chose them, that of the model first.
    """
    ways = list(rows[0].get("with", ())) if rows else []
    if not ways:
        return None
    options: dict[str, Any] = {"resamples": settings.resamples, "confidence": settings.confidence, "seed": seed}
    weights = about.get("weights") or {}
    cells = []
    for way in ("", *ways):
        statistics = of_rows(rows, shown.score, way)
        ends = statistics.intervals(**options).get(shown.first)
        mixed = [f"{weight:.2f}" for weight in (weights.get(way) or {}).values()]
        named = f"+ {way}" if mixed else way or ALONE
        first, *others = shown.cells(statistics)
        shown_ends = Estimate(first, *ends, unit="plain").interval if ends else ""
        cells.append((named, first, shown_ends, *others, "/".join(mixed)))
    first, *others = shown.titles.values()
    heads = ["", first, f"{100 * settings.confidence:g} % interval", *others, "weights"]
    filled = [i for i in range(len(heads)) if i < 2 or any(row[i] for row in cells)]
    table = tuple(tuple(row[i] for i in filled) for row in cells)
    return ReportTable("with help at test time, as chosen on dev", tuple(heads[i] for i in filled), table)


def copied_table(about: About) -> ReportTable | None:
    """How much of what was written stands in train, beside the same of held-out data; None where that is not known.

    ``about["copied"]`` is such as ``{"counted": "characters", "length": 40, "rows": [{"of": "samples", "longest": 41,
    "share": 0.012}, {"of": "held-out text", ...}]}``; a share is None where nothing is that long.
    """
    copied = about.get("copied") or {}
    rows = tuple((one["of"], int(one["longest"]), _percent(one["share"])) for one in copied.get("rows", ()))
    if not rows:
        return None
    counted = copied["counted"]
    heads = ("", f"longest run, {counted}", f"runs of {copied['length']} {counted} that stand there")
    return ReportTable("copied from train", heads, rows)


def resemblance_table(rows: Sequence[Row], shown: ShownMetrics) -> ReportTable | None:
    """The metrics with and without what resembles train; None where that is not known, or is nothing or all.

    ``row["seen"]`` is the share of a row's document that stands in train, of runs as long as those that are copied.
    """
    if not rows or any("seen" not in row for row in rows):
        return None
    seen_K = np.array([row["seen"] for row in rows]) > RESEMBLES
    if not 0 < seen_K.sum() < len(rows):
        return None
    sums_KC = row_sums(rows)
    cells = []
    for named, which_K in (("all", ~seen_K | seen_K), ("without those", ~seen_K), ("those alone", seen_K)):
        many = len({row["example"] for row, which in zip(rows, which_K, strict=True) if which})
        cells.append((named, many, *shown.cells(of_sums(sums_KC[which_K], shown.score))))
    title = f"{shown.whole}s more than {RESEMBLES:.0%} of which stands in train".replace("%", " %")
    return ReportTable(title, ("", f"{shown.whole}s", *shown.titles.values()), tuple(cells))


def interval_notes(rows: Sequence[Row], what: str) -> list[str]:
    """On how little intervals rest; ``what`` names blocks."""
    if len(rows) == 1:
        return [f"no intervals: there is one {what}"]
    if len(rows) < FEW_BLOCKS:
        return [f"intervals are rough: there are {len(rows)} {what}s"]
    return []


def course(rows: Sequence[Row], shown: ShownMetrics, x: str, counted: int, *, by_size: bool = False) -> Figure | None:
    """The first metric from the first block to the last, or from the lowest to the highest.

    ``x`` names what the count at ``counted`` of a row's sums adds up to; very many blocks are drawn some together.
    """
    sums_KC = row_sums(rows)
    sums_KC = sums_KC[sums_KC[:, counted] > 0]
    if len(sums_KC) < 3:
        return None
    if by_size:
        sums_KC = sums_KC[np.argsort(shown.score(sums_KC)[shown.first], kind="stable")]
    together = -(-len(sums_KC) // MOST_POINTS)
    sums_KC = np.add.reduceat(sums_KC, np.arange(0, len(sums_KC), together))
    ys = shown.score(sums_KC)[shown.first]
    xs = np.arange(1, len(ys) + 1) * together if by_size else np.cumsum(sums_KC[:, counted])
    title = shown.titles[shown.first]
    line = Line("", tuple(xs.tolist()), tuple(ys.tolist()))
    return Figure(f"{title} {x}", x, title, (line,), x_is_share=False, y_is_share=False)


def dearest_first(rows: Sequence[Row], shown: ShownMetrics) -> list[Row]:
    """The rows by their first metric, the highest first, those that count nothing left out."""
    value_K = shown.score(row_sums(rows))[shown.first]
    return [rows[k] for k in np.argsort(-value_K, kind="stable") if np.isfinite(value_K[k])]


def _percent(share: float | None) -> str:
    return "-" if share is None or not np.isfinite(share) else f"{100 * share:.1f} %"
