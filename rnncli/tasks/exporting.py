"""How a task gives a trained model away, as graphs and tables that need neither torch nor this program.

A task that can has a function ``export`` in its module ``task``; what it draws its graphs with is in
:mod:`rnncli.core.graph`, and what predicts with them in its module ``portable`` (:mod:`rnncli.tasks.portable`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np

from rnncli.tasks.portable import Arrays, Run

if TYPE_CHECKING:
    from onnx import ModelProto

OFF = 1e-5
"""How far a score may be off, in relation to it above 1."""
MODEL = "model"
"""The name of the graph of a task that has one."""


def _one_graph(run: Run, given: Mapping[str, np.ndarray]) -> Arrays:
    return run(MODEL, given)


@dataclass(frozen=True, eq=False)
class Likeliest:
    """A decision for the likeliest of V symbols at each of some places, by scores (..., V).

    Two are equal where they choose alike, but for symbols that both hold to be as likely, up to what a score may be
    off: models that have learnt little have such everywhere.

    >>> Likeliest(np.array([[1.0, 2.0]])) == Likeliest(np.array([[1.0, 2.0000001]]))
    True
    """

    scores: np.ndarray

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Likeliest) or self.scores.shape != other.scores.shape:
            return False
        if not self.scores.size:
            return True
        return self._allows(other._chosen) and other._allows(self._chosen)

    @property
    def _chosen(self) -> np.ndarray:
        return self.scores.argmax(-1)[..., None]

    def _allows(self, chosen: np.ndarray) -> bool:
        """Whether what the other chose is as likely here as anything else, nearly."""
        best = self.scores.max(-1, keepdims=True)
        lost = best - np.take_along_axis(self.scores, chosen, -1)
        return bool((lost <= 2 * OFF * np.maximum(1, np.abs(best))).all())


@dataclass(frozen=True)
class Trial:
    """How a model's graphs are held to the model: the same inputs for both, drawn for a batch of given lengths.

    ``draw`` gives the inputs of a batch for its lengths (B,), 0 among them; ``by_torch`` and ``by_graphs`` what the
    model and its graphs give for them, under the same names; ``decisions`` what is read from that, such as labels,
    a value for each example. What is no float must agree exactly.
    """

    draw: Callable[[np.random.Generator, np.ndarray], Arrays]
    by_torch: Callable[[Arrays], Arrays]
    decisions: Callable[[Arrays], Sequence[Any]]
    by_graphs: Callable[[Run, Arrays], Arrays] = _one_graph


@dataclass(frozen=True)
class Exported:
    """A model as graphs and tables.

    ``graphs`` by the names of their files, without ``.onnx``; ``save`` writes the tables that ``portable`` reads, the
    name of a module with ``open_model``, into a folder. ``longest`` are the steps of the longest sequence that it was
    trained on, ``examples`` inputs as they are typed, or where ``streams`` as they come on stdin, on which the bundle
    must give the rows of the program.
    """

    graphs: Mapping[str, ModelProto]
    save: Callable[[Path], object]
    portable: str
    trial: Trial
    longest: int
    examples: Sequence[str] = ()
    streams: bool = False


@runtime_checkable
class Exporting(Protocol):
    """A task whose models can be exported."""

    def export(self, fitted: Any, model: Any, *, stream: bool) -> Exported:
        """The model, which is in evaluation mode on the CPU in float32; with ``stream`` also step by step.

        Raises RecipeError naming the key of the recipe that stands in the way.
        """
        ...
