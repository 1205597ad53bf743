"""Weights that read the outputs of a core through a :class:`rnncli.heads.pooling.Pooling`."""

from __future__ import annotations

from rnncli.tasks.base import Axes, Names


def pooled_axes(kinds: str, outputs: Names) -> Axes:
    """Names of places of ``pooling`` and ``linear`` in a model, where those of the outputs are ``outputs``."""
    pooled = tuple((kind, one) for kind in kinds.split("+") for one in outputs)
    return {
        "linear.weight": (None, pooled),
        "pooling.project.weight": (outputs, outputs),
        "pooling.project.bias": (outputs,),
        "pooling.score.weight": (None, outputs),
    }
