"""Go on with a finished run to more epochs, as if it had been begun with so many."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from rnncli.errors import UsageError
from rnncli.recipe.load import dump
from rnncli.recipe.schema import MOST, Recipe
from rnncli.runs import lock
from rnncli.runs.directory import RunDirectory, write_text
from rnncli.runs.recipes import asked_values, read_run_recipe

EPOCHS = "train.epochs"


def parted(assignments: Sequence[str]) -> tuple[int | None, list[str]]:
    """How many epochs ``train.epochs=N`` among some assignments asks for, and the others; UsageError for no number."""
    epochs, others = None, []
    for assignment in assignments:
        key, _, value = (part.strip() for part in assignment.partition("="))
        if key != EPOCHS:
            others.append(assignment)
        elif not (value.isdecimal() and value.isascii() and 1 <= int(value) <= MOST):
            raise UsageError(f"{assignment}: a number of epochs is wanted", f"for example {EPOCHS}=20")
        else:
            epochs = int(value)
    return epochs, others


class Lengthened(NamedTuple):
    """A run that is to go on to more epochs: its recipe, and what it and its folds were before."""

    recipe: Recipe
    before: tuple[tuple[RunDirectory, Recipe, dict[str, Any]], ...]
    epochs: int

    def undo(self) -> None:
        """Let the run be what it was, unless there is a further epoch: it is done then."""
        if sum(len(run.read_metrics()) for run, _, _ in self.before) == self.epochs:
            for run, recipe, record in self.before:
                write_text(run.recipe, dump(recipe))
                run.write_record(**record)


def lengthen(run: RunDirectory, recipe: Recipe, epochs: int) -> Lengthened:
    """Let a run be one of ``epochs`` epochs; its report stays until the new one is there.

    Raises UsageError where training would not be that of a run begun with so many, or has no more to do.
    """
    trainings = list(_trainings(run, recipe))
    _require_free(run.path, recipe, epochs)
    over = [_why_over(one, trained, epochs) for one, trained in trainings]
    if all(over):
        raise UsageError(
            f"{run.path}: {over[0]}",
            f"rnncli run RECIPE --from {run.path} begins a new training with its model, on these data or others",
        )
    changed = [one for one, why in zip(trainings, over, strict=True) if not why and one[0].recipe.is_file()]
    changed += [(run, recipe)] if recipe.folds else []
    before = tuple((one, trained, _record(one)) for one, trained in changed)
    with lock.held(run.path, "run"):
        done = sum(len(one.read_metrics()) for one, _, _ in before)
        for one, trained, record in before:
            # First that the report is not the last word: a kill behind it changes nothing else.
            asked = {key: value for key, value in record["asked"].items() if key != EPOCHS}
            one.write_record(lengthened=True, asked=asked)
            write_text(one.recipe, dump(trained.having({EPOCHS: epochs})))
    return Lengthened(read_run_recipe(run.recipe), before, done)


def _record(run: RunDirectory) -> dict[str, Any]:
    """What of the record is written when a run is lengthened."""
    return {"asked": asked_values(run), "lengthened": bool(run.read_record().get("lengthened"))}


def _require_free(path: Path, recipe: Recipe, epochs: int) -> None:
    """UsageError where each step of training hangs on how many epochs there will be."""
    if key := recipe.train.bound_to_epochs:
        value = getattr(recipe.train, key.removeprefix("train."))
        raise UsageError(
            f"{path}: each step hangs on how many epochs there will be ({key}={value}), so that a run of {epochs} "
            "differs from its first step on",
            f"train anew with {EPOCHS}={epochs}, or go on from its model: rnncli run RECIPE --from {path}; a run with "
            "train.schedule=constant can be lengthened",
        )


def _trainings(run: RunDirectory, recipe: Recipe) -> Iterator[tuple[RunDirectory, Recipe]]:
    """The run itself, or its folds."""
    if not recipe.folds:
        yield run, recipe
    for number in range(recipe.folds):
        fold = RunDirectory(run.folds / str(number))
        yield fold, read_run_recipe(fold.recipe) if fold.recipe.is_file() else recipe.of_fold(number)


def _why_over(run: RunDirectory, recipe: Recipe, epochs: int) -> str:
    """Why a training of ``epochs`` has no more to do than was done; empty where it has."""
    asked, rows = recipe.train.extent, run.read_metrics()
    done = max((row["epoch"] for row in rows), default=0)
    if done >= epochs:
        return f"{EPOCHS}={epochs}: it has {done} epochs already"
    best = max((row["epoch"] for row in rows if row.get("best")), default=0)
    if asked.patience and done - best >= asked.patience:
        return (
            f"it stopped after {done} epochs, as none was better for {asked.patience} (train.patience), and would with "
            f"{EPOCHS}={epochs}"
        )
    return ""
