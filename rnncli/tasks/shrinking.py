"""How a task lets a trained model know less."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol, Self, runtime_checkable

from rnncli.tasks.base import Axes, Names


@runtime_checkable
class DropsWords(Protocol):
    """A fitted task that can do with fewer words; the weights of those that stay are found by ``axes``."""

    @property
    def words(self) -> int:
        """How many it knows."""
        ...

    def with_words(self, most: int, train: Any) -> Self:
        """The same with the ``most`` most frequent ones of the training part; all others are unknown to it.

        What is known of more than single words, such as pairs or n-grams, is cut to the same share. Its ``recipe`` has
        ``data.max_vocabulary`` as that.
        """
        ...


@runtime_checkable
class NamesOutputs(Protocol):
    """A fitted task that knows which weights of its model read the outputs of its cores."""

    @property
    def core_names(self) -> tuple[str, ...]:
        """Where the cores are in the model that the recipe's ``model`` shapes, such as ``core``."""
        ...

    def output_axes(self, model: Any, outputs: Mapping[str, Names]) -> Axes:
        """What the places of these weights stand for, where ``outputs`` are names of the outputs of each core, (E,)."""
        ...


@runtime_checkable
class HasTables(Protocol):
    """A fitted task that brings tables of figures along beside the weights."""

    def in_halves(self) -> Self:
        """The same with these figures in numbers of two bytes, which ``save`` then writes as such."""
        ...
