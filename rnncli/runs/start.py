"""Run a recipe from its data to its report: start, resume, cross-validate, or try one batch."""

from __future__ import annotations

import math
import time
import traceback
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import torch

from rnncli import tasks
from rnncli.errors import Interrupted, RunError, UsageError, UserError
from rnncli.recipe.load import dump
from rnncli.recipe.schema import Recipe
from rnncli.report.build import Report, TrainingSummary, build_report, plain
from rnncli.report.folds import cross_validated
from rnncli.runs import lock, page
from rnncli.runs.directory import RunDirectory, write_json, write_lines
from rnncli.runs.events import DataRead, FoldBegun, ModelBuilt, Observer, RunOpened, Stage, nobody
from rnncli.runs.groups import by_group, mark, require_groups
from rnncli.runs.interrupt import interruptible
from rnncli.runs.model import place, summarise
from rnncli.runs.outcome import Outcome
from rnncli.runs.reach import gradient_reach
from rnncli.runs.recipes import differences, read_run_recipe, run_name, with_absolute_root
from rnncli.runs.record import first_record, interruption, kept_record
from rnncli.tasks.base import Corpus, Fitted, Settles
from rnncli.train import checkpoint
from rnncli.train.loop import EpochDone, StepDone, Trainer, evaluation_batches

Work = Callable[[RunDirectory, Recipe, Observer], Report]


@dataclass(frozen=True)
class Finished:
    """A run that is done: where it is, what it reports, and what one may do next."""

    path: Path
    report: Report
    advice: str


def start(recipe: Recipe, *, out: Path | None = None, argv: Sequence[str] = (), observe: Observer = nobody) -> Finished:
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


def resume(path: Path, recipe: Recipe | None = None, *, observe: Observer = nobody, task: str = "") -> Finished:
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


def dry_run(recipe: Recipe, *, observe: Observer = nobody) -> dict[str, float]:
    """Read the data, build the model, train on one batch, score one: their losses; nothing is written."""
    corpus, fitted, trainer = prepare(None, _fold(recipe, 0) if recipe.data.folds else recipe, observe)
    trained = next(trainer.events())
    assert isinstance(trained, StepDone)
    dev = fitted.encode(corpus.parts["dev"])
    _, batch = next(iter(evaluation_batches(dev, recipe.train, trainer.device)()))
    trainer.model.eval()
    with torch.no_grad(), trainer.autocast():
        loss = fitted.loss(trainer.model, batch).item()
    return {"train_loss": trained.loss, "dev_loss": loss}


def prepare(run: RunDirectory | None, recipe: Recipe, observe: Observer) -> tuple[Corpus, Fitted, Trainer]:
    """Data, model and trainer of a run, the trainer where the last saved state left it; ``run`` None keeps nothing."""
    placement = place(recipe)
    placement.apply()
    observe(Stage("reading the data"))
    begun = time.perf_counter()
    task = tasks.load(recipe.task)
    corpus = task.read(recipe)
    observe(DataRead(corpus, time.perf_counter() - begun))
    require_groups(recipe, corpus.parts.get("test", corpus.parts["dev"]))
    if run:
        sizes = {name: len(part) for name, part in corpus.parts.items()}
        run.write_record(data={"headline": corpus.headline, "sizes": sizes})
    torch.manual_seed(recipe.seed)
    known = run is not None and run.vocabulary.is_dir() and checkpoint.exists(run.last)
    fitted = task.load(recipe, run.vocabulary) if run and known else task.fit(recipe, corpus)
    model = fitted.build().to(placement.device)
    trainer = Trainer(
        fitted,
        model,
        fitted.encode(corpus.parts["train"], training=True),
        fitted.encode(corpus.parts["dev"]),
        recipe.train,
        seed=recipe.seed,
        device=placement.device,
        autocast=placement.autocast,
        loss_scaling=placement.precision == "fp16",
    )
    summary = summarise(recipe, model)
    with placement.autocast():
        kernel = fitted.kernel(model)
    built = ModelBuilt(
        kernel, summary.parameters, placement.describe(), (*fitted.notes, *placement.reasons), trainer.watch
    )
    observe(built)
    if run:
        told = {"device": placement.describe(), "reasons": list(placement.reasons), "kernel": kernel}
        run.write_record(**told, watched=trainer.watch)
        if known:
            _restore(run, trainer)
        else:
            run.vocabulary.mkdir(exist_ok=True)
            fitted.save(run.vocabulary)
    return corpus, fitted, trainer


