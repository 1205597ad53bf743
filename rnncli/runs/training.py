"""Train to the end, saving the best and the last state as it goes."""

from __future__ import annotations

import math
import time
from dataclasses import fields
from typing import Any

from rnncli.recipe.schema import Recipe
from rnncli.report.build import plain
from rnncli.runs import tensorboard
from rnncli.runs.directory import RunDirectory
from rnncli.runs.events import Observer
from rnncli.runs.interrupt import interruptible
from rnncli.runs.record import interruption
from rnncli.train import checkpoint
from rnncli.train.loop import EpochDone, StepDone, Trainer


def train(run: RunDirectory, trainer: Trainer, recipe: Recipe, observe: Observer) -> None:
    """Train to the end, saving the best and the last state as it goes; an interrupt saves and raises Interrupted."""
    for row in run.cut_metrics(trainer.progress.epoch, [field.name for field in fields(EpochDone)]):
        observe(_epoch(row))
    saved = time.monotonic()
    with interruptible() as interrupted, tensorboard.written(run, recipe, trainer) as write:
        for event in trainer.events():
            observe(event)
            write(event)
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
    best = checkpoint.load(run.best, holds={"epoch": int})
    checkpoint.load_weights(trainer.model, best, run.best)


def _epoch(row: dict[str, Any]) -> EpochDone:
    """A line of ``metrics.jsonl``, where a figure that is not defined is null."""
    row["watched"] = math.nan if row["watched"] is None else row["watched"]
    return EpochDone(**row)
