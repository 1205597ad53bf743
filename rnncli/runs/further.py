"""Begin a training with what another run has learnt: its best model, its vocabulary, its labels."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

from torch import Tensor, nn

from rnncli import tasks
from rnncli.errors import RecipeError, RunError, UsageError
from rnncli.recipe.schema import Recipe
from rnncli.runs.directory import RunDirectory
from rnncli.runs.recipes import read_run_recipe, run_to_use
from rnncli.tasks.base import Axes, Corpus, FitsFurther, Fitted, NamesRows, Task
from rnncli.train import checkpoint
from rnncli.train.begun import brought_over


class StartingPoint(NamedTuple):
    """What a training begins with: the run, what it was fitted to, the weights of its best epoch."""

    path: Path
    fitted: Fitted[Any]
    weights: dict[str, Tensor]
    epoch: int


def starting_point(recipe: Recipe) -> StartingPoint | None:
    """What ``train.from_run`` of a recipe names, None where it names nothing; raises RunError."""
    if not recipe.train.from_run:
        return None
    run = RunDirectory.open(Path(recipe.train.from_run))
    begun = read_run_recipe(run.recipe)
    if begun.folds:
        raise RunError(f"{run.path} has a model for each of its folds", f"name one of them: {run_to_use(run, begun)}")
    best = checkpoint.load(run.best, holds={"epoch": int})
    fitted = tasks.load(begun.task).load(begun, run.vocabulary)
    return StartingPoint(run.path, fitted, best.model, best.meta["epoch"])


def fit(task: Task, recipe: Recipe, corpus: Corpus, begun: StartingPoint | None) -> Fitted[Any]:
    """Fit to a corpus, as an extension of what a training begins with, if anything."""
    if begun is None:
        return task.fit(recipe, corpus)
    if not isinstance(task, FitsFurther):
        raise UsageError(f"task {recipe.task} cannot begin with a run", "leave --from (train.from_run) away")
    fitted = task.fit_further(recipe, corpus, begun.fitted)
    fitted.notes = (f"training begins with the best model of {begun.path} (epoch {begun.epoch})", *fitted.notes)
    return fitted


def begin_with(model: nn.Module, fitted: Fitted[Any], begun: StartingPoint) -> None:
    """Put the weights of ``begun`` into a new model; raises RecipeError for a model of other layers."""
    try:
        model.load_state_dict(
            brought_over(model.state_dict(), begun.weights, named_axes(fitted), named_axes(begun.fitted))
        )
    except ValueError as error:
        raise RecipeError(
            f"{begun.path} has a model that the recipe's cannot begin with: {error}",
            f"give the recipe the model of the run: rnncli run {begun.path}/recipe.yaml shows it",
        ) from error


def named_axes(fitted: Fitted[Any]) -> Axes:
    """What places of the weights stand for, as the task tells."""
    return fitted.axes() if isinstance(fitted, NamesRows) else {}
