"""Use a finished run: load its best model, score further data."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

import torch

from rnncli import tasks
from rnncli.core import device
from rnncli.core.device import Placement
from rnncli.data.regular import require_regular
from rnncli.data.tables.sheet import ColumnsAsked
from rnncli.errors import RunError, UsageError
from rnncli.recipe.schema import Recipe
from rnncli.report.build import Report, TrainingSummary
from rnncli.report.numbers import number, words
from rnncli.runs import advice
from rnncli.runs.directory import RunDirectory
from rnncli.runs.groups import require_groups
from rnncli.runs.listing import FINISHED, RUNNING, facts
from rnncli.runs.model import build, in_eight_bits, place
from rnncli.runs.outcome import runs_under
from rnncli.runs.recipes import asked_recipe, finding, read_run_recipe, run_to_use, with_places
from rnncli.runs.score import Model, predictions, report
from rnncli.tasks.base import Corpus, Fitted, Row, ScoresSteps
from rnncli.tasks.predictors import Predictor
from rnncli.train import checkpoint
from rnncli.train.loop import evaluation_batches

MOST_LISTED = 12
"""Runs of a folder that are listed where one is wanted."""


@dataclass(frozen=True)
class Trained:
    """The best model of a run, in evaluation mode on its device, and what belongs to it."""

    run: RunDirectory
    recipe: Recipe
    fitted: Fitted[Any]
    model: torch.nn.Module
    placement: Placement
    meta: dict[str, Any]


def load(path: Path, *, exact: bool = False) -> Trained:
    """Load the best model of the run at ``path``; raises RunError.

    Cores whose weights are stored in eight bits also multiply in these where they can, unless it is to be ``exact``.
    """
    run = RunDirectory.open(path)
    if run.folds.is_dir():
        recipe = read_run_recipe(run.recipe)
        one = run_to_use(run, recipe) if recipe.folds else min(run.folds.iterdir(), default=run.folds)
        raise RunError(f"{path} has a model for each of its folds", f"name one of them: {one}")
    # Further files are read as this run was asked to read its own: their columns may have other names.
    recipe = asked_recipe(run, "data.")
    placement = _placement(recipe)
    best = checkpoint.load(run.best, holds={"epoch": int})
    fitted = tasks.load(recipe.task).load(recipe, run.vocabulary)
    model = build(fitted, placement)
    checkpoint.load_weights(model, best, run.best)
    if not exact and any(one.form == "int8" for one in best.rounded.values()):
        in_eight_bits(model)
    run = RunDirectory(run.path.absolute())  # found also when the program has gone elsewhere
    return Trained(run, recipe, fitted, model.eval(), placement, best.meta)


def evaluate(path: Path, *, data: Path | None = None, split: str = "test", places: Sequence[str] = ()) -> Report:
    """Score the best model of the run at ``path`` on ``split`` of its own data, or on the labelled file ``data``.

    ``places`` say where its own data are now, as ``data.root=DIR``.
    """
    return score(_loaded(path, data, places), data=data, split=split)


def score(trained: Trained, *, data: Path | None = None, split: str = "test") -> Report:
    """Score a loaded model as :func:`evaluate` does."""
    model, corpus = corpus_with(trained, data, split)
    rows = predictions(model, corpus.parts[split], model.fitted.encode(corpus.parts[split]))
    found = report(model, corpus, split if data is None else str(data), rows, _training_summary(trained))
    return advice.scored(found, trained.recipe)


def step_scores(
    path: Path, *, data: Path | None = None, split: str = "test", places: Sequence[str] = ()
) -> Iterator[Row]:
    """What each step costs of what :func:`evaluate` scores; UsageError for a run of a task that does not tell."""
    found = _loaded(path, data, places)
    if not isinstance(found.fitted, ScoresSteps):
        what = f"{path}: a run of task {found.recipe.task}, which scores examples as a whole"
        raise UsageError(what, "leave --score away; the run keeps what it predicted in predictions/")
    model, corpus = corpus_with(found, data, split)
    part = corpus.parts[split]
    examples = model.fitted.encode(part)
    batches = evaluation_batches(examples, model.recipe.train, model.placement.device)
    with torch.no_grad(), model.placement.autocast():
        yield from found.fitted.scores(model.module, part, examples, batches)


def split_of(trained: Trained, split: str, places: Sequence[str] = ()) -> Any:
    """A split of the run's own data, which lie at ``places`` now; raises UserError."""
    _, corpus = corpus_with(replace(trained, recipe=with_places(trained.recipe, places)), None, split)
    return corpus.parts[split]


