"""From a recipe to data, model and trainer, the trainer where the last saved state left it."""

from __future__ import annotations

import time
from typing import Any

import torch

from rnncli import tasks
from rnncli.errors import RunError
from rnncli.recipe.schema import Recipe
from rnncli.runs.directory import RunDirectory
from rnncli.runs.events import DataRead, ModelBuilt, Observer, Stage
from rnncli.runs.groups import require_groups
from rnncli.runs.model import build, kernel, place, summarise
from rnncli.tasks.base import Corpus, Fitted
from rnncli.train import checkpoint
from rnncli.train.loop import Trainer


def prepare(run: RunDirectory | None, recipe: Recipe, observe: Observer) -> tuple[Corpus, Fitted[Any], Trainer]:
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
    model = build(fitted, placement, recipe.train)
    trainer = Trainer(
        fitted,
        model,
        fitted.encode(corpus.parts["train"], training=True),
        fitted.encode(corpus.parts["dev"]),
        recipe.train,
        tasks.metrics(recipe.task),
        seed=recipe.seed,
        device=placement.device,
        autocast=placement.autocast,
        loss_scaling=placement.precision == "fp16",
    )
    if not known:
        trainer.require_watched()
    summary = summarise(recipe, model)
    with placement.autocast():
        path = kernel(model)
    built = ModelBuilt(
        path, summary.parameters, placement.describe(), (*fitted.notes, *placement.reasons), trainer.watch
    )
    observe(built)
    if run:
        told = {"device": placement.describe(), "reasons": list(placement.reasons), "kernel": path}
        run.write_record(**told, watched=trainer.watch.name)
        if known:
            _restore(run, trainer)
        else:
            run.keep_vocabulary(fitted.save)
    return corpus, fitted, trainer


def _restore(run: RunDirectory, trainer: Trainer) -> None:
    saved = checkpoint.load(run.last, holds={"progress": dict})
    checkpoint.load_weights(trainer.model, saved, run.last)
    try:
        trainer.restore(saved)
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise RunError(
            f"{run.last}: the checkpoint is damaged or of another recipe: {error}", "train again, or resume from a copy"
        ) from error
