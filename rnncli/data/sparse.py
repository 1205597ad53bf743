"""A matrix of which few entries are not zero, with numpy alone.

Shape letters: R rows, K columns, N entries, C columns of what it is multiplied with.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True, eq=False)
class Sparse:
    """The entries of row ``r`` are ``columns_N`` and ``values_N`` from ``bounds_R[r]`` to ``bounds_R[r + 1]``.

    >>> found = Sparse.counted(np.array([1, 1, 0]), np.array([2, 2, 0]), (2, 3))
    >>> (found @ np.eye(3, dtype=np.float32)).tolist()
    [[1.0, 0.0, 0.0], [0.0, 0.0, 2.0]]
    """

    bounds_R: np.ndarray
    columns_N: np.ndarray
    values_N: np.ndarray
    shape: tuple[int, int]

    @classmethod
    def counted(cls, row: np.ndarray, column: np.ndarray, shape: tuple[int, int]) -> Sparse:
        """How often each place occurs, float32; the entries of a row are in the order of their columns."""
        place, starts_N = _distinct(_places(row, column, shape))
        times = np.diff(starts_N, append=len(row))
        return cls._of(place, times.astype(np.float32), shape)

    @classmethod
    def marked(cls, row: np.ndarray, column: np.ndarray, shape: tuple[int, int]) -> Sparse:
        """1 at each place, however often it is named."""
        place, _ = _distinct(_places(row, column, shape))
        return cls._of(place, np.ones(len(place), np.float32), shape)

    @classmethod
    def _of(cls, place: np.ndarray, values: np.ndarray, shape: tuple[int, int]) -> Sparse:
        """Of places in order, each once."""
        row, column = np.divmod(place, max(shape[1], 1))
        bounds = np.concatenate([[0], np.cumsum(np.bincount(row, minlength=shape[0]))])
        return cls(bounds, column.astype(np.int32), values, shape)

    @property
    def rows_N(self) -> np.ndarray:
        """The row of each entry."""
        return np.repeat(np.arange(self.shape[0], dtype=np.int32), np.diff(self.bounds_R))

    def __matmul__(self, dense_KC: np.ndarray) -> np.ndarray:
        """The product (R, C) with a dense matrix, added up in the order of the entries."""
        found_RC = np.zeros((self.shape[0], dense_KC.shape[1]), np.result_type(self.values_N, dense_KC))
        filled = np.flatnonzero(np.diff(self.bounds_R))
        if len(filled) and dense_KC.shape[1]:
            terms_NC = dense_KC[self.columns_N] * self.values_N[:, None]
            found_RC[filled] = np.add.reduceat(terms_NC, self.bounds_R[filled], axis=0)
        return found_RC

    def for_scipy(self) -> Any:
        """The same as a ``scipy.sparse.csr_matrix``, which also has the products of the transposed matrix."""
        import scipy.sparse

        # Bounds of 64 bits would have it keep the columns in as many.
        bounds = self.bounds_R.astype(np.int32) if len(self.values_N) < 1 << 31 else self.bounds_R
        return scipy.sparse.csr_matrix((self.values_N, self.columns_N, bounds), shape=self.shape)


def _places(row: np.ndarray, column: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    # Half as wide, places are in order in half the time.
    dtype = np.uint32 if shape[0] * shape[1] < 1 << 32 else np.int64
    return row.astype(dtype) * dtype(max(shape[1], 1)) + column.astype(dtype)


def _distinct(places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Places in order, each once, and where each would stand first among all; np.unique takes many times as long."""
    places.sort()
    first = np.ones(len(places), bool)
    np.not_equal(places[1:], places[:-1], out=first[1:])
    return places[first], np.flatnonzero(first)
