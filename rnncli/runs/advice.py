"""The verdict on a run, gathered from its recipe, its data, its history and its test examples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from rnncli import tasks
from rnncli.metrics.metric import Metric
from rnncli.metrics.paired import Parts
from rnncli.metrics.statistics import Statistics
from rnncli.recipe.schema import Recipe
from rnncli.report import advice
from rnncli.report.build import Advice, Report
from rnncli.report.rivals import main_metric
from rnncli.runs.pooled import Pooled
from rnncli.runs.recipes import flat
from rnncli.runs.score import ScoredRivals
from rnncli.tasks.base import About, Advising, Corpus, Row


class TrainingHistory(NamedTuple):
    """How training went: what it watched, and the lines of ``metrics.jsonl``."""

    watch: Metric
    history: Sequence[Mapping[str, Any]]


def scored(report: Report, recipe: Recipe) -> Report:
    """The report with what its figures alone say of a model."""
    return _with(report, *_of_figures(report, recipe, main_metric(report)))


def of_run(
    report: Report,
    recipe: Recipe,
    corpus: Corpus,
    trained: TrainingHistory,
    rows: Sequence[Row],
    about: About,
    rivals: ScoredRivals,
) -> Report:
    """The report of a run with its verdict; ``rows`` are its predictions, ``rivals`` what others made of the same."""
    metric = main_metric(report, trained.watch.name)
    sizes = {name: len(part) for name, part in corpus.parts.items()}
    task = tasks.load(recipe.task)
    found = [*task.findings(corpus)] if isinstance(task, Advising) else []
    found += _of_figures(report, recipe, metric)
    found += advice.findings(_of_training(recipe, [trained]))
    if metric:
        found += advice.findings(advice.of_dev(report, metric, _of_best(report, trained, metric), sizes))
        match = advice.match_of_examples(report, metric, *_parts(recipe, metric, rows, about, rivals))
        if match:
            split = _split(recipe)
            found += advice.findings(advice.of_match(report, match), advice.of_size(report, match, split, sizes))
    return _with(report, *found)


def of_folds(
    report: Report,
    recipe: Recipe,
    folds: Sequence[Report],
    trained: Sequence[TrainingHistory],
    pooled: Pooled | None = None,
) -> Report:
    """The report of a cross-validation with its verdict; what all ``folds`` say holds of the whole.

    ``pooled`` are the predictions of folds that are parts of one test, which are then held against each other.
    """
    metric = main_metric(report, trained[0].watch.name)
    found = list(advice.findings(_of_training(recipe, trained)))
    found += _of_figures(report, recipe, metric if pooled else "")
    if pooled:
        rows, about, rivals, corpus = pooled
        task = tasks.load(recipe.task)
        found += [*task.findings(corpus)] if isinstance(task, Advising) else []
        match = advice.match_of_examples(report, metric, *_parts(recipe, metric, rows, about, rivals))
        return _with(report, *found, *advice.findings(match and advice.of_match(report, match)))
    if metric and (match := advice.match_of_folds(report, metric)):
        found.append(advice.of_match(report, match))
    # What all folds say of themselves may be said of the whole already: in 3 of 3 folds ...
    own = advice.written(found)
    common = [line for line in folds[0].advice if all(line in fold.advice for fold in folds)]
    lines = dict.fromkeys((*own, *(line for line in common if not any(one.endswith(line) for one in own))))
    return replace(report, advice=tuple(lines)[: advice.MOST])


def _of_training(recipe: Recipe, trained: Sequence[TrainingHistory]) -> Advice | None:
    histories, epochs = [one.history for one in trained], recipe.train.extent.epochs
    return advice.of_training(histories, trained[0].watch, epochs, goes_on=not recipe.train.bound_to_epochs)


def _with(report: Report, *found: Advice) -> Report:
    return replace(report, advice=advice.written(found))


def _of_figures(report: Report, recipe: Recipe, metric: str) -> list[Advice]:
    """What the figures say without rivals and without history."""
    classes = advice.of_classes(report, flat(recipe.model_dump(mode="json")))
    width = advice.of_width(report, metric, _split(recipe)) if metric else None
    return list(advice.findings(classes, width))


def _split(recipe: Recipe) -> dict[str, Any]:
    """The keys that say how the parts were cut."""
    return recipe.data.model_dump() | recipe.evaluation.model_dump()


def _of_best(report: Report, trained: TrainingHistory, metric: str) -> float | None:
    """The metric of dev in the best epoch."""
    best = report.training.best_epoch
    rows = [row for row in trained.history if row.get("epoch") == best]
    return rows[0]["metrics"].get(metric) if rows else None


def _parts(
    recipe: Recipe, metric: str, rows: Sequence[Row], about: About, rivals: ScoredRivals
) -> tuple[Parts | None, dict[str, Parts]]:
    """What each test example adds to the metric: of the model, and of each rival of which that is known."""
    known = {name: one.parts([metric]).get(metric) for name, one in rivals.items() if isinstance(one, Statistics)}
    theirs = {name: parts for name, parts in known.items() if parts is not None}
    if not theirs:
        return None, {}
    return tasks.scoring(recipe.task).statistics(rows, about).parts([metric]).get(metric), theirs
