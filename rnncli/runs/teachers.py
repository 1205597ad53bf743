"""What teachers say of a run's examples: asked once, before training, and kept in the run as plain arrays."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from rnncli import tasks
from rnncli.errors import DataError, RecipeError, RunError, UserError
from rnncli.recipe.schema import DistilSection, Recipe
from rnncli.report.rivals import TEACHERS
from rnncli.runs import use
from rnncli.runs.directory import RunDirectory, make_folder
from rnncli.runs.outcome import find_runs, read_rows
from rnncli.runs.predicting import given
from rnncli.runs.recipes import read_run_recipe
from rnncli.tasks.base import Corpus, Examples, Fitted
from rnncli.tasks.predictors import Missing
from rnncli.tasks.teaching import SoftTargets, Teachable, Teaching, in_order, joined, mean
from rnncli.train.loop import evaluation_batches
from rnncli.train.taught import TaughtBatch, TaughtExamples

FOLDER, TRAIN, TEST = "teachers", "train.npz", "test.npz"
ROWS = (".jsonl", ".ndjson")


class TaughtTraining(NamedTuple):
    """Examples of training with what teachers say of them, the loss of their batches, and what is to be said."""

    examples: TaughtExamples
    loss: Callable[[Any, Any], Tensor]
    notes: tuple[str, ...]


def section(recipe: Recipe) -> DistilSection:
    """What a recipe says of teachers, nothing where its task cannot be taught."""
    return getattr(recipe, "distil", DistilSection())


def taught(
    run: RunDirectory | None, recipe: Recipe, fitted: Fitted[Any], train: Examples, corpus: Corpus
) -> TaughtTraining:
    """What a run that has teachers is trained on; they are asked where the run has not kept what they say.

    ``run`` None keeps nothing. Raises UserError for teachers of no use.
    """
    assert isinstance(fitted, Teachable)
    asked = section(recipe)
    further = _unlabelled(asked, recipe, fitted)
    parts = [train.part, *([] if further is None else [further])]  # pyright: ignore[reportAttributeAccessIssue]
    kept = None if run is None else run.path / FOLDER
    if kept is not None and (kept / TRAIN).exists():
        said, notes = SoftTargets.load(kept / TRAIN), ()
    else:
        said, notes = _ask(asked, recipe, fitted, parts, corpus, kept)
    encoded = None if further is None else fitted.encode(further)
    examples = TaughtExamples(train, encoded, said)
    if len(said) != len(train) + (0 if encoded is None else len(encoded)):
        raise RunError(
            f"teachers were asked of {len(said):,} examples, and there are {len(examples.lengths):,} now",
            f"data or {asked.unlabelled or 'recipe'} have changed since: train anew",
        )
    return TaughtTraining(examples, partial(_loss, fitted, asked), notes)


def rival(run: RunDirectory, fitted: Fitted[Any], part: Any, split: str) -> dict[str, Any]:
    """What the teachers reach on the test part, by their name, where they were asked of it."""
    path = run.path / FOLDER / TEST
    if split != "test" or not path.exists():
        return {}
    assert isinstance(fitted, Teachable)
    return {TEACHERS: fitted.of_soft_targets(part, fitted.encode(part), SoftTargets.load(path))}


def _loss(fitted: Teachable, asked: DistilSection, model: Any, batch: TaughtBatch) -> Tensor:
    return fitted.taught_loss(
        model, batch.own, Teaching(batch.said_BTK, asked.weight, asked.temperature, batch.labelled)
    )


def _unlabelled(asked: DistilSection, recipe: Recipe, fitted: Fitted[Any]) -> Any:
    """The part of examples without labels, None where there are none; they are read as ``predict`` reads them."""
    if not asked.unlabelled:
        return None
    assert isinstance(fitted, Teachable)
    task = tasks.load(recipe.task)
    predictor = task.predictor(fitted, fitted.build(), torch.device("cpu"))
    chunks = given(predictor, [asked.unlabelled], None).chunks
    found = [one for chunk in chunks for one in chunk if not isinstance(one, Missing)]
    if not found:
        raise DataError(f"{asked.unlabelled}: holds no examples", "name a file of some")
    return fitted.unlabelled(Path(asked.unlabelled).name, found)


def _ask(
    asked: DistilSection,
    recipe: Recipe,
    fitted: Teachable,
    parts: Sequence[Any],
    corpus: Corpus,
    kept: Path | None,
) -> tuple[SoftTargets, tuple[str, ...]]:
    """The mean of what all teachers say of the training parts; of the test part it is kept as well."""
    teachers = [one for place in asked.teachers for one in _teachers(place, recipe, fitted)]
    said = mean([joined([teacher.say(part, k == 0) for k, part in enumerate(parts)]) for teacher in teachers])
    test = corpus.parts.get("test")
    if kept is not None:
        make_folder(kept)
        if test is not None and all(isinstance(one, _Run) for one in teachers):
            mean([teacher.say(test, False) for teacher in teachers]).save(kept / TEST)
        said.save(kept / TRAIN)
    return said, tuple(_notes(asked, teachers, parts, test))


@dataclass(frozen=True)
class _Run:
    """A run that teaches those whose outcomes are ``ours``."""

    path: Path
    trained: use.Trained
    fitted: Teachable
    ours: tuple[str, ...]

    @classmethod
    def at(cls, path: Path, recipe: Recipe, fitted: Teachable) -> _Run:
        trained = use.load(path)
        if trained.recipe.task != recipe.task:
            raise RecipeError(f"{path}: a run of task {trained.recipe.task} cannot teach {recipe.task}")
        assert isinstance(trained.fitted, Teachable)
        theirs, ours = {*trained.fitted.outcomes}, {*fitted.outcomes}
        if len(theirs ^ ours) > fitted.few_apart * len(theirs | ours):
            only = [f"{', '.join(sorted(some)[:8])} only {whose}" for some, whose in _apart(theirs, ours) if some]
            raise DataError(
                f"{path}: teacher and data have not the same labels: {'; '.join(only)}",
                "name teachers that were trained on these labels",
            )
        return cls(path, trained, trained.fitted, fitted.outcomes)

    def say(self, part: Any, learnt: bool) -> SoftTargets:
        """What it says of the examples of a part, of which it may have ``learnt``."""
        trained = self.trained
        try:
            examples = self.fitted.encode_to_teach(part) if learnt else trained.fitted.encode(part)
        except UserError as error:
            raise type(error)(f"{self.path}, which is to teach: {error.message}", error.hint) from error
        batches = evaluation_batches(examples, trained.recipe.train, trained.placement.device)
        with torch.no_grad(), trained.placement.autocast():
            said = self.fitted.soft_targets(trained.model, examples, batches)
        return in_order(said, self.fitted.outcomes, self.ours)

    def unseen(self) -> set[str]:
        """Where the examples stand that it was tested on."""
        file = self.trained.run.prediction_file("test")
        return {row["place"] for row in read_rows(file)} if file.exists() else set()


def _apart(theirs: set[str], ours: set[str]) -> tuple[tuple[set[str], str], ...]:
    return (theirs - ours, "the teacher has"), (ours - theirs, "the data have")


@dataclass(frozen=True)
class _Rows:
    """Rows of another program: probabilities by label, one row an example."""

    path: Path
    fitted: Teachable
    said: dict[str, np.ndarray]

    @classmethod
    def at(cls, path: Path, fitted: Teachable) -> _Rows:
        found: dict[str, list[np.ndarray]] = {}
        for number, row in enumerate(_rows(path), start=1):
            place = f"{path}:{number}"
            key, said_TK = fitted.row_of(row if isinstance(row, dict) else {}, place)
            if key in found and found[key][0].shape != said_TK.shape:
                raise DataError(f"{place}: not as many probabilities as in another row of the same example")
            found.setdefault(key, []).append(said_TK)
        return cls(path, fitted, {key: np.mean(several, axis=0) for key, several in found.items()})

    def say(self, part: Any, learnt: bool) -> SoftTargets:
        """What it says of each example; DataError where it says nothing of one."""
        del learnt
        keys = list(self.fitted.keys(part))
        if lacking := [i for i, key in enumerate(keys) if key not in self.said]:
            first = f"the first: {part.place(lacking[0])}"
            raise DataError(
                f"{self.path}: says nothing of {len(lacking):,} of {len(keys):,} examples, {first}",
                "a row is wanted for each example that is learnt from",
            )
        return SoftTargets.of([self.said[key] for key in keys])


def _teachers(place: str, recipe: Recipe, fitted: Teachable) -> Iterator[_Run | _Rows]:
    """The teacher at a place, or those in a folder of runs; of a run of the same folds that which lacks this fold."""
    if Path(place).suffix.lower() in ROWS:
        yield _Rows.at(Path(place), fitted)
        return
    for path in find_runs([place]):
        begun = read_run_recipe(RunDirectory(path).recipe)
        folds, fold = begun.folds, recipe.data.fold
        if folds and folds == recipe.data.folds and fold is not None:
            path = path / "folds" / str(fold)
        yield _Run.at(path, recipe, fitted)


def _rows(path: Path) -> Iterator[Any]:
    try:
        with path.open(encoding="utf-8") as lines:
            yield from (json.loads(line) for line in lines if line.strip())
    except FileNotFoundError:
        raise DataError(f"{path}: there is no such file", "name a run, or a .jsonl file of probabilities") from None
    except (OSError, ValueError, RecursionError) as error:
        raise DataError(f"{path}: cannot be read: {error}", "one JSON object a line is wanted") from error


def _notes(asked: DistilSection, teachers: Sequence[_Run | _Rows], parts: Sequence[Any], test: Any) -> Iterator[str]:
    """Who teaches, how much they count, and which of them may know the test part."""
    names = ", ".join(teacher.path.name for teacher in teachers[:4]) + (", ..." if len(teachers) > 4 else "")
    who = f"{names}" if len(teachers) == 1 else f"the mean of {len(teachers)} teachers, {names}"
    further = f" and alone label {len(parts[1]):,} more" if len(parts) > 1 else ""
    yield (
        f"taught by {who}: they count for {asked.weight:.0%} at temperature {asked.temperature:g} "
        f"(distil.weight, distil.temperature){further}"
    )
    if test is None:
        return
    places = {test.place(i) for i in range(len(test))}
    for teacher in teachers:
        if isinstance(teacher, _Run) and (lacking := len(places - teacher.unseen())):
            yield (
                f"{teacher.path} was not tested on {lacking:,} of the {len(places):,} test examples: if it has learnt "
                "from them, what is reported here is too good; give all runs one test part (data.test, or one seed)"
            )
