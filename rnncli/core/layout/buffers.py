"""Memory that one training step leaves to the next: fresh pages cost more than the work done in them.

A buffer comes back by itself when the last tensor on it is gone, graph and all.
"""

from __future__ import annotations

import weakref
from threading import RLock

import numpy as np
import torch
from torch import Tensor

MIN_ELEMENTS = 2**15
"""Elements from which a buffer is worth keeping: 128 KiB, where an allocator begins to give memory back."""
ROW_GAP = 16
"""Floats between the rows of an array that is read across: rows whose distance is a power of two, or nearly, would meet
in the same corner of a cache."""


class Pool:
    """Buffers of fp32; holds no more than was in use at once."""

    def __init__(self) -> None:
        self._free: list[np.ndarray] = []
        self._used = self._most = 0
        # A buffer may come back in the middle of anything, by the collector of cycles.
        self._lock = RLock()

    def take(self, rows: int, width: int, dtype: torch.dtype = torch.float32) -> Tensor:
        """A matrix with what was left in it."""
        size = rows * width
        if size < MIN_ELEMENTS or dtype != torch.float32:
            return torch.empty(rows, width, dtype=dtype, device="cpu")
        with self._lock:
            buffer = self._fitting(size)
            self._used += len(buffer)
            self._most = max(self._most, self._used)
            self._trim()
        handed = buffer[:size]
        weakref.finalize(handed, self._give_back, buffer).atexit = False
        return torch.from_numpy(handed).view(rows, width)

    def _fitting(self, size: int) -> np.ndarray:
        """The smallest free buffer that is large enough and at most half empty, or a new one."""
        fitting = [i for i, buffer in enumerate(self._free) if size <= len(buffer) <= 2 * size]
        if fitting:
            return self._free.pop(min(fitting, key=lambda i: len(self._free[i])))
        return np.empty(size + size // 8, dtype=np.float32)

    def _give_back(self, buffer: np.ndarray) -> None:
        with self._lock:
            self._used -= len(buffer)
            self._free.append(buffer)
            self._trim()

    def _trim(self) -> None:
        """Let go of the buffers that were free the longest."""
        while self._free and self._used + sum(map(len, self._free)) > self._most:
            self._free.pop(0)


POOL = Pool()
