"""The metrics of a run by groups of its examples: by a column of the data, by length, by source."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import PurePath
from typing import Any

import numpy as np

from rnncli import tasks
from rnncli.errors import RecipeError
from rnncli.metrics.groups import FEWEST, gap, length_group
from rnncli.metrics.statistics import Statistics
from rnncli.recipe.schema import Recipe
from rnncli.report.build import Estimate, Gap, Group, Grouping
from rnncli.report.numbers import plain
from rnncli.tasks.base import About, Columned, Examples, Row

LENGTH, SOURCE = "length", "source"
ASKED = "evaluation.groups"
EXAMPLE = "example"
"""Under which a row keeps the number of its example where it is not that of the row."""
KEY = "groups"
"""Under which a saved prediction keeps the groups that its example belongs to."""
MOST, OTHER, NONE = 50, "(other)", "(none)"


def require_groups(recipe: Recipe, part: Any) -> None:
    """Raise RecipeError or DataError, before anything is learnt, where a group asked for cannot be had of ``part``."""
    for name in recipe.evaluation.groups:
        if name in (LENGTH, SOURCE):
            continue
        if not isinstance(part, Columned):
            raise RecipeError(f"{ASKED}: there are no columns to group by {name}", f"there are {LENGTH} and {SOURCE}")
        part.column(name, ASKED)


def mark(names: Sequence[str], rows: Sequence[Row], part: Any, examples: Examples) -> list[dict[str, Any]]:
    """The predictions with the groups that each belongs to; :data:`EXAMPLE` says of which example a row is a part."""
    if not names:
        return [dict(row) for row in rows]
    columns = {name: _column(name, part, examples) for name in names}
    ats = [row.get(EXAMPLE, i) for i, row in enumerate(rows)]
    return [dict(row) | {KEY: {name: columns[name][at] for name in names}} for at, row in zip(ats, rows, strict=True)]


def by_group(recipe: Recipe, rows: Sequence[Row], about: About) -> tuple[Grouping, ...]:
    """Each metric by each of the groups that the recipe asks for; ``rows`` are marked predictions."""
    if not recipe.evaluation.groups or not rows:
        return ()
    statistics = tasks.scoring(recipe.task).statistics(rows, about)
    return tuple(_grouping(name, rows, statistics, recipe) for name in recipe.evaluation.groups)


def _grouping(name: str, rows: Sequence[Row], statistics: Statistics, recipe: Recipe) -> Grouping:
    settings, declared = recipe.evaluation, tasks.metrics(recipe.task)
    asked = {"confidence": settings.confidence, "resamples": settings.resamples, "seed": recipe.seed}
    group_N = _largest([str(row[KEY][name]) or NONE for row in rows])
    groups = []
    for group in sorted(set(group_N), key=_natural):
        at_N = np.flatnonzero(np.array(group_N) == group)
        found = statistics.take(at_N)
        values, intervals = found.values(), found.intervals(**asked)
        metrics = {
            metric: Estimate.of(declared[metric], value, *intervals.get(metric, ())) for metric, value in values.items()
        }
        groups.append(Group(group, len(at_N), len(at_N) < FEWEST, metrics))
    gaps = {}
    for metric, parts in statistics.parts().items():
        if found := gap(declared[metric], parts, group_N, **asked):
            gaps[metric] = Gap(**plain(asdict(found)))
    return Grouping(name, tuple(groups), gaps)


def _column(name: str, part: Any, examples: Examples) -> Sequence[str]:
    if name == LENGTH:
        return [length_group(int(length)) for length in examples.lengths]
    if name == SOURCE:
        return [_source(examples.place(i)) for i in range(len(examples))]
    assert isinstance(part, Columned)
    return list(part.column(name, ASKED))


def _source(place: str) -> str:
    """The file of a row, or the folder of a file that is an example."""
    file, _, line = place.rpartition(":")
    return file if file and line.isdigit() else str(PurePath(place).parent)


def _largest(group_N: Sequence[str]) -> list[str]:
    """The groups, those beyond the largest as one."""
    names, counts = np.unique(np.array(group_N), return_counts=True)
    kept = {str(names[i]) for i in np.argsort(-counts, kind="stable")[:MOST]}
    return [name if name in kept else OTHER for name in group_N]


def _natural(text: str) -> list[tuple[int, int | str]]:
    """An order in which 5-9 comes before 10-19."""
    return [(0, int(piece)) if piece.isdigit() else (1, piece) for piece in re.split(r"(\d+)", text) if piece]
