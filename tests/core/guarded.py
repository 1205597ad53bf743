"""Memory between two pages that nobody may touch: whoever reads or writes beyond it dies on the spot."""

from __future__ import annotations

import ctypes
import mmap
import weakref
from functools import cache
from typing import Any

import numpy as np
from torch import Tensor, from_numpy
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_iter, tree_map

NOBODY, PAGE = 0, mmap.PAGESIZE


class Guarded(TorchDispatchMode):
    """Within it all that torch makes lies right before such a page, or if not ``at_end`` right behind one.

    Nobody may touch what was let go of either, until the block ends.
    """

    def __init__(self, *, at_end: bool = True) -> None:
        super().__init__()
        self.at_end = at_end
        self.mapped: list[mmap.mmap] = []

    def __exit__(self, *error: object) -> None:
        super().__exit__(*error)
        self.mapped.clear()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        given = {_storage(part) for part in tree_iter((args, kwargs)) if isinstance(part, Tensor)}

        def placed(part):
            return self.copy(part) if isinstance(part, Tensor) and _storage(part) not in given else part

        return tree_map(placed, func(*args, **(kwargs or {})))

    def copy(self, source: Tensor) -> Tensor:
        """The same tensor, strides and all, in guarded memory."""
        size = source.untyped_storage().nbytes()
        if not size:
            return source
        place = self.room(size)
        ctypes.memmove(place.ctypes.data, source.untyped_storage().data_ptr(), size)
        return from_numpy(place).view(source.dtype).as_strided(source.shape, source.stride(), source.storage_offset())

    def room(self, size: int) -> np.ndarray:
        """So many bytes."""
        inner = -(-size // PAGE) * PAGE
        memory = mmap.mmap(-1, inner + 2 * PAGE)
        self.mapped.append(memory)
        whole = np.frombuffer(memory, np.uint8)
        _protect(whole[:PAGE].ctypes.data, PAGE)
        _protect(whole[PAGE + inner :].ctypes.data, PAGE)
        begin = PAGE + (inner - size if self.at_end else 0)
        handed = whole[begin : begin + size]
        weakref.finalize(handed, _protect, whole.ctypes.data, len(whole)).atexit = False
        return handed


def _storage(part: Tensor) -> int:
    return part.untyped_storage()._cdata


def _protect(address: int, size: int) -> None:
    assert _mprotect()(address, size, NOBODY) == 0


@cache
def _mprotect() -> Any:
    function = ctypes.CDLL(None).mprotect
    function.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
    return function
