"""Folds that are parts of one test, scored as a whole: their predictions and those of their rivals together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from rnncli import tasks
from rnncli.metrics.statistics import Statistics
from rnncli.recipe.schema import Recipe
from rnncli.report.build import Report
from rnncli.report.folds import cross_validated
from rnncli.report.numbers import plain
from rnncli.runs.directory import RunDirectory, write_lines
from rnncli.runs.outcome import Outcome, read_rows
from rnncli.runs.score import evaluate
from rnncli.tasks.base import About, Corpus, Rivals, Row

RIVAL = "rival"
"""Under which a row of a rival says whose it is."""


class Pooled(NamedTuple):
    """The predictions of all folds, what rivals make of the same examples, and the corpus with all of these as test."""

    rows: Sequence[Row]
    about: About
    rivals: Mapping[str, Statistics]
    corpus: Corpus


def keep_rivals(run: RunDirectory, split: str, rivals: Rivals) -> None:
    """Write the rows of the rivals of a fold, which are scored when all folds are done."""
    rows = ({RIVAL: name} | dict(row) for name, found in rivals.items() for row in _rows(found))
    write_lines(run.rivals_file(split), rows)


def pool(run: RunDirectory, recipe: Recipe, reports: Sequence[Report]) -> tuple[Report, Pooled]:
    """The folds of a run as one report, and what it was made of.

    Raises RunError for rows that are not there, and DataError as reading the data does.
    """
    corpus = tasks.load(recipe.task).read(recipe)
    whole = cross_validated(reports)
    about = {key: value for key, value in whole.about.items() if all(one.about.get(key) == value for one in reports)}
    rows = Outcome(run.path, recipe, whole, "").rows()
    statistics = tasks.scoring(recipe.task).statistics
    given = _rivals(run, recipe, whole.split)
    rivals = {name: statistics(found, about) for name, found in given.items() if len(found) == len(rows)}
    partly = [name for name in given if name not in rivals]
    evaluation = evaluate(recipe, rows, about)
    details = evaluation.details
    report = replace(
        whole,
        metrics=dict(evaluation.metrics),
        baselines=plain({name: one.values() for name, one in rivals.items()}),
        about=about,
        dropped=plain(corpus.dropped),
        notes=(
            *corpus.notes,
            _counted(reports, len(rows), rivals),
            *([f"left out of the rivals, as not every fit has them: {', '.join(partly)}"] if partly else []),
            *details.notes,
        ),
        tables=tuple(details.tables),
        traces=tuple(details.traces),
        mistakes=tuple(details.mistakes),
    )
    return report, Pooled(rows, about, rivals, corpus)


def _rows(rival: Any) -> Sequence[Row]:
    assert not isinstance(rival, Statistics | Mapping), "rivals of a task whose folds are one test are rows"
    return rival


def _rivals(run: RunDirectory, recipe: Recipe, split: str) -> dict[str, list[Row]]:
    """The rows of each rival, in the order of the folds."""
    found: dict[str, list[Row]] = {}
    if recipe.evaluation.baselines:
        for number in range(recipe.folds):
            for row in read_rows(RunDirectory(run.folds / str(number)).rivals_file(split)):
                found.setdefault(str(row[RIVAL]), []).append(row)
    return found


def _counted(reports: Sequence[Report], rows: int, rivals: Mapping[str, Any]) -> str:
    """How many examples each fold tested, and that nothing was left out."""
    sizes = [report.examples for report in reports]
    assert sum(sizes) == rows, "each fold reports what it tested"
    parts = f"{sizes[0]:,} each" if len(set(sizes)) == 1 else " + ".join(f"{size:,}" for size in sizes)
    also = ", and so by each rival" if rivals else ""
    return f"{len(sizes)} fits ({parts}) make one test of {rows:,} examples, all scored together, none left out{also}"
