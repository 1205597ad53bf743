"""Where the model of a recipe works, and what a report says of it."""

from __future__ import annotations

from typing import Any

from torch import nn

from rnncli.core import device
from rnncli.core.device import Placement
from rnncli.core.reach import outermost
from rnncli.recipe.schema import Recipe
from rnncli.report.build import ModelSummary


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


def summarise(recipe: Recipe, model: nn.Module) -> ModelSummary:
    """The recurrent core as the recipe shapes it, and the parameters of the whole model."""
    section: Any = recipe.model  # type: ignore[attr-defined] - every task's recipe has one
    parameters = sum(parameter.numel() for parameter in model.parameters())
    return ModelSummary(section.cell, section.layers, section.hidden, section.bidirectional, parameters)


def kernel(model: nn.Module) -> str:
    """One sentence: which path the recurrent layers of ``model`` take and why; empty where it has none."""
    layers = outermost(model)
    return layers[0].kernel(next(layers[0].parameters()).device) if layers else ""