def finished(path: Path, command: str) -> Trained:
    """The best model of the finished run at ``path``; RunError, for a folder with what ``command`` takes of it."""
    require_run(path, command)
    trained = load(path, exact=True)
    if (state := facts(path).state) != FINISHED:
        again = "wait until it is done" if state == RUNNING else f"go on with: rnncli run --resume {path}"
        raise RunError(f"{path}: not finished ({state}), so its best model is not known yet", again)
    return trained


def corpus_with(
    trained: Trained, data: Path | None, split: str, command: str = "evaluate {}, or --data FILE for another file"
) -> tuple[Model, Corpus]:
    """The model, and a corpus with the part ``split``: its own, or the labelled file ``data``.

    ``command`` is what is typed, behind rnncli, with the places of data that have moved.
    """
    recipe = trained.recipe
    task = tasks.load(recipe.task)
    if data is not None:
        require_regular(data)
        corpus = task.read_more(recipe, data)
    else:
        with finding(recipe, f"rnncli {command.replace(' ', f' {trained.run.path} ', 1)}"):
            corpus = task.read(recipe)
    if split not in corpus.parts:
        raise UsageError(f"--split {split}: there is no such split", f"there are: {', '.join(corpus.parts)}")
    require_groups(recipe, corpus.parts[split])
    return Model(recipe, trained.fitted, trained.model, trained.placement), corpus


def _loaded(path: Path, data: Path | None, places: Sequence[str]) -> Trained:
    """The best model of a run, to be scored on ``data`` or on its own, which lie at ``places`` now."""
    if data is not None and places:
        raise UsageError("--data names another file, and no place of the run's own data", "leave one of them away")
    found = load(path)
    return replace(found, recipe=with_places(found.recipe, places))


def require_run(path: Path, command: str) -> None:
    """RunError for a folder of runs, which lists them as ``command`` takes them."""
    if not (path / "recipe.yaml").is_file() and (found := list(islice(runs_under(path), MOST_LISTED + 1))):
        named = "\n".join(f"rnncli {command} {run}{_told(run)}" for run in found[:MOST_LISTED])
        more = f"\nand others: rnncli runs list {path}" if len(found) > MOST_LISTED else ""
        raise RunError(f"{path}: a folder of runs, not a run", named + more)


def open_predictor(path: Path) -> Predictor:
    """A predictor with the best model of the run at ``path``; RunError for a folder of runs, which lists them."""
    return opened(path)[0]


def opened(path: Path, columns: Sequence[str] = ()) -> tuple[Predictor, ColumnsAsked]:
    """The same, and how it reads rows: by the ``columns`` that are named, else by those of training."""
    require_run(path, "predict")
    trained = load(path)
    return predictor_of(trained), asking(trained, columns)


def predictor_of(trained: Trained) -> Predictor:
    """A predictor with a loaded model."""
    task = tasks.load(trained.recipe.task)
    return task.predictor(trained.fitted, trained.model, trained.placement.device)


def asking(trained: Trained, columns: Sequence[str] = ()) -> ColumnsAsked:
    """How rows are read for a loaded model: by the ``columns`` that are named, else by those of training."""
    return ColumnsAsked(tuple(columns), read_run_recipe(trained.run.recipe).data.model_dump())


def _told(path: Path) -> str:
    """What there is to say of a run, such as its score."""
    one = facts(path)
    score = f", {words(one.metric)} {number(one.score, one.unit)}" if one.metric else ""
    return f"   ({one.task}, {one.state}{score})"


def _placement(recipe: Recipe) -> Placement:
    """Where to work now: as the recipe says, or on the CPU where its device is absent here."""
    try:
        placement = place(recipe)
    except UsageError:
        placement = device.choose("cpu", "fp32", tf32=False, deterministic=False, threads=recipe.compute.threads)
    placement.apply()
    return placement


def _training_summary(trained: Trained) -> TrainingSummary:
    if trained.run.report.exists():
        return trained.run.read_report().training
    return TrainingSummary(0.0, 0, trained.meta["epoch"], 0.0, str(trained.placement.device))
