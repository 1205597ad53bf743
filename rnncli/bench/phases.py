"""Where a training step spends its time.

Waits for an accelerator at each change of phase.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from rnncli.errors import UsageError
from rnncli.recipe.schema import Recipe
from rnncli.runs.events import unobserved
from rnncli.runs.prepare import prepare
from rnncli.train.loop import StepDone, Stopped

PHASES = ("data", "forward", "loss", "backward", "optimizer")
WARM_UP_STEPS = 3


def bench_step(recipe: Recipe, *, steps: int = 30) -> dict[str, float]:
    """Seconds that one training step of ``recipe`` takes in each of PHASES: the mean of ``steps``, warm."""
    if steps < 1:
        raise UsageError(f"--steps is {steps}", "give it at least 1")
    found = prepare(None, recipe, unobserved)
    trainer = found.trainer
    watch = Stopwatch(trainer.device)
    trainer.loss = partial(_timed, trainer.loss, watch)
    trainer.model.register_forward_pre_hook(lambda *_: watch.enter("forward"))
    trainer.model.register_forward_hook(lambda *_: watch.enter("loss"))
    trainer.optimizer.register_step_pre_hook(lambda *_: watch.enter("optimizer"))
    seen, total = 0, dict.fromkeys(PHASES, 0.0)
    events = trainer.events()
    while seen < steps + WARM_UP_STEPS:
        watch.enter("data")
        event = next(events)
        spent = watch.stop()
        if isinstance(event, Stopped):
            break
        if not isinstance(event, StepDone):
            continue
        seen += 1
        if seen > WARM_UP_STEPS:
            total = {phase: total[phase] + spent.get(phase, 0.0) for phase in PHASES}
    if seen <= WARM_UP_STEPS:
        raise UsageError("the training is over after three steps", "give it more epochs: train.epochs=10")
    return {phase: seconds / (seen - WARM_UP_STEPS) for phase, seconds in total.items()}


class Stopwatch:
    """Time spent in one phase after the other; waits for an accelerator at each change."""

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.spent: dict[str, float] = {}
        self.phase, self.since = "", 0.0

    def enter(self, phase: str) -> None:
        """What follows belongs to ``phase``."""
        now = self._now()
        if self.phase:
            self.spent[self.phase] = self.spent.get(self.phase, 0.0) + now - self.since
        self.phase, self.since = phase, now

    def stop(self) -> dict[str, float]:
        """Seconds by phase since the last stop."""
        self.enter("")
        spent, self.spent = self.spent, {}
        return spent

    def _now(self) -> float:
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)
        return time.perf_counter()


def _timed(compute: Callable[[Any, Any], Tensor], watch: Stopwatch, model: nn.Module, batch: Any) -> Tensor:
    """The loss, of which the stopwatch is told."""
    watch.enter("loss")
    loss = compute(model, batch)
    watch.enter("backward")
    return loss
