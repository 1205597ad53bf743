"""The recurrent core of a recipe."""

from __future__ import annotations

from rnncli.core.recurrent import Recurrent
from rnncli.recipe.schema import CoreSection


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
        recurrent_dropout=settings.recurrent_dropout,
        learnt_initial_state=settings.initial_state == "learnt",
    )
