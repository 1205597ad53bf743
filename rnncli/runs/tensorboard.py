"""What training measures as events that TensorBoard reads, in the folder ``tensorboard`` of a run.

Every point stands at the optimizer step that it was measured after. A run that is resumed begins a further file, which
says from which step on points of earlier ones are void, so that none is there twice.
"""

from __future__ import annotations

import importlib.util
import math
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from rnncli.errors import RunError, UsageError
from rnncli.recipe.schema import Recipe
from rnncli.runs.directory import RunDirectory
from rnncli.train.loop import EpochDone, Event, StepDone, Trainer

if TYPE_CHECKING:
    from tensorboard.summary.writer.event_file_writer import EventFileWriter

FOLDER = "tensorboard"
EVERY = 10
"""Steps between two points of what is measured at each."""


def require_installed(recipe: Recipe) -> None:
    """UsageError where a recipe asks for events and the package that writes them is not there."""
    if recipe.evaluation.tensorboard and importlib.util.find_spec("tensorboard") is None:
        raise UsageError(
            "evaluation.tensorboard needs the package tensorboard",
            'pip install "rnncli[tensorboard]", or leave it false: metrics.jsonl holds the same figures',
        )


@contextmanager
def written(run: RunDirectory, recipe: Recipe, trainer: Trainer) -> Iterator[Callable[[Event], object]]:
    """What is to hear of each event of a training, which writes it where the recipe asks for that; raises RunError."""
    if not recipe.evaluation.tensorboard:
        yield lambda event: None
        return
    try:
        board = _Board(run, trainer)
        try:
            yield board
        finally:
            board.writer.close()
    except OSError as error:
        raise RunError(
            f"{run.path / FOLDER}: cannot write: {error.strerror or error}", "free some space and resume the run"
        ) from error


class _Board:
    """Writes the events of one training."""

    def __init__(self, run: RunDirectory, trainer: Trainer) -> None:
        from tensorboard.compat.proto.event_pb2 import SessionLog  # pyright: ignore[reportAttributeAccessIssue]
        from tensorboard.summary.writer.event_file_writer import EventFileWriter

        self.trainer = trainer
        self.writer: EventFileWriter = EventFileWriter(str(run.path / FOLDER))
        done = trainer.progress
        if done.step:
            # Within an epoch, its end may have been written after the last step that is kept.
            void = done.step + (done.position == 0)
            self._add(void, session_log=SessionLog(status=SessionLog.START))
            self.writer.flush()

    def __call__(self, event: Event) -> None:
        step = self.trainer.progress.step
        if isinstance(event, StepDone) and step % EVERY == 0:
            rate, norm = self.trainer.optimizer.param_groups[0]["lr"], self.trainer.gradient_norm
            self._point(step, {"train/loss_of_step": event.loss, "train/learning_rate": rate})
            self._point(step, {} if norm is None else {"train/gradient_norm": float(norm)})
        elif isinstance(event, EpochDone):
            self._point(step, {"train/loss": event.loss, "train/epoch": event.epoch})
            self._point(step, {f"dev/{name}": value for name, value in event.metrics.items()})
            self.writer.flush()

    def _point(self, step: int, values: Mapping[str, float]) -> None:
        from tensorboard.compat.proto.summary_pb2 import Summary  # pyright: ignore[reportAttributeAccessIssue]

        kept = {tag: value for tag, value in values.items() if math.isfinite(value)}
        self._add(step, summary=Summary(value=[Summary.Value(tag=tag, simple_value=one) for tag, one in kept.items()]))

    def _add(self, step: int, **what: Any) -> None:
        from tensorboard.compat.proto.event_pb2 import Event as Written  # pyright: ignore[reportAttributeAccessIssue]

        self.writer.add_event(Written(wall_time=time.time(), step=step, **what))
