"""The core of a recipe."""

from __future__ import annotations

from rnncli.core.contract import Core
from rnncli.core.recurrent import Recurrent
from rnncli.core.transformer import Transformer
from rnncli.recipe.schema import RECURRENT, CoreSection


def build_core(input_size: int, settings: CoreSection) -> Core:
    """The core of a recipe over inputs of ``input_size``: recurrent layers, or a Transformer."""
    if settings.core == RECURRENT:
        return recurrent(input_size, settings)
    return Transformer(
        input_size,
        settings.hidden,
        layers=settings.layers,
        heads=settings.heads,
        feed_forward=settings.feed_forward,
        context=settings.context,
        bidirectional=settings.bidirectional,
        layer_dropout=settings.layer_dropout,
        variational_dropout=settings.variational_dropout,
        gru=settings.core == "transformer+gru",
    )


def recurrent(input_size: int, settings: CoreSection) -> Recurrent:
    """Recurrent layers over inputs of ``input_size``, whatever the core is."""
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
