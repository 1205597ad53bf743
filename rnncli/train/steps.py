"""How many steps a training takes: numbers for what its recipe leaves open, after how many examples there are."""

from __future__ import annotations

import math
from dataclasses import replace

from rnncli.data import batching
from rnncli.data.batching import BatchPlan
from rnncli.recipe.schema import AUTO, TrainSection
from rnncli.tasks.base import Examples, PlansBatches

SHORT_EPOCH, SMALL_BATCH = 12, 4
"""Where an epoch has fewer steps than this, batches are made smaller, but not smaller than that."""
WARMUP_SHARE = 0.3
"""Of all steps, at most, in which the learning rate rises."""
TRANSFORMER_WARMUP = 100
"""Steps in which the learning rate of a Transformer rises, unless a task has more."""


def batches_of(train: Examples, settings: TrainSection, seed: int, epoch: int) -> BatchPlan:
    """The batches of one epoch of training, a function of the arguments alone."""
    most = {"max_examples": settings.extent.batch_size, "max_tokens": settings.batch_tokens}
    if isinstance(train, PlansBatches):
        return train.plan(**most, seed=seed, epoch=epoch)
    return batching.shuffled(train.lengths, **most, seed=seed, epoch=epoch)


def settled(settings: TrainSection, train: Examples, seed: int, *, transformer: bool = False) -> TrainSection:
    """The settings with a number for each key that is ``auto``, after the examples of ``train``.

    Few examples get smaller batches, and more epochs until there are as many steps as the task's usual ``Extent`` asks
    for; patience grows as the epochs do, and the warm-up is at most a share of all steps. Numbers are obeyed.

    A Transformer always gets a warm-up, and is trained to the end: it learns nothing for a while, and then much.
    """
    usual = settings.extent
    if transformer and settings.warmup_steps == AUTO:
        usual = replace(usual, warmup_steps=max(usual.warmup_steps, TRANSFORMER_WARMUP))
    if transformer and settings.patience == AUTO:
        usual = replace(usual, patience=0)
    if settings.batch_size == AUTO:
        usual = replace(usual, batch_size=_batch_size(usual.batch_size, len(train.lengths)))
    each = steps_of_epoch(settings.settled(usual), train, seed)
    if settings.epochs == AUTO and usual.epochs * each < usual.least_steps:
        epochs = math.ceil(usual.least_steps / each)
        if settings.patience == AUTO:
            usual = replace(usual, patience=math.ceil(usual.patience * epochs / usual.epochs))
        usual = replace(usual, epochs=epochs)
    if settings.warmup_steps == AUTO:
        usual = replace(usual, warmup_steps=min(usual.warmup_steps, int(WARMUP_SHARE * each * usual.epochs)))
    return settings.settled(usual)


def steps_of_epoch(settings: TrainSection, train: Examples, seed: int) -> int:
    """Optimizer steps in the first epoch, at least 1; later ones have about as many."""
    return max(1, math.ceil(len(batches_of(train, settings, seed, 1)) / settings.accumulate))


def described(asked: TrainSection, settings: TrainSection, train: Examples, seed: int) -> str:
    """How many steps there will be, and where that is not the task's usual number of epochs, why."""
    usual, extent = asked.extent, settings.extent
    each = steps_of_epoch(settings, train, seed)
    said = f"{_count(each, 'step')} an epoch of up to {_count(extent.batch_size, 'example')}"
    if extent.batch_size != usual.batch_size:
        said += f" instead of {usual.batch_size:,}, as they are few"
    said += f": {_count(extent.epochs, 'epoch')}"
    if extent.epochs != usual.epochs:
        said += f" instead of {usual.epochs:,}, for at least {usual.least_steps:,} steps"
    return f"{said}; {_count(each * extent.epochs, 'step')} in all"


def _batch_size(usual: int, examples: int) -> int:
    return min(usual, max(SMALL_BATCH, examples // SHORT_EPOCH))


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}" + ("" if number == 1 else "s")
