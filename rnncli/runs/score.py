"""Score a model on a part of its data: predictions, the metrics they come to, everything that a report says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple, cast

import torch
from torch import nn

from rnncli import tasks
from rnncli.core.device import Placement
from rnncli.metrics.metric import Metric
from rnncli.metrics.statistics import Statistics
from rnncli.recipe.schema import Recipe
from rnncli.report.build import Estimate, Evaluation, Report, TrainingSummary, build_report
from rnncli.runs.groups import by_group, mark
from rnncli.runs.model import summarise
from rnncli.runs.worst import with_amounts
from rnncli.tasks.base import About, Corpus, Examples, Fitted, Metrics, Rivals, Row
from rnncli.train.loop import evaluation_batches

ScoredRivals = Mapping[str, Metrics | Statistics]
"""By name what simple rivals reach: metrics, or statistics of their predictions in the order of the examples."""


class Model(NamedTuple):
    """A trained model, in evaluation mode where it lies, and what belongs to it."""

    recipe: Recipe
    fitted: Fitted[Any]
    module: nn.Module
    placement: Placement


def predictions(model: Model, part: Any, examples: Examples) -> list[dict[str, Any]]:
    """The rows of a part, with the groups that the recipe asks for, the worst with what they hang on."""
    batches = evaluation_batches(examples, model.recipe.train, model.placement.device)
    with torch.no_grad(), model.placement.autocast():
        rows = list(model.fitted.predictions(model.module, part, examples, batches))
    return mark(model.recipe.evaluation.groups, with_amounts(rows, *model), part, examples)


def report(
    model: Model,
    corpus: Corpus,
    split: str,
    rows: Sequence[Row],
    training: TrainingSummary,
    *,
    rivals: ScoredRivals | None = None,
    notes: Sequence[str] = (),
) -> Report:
    """What the ``rows`` of a part come to beside what rivals reach; ``notes`` are further ones."""
    recipe, about = model.recipe, model.fitted.about
    found = build_report(
        task=recipe.task,
        recipe=recipe.name,
        split=split,
        evaluation=evaluate(recipe, rows, about),
        dropped=dict(corpus.dropped),
        notes=(*corpus.notes, *model.fitted.notes, *notes),
        baselines={name: _values(rival) for name, rival in (rivals or {}).items()},
        model=summarise(recipe, model.module),
        training=training,
    )
    return replace(found, groups=by_group(recipe, rows, about))


def scored(recipe: Recipe, rivals: Rivals, about: About) -> ScoredRivals:
    """What rivals reach, those that are rows scored as the model is."""
    statistics = tasks.scoring(recipe.task).statistics
    return {
        name: one if isinstance(one, Statistics | dict) else statistics(cast("Sequence[Row]", one), about)
        for name, one in rivals.items()
    }


def _values(rival: Metrics | Statistics) -> Metrics:
    return rival.values() if isinstance(rival, Statistics) else rival


def evaluate(recipe: Recipe, rows: Sequence[Row], about: About) -> Evaluation:
    """The metrics of the rows with their intervals, and what else the task says of them."""
    settings, scoring = recipe.evaluation, tasks.scoring(recipe.task)
    statistics = scoring.statistics(rows, about)
    details = scoring.details(rows, about, settings, recipe.seed)
    declared = tasks.metrics(recipe.task) | dict(details.metrics)
    values = statistics.values()
    assert values.keys() <= declared.keys(), f"nobody declared {', '.join(values.keys() - declared.keys())}"
    options = {"resamples": settings.resamples, "confidence": settings.confidence, "seed": recipe.seed}
    intervals = statistics.intervals(**options)
    order = sorted(values, key=list(declared).index)
    metrics = {name: _estimate(declared[name], values[name], intervals.get(name)) for name in order}
    return Evaluation(len(rows), metrics, details, about, settings.confidence)


def _estimate(metric: Metric, value: float, ends: tuple[float, float] | None) -> Estimate:
    return Estimate.of(metric, value, *(ends or ()))
