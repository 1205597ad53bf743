"""Optimizers, learning-rate schedules and the moving average of the weights."""

from __future__ import annotations

import inspect
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from rnncli.recipe.schema import TrainSection


def make_optimizer(settings: TrainSection, groups: Sequence[dict[str, Any]]) -> torch.optim.Optimizer:
    """The optimizer of a recipe.

    ``groups`` are dicts of ``params`` and the factors ``learning_rate`` and ``weight_decay`` on the recipe's values.
    Each group keeps its undisturbed rate under ``base_lr``, the factor that schedules work on.
    """
    groups = [
        {
            "params": group["params"],
            "lr": settings.learning_rate * group.get("learning_rate", 1.0),
            "base_lr": settings.learning_rate * group.get("learning_rate", 1.0),
            "weight_decay": settings.weight_decay * group.get("weight_decay", 1.0),
        }
        for group in groups
    ]
    kinds = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam, "adamw": torch.optim.AdamW}
    more = {"momentum": settings.momentum} if settings.optimizer == "sgd" else {}
    return _without_compiler(kinds[settings.optimizer])(groups, lr=settings.learning_rate, fused=True, **more)


def parameter_groups(model: nn.Module) -> list[dict[str, Any]]:
    """The groups of all parameters: weights decay, biases and gains do not."""
    decaying = [p for p in model.parameters() if p.dim() > 1]
    others = [p for p in model.parameters() if p.dim() <= 1]
    return [{"params": decaying}, {"params": others, "weight_decay": 0.0}]


def rate_factor(settings: TrainSection, step: int, progress: float, plateau: float) -> float:
    """The factor on the learning rate at optimizer step ``step`` (from 0), ``progress`` in [0, 1) of all epochs.

    Warm-up is linear in steps; ``linear`` and ``cosine`` fall to zero at the end (Loshchilov & Hutter 2017 for the
    cosine); ``plateau`` is the factor that has been lowered after epochs without a better one.
    """
    rising = settings.extent.warmup_steps
    warm = min(1.0, (step + 1) / rising) if rising else 1.0
    fall = {
        "constant": 1.0,
        "linear": 1.0 - progress,
        "cosine": 0.5 * (1.0 + math.cos(math.pi * progress)),
        "plateau": plateau,
    }[settings.schedule]
    return warm * fall


class MovingAverage:
    """Exponential moving average of a model's parameters (Polyak & Juditsky 1992, with a decay that warms up)."""

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.decay = decay
        self.steps = 0
        self.shadow: dict[str, Tensor] = {
            name: parameter.detach().clone() for name, parameter in model.named_parameters()
        }

    @torch.no_grad()
    def update(self, model: nn.Module) -> None:
        """Take one step of the model into the average."""
        decay = min(self.decay, (1 + self.steps) / (10 + self.steps))
        for name, parameter in model.named_parameters():
            self.shadow[name].lerp_(parameter, 1 - decay)
        self.steps += 1

    @contextmanager
    def applied(self, model: nn.Module) -> Iterator[None]:
        """The model with the averaged weights inside, its own again afterwards."""
        own = {name: parameter.detach().clone() for name, parameter in model.named_parameters()}
        self._copy(model, self.shadow)
        try:
            yield
        finally:
            self._copy(model, own)

    @staticmethod
    @torch.no_grad()
    def _copy(model: nn.Module, weights: dict[str, Tensor]) -> None:
        for name, parameter in model.named_parameters():
            parameter.copy_(weights[name])


def _without_compiler(kind: Any) -> Any:
    """The class ``kind`` of optimizers without the wrappers that keep torch's compiler out of its methods.

    To tell the compiler so they load it, which takes nearly as long as torch itself, and nothing here is compiled.
    """
    names = ("add_param_group", "load_state_dict", "state_dict", "zero_grad")
    methods = {name: inspect.unwrap(getattr(kind, name)) for name in names}
    return type(kind.__name__, (kind,), methods | {"step": torch.no_grad()(inspect.unwrap(kind.step))})
