"""How a task lets a trained model know less."""

from __future__ import annotations

from typing import Any, Protocol, Self, runtime_checkable


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
class HasTables(Protocol):
    """A fitted task that brings tables of figures along beside the weights."""

    def in_halves(self) -> Self:
        """The same with these figures in numbers of two bytes, which ``save`` then writes as such."""
        ...