def _finish(run: RunDirectory, recipe: Recipe, observe: Observer) -> Finished:
    folded = bool(recipe.data.folds) and recipe.data.fold is None
    with nullcontext() if run.report.exists() else lock.held(run.path, "run"):
        report = _recorded(run, recipe, observe, _all_folds if folded else _one)
        if recipe.evaluation.page and not (run.path / page.FILE).exists():
            _write_page(run)
    return Finished(run.path, report, f"rnncli predict {run.folds / '0' if folded else run.path}")


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
    return replace(report, groups=by_group(recipe.task, rows, recipe.evaluation, report.positive, recipe.seed))


def _one(run: RunDirectory, recipe: Recipe, observe: Observer) -> Report:
    corpus, fitted, trainer = prepare(run, recipe, observe)
    _train(run, trainer, recipe, observe)
    split = "test" if "test" in corpus.parts else "dev"
    observe(Stage(f"scoring {split}"))
    return _report(run, recipe, corpus, fitted, trainer, split, observe)


def _restore(run: RunDirectory, trainer: Trainer) -> None:
    saved = checkpoint.load(run.last)
    checkpoint.load_weights(trainer.model, saved, run.last)
    try:
        trainer.restore(saved)
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise RunError(
            f"{run.last}: the checkpoint is damaged or of another recipe: {error}", "train again, or resume from a copy"
        ) from error


def _train(run: RunDirectory, trainer: Trainer, recipe: Recipe, observe: Observer) -> None:
    """Train to the end, saving the best and the last state as it goes; an interrupt saves and raises Interrupted."""
    for row in run.cut_metrics(trainer.progress.epoch, [field.name for field in fields(EpochDone)]):
        observe(_epoch(row))
    saved = time.monotonic()
    with interruptible() as interrupted:
        for event in trainer.events():
            observe(event)
            if isinstance(event, EpochDone):
                run.append_metrics(plain(vars(event)))
                if event.best:
                    checkpoint.save(run.best, trainer.best_weights())
            due = time.monotonic() - saved > recipe.train.checkpoint_seconds
            if isinstance(event, EpochDone) or due or interrupted.is_set():
                checkpoint.save(run.last, trainer.snapshot())
                saved = time.monotonic()
            if interrupted.is_set() and isinstance(event, StepDone | EpochDone):
                raise interruption(run)
    best = checkpoint.load(run.best)
    checkpoint.load_weights(trainer.model, best, run.best)


def _epoch(row: dict[str, Any]) -> EpochDone:
    """A line of ``metrics.jsonl``, where a figure that is not defined is null."""
    row["watched"] = math.nan if row["watched"] is None else row["watched"]
    return EpochDone(**row)


def _report(
    run: RunDirectory,
    recipe: Recipe,
    corpus: Corpus,
    fitted: Fitted,
    trainer: Trainer,
    split: str,
    observe: Observer,
) -> Report:
    examples = fitted.encode(corpus.parts[split])
    batches = evaluation_batches(examples, recipe.train, trainer.device)
    trainer.model.eval()
    if isinstance(fitted, Settles):
        with torch.no_grad(), trainer.autocast():
            fitted.settle(trainer.model, trainer.dev, evaluation_batches(trainer.dev, recipe.train, trainer.device))
        fitted.save(run.vocabulary)
    with torch.no_grad(), trainer.autocast():
        evaluation = fitted.evaluate(trainer.model, corpus.parts[split], examples, batches)
    rows = mark(recipe.evaluation.groups, list(evaluation.predictions), corpus.parts[split], examples)
    run.prediction_file(split).parent.mkdir(exist_ok=True)
    write_lines(run.prediction_file(split), rows)
    notes: tuple[str, ...] = ()
    baselines: dict[str, dict[str, float]] = {}
    if recipe.evaluation.baselines:
        observe(Stage("training the baselines (evaluation.baselines=false leaves them out)"))
        baselines, notes = fitted.baselines(corpus.parts, split)
    progress = trainer.progress
    training = TrainingSummary(
        seconds=progress.seconds,
        epochs=progress.epoch - 1,
        best_epoch=progress.best_epoch,
        examples_per_second=progress.examples / max(progress.seconds, 1e-9),
        device=str(trainer.device),
    )
    report = build_report(
        task=recipe.task,
        recipe=recipe.name,
        split=split,
        evaluation=evaluation,
        dropped=dict(corpus.dropped),
        notes=(*corpus.notes, *fitted.notes, *notes),
        baselines=baselines,
        model=summarise(recipe, trainer.model),
        training=training,
    )
    groups = by_group(recipe.task, rows, recipe.evaluation, report.positive, recipe.seed)
    reach = gradient_reach(fitted, trainer.model, trainer.dev, recipe.train, trainer.device)
    return replace(report, groups=groups, reach=reach)


def _fold(recipe: Recipe, number: int) -> Recipe:
    return recipe.model_copy(update={"data": recipe.data.model_copy(update={"fold": number})})
