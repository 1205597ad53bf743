"""How a task shows what the recurrent core of its model reads at each step: the words, the frames, the times.

A task that can has a function ``step_reader`` in its module ``task``. What the core then does inside, the gates and the
states, is a matter of :mod:`rnncli.core.inside` and the same for all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

if TYPE_CHECKING:
    import numpy as np
    import torch


@dataclass(frozen=True)
class ReadSteps:
    """What a core reads of one example: the ``names`` of its steps, such as words, and where it stands in the data.

    ``marks`` are further texts of each step by what they are, such as its ``tag``, or the ``label`` of the whole at
    each; ``numbers`` likewise, such as the ``value`` of a series.
    """

    names: Sequence[str]
    place: str = ""
    marks: Mapping[str, Sequence[str]] = field(default_factory=dict)
    numbers: Mapping[str, Sequence[float]] = field(default_factory=dict)


@dataclass(frozen=True)
class ReadBatch:
    """The examples that a model has read at once.

    ``steps`` are those of the cores nearest to the top of the model, an example a row of the batch. ``inner`` are those
    of further cores by the end of their names, such as of one that reads the characters of each word; ``inner_unit`` is
    what a step of these is.
    """

    steps: Sequence[ReadSteps]
    inner: Mapping[str, Sequence[ReadSteps]] = field(default_factory=dict)
    inner_unit: str = ""


class StepReader(Protocol):
    """Runs a trained model, and says what its cores read; gradients are off, the model is in evaluation mode."""

    unit: str
    """What a step is, such as ``word``."""
    gap: str
    """What stands between the names of steps where they are written as a text: a blank, or nothing."""
    lexical: bool
    """Whether the names are words, characters and the like, which come again elsewhere; not so of times."""

    def typed(self, text: str) -> ReadBatch:
        """Run the model on one input as it is typed for ``predict``; raises DataError."""
        ...

    def of_part(self, part: Any, examples: Any, indices: np.ndarray, batch: Any) -> ReadBatch:
        """Run it on a ``batch`` of the examples at ``indices``, which lies where the model does."""
        ...


@runtime_checkable
class Inspecting(Protocol):
    """A task whose models can be looked into."""

    def step_reader(self, fitted: Any, model: Any, device: torch.device) -> StepReader:
        """A reader around a trained model that lies on ``device``."""
        ...


def everywhere(steps: int, marks: Mapping[str, str]) -> dict[str, Sequence[str]]:
    """Marks of a whole example as marks of each of its steps."""
    return {name: (value,) * steps for name, value in marks.items()}
