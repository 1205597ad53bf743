"""The tables of a page."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rnncli.report.build import Grouping, Report, ReportTable
from rnncli.report.groups import group_notes, group_table
from rnncli.report.matrix import most_confused
from rnncli.report.numbers import UNDEFINED, number, words
from rnncli.report.render import free_cell, shown_metrics
from rnncli.report.rivals import MODEL, leaders

MOST_PAIRS = 20
"""Of those that are confused most, where a matrix is too large."""
MOST_ROWS, MOST_CELL = 1000, 300
"""Of the table of predictions, and characters of one of its cells."""


@dataclass(frozen=True)
class PageGrid:
    """A table: ``numbers`` are the columns on the right, ``best`` the cells (row, column) in bold."""

    heads: Sequence[str]
    rows: Sequence[Sequence[str]]
    numbers: Collection[int] = ()
    best: Collection[tuple[int, int]] = ()
    caption: str = ""


def metrics_grid(report: Report, names: Sequence[str]) -> PageGrid:
    """The metrics ``names`` with intervals and baselines."""
    heads = ["", "mean" if report.is_mean else "model"]
    columns = [
        [report.title(name) for name in names],
        [report.metrics[name].number for name in names],
    ]
    if report.is_mean:
        heads.append("deviation")
        columns.append([report.written(name, report.metrics[name].deviation) for name in names])
    intervals = [report.metrics[name].interval for name in names]
    if any(intervals):
        heads.append(f"{100 * report.confidence:g} % interval")
        columns.append(intervals)
    for baseline, values in report.baselines.items():
        heads.append(baseline)
        columns.append([report.written(name, values.get(name)) for name in names])
    at = {who: number for number, who in enumerate(heads)} | {MODEL: 1}
    best = {(row, at[who]) for row, name in enumerate(names) for who in leaders(report, name)}
    caption = "The best figure of each row is in bold." if best else ""
    return PageGrid(heads, list(zip(*columns, strict=True)), range(1, len(heads)), best, caption)


def matrix(report: Report, shown: Collection[tuple[int, int]] = ()) -> dict[str, Any]:
    """The confusion matrix: cells as (count, per cent of colour, where examples are shown), recall and precision."""
    labels, confusion = report.classes.labels, report.classes.confusion
    size = range(len(labels))
    supports = [sum(row) for row in confusion]
    totals = [sum(row[p] for row in confusion) for p in size]
    rows = []
    for t in size:
        colours = [round(70 * n / supports[t]) if supports[t] else 0 for n in confusion[t]]
        leads = [f"cell-{t}-{p}" if (t, p) in shown else "" for p in size]
        cells = [(f"{n:,}", colour, lead) for n, colour, lead in zip(confusion[t], colours, leads, strict=True)]
        rows.append({"label": labels[t], "cells": cells, "recall": _rate(confusion[t][t], supports[t])})
    return {
        "labels": labels,
        "rows": rows,
        "precision": [_rate(confusion[p][p], totals[p]) for p in size],
    }


def pairs_grid(report: Report) -> PageGrid:
    """The pairs of labels that are confused most."""
    labels = report.classes.labels
    pairs = most_confused(report.classes.confusion, MOST_PAIRS)
    cells = [[labels[t], labels[p], f"{n:,}"] for t, p, n in pairs]
    return PageGrid(["truth", "predicted", "count"], cells, [2], caption="The pairs that are confused most.")


def predictions_grid(rows: Sequence[Mapping[str, Any]]) -> PageGrid | None:
    """The first predictions, without what is nested, None for none."""
    heads = [name for name in (rows[0] if rows else ()) if _cell(rows[0][name]) is not None]
    if not heads:
        return None
    cells = [[_cell(row.get(name)) or "" for name in heads] for row in rows[:MOST_ROWS]]
    numbers = [i for i, name in enumerate(heads) if isinstance(rows[0][name], float)]
    return PageGrid([words(name) for name in heads], cells, numbers)


def _cell(value: Any) -> str | None:
    """A value, or several, as a text, None for what is nested."""
    if isinstance(value, list | tuple):
        found = [_cell(one) for one in value] if not any(isinstance(one, list | tuple) for one in value) else [None]
        return None if None in found else " ".join(filter(None, found))[:MOST_CELL]
    if isinstance(value, Mapping):
        return None
    return f"{value:.4g}" if isinstance(value, float) else str("" if value is None else value)[:MOST_CELL]


def _rate(part: int, whole: int) -> str:
    return number(part / whole if whole else None)


def class_grid(report: Report) -> PageGrid | None:
    """A row for each class; None where there are none."""
    cells = [
        [row.label, number(row.precision), number(row.recall), number(row.f1), f"{row.support:,}"]
        for row in report.classes.per_class
    ]
    return PageGrid(["label", "precision", "recall", "f1", "support"], cells, range(1, 5)) if cells else None


def group_grid(report: Report, grouping: Grouping, shown: Sequence[str]) -> dict[str, Any]:
    """Title, table and notes of the examples by group."""
    heads, cells = group_table(report, grouping, shown)
    return {
        "title": f"By {grouping.by}",
        "grid": PageGrid(heads, cells, range(1, len(heads))),
        "notes": group_notes(report, grouping, shown),
    }


def own_grid(table: ReportTable) -> PageGrid:
    """A table of a task's own."""
    numbers = [
        i
        for i in range(len(table.columns))
        if table.rows and all(isinstance(row[i], int | float | None) for row in table.rows)
    ]
    cells = [[free_cell(value) for value in row] for row in table.rows]
    return PageGrid(table.columns, cells, numbers, caption=table.title)


def folds_grid(report: Report) -> PageGrid | None:
    """A row for each fold; None where there are none."""
    if not report.folds:
        return None
    names = shown_metrics(report)
    cells = []
    for fold in report.folds:
        best = UNDEFINED if fold.best_epoch is None else str(fold.best_epoch)
        cells.append(
            [str(fold.fold), f"{fold.examples:,}", best, *(report.written(n, fold.metrics.get(n)) for n in names)]
        )
    heads = ["fold", report.ones, "best epoch", *map(report.title, names)]
    return PageGrid(heads, cells, range(1, len(heads)))
