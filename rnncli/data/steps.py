"""Streams of symbols: documents one behind the other, each step of which is foretold from those before it.

Shape letters: N steps, D documents.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Steps:
    """``values`` (N, ...) of all documents, one of which ends where ``bounds_D1`` has the next begin.

    Of a text a value is the number of a symbol, of music the notes of a frame. ``values`` may be mapped from a file.
    """

    values: np.ndarray
    bounds_D1: np.ndarray

    @classmethod
    def of(cls, documents: Sequence[np.ndarray]) -> Steps:
        """Documents that are at hand, at least one, alike but for their lengths.

        >>> Steps.of([np.array([1, 2]), np.array([3])]).lengths.tolist()
        [2, 1]
        """
        return cls(np.concatenate(documents), np.cumsum([0, *map(len, documents)]))

    def __len__(self) -> int:
        return len(self.bounds_D1) - 1

    def __getitem__(self, document: int) -> np.ndarray:
        if not 0 <= document < len(self):
            raise IndexError(f"document {document} of {len(self)}")
        return self.values[self.bounds_D1[document] : self.bounds_D1[document + 1]]

    @property
    def lengths(self) -> np.ndarray:
        """The steps of each document, (D,)."""
        return np.diff(self.bounds_D1)

    def first(self, most: int) -> Steps:
        """The first steps, ``most`` of them where there are more; the last document may end early."""
        if len(self.values) <= most:
            return self
        whole_D1 = self.bounds_D1[self.bounds_D1 < most]
        return Steps(self.values[:most], np.append(whole_D1, most))

    def last(self, most: int) -> Steps:
        """The last steps, ``most`` or all; documents before them are empty, and one may have lost its begin."""
        first = max(0, len(self.values) - most)
        return Steps(self.values[first:], np.maximum(self.bounds_D1 - first, 0)) if first else self
