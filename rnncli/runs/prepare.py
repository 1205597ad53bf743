"""From a recipe to data, model and trainer, the trainer where the last saved state left it."""

from __future__ import annotations

import time
from typing import Any, NamedTuple

import torch

from rnncli import tasks
from rnncli.errors import RecipeError, RunError
from rnncli.recipe.schema import RECURRENT, Extent, Recipe
from rnncli.runs import further, teachers
from rnncli.runs.directory import RunDirectory
from rnncli.runs.events import DataRead, ModelBuilt, Observer, Stage
from rnncli.runs.groups import require_groups
from rnncli.runs.initial import begin_with, initial_weights
from rnncli.runs.model import build, kernel, place, summarise
from rnncli.runs.recipes import keep_resolved
from rnncli.tasks.base import Adapts, Corpus, Examples, Fitted, Task
from rnncli.train import checkpoint
from rnncli.train.loop import Trainer
from rnncli.train.steps import described, settled, steps_of_epoch


class Prepared(NamedTuple):
    """All that a training needs; ``recipe`` has a value for each key that the one asked for left open."""

    recipe: Recipe
    corpus: Corpus
    fitted: Fitted[Any]
    trainer: Trainer


def prepare(run: RunDirectory | None, recipe: Recipe, observe: Observer) -> Prepared:
    """Data, model and trainer of a run, the trainer where the last saved state left it; ``run`` None keeps nothing."""
    placement = place(recipe)
    placement.apply()
    known = run is not None and run.vocabulary.is_dir() and checkpoint.exists(run.last)
    initial = None if known else initial_weights(recipe)
    if initial and recipe.train.from_run:
        raise RecipeError("model.start and train.from_run both say what to begin with", "leave one of them away")
    observe(Stage("reading the data"))
    task = tasks.load(recipe.task)
    corpus = _read(run, task, recipe, observe)
    torch.manual_seed(recipe.seed)
    used = recipe.having(corpus.chosen)
    begun = None if known else further.starting_point(used)
    fitted = task.load(used, run.vocabulary) if run and known else further.fit(task, used, corpus, begun)
    model = build(fitted, placement, used.train)
    if begun:
        further.begin_with(model, fitted, begun)
    started = () if initial is None else tuple(begin_with(initial, model, used))
    train = fitted.encode(corpus.parts["train"], training=True)
    taught = None
    if teachers.section(used).teachers:
        observe(Stage("asking the teachers"))
        with torch.random.fork_rng([placement.device] if placement.device.type == "cuda" else []):
            taught = teachers.taught(run, used, fitted, train, corpus)
        placement.apply()  # for those of teachers may be others
        train, fitted.notes = taught.examples, (*fitted.notes, *taught.notes)
    used, steps = _resolved(used, fitted, train)
    if run and known:
        _say_again(run, fitted)
    trainer = Trainer(
        fitted,
        model,
        train,
        fitted.encode(corpus.parts["dev"]),
        used.train,
        tasks.metrics(recipe.task),
        seed=recipe.seed,
        device=placement.device,
        autocast=placement.autocast,
        loss_scaling=placement.precision == "fp16",
        loss=taught.loss if taught else None,
    )
    if not known:
        trainer.require_watched()
    summary = summarise(used, model)
    with placement.autocast():
        path = kernel(model)
    notes = (*fitted.notes, *started, steps, *placement.reasons)
    observe(ModelBuilt(path, summary.parameters, placement.describe(), notes, trainer.watch))
    if run:
        told = {"device": placement.describe(), "reasons": list(placement.reasons), "kernel": path}
        run.write_record(**told, watched=trainer.watch.name)
        if known:
            _restore(run, trainer)
        else:
            _keep(run, recipe, used, fitted)
    return Prepared(used, corpus, fitted, trainer)


def foretold(task: Task, recipe: Recipe, corpus: Corpus) -> tuple[Extent, int]:
    """How much training there would be, and the steps of an epoch; raises UserError where these data are of no use."""
    used = recipe.having(corpus.chosen)
    fitted = further.fit(task, used, corpus, further.starting_point(used))
    train = fitted.encode(corpus.parts["train"], training=True)
    used, _ = _resolved(used, fitted, train)
    return used.train.extent, steps_of_epoch(used.train, train, used.seed)


def _read(run: RunDirectory | None, task: Task, recipe: Recipe, observe: Observer) -> Corpus:
    begun = time.perf_counter()
    corpus = task.read(recipe)
    observe(DataRead(corpus, time.perf_counter() - begun))
    require_groups(recipe, corpus.parts.get("test", corpus.parts["dev"]))
    if run:
        sizes = {name: len(part) for name, part in corpus.parts.items()}
        run.write_record(data={"headline": corpus.headline, "sizes": sizes})
    return corpus


def _keep(run: RunDirectory, asked: Recipe, used: Recipe, fitted: Fitted[Any]) -> None:
    """Write what a resumed run, and whoever uses it, needs of the beginning."""
    keep_resolved(run, asked, used)
    run.write_record(notes=list(fitted.notes))
    run.keep_vocabulary(fitted.save)


def _say_again(run: RunDirectory, fitted: Fitted[Any]) -> None:
    """Let a report tell what was said in fitting, which a resumed run does not do again."""
    said = run.read_record().get("notes")
    if isinstance(said, list):
        fitted.notes = tuple(map(str, said))


def _resolved(recipe: Recipe, fitted: Fitted[Any], train: Examples) -> tuple[Recipe, str]:
    """The recipe with what was chosen in fitting and how much training there is, and a sentence on the latter."""
    recipe = fitted.recipe if isinstance(fitted, Adapts) else recipe
    asked = recipe.train
    best_by = asked.best_by or fitted.best_by
    transformer = getattr(getattr(recipe, "model", None), "core", RECURRENT) != RECURRENT
    used = settled(asked, train, recipe.seed, transformer=transformer).model_copy(update={"best_by": best_by})
    return recipe.model_copy(update={"train": used}), described(asked, used, train, recipe.seed)


def _restore(run: RunDirectory, trainer: Trainer) -> None:
    saved = checkpoint.load(run.last, holds={"progress": dict})
    checkpoint.load_weights(trainer.model, saved, run.last)
    try:
        trainer.restore(saved)
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise RunError(
            f"{run.last}: the checkpoint is damaged or of another recipe: {error}", "train again, or resume from a copy"
        ) from error
