"""Run a recipe from its data to its report: start, resume, cross-validate, or try one batch."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from rnncli.data import progress
from rnncli.errors import Interrupted, RunError, UsageError, UserError
from rnncli.recipe.load import dump
from rnncli.recipe.schema import Recipe
from rnncli.report.build import Report, TrainingSummary
from rnncli.report.folds import cross_validated
from rnncli.runs import lock, page
from rnncli.runs.directory import RunDirectory, write_json, write_lines
from rnncli.runs.events import FoldBegun, Observer, RunOpened, Stage, Working, unobserved
from rnncli.runs.groups import by_group
from rnncli.runs.model import place
from rnncli.runs.outcome import Outcome
from rnncli.runs.prepare import prepare
from rnncli.runs.reach import gradient_reach
from rnncli.runs.recipes import differences, read_run_recipe, run_name, with_absolute_root
from rnncli.runs.record import first_record, kept_record
from rnncli.runs.score import Model, predictions, report
from rnncli.runs.training import train
from rnncli.tasks.base import Corpus, Fitted, Settles
from rnncli.train.loop import StepDone, Trainer, evaluation_batches

Work = Callable[[RunDirectory, Recipe, Observer], Report]


@dataclass(frozen=True)
class Finished:
    """A run that is done: where it is, what it reports, and what one may do next."""

    path: Path
    report: Report
    advice: str


def start(
    recipe: Recipe, *, out: Path | None = None, argv: Sequence[str] = (), observe: Observer = unobserved
) -> Finished:
    """Run ``recipe`` in a new directory, ``out`` or the first free one under ``runs/``."""
    recipe = with_absolute_root(recipe)
    run = RunDirectory.create(out, run_name(recipe), dump(recipe), first_record(recipe, argv))
    observe(RunOpened(run.path, resumed=False))
    try:
        return _finish(run, recipe, observe)
    except UserError as error:
        # Data or settings of no use, or no patience with them: there is nothing to keep or to go on from.
        if run.discard_unless_begun() and isinstance(error, Interrupted):
            raise Interrupted("interrupted before training began; nothing was kept") from error
        raise


def resume(path: Path, recipe: Recipe | None = None, *, observe: Observer = unobserved, task: str = "") -> Finished:
    """Go on with the run at ``path`` from its last saved state, or report it where it is done already.

    Raises UsageError where ``recipe``, if given, is not the one that the run was begun with.
    """
    run = RunDirectory.open(path)
    begun = read_run_recipe(run.recipe)
    if task and begun.task != task:
        raise RunError(f"{path}: this run is of task {begun.task}, not {task}", f"rnncli run --resume {path}")
    if recipe is not None and (changed := differences(begun, with_absolute_root(recipe))):
        raise UsageError(
            f"--resume goes on with a run as it was begun, and this differs in {', '.join(changed)}",
            f"rnncli run --resume {path}, or a new run without --resume",
        )
    observe(RunOpened(run.path, resumed=True))
    return _finish(run, begun, observe)


def dry_run(recipe: Recipe, *, observe: Observer = unobserved) -> dict[str, float]:
    """Read the data, build the model, train on one batch, score one: their losses; nothing is written."""
    corpus, fitted, trainer = _prepare(None, _fold(recipe, 0) if recipe.data.folds else recipe, observe)
    trained = next(trainer.events())
    assert isinstance(trained, StepDone)
    dev = fitted.encode(corpus.parts["dev"])
    _, batch = next(iter(evaluation_batches(dev, recipe.train, trainer.device)()))
    trainer.model.eval()
    with torch.no_grad(), trainer.autocast():
        loss = fitted.loss(trainer.model, batch).item()
    return {"train_loss": trained.loss, "dev_loss": loss}


def _finish(run: RunDirectory, recipe: Recipe, observe: Observer) -> Finished:
    folded = bool(recipe.data.folds) and recipe.data.fold is None
    with nullcontext() if run.report.exists() else lock.held(run.path, "run"):
        found = _recorded(run, recipe, observe, _all_folds if folded else _one)
        if recipe.evaluation.page and not (run.path / page.FILE).exists():
            _write_page(run)
    return Finished(run.path, found, f"rnncli predict {run.folds / '0' if folded else run.path}")


def _write_page(run: RunDirectory) -> None:
    """The page of the run; the run is done, whatever becomes of it."""
    try:
        page.write_page(run.path)
    except Exception:
        run.log(f"no {page.FILE}: {traceback.format_exc()}")


def _recorded(run: RunDirectory, recipe: Recipe, observe: Observer, work: Work) -> Report:
    """The report of ``work``, or the one that the run has already; ``run.json`` and ``log.txt`` tell of the work."""
    if run.report.exists():
        return run.read_report()
    with kept_record(run):
        report = work(run, recipe, observe)
        write_json(run.report, report.to_dict())
    return report


def _all_folds(run: RunDirectory, recipe: Recipe, observe: Observer) -> Report:
    reports = []
    for number in range(recipe.data.folds):
        observe(FoldBegun(number, recipe.data.folds))
        part, path = _fold(recipe, number), run.folds / str(number)
        fold = RunDirectory(path)
        if not fold.recipe.is_file():
            fold = RunDirectory.create(path, "", dump(part), first_record(part, ()))
        reports.append(_recorded(fold, part, observe, _one))
    report = cross_validated(reports)
    rows = Outcome(run.path, recipe, report, "").rows() if recipe.evaluation.groups else []
    return replace(report, groups=by_group(recipe, rows, report.about))


def _one(run: RunDirectory, recipe: Recipe, observe: Observer) -> Report:
    corpus, fitted, trainer = _prepare(run, recipe, observe)
    train(run, trainer, recipe, observe)
    split = "test" if "test" in corpus.parts else "dev"
    observe(Stage(f"scoring {split}"))
    return _report(run, recipe, corpus, fitted, trainer, split, observe)


def _prepare(run: RunDirectory | None, recipe: Recipe, observe: Observer) -> tuple[Corpus, Fitted[Any], Trainer]:
    with progress.heard(lambda what, done, total: observe(Working(what, done, total))):
        return prepare(run, recipe, observe)


def _report(
    run: RunDirectory,
    recipe: Recipe,
    corpus: Corpus,
    fitted: Fitted[Any],
    trainer: Trainer,
    split: str,
    observe: Observer,
) -> Report:
    model = Model(recipe, fitted, trainer.model.eval(), place(recipe))
    if isinstance(fitted, Settles):
        with torch.no_grad(), trainer.autocast():
            fitted.settle(trainer.model, trainer.dev, evaluation_batches(trainer.dev, recipe.train, trainer.device))
        fitted.save(run.vocabulary)
    rows = predictions(model, corpus.parts[split], fitted.encode(corpus.parts[split]))
    run.prediction_file(split).parent.mkdir(exist_ok=True)
    write_lines(run.prediction_file(split), rows)
    notes: tuple[str, ...] = ()
    baselines: dict[str, dict[str, float]] = {}
    if recipe.evaluation.baselines:
        observe(Stage("training the baselines (evaluation.baselines=false leaves them out)"))
        baselines, notes = fitted.baselines(corpus.parts, split)
    done = trainer.progress
    training = TrainingSummary(
        seconds=done.seconds,
        epochs=done.epoch - 1,
        best_epoch=done.best_epoch,
        examples_per_second=done.examples / max(done.seconds, 1e-9),
        device=str(trainer.device),
    )
    found = report(model, corpus, split, rows, training, baselines=baselines, notes=notes)
    return replace(found, reach=gradient_reach(fitted, trainer.model, trainer.dev, recipe.train, trainer.device))


def _fold(recipe: Recipe, number: int) -> Recipe:
    return recipe.model_copy(update={"data": recipe.data.model_copy(update={"fold": number})})
