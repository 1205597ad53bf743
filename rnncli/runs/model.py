"""Where the model of a recipe works, and what a report says of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import nn

from rnncli.core import device, memory
from rnncli.core.device import Placement
from rnncli.core.reach import outermost
from rnncli.core.recurrent import Recurrent
from rnncli.errors import RecipeError
from rnncli.recipe.schema import RECURRENT, Recipe, TrainSection
from rnncli.report.build import ModelSummary
from rnncli.tasks.base import Fitted

M = TypeVar("M", bound=nn.Module)


def place(recipe: Recipe) -> Placement:
    """The device and precision that a recipe asks for; raises UsageError where they are not to be had."""
    section = recipe.compute
    return device.choose(
        section.device,
        section.precision,
        tf32=section.tf32,
        deterministic=section.deterministic,
        threads=section.threads,
    )


def build(fitted: Fitted[M], placement: Placement, train: TrainSection | None = None) -> M:
    """A new model where it is to work, to be trained as ``train`` says, or to be used.

    Raises RecipeError, before the memory is taken, for a model that does not fit into what is free.
    """
    copies = _copies(train) if train else 1
    room = memory.free(placement.device)
    try:
        return memory.build_within(fitted.build, None if room is None else room // copies).to(placement.device)
    except (memory.TooLargeError, torch.OutOfMemoryError) as error:
        count = error.parameters if isinstance(error, memory.TooLargeError) else 0
        wanted = f" has {count:,} parameters and wants {_gigabytes(4 * copies * count)}" if count else ""
        there = "" if room is None else f", {_gigabytes(room)} are free"
        raise RecipeError(
            f"the model{wanted}{' in training' if train else ''}: memory does not suffice{there} ({placement.device})",
            "make it smaller: model.hidden, model.layers, model.embedding; rnncli doctor shows the devices",
        ) from None


def summarise(recipe: Recipe, model: nn.Module) -> ModelSummary:
    """The core as the recipe shapes it, and the parameters of the whole model."""
    section: Any = recipe.model  # type: ignore[attr-defined] - every task's recipe has one
    parameters = sum(parameter.numel() for parameter in model.parameters())
    members, start = getattr(section, "members", 1), Path(getattr(section, "start", "")).name
    kind = section.cell if section.core == RECURRENT else section.core
    core = (kind, section.layers, section.hidden, section.bidirectional)
    return ModelSummary(*core, parameters, members, start)


def _copies(train: TrainSection) -> int:
    """How many times the weights are held in training: themselves, gradients, moments, the average."""
    moments = int(train.momentum > 0) if train.optimizer == "sgd" else 2
    return 2 + moments + int(train.ema > 0)


def _gigabytes(count: int) -> str:
    return f"{count / 1e9:,.1f} GB"


def in_eight_bits(model: nn.Module) -> None:
    """Let the recurrent cores of ``model`` multiply in eight bits where they can, without gradients."""
    for module in model.modules():
        if isinstance(module, Recurrent):
            module.eight_bits = True


def kernel(model: nn.Module) -> str:
    """One sentence: which path the core of ``model`` take and why; empty where it has none."""
    layers = outermost(model)
    return layers[0].kernel(next(layers[0].parameters()).device) if layers else ""
