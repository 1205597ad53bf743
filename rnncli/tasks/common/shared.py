"""What tasks share in shape: a recurrent core from a recipe's section, parameter groups, tables of overlaps."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations
from typing import Any

import numpy as np
from torch import nn

from rnncli.core.recurrent import Recurrent
from rnncli.data import splits
from rnncli.recipe.schema import CoreSection

Table = tuple[str, list[str], list[list[str]]]


def recurrent(input_size: int, settings: CoreSection) -> Recurrent:
    """The recurrent core of a recipe over inputs of ``input_size``."""
    return Recurrent(
        input_size,
        settings.hidden,
        cell=settings.cell,
        activation=settings.activation,
        reset=settings.reset,
        layers=settings.layers,
        bidirectional=settings.bidirectional,
        layer_dropout=settings.layer_dropout,
        variational_dropout=settings.variational_dropout,
        learnt_initial_state=settings.initial_state == "learnt",
    )


def parameter_groups(model: nn.Module) -> list[dict[str, Any]]:
    """Weights decay, biases and gains do not: see :meth:`rnncli.tasks.base.Fitted.parameter_groups`."""
    decaying = [p for p in model.parameters() if p.dim() > 1]
    others = [p for p in model.parameters() if p.dim() <= 1]
    return [{"params": decaying}, {"params": others, "weight_decay": 0.0}]


def overlaps(what: str, prints: Mapping[str, np.ndarray]) -> Table:
    """How many ``what`` are equal within a part and across parts, by their fingerprints (rnncli.data.splits)."""
    rows = [[f"within {name}", f"{len(splits.duplicates(found)):,}"] for name, found in prints.items()]
    for one, other in combinations(prints, 2):
        rows.append([f"{other} also in {one}", f"{len(splits.overlap(prints[one], prints[other])):,}"])
    return f"equal {what}", ["where", what], rows
