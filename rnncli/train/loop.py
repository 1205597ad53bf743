"""The training loop: a generator of events that neither prints nor writes.

Between two events the :class:`Trainer` is at rest after an optimizer step, so its :meth:`~Trainer.snapshot` is a state
from which another process continues bit for bit: the order of batches is a function of (seed, epoch), and the snapshot
holds the position in it, the weights, the optimizer's moments, the average of the weights and the random states.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.amp.grad_scaler import GradScaler

from rnncli.core.device import placed
from rnncli.data import batching, progress
from rnncli.errors import RecipeError, TrainingError
from rnncli.metrics.metric import LOSS, Metric, require
from rnncli.recipe.schema import TrainSection
from rnncli.tasks.base import Batches, Carries, Examples, Fitted, Metrics, Paced
from rnncli.train.checkpoint import Checkpoint
from rnncli.train.optimize import MovingAverage, make_optimizer, parameter_groups, rate_factor
from rnncli.train.steps import batches_of


@dataclass(frozen=True)
class StepDone:
    """One optimizer step: its mean loss, and how far the epoch is (batches done of all)."""

    epoch: int
    done: int
    total: int
    loss: float


@dataclass(frozen=True)
class EpochDone:
    """One pass over the training part and its dev metrics; ``best`` where no earlier epoch was better."""

    epoch: int
    loss: float
    metrics: Metrics
    watched: float
    best: bool
    seconds: float
    fill: float
    learning_rate: float


@dataclass(frozen=True)
class Halved:
    """Memory did not suffice for a batch: its step was taken in batches of at most ``size`` examples."""

    size: int


@dataclass(frozen=True)
class Stopped:
    """The end of training and why."""

    reason: str
    epochs: int
    best_epoch: int


Event = StepDone | EpochDone | Halved | Stopped


@dataclass(frozen=True)
class Progress:
    """Where training is, in plain numbers; ``position`` counts the batches of ``epoch`` that are done.

    ``ties`` says that of epochs with the same watched metric that with the smaller dev loss is better; it is not so in
    trainings that were begun before this was.
    """

    epoch: int = 1
    position: int = 0
    step: int = 0
    loss_sum: float = 0.0
    loss_count: int = 0
    best_value: float | None = None
    best_epoch: int = 0
    best_loss: float | None = None
    ties: bool = False
    waited: int = 0
    plateau: float = 1.0
    seconds: float = 0.0
    epoch_seconds: float = 0.0
    examples: int = 0
    average_steps: int = 0
    scale: dict[str, float] = field(default_factory=dict)


OPTIONAL = ("best_value", "best_loss", "scale")
"""What of it may be no number."""


def place_batches(
    examples: Examples, order: Iterable[np.ndarray], device: torch.device
) -> Iterator[tuple[np.ndarray, Any]]:
    """The batches of ``examples`` at the given indices, on ``device``."""
    for indices in order:
        yield indices, placed(examples.batch(indices), device)


def evaluation_batches(examples: Examples, settings: TrainSection, device: torch.device) -> Batches:
    """Batches for evaluation: neighbours in length, each example once, larger than in training; tells how far it is."""
    plan = batching.sequential(
        examples.lengths, max_examples=8 * settings.extent.batch_size, max_tokens=4 * settings.batch_tokens
    )

    def batches() -> Iterator[tuple[np.ndarray, Any]]:
        done = 0
        for indices, batch in place_batches(examples, (plan[k] for k in range(len(plan))), device):
            yield indices, batch
            done += len(indices)
            progress.tell("examples", done, len(examples))

    return batches


class Trainer:
    """One training of one model; iterate :meth:`events` once. ``metrics`` are those that the task declares.

    ``loss`` is that of the model and a batch of ``train``, the task's own if it is not given.
    """

    def __init__(
        self,
        fitted: Fitted[Any],
        model: nn.Module,
        train: Examples,
        dev: Examples,
        settings: TrainSection,
        metrics: Mapping[str, Metric],
        *,
        seed: int,
        device: torch.device,
        autocast: Callable[[], AbstractContextManager[Any]] = nullcontext,
        loss_scaling: bool = False,
        loss: Callable[[Any, Any], Tensor] | None = None,
    ) -> None:
        self.fitted, self.model, self.train, self.dev = fitted, model, train, dev
        self.settings, self.seed, self.device, self.autocast = settings, seed, device, autocast
        self.loss = loss or fitted.loss
        self.extent = settings.extent
        self.metrics, watch = metrics, settings.best_by or fitted.best_by
        require(watch, metrics)
        self.watch = metrics[watch]
        self.optimizer = make_optimizer(settings, parameter_groups(model))
        self.scaler = GradScaler(device.type, enabled=loss_scaling)
        self.average = MovingAverage(model, settings.ema) if settings.ema else None
        self.progress = Progress(ties=True)
        self.gradient_norm: Tensor | None = None
        """That of the last step before it was clipped; None where nothing is."""

    def require_watched(self) -> None:
        """RecipeError, before anything is learnt, where the metric that the recipe names is not measured on dev.

        Some metrics hang on the data; of such the model is evaluated once as it is.
        """
        if self.settings.best_by not in ("", LOSS.name, self.fitted.best_by):
            self._require_measured(self._validate())

    def events(self) -> Iterator[Event]:
        """Train until the epochs are over or patience is; yields after each step and each epoch."""
        reason = self._over()
        while reason is None:
            yield from self._steps()
            yield self._finish_epoch()
            reason = self._over()
        yield Stopped(reason, self.progress.epoch - 1, self.progress.best_epoch)

    def snapshot(self) -> Checkpoint:
        """The whole state between two events."""
        training = {f"optimizer/{i}/{key}": value for i, key, value in self._moments()}
        if self.average:
            training |= {f"average/{name}": weight for name, weight in self.average.shadow.items()}
        if isinstance(self.fitted, Carries):
            training |= {f"carried/{name}": value for name, value in self.fitted.carried().items()}
        training["random/cpu"] = torch.get_rng_state()
        if self.device.type == "cuda":
            training["random/cuda"] = torch.cuda.get_rng_state(self.device)
        steps = self.average.steps if self.average else 0
        progress = replace(self.progress, average_steps=steps, scale=self.scaler.state_dict())
        return Checkpoint(self.model.state_dict(), training, {"progress": asdict(progress)})

    def restore(self, checkpoint: Checkpoint) -> None:
        """Go back to a snapshot whose weights are in the model already; KeyError, TypeError, ValueError or RuntimeError
        for one that lacks something.
        """
        self.progress = Progress(**checkpoint.meta["progress"])
        counts = {name: value for name, value in vars(self.progress).items() if name not in OPTIONAL}
        if not all(isinstance(value, int | float) for value in counts.values()):
            raise ValueError("its progress is not in numbers")
        state: dict[int, dict[str, Tensor]] = {}
        for name, tensor in checkpoint.training.items():
            kind, _, rest = name.partition("/")
            if kind == "optimizer":
                index, key = rest.split("/")
                state.setdefault(int(index), {})[key] = tensor
            elif kind == "average" and self.average:
                self.average.shadow[rest].copy_(tensor)
        if isinstance(self.fitted, Carries):
            named = ((name.partition("/"), value) for name, value in checkpoint.training.items())
            self.fitted.carry({rest: value for (kind, _, rest), value in named if kind == "carried"}, self.device)
        groups = self.optimizer.state_dict()["param_groups"]
        self.optimizer.load_state_dict({"state": state, "param_groups": groups})
        if self.average:
            self.average.steps = self.progress.average_steps
        if self.progress.scale:
            self.scaler.load_state_dict(self.progress.scale)
        torch.set_rng_state(checkpoint.training["random/cpu"])
        if self.device.type == "cuda" and "random/cuda" in checkpoint.training:
            torch.cuda.set_rng_state(checkpoint.training["random/cuda"], self.device)

    def best_weights(self) -> Checkpoint:
        """The weights that evaluation uses now: the average where there is one."""
        weights = dict(self.model.state_dict())
        if self.average:
            weights |= self.average.shadow
        return Checkpoint(weights, {}, {"epoch": self.progress.best_epoch, "metric": self.watch.name})

    def _steps(self) -> Iterator[StepDone | Halved]:
        plan = self._plan()
        self.model.train()
        for start in range(self.progress.position, len(plan), self.settings.accumulate):
            begun = time.perf_counter()
            step = [plan[k] for k in range(start, min(start + self.settings.accumulate, len(plan)))]
            if isinstance(self.fitted, Paced):
                self.fitted.pace(self._share_done(start / len(plan)))
            loss, size = self._step(step, start / len(plan))
            seconds = time.perf_counter() - begun
            now, count = self.progress, sum(len(indices) for indices in step)
            self.progress = replace(
                now,
                position=start + len(step),
                step=now.step + 1,
                loss_sum=now.loss_sum + loss * count,
                loss_count=now.loss_count + count,
                examples=now.examples + count,
                seconds=now.seconds + seconds,
                epoch_seconds=now.epoch_seconds + seconds,
            )
            yield StepDone(now.epoch, start + len(step), len(plan), loss)
            if size < max(map(len, step)):
                yield Halved(size)
            self.model.train()

    def _plan(self) -> batching.BatchPlan:
        plan = batches_of(self.train, self.settings, self.seed, self.progress.epoch)
        first = self.settings.longest_first and self.progress.epoch == 1
        return batching.longest_first(plan, self.train.lengths) if first else plan

    def _step(self, step: list[np.ndarray], done: float) -> tuple[float, int]:
        """One optimizer step over one or more batches, halved until memory suffices.

        Returns the mean loss of its examples and how many were in a batch at most.
        """
        while True:
            largest = max(map(len, step))
            try:
                mean = self._gradients(step)
                break
            except (MemoryError, RuntimeError) as error:
                if not _is_out_of_memory(error):
                    raise
                if largest == 1:
                    raise self._no_memory(step[0]) from error
            step = [half for indices in step for half in np.array_split(indices, 2) if len(half)]
        self._update(done)
        return mean, largest

    def _gradients(self, step: list[np.ndarray]) -> float:
        """Add up the gradients of the mean loss of all examples, and return it."""
        total = sum(len(indices) for indices in step)
        mean = 0.0
        self.optimizer.zero_grad(set_to_none=True)
        for indices, batch in place_batches(self.train, step, self.device):
            with self.autocast():
                loss = self.loss(self.model, batch)
            value = loss.item()
            if not math.isfinite(value):
                raise self._not_finite(value, indices)
            share = len(indices) / total
            self.scaler.scale(loss * share).backward()
            mean += value * share
        return mean

    def _update(self, done: float) -> None:
        factor = rate_factor(self.settings, self.progress.step, self._share_done(done), self.progress.plateau)
        for group in self.optimizer.param_groups:
            group["lr"] = group["base_lr"] * factor
        if self.settings.clip_norm:
            self.scaler.unscale_(self.optimizer)
            self.gradient_norm = nn.utils.clip_grad_norm_(self.model.parameters(), self.settings.clip_norm)
        self.scaler.step(self.optimizer)
        self.scaler.update()
        if self.average:
            self.average.update(self.model)

    def _share_done(self, of_epoch: float) -> float:
        return (self.progress.epoch - 1 + of_epoch) / self.extent.epochs

    def _finish_epoch(self) -> EpochDone:
        begun = time.perf_counter()
        metrics = self._validate()
        self._require_measured(metrics)
        seconds = time.perf_counter() - begun
        now = self.progress
        watched = metrics[self.watch.name]
        best = self._is_best(watched, metrics["loss"])
        fill = self._plan().fill
        lower = self.settings.schedule == "plateau" and not best
        rate = self.optimizer.param_groups[0]["lr"]
        self.progress = replace(
            now,
            epoch=now.epoch + 1,
            position=0,
            loss_sum=0.0,
            loss_count=0,
            epoch_seconds=0.0,
            seconds=now.seconds + seconds,
            best_value=watched if best and math.isfinite(watched) else now.best_value,
            best_epoch=now.epoch if best else now.best_epoch,
            best_loss=metrics["loss"] if best and math.isfinite(metrics["loss"]) else now.best_loss,
            waited=0 if best else now.waited + 1,
            plateau=now.plateau * (0.5 if lower else 1.0),
        )
        return EpochDone(
            epoch=now.epoch,
            loss=now.loss_sum / max(1, now.loss_count),
            metrics=metrics,
            watched=watched,
            best=best,
            seconds=now.epoch_seconds + seconds,
            fill=fill,
            learning_rate=rate,
        )

    def _require_measured(self, measured: Metrics) -> None:
        if self.watch.name not in measured:
            raise RecipeError(
                f"train.best_by: {self.watch.name} is not measured on the dev split of this data",
                f"use one of: {', '.join(measured)}",
            )

    def _is_best(self, watched: float, loss: float) -> bool:
        """Whether the epoch just done is the best so far."""
        now = self.progress
        if now.best_epoch == 0 or self.watch.beats(watched, now.best_value):
            return True
        same = watched == now.best_value or (math.isnan(watched) and now.best_value is None)
        return now.ties and same and LOSS.beats(loss, now.best_loss)

    def _validate(self) -> Metrics:
        weights = self.average.applied(self.model) if self.average else nullcontext()
        self.model.eval()
        batches = evaluation_batches(self.dev, self.settings, self.device)
        with weights, torch.no_grad(), self.autocast():
            found = self.fitted.validate(self.model, self.dev, batches)
        assert found.keys() <= self.metrics.keys(), f"nobody declared {found.keys() - self.metrics.keys()}"
        return found

    def _over(self) -> str | None:
        progress, extent = self.progress, self.extent
        if extent.patience and progress.waited >= extent.patience and progress.position == 0:
            return f"no better for {progress.waited} epoch{'s' if progress.waited > 1 else ''}"
        if progress.epoch <= extent.epochs:
            return None
        return f"all {extent.epochs} epochs done" if extent.epochs > 1 else "the only epoch done"

    def _moments(self) -> Iterator[tuple[int, str, Tensor]]:
        for index, entry in self.optimizer.state_dict()["state"].items():
            for key, value in entry.items():
                if isinstance(value, Tensor):
                    yield index, key, value

    def _no_memory(self, indices: np.ndarray) -> TrainingError:
        place = self.train.place(int(indices[0]))
        return TrainingError(
            f"{place}: memory does not suffice for this example alone",
            "cut it shorter, or make the model smaller: model.hidden",
        )

    def _not_finite(self, value: float, indices: np.ndarray) -> TrainingError:
        places = ", ".join(self.train.place(int(i)) for i in indices[:3]) + (" ..." if len(indices) > 3 else "")
        return TrainingError(
            f"the loss became {value} in epoch {self.progress.epoch}, batch {self.progress.position + 1} ({places})",
            "lower train.learning_rate or train.clip_norm, or use compute.precision=fp32; the last state is kept",
        )


def _is_out_of_memory(error: Exception) -> bool:
    """Whether memory ran out, on a device or on the CPU, where torch raises a plain error."""
    return isinstance(error, MemoryError | torch.OutOfMemoryError) or "can't allocate memory" in str(error)
