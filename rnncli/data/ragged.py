"""Sequences of different lengths in two flat arrays, and padded when asked."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, eq=False)
class Ragged:
    """Sequence ``i`` is ``values[offsets[i]:offsets[i + 1]]``; values int32, offsets int64."""

    values: np.ndarray
    offsets: np.ndarray

    @classmethod
    def from_iterable(cls, sequences: Iterable[np.ndarray | Sequence[int]]) -> Ragged:
        """Gather sequences as they come, without a list of them."""
        values, offsets = array("i"), array("q", [0])
        for sequence in sequences:
            values.frombytes(np.ascontiguousarray(sequence, dtype=np.int32).tobytes())
            offsets.append(len(values))
        return cls(np.frombuffer(values, dtype=np.int32), np.frombuffer(offsets, dtype=np.int64))

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, i: int) -> np.ndarray:
        if not 0 <= i < len(self):
            raise IndexError(f"sequence {i} of {len(self)}")
        return self.values[self.offsets[i] : self.offsets[i + 1]]

    @property
    def lengths(self) -> np.ndarray:
        """The length of each sequence, int64."""
        return np.diff(self.offsets)

    def take(self, indices: np.ndarray | Sequence[int]) -> Ragged:
        """Copies of those sequences, in that order."""
        at, lengths = self.positions(indices)
        return Ragged(self.values[at], np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64))

    def pad(self, indices: np.ndarray | Sequence[int], fill: int = 0) -> tuple[Tensor, Tensor]:
        """What :meth:`padded` gives, as tensors."""
        import torch

        ids_BT, lengths_B = self.padded(indices, fill)
        return torch.from_numpy(ids_BT), torch.from_numpy(lengths_B)

    def padded(self, indices: np.ndarray | Sequence[int], fill: int = 0) -> tuple[np.ndarray, np.ndarray]:
        """Those sequences as ``ids_BT``, filled up at the end, and ``lengths_B``, int64; T is at least 1."""
        at, lengths = self.positions(indices)
        steps = max(1, int(lengths.max(initial=0)))
        ids_BT = np.full((len(lengths), steps), fill, dtype=np.int64)
        ids_BT[np.arange(steps) < lengths[:, None]] = self.values[at]
        return ids_BT, lengths

    def positions(self, indices: np.ndarray | Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
        """Where in ``values`` the elements of those sequences are, one after the other, and their lengths."""
        indices = np.asarray(indices, dtype=np.int64)
        starts, ends = self.offsets[indices], self.offsets[indices + 1]
        return ranges(starts, ends), ends - starts


def ranges(starts: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """The numbers from each start up to its end, one range after the other."""
    lengths = ends - starts
    done = np.cumsum(lengths)
    return np.repeat(ends - done, lengths) + np.arange(done[-1] if len(done) else 0)
