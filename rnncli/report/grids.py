"""The tables of a page."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from rnncli.report.build import Grouping, Report, Table
from rnncli.report.figures import UNDEFINED, figure, interval, percent, words
from rnncli.report.groups import group_notes, group_table
from rnncli.report.matrix import most_confused
from rnncli.report.render import free_figure, metric_words, shown_metrics

MOST_PAIRS = 20
"""Of those that are confused most, where a matrix is too large."""


@dataclass(frozen=True)
class Grid:
    """A table: ``numbers`` are the columns on the right, ``best`` the cells (row, column) in bold."""

    heads: Sequence[str]
    rows: Sequence[Sequence[str]]
    numbers: Collection[int] = ()
    best: Collection[tuple[int, int]] = ()
    caption: str = ""


def metrics_grid(report: Report, names: Sequence[str]) -> Grid:
    """The metrics ``names`` with intervals and baselines."""
    heads = ["", "mean" if report.folds else "model"]
    columns = [
        [metric_words(name, report) for name in names],
        [figure(name, report.metrics[name].value) for name in names],
    ]
    if report.folds:
        heads.append("deviation")
        columns.append([figure(name, report.metrics[name].deviation) for name in names])
    intervals = [interval(name, report.metrics[name].low, report.metrics[name].high) for name in names]
    if any(intervals):
        heads.append(f"{100 * report.confidence:g} % interval")
        columns.append(intervals)
    for baseline, values in report.baselines.items():
        heads.append(baseline)
        columns.append([figure(name, values.get(name)) for name in names])
    return Grid(heads, list(zip(*columns, strict=True)), range(1, len(heads)))


def matrix(report: Report) -> dict[str, Any]:
    """The confusion matrix: cells as (count, per cent of colour), recall and precision."""
    size = range(len(report.labels))
    supports = [sum(row) for row in report.confusion]
    totals = [sum(row[p] for row in report.confusion) for p in size]
    rows = []
    for t in size:
        cells = [(f"{n:,}", round(70 * n / supports[t]) if supports[t] else 0) for n in report.confusion[t]]
        rows.append({"label": report.labels[t], "cells": cells, "recall": _rate(report.confusion[t][t], supports[t])})
    return {
        "labels": report.labels,
        "rows": rows,
        "precision": [_rate(report.confusion[p][p], totals[p]) for p in size],
    }


def pairs_grid(report: Report) -> Grid:
    """The pairs of labels that are confused most."""
    labels = report.labels
    cells = [[labels[t], labels[p], f"{n:,}"] for t, p, n in most_confused(report.confusion, MOST_PAIRS)]
    return Grid(["truth", "predicted", "count"], cells, [2], caption="The pairs that are confused most.")


def _rate(part: int, whole: int) -> str:
    return percent(part / whole if whole else None)


def class_grid(report: Report) -> Grid | None:
    """A row for each class; None where there are none."""
    cells = [
        [row.label, percent(row.precision), percent(row.recall), percent(row.f1), f"{row.support:,}"]
        for row in report.per_class
    ]
    return Grid(["label", "precision", "recall", "f1", "support"], cells, range(1, 5)) if cells else None


def group_grid(report: Report, grouping: Grouping, shown: Sequence[str]) -> dict[str, Any]:
    """Title, table and notes of the examples by group."""
    heads, cells = group_table(report, grouping, shown)
    return {
        "title": f"By {grouping.by}",
        "grid": Grid(heads, cells, range(1, len(heads))),
        "notes": group_notes(grouping, shown, report.confidence),
    }


def own_grid(table: Table) -> Grid:
    """A table of a task's own."""
    numbers = [
        i
        for i in range(len(table.columns))
        if table.rows and all(isinstance(row[i], int | float | None) for row in table.rows)
    ]
    cells = [[free_figure(value) for value in row] for row in table.rows]
    return Grid(table.columns, cells, numbers, caption=table.title)


def folds_grid(report: Report) -> Grid | None:
    """A row for each fold; None where there are none."""
    if not report.folds:
        return None
    names = shown_metrics(report)
    cells = []
    for fold in report.folds:
        best = UNDEFINED if fold.best_epoch is None else str(fold.best_epoch)
        cells.append([str(fold.fold), f"{fold.examples:,}", best, *(figure(n, fold.metrics.get(n)) for n in names)])
    heads = ["fold", "examples", "best epoch", *map(words, names)]
    return Grid(heads, cells, range(1, len(heads)))
