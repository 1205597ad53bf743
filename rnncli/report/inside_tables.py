"""What the units of a recurrent core do as tables, for a terminal and for a page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from rnncli.report.build import ReportTable
from rnncli.report.inside import Detected, DirectionUse, InsideUse, UnitUse

MOST_FEATURES = 12
"""That a table shows; JSON has what each unit goes along with."""


def sentences(use: InsideUse) -> list[str]:
    """What was looked at, in words."""
    all_or = f"{use.examples:,}" if use.examples == use.of else f"{use.examples:,} of {use.of:,}"
    return [f"{use.split}: {all_or} examples, {use.steps:,} {use.step}s; {use.core}: {use.cell}"]


def gate_table(use: InsideUse) -> ReportTable:
    """How the gates of each layer and direction are used."""
    rows = tuple(
        (one.layer, one.direction, gate.name, round(gate.mean, 3), _share(gate.low), _share(gate.high))
        for one in use.directions
        for gate in one.gates
    )
    return ReportTable("gates", ("layer", "direction", "gate", "mean", "% < 0.1", "% > 0.9"), rows)


def memory_table(use: InsideUse) -> ReportTable:
    """Units by what they are good for: dead, constant, and how long they remember."""
    rows = []
    for one in use.directions:
        memories = one.memories or (None, None, None)
        counts = (len(one.units), one.count("dead"), one.count("constant"))
        rows.append((one.layer, one.direction, *counts, *(_steps(memory) for memory in memories)))
    heads = ("layer", "direction", "units", "dead", "constant", "10 % of units", "median", "90 %")
    return ReportTable(f"units, and their memory in {use.step}s", heads, tuple(rows))


def detector_table(use: InsideUse, most: int = MOST_FEATURES) -> ReportTable:
    """What units go along with, the surest first: how many of them, and the one that does most."""
    found = use.found()
    counts = Counter(told.what for _, _, told in found)
    best: dict[str, tuple[DirectionUse, UnitUse, Detected]] = {}
    for each in found:
        best.setdefault(each[2].what, each)
    rows = tuple(
        (
            what,
            counts[what],
            f"{one.layer} {one.direction} {unit.unit}",
            f"{told.correlation:+.2f}",
            f"{told.bound:.2f}",
            _steps(unit.memory),
            " ".join(unit.high),
            " ".join(unit.low),
        )
        for what, (one, unit, told) in list(best.items())[:most]
    )
    heads = ("goes along with", "units", "best unit", "r", "chance", "memory", "high at", "low at")
    return ReportTable("what single units detect", heads, rows)


def _share(value: float) -> str:
    return f"{100 * value:.1f}"


def _steps(value: float | None) -> str:
    return "-" if value is None else f"{value:,.1f}" if value < 1000 else f"{value:,.0f}"


def tables(use: InsideUse) -> Sequence[ReportTable]:
    """All that is shown of it."""
    found = detector_table(use)
    return [gate_table(use), memory_table(use), *([found] if found.rows else [])]
