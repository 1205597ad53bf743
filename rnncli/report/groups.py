"""Metrics by group as a table and the sentences below it, for a terminal and for a page."""

from __future__ import annotations

from collections.abc import Sequence

from rnncli.report.build import Estimate, Gap, Grouping, Report
from rnncli.report.numbers import number

SHOWN = 2
"""Metrics by group that are shown; report.json has all."""


def group_table(report: Report, grouping: Grouping, shown: Sequence[str]) -> tuple[list[str], list[list[str]]]:
    """The columns, and a row for each group, of the first of the metrics ``shown`` that are known by group."""
    metrics = _metrics(report, grouping, shown)
    heads = [grouping.by, report.ones]
    for name in metrics:
        heads += [report.title(name), f"{100 * report.confidence:g} % interval"]
    rows = []
    for group in grouping.groups:
        cells = [group.name, f"{group.examples:,}{' *' if group.small else ''}"]
        for name in metrics:
            metric = group.metrics[name]
            cells += [metric.number, metric.interval]
        rows.append(cells)
    return heads, rows


def group_notes(report: Report, grouping: Grouping, shown: Sequence[str]) -> list[str]:
    """The gaps between best and worst, and which groups are too small."""
    notes = []
    for name in _metrics(report, grouping, shown):
        if (gap := grouping.gaps.get(name)) is not None:
            large = sum(not group.small for group in grouping.groups)
            notes.append(_gap(report.title(name), report.metrics[name], gap, large, report.confidence))
    small = [group.name for group in grouping.groups if group.small]
    if small:
        few = ", ".join(small[:5]) + (", ..." if len(small) > 5 else "")
        notes.append(f"* too few {report.ones} to say anything of, left out of the gaps: {few}")
    return notes


def _metrics(report: Report, grouping: Grouping, shown: Sequence[str]) -> list[str]:
    """The first metrics that are known of all groups, those to show last behind the others."""
    known = [name for name in shown if all(name in group.metrics for group in grouping.groups)]
    return sorted(known, key=lambda name: report.metrics[name].show == "last")[:SHOWN]


def _gap(title: str, metric: Estimate, gap: Gap, groups: int, confidence: float) -> str:
    points = f"{_difference(metric, gap.difference)}{' points' if metric.unit == 'share' else ''}"
    if gap.low is not None and gap.high is not None:
        ends = f"{_difference(metric, gap.low)} .. {_difference(metric, gap.high)}"
        points += f" ({100 * confidence:g} % interval {ends})"
    often = "less than 0.1 %" if gap.p < 0.001 else f"{100 * gap.p:.1f} %"
    chance = f"{groups} groups drawn at random part as far in {often} of cases"
    return f"{title}: {gap.best} is {points} better than {gap.worst}; {chance}"


def _difference(metric: Estimate, value: float) -> str:
    return number(value, metric.unit)
