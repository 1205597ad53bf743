"""Run a recipe from its data to its report: start, resume, cross-validate, or try one batch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from rnncli import tasks
from rnncli.errors import Interrupted, RunError, UsageError, UserError
from rnncli.recipe.load import dump
from rnncli.recipe.schema import Recipe
from rnncli.report.build import Report, TrainingSummary
from rnncli.report.folds import cross_validated
from rnncli.runs import advice, lock, longer, page, teachers, tensorboard
from rnncli.runs.advance import advancing
from rnncli.runs.directory import RunDirectory, write_json, write_lines, write_text
from rnncli.runs.events import FoldBegun, Observer, RunOpened, Stage, unobserved
from rnncli.runs.groups import by_group
from rnncli.runs.inside import inside_of_dev
from rnncli.runs.model import place
from rnncli.runs.outcome import Outcome
from rnncli.runs.pooled import keep_rivals, pool
from rnncli.runs.prepare import Prepared, prepare
from rnncli.runs.reach import gradient_reach
from rnncli.runs.recipes import (
    asked_recipe,
    asked_values,
    differences,
    finding,
    flat,
    keep_resolved,
    read_run_recipe,
    run_name,
    run_to_use,
    with_absolute_places,
    with_places,
)
from rnncli.runs.record import first_record, kept_record
from rnncli.runs.score import Model, ScoredRivals, predictions, report, scored
from rnncli.runs.training import train
from rnncli.tasks.base import Settles
from rnncli.train.loop import StepDone, evaluation_batches

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
    tensorboard.require_installed(recipe)
    recipe = with_absolute_places(recipe)
    run = RunDirectory.create(out, run_name(recipe), dump(recipe), first_record(recipe, argv))
    try:
        observe(RunOpened(run.path, resumed=False))
        return _finish(run, recipe, observe)
    except (UserError, KeyboardInterrupt) as error:
        # Data or settings of no use, or no patience with them: there is nothing to keep or to go on from.
        if run.discard_unless_begun() and isinstance(error, Interrupted | KeyboardInterrupt):
            raise Interrupted("interrupted before training began; nothing was kept") from error
        raise


def resume(
    path: Path,
    recipe: Recipe | None = None,
    *,
    changes: Sequence[str] = (),
    observe: Observer = unobserved,
    task: str = "",
) -> Finished:
    """Go on with the run at ``path`` from its last saved state, or report it where it is done already.

    ``changes`` say where its data are now, as ``data.root=DIR``, or that it is to be one of more epochs, as
    ``train.epochs=20``, which its recipe then keeps. Raises UsageError where ``recipe``, if given, is not the one that
    the run was begun with, or where it cannot be lengthened.
    """
    run = RunDirectory.open(path)
    begun = read_run_recipe(run.recipe)
    _require_trained(run)
    if task and begun.task != task:
        raise RunError(f"{path}: this run is of task {begun.task}, not {task}", f"rnncli run --resume {path}")
    if recipe is not None:
        _require_as_begun(run, recipe)
    epochs, places = longer.parted(changes)
    if places:
        begun = with_places(begun, places)
        _keep_places(run, begun)
    longer_run = None if epochs is None else longer.lengthen(run, begun, epochs)
    begun = longer_run.recipe if longer_run else begun
    tensorboard.require_installed(begun)
    observe(RunOpened(run.path, resumed=True))
    try:
        with finding(begun, f"rnncli run --resume {path} {{}}"):
            return _finish(run, begun, observe)
    except UserError as error:
        if longer_run and not isinstance(error, Interrupted):
            longer_run.undo()
        raise


def dry_run(recipe: Recipe, *, observe: Observer = unobserved) -> dict[str, float]:
    """Read the data, build the model, train on one batch, score one: their losses; nothing is written."""
    tensorboard.require_installed(recipe)
    with advancing(observe):
        found = prepare(None, recipe.of_fold(0) if recipe.folds else recipe, observe)
    fitted, trainer = found.fitted, found.trainer
    trained = next(trainer.events())
    assert isinstance(trained, StepDone)
    dev = fitted.encode(found.corpus.parts["dev"])
    _, batch = next(iter(evaluation_batches(dev, trainer.settings, trainer.device)()))
    trainer.model.eval()
    with torch.no_grad(), trainer.autocast():
        loss = fitted.loss(trainer.model, batch).item()
    return {"train_loss": trained.loss, "dev_loss": loss}


def _finish(run: RunDirectory, recipe: Recipe, observe: Observer) -> Finished:
    done = run.is_done
    with advancing(observe), nullcontext() if done else lock.held(run.path, "run"):
        found = _recorded(run, recipe, observe, _all_folds if recipe.folds else _one)
        if recipe.evaluation.page and not (done and (run.path / page.FILE).exists()):
            observe(Stage("writing the page", aside=True))
            page.try_page(run)
    return Finished(run.path, found, f"rnncli {tasks.spec(recipe.task).tried_by} {run_to_use(run, recipe)}")


def _require_trained(run: RunDirectory) -> None:
    """UsageError for a run that was made smaller than another: there is no state that training could go on from."""
    shrunk = run.read_record().get("shrunk")
    if isinstance(shrunk, dict):
        raise UsageError(
            f"{run.path}: made smaller than {shrunk.get('from')}, so that there is no training to go on with",
            f"rnncli run RECIPE --from {run.path} begins a new training with its model",
        )


def _require_as_begun(run: RunDirectory, recipe: Recipe) -> None:
    """UsageError where ``recipe`` is not the one that a run was begun with."""
    changed = differences(with_absolute_places(asked_recipe(run)), with_absolute_places(recipe))
    if not changed:
        return
    again = "with data.root=FOLDER if the data have moved"
    if changed == [longer.EPOCHS]:
        again = f"{longer.EPOCHS}={recipe.train.epochs} without the rest"
    raise UsageError(
        f"--resume goes on with a run as it was begun, and this differs in {', '.join(changed)}",
        f"rnncli run --resume {run.path} {again}; or a new run without --resume",
    )


def _keep_places(run: RunDirectory, recipe: Recipe) -> None:
    """Write where the data are into the recipes of a run and its folds; raises RunError where a process works on it."""
    with lock.held(run.path, "run"):
        write_text(run.recipe, dump(recipe))
        for fold in run.folds.glob("*/recipe.yaml"):
            write_text(fold, dump(recipe.of_fold(int(fold.parent.name))))


def _recorded(run: RunDirectory, recipe: Recipe, observe: Observer, work: Work) -> Report:
    """The report of ``work``, or the one that the run has already; ``run.json`` and ``log.txt`` tell of the work."""
    if run.is_done:
        return run.read_report()
    with kept_record(run):
        report = work(run, recipe, observe)
        write_json(run.report, report.to_dict())
        run.write_record(lengthened=False)
    return report


def _all_folds(run: RunDirectory, recipe: Recipe, observe: Observer) -> Report:
    reports = []
    for number in range(recipe.folds):
        observe(FoldBegun(number, recipe.folds))
        part, path = recipe.of_fold(number), run.folds / str(number)
        fold = RunDirectory(path)
        if not fold.recipe.is_file():
            fold = RunDirectory.create(path, "", dump(part), first_record(part, ()))
        reports.append(_recorded(fold, part, observe, _one))
    _resolve_by_folds(run, recipe)
    if recipe.one_test:
        observe(Stage("scoring all folds together"))
    report, pooled = pool(run, recipe, reports) if recipe.one_test else (cross_validated(reports), None)
    report = advice.of_folds(report, recipe, reports, _trained(run, recipe), pooled)
    rows = Outcome(run.path, recipe, report, "").rows() if recipe.evaluation.groups else []
    return replace(report, groups=by_group(recipe, rows, report.about))


def _trained(run: RunDirectory, recipe: Recipe) -> list[advice.TrainingHistory]:
    """How training went in each fold."""
    folds = [RunDirectory(run.folds / str(number)) for number in range(recipe.folds)]
    declared = tasks.metrics(recipe.task)
    return [advice.TrainingHistory(declared[fold.read_record()["watched"]], fold.read_metrics()) for fold in folds]


def _resolve_by_folds(run: RunDirectory, recipe: Recipe) -> None:
    """Let the recipe of a cross-validation say what its folds used, where that was the same in all."""
    folds = [RunDirectory(run.folds / str(number)) for number in range(recipe.folds)]
    used = [flat(read_run_recipe(fold.recipe).model_dump()) for fold in folds]
    asked = {key for fold in folds for key in asked_values(fold)}
    agreed = {key: used[0][key] for key in asked if all(one[key] == used[0][key] for one in used)}
    keep_resolved(run, recipe, recipe.having(agreed))


def _one(run: RunDirectory, recipe: Recipe, observe: Observer) -> Report:
    found = prepare(run, recipe, observe)
    train(run, found.trainer, found.recipe, observe)
    split = "test" if "test" in found.corpus.parts else "dev"
    observe(Stage(f"scoring {split}"))
    return _report(run, found, split, observe)


def _report(run: RunDirectory, prepared: Prepared, split: str, observe: Observer) -> Report:
    recipe, corpus, fitted, trainer = prepared
    model = Model(recipe, fitted, trainer.model.eval(), place(recipe))
    if isinstance(fitted, Settles):
        with torch.no_grad(), trainer.autocast():
            fitted.settle(trainer.model, trainer.dev, evaluation_batches(trainer.dev, recipe.train, trainer.device))
        run.keep_vocabulary(fitted.save)
    rows = predictions(model, corpus.parts[split], fitted.encode(corpus.parts[split]))
    run.prediction_file(split).parent.mkdir(exist_ok=True)
    write_lines(run.prediction_file(split), rows)
    notes: tuple[str, ...] = ()
    rivals: ScoredRivals = {}
    if recipe.evaluation.baselines:
        observe(Stage("training the baselines (evaluation.baselines=false leaves them out)"))
        given, notes = fitted.baselines(corpus.parts, split)
        if recipe.one_test and recipe.data.fold is not None:
            keep_rivals(run, split, given)
        rivals = scored(recipe, given, fitted.about)
    rivals = dict(rivals) | teachers.rival(run, fitted, corpus.parts[split], split)
    observe(Stage("drawing the intervals", aside=True))
    done = trainer.progress
    training = TrainingSummary(
        seconds=done.seconds,
        epochs=done.epoch - 1,
        best_epoch=done.best_epoch,
        examples_per_second=done.examples / max(done.seconds, 1e-9),
        device=str(trainer.device),
    )
    found = report(model, corpus, split, rows, training, rivals=rivals, notes=notes)
    trained = advice.TrainingHistory(trainer.watch, run.read_metrics())
    found = advice.of_run(found, recipe, corpus, trained, rows, fitted.about, rivals)
    inside = None
    if recipe.evaluation.gates:
        observe(Stage("looking at gates and units of dev"))
        inside = inside_of_dev(model, corpus.parts["dev"], trainer.dev)
    reach = gradient_reach(fitted, trainer.model, trainer.dev, recipe.train, trainer.device)
    return replace(found, reach=reach, inside=inside)
