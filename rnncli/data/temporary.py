"""Temporary files: what is large leaves memory for a file without a name, and what is said where there is no room."""

from __future__ import annotations

import contextlib
import tempfile
import weakref
from collections.abc import Iterator
from typing import IO

import numpy as np

from rnncli.errors import DataError

IN_MEMORY = 1 << 26
"""Bytes that are held in memory before they are written to a temporary file."""
WRITTEN_AT_ONCE = 1 << 20


@contextlib.contextmanager
def room_for(name: str) -> Iterator[None]:
    """DataError where no temporary copy of ``name`` can be written."""
    try:
        yield
    except OSError as error:
        raise DataError(
            f"{name}: no temporary copy can be written in {tempfile.gettempdir()}: {error.strerror or error}",
            hint="name a folder with more room in the environment variable TMPDIR",
        ) from error


def unknown(count: int) -> np.ndarray:
    """So many NaN in fp64 to be written over, mapped from a file without a name where they are many; OSError."""
    if count * 8 <= IN_MEMORY:
        return np.full(count, np.nan)
    with tempfile.TemporaryFile(prefix="rnncli-") as file:
        found = np.memmap(file, dtype=np.float64, mode="w+", shape=(count,))
    for first in range(0, count, WRITTEN_AT_ONCE):
        found[first : first + WRITTEN_AT_ONCE] = np.nan
    return found


class Spool:
    """Bytes one behind the other, in a file without a name once they are many, which goes with the object.

    >>> spool = Spool()
    >>> spool.append(b"abc"), spool.append(b"def"), spool.size, spool.read(2, 4)
    (None, None, 6, b'cd')
    """

    def __init__(self) -> None:
        self.size = 0
        self._file: IO[bytes] | None = None
        self._tail = bytearray()
        """What is not in the file."""

    def append(self, content: bytes) -> None:
        """Put bytes behind all others; raises OSError."""
        self._tail += content
        self.size += len(content)
        if len(self._tail) > (IN_MEMORY if self._file is None else WRITTEN_AT_ONCE):
            self._flush()

    def read(self, begin: int, end: int) -> bytes:
        """The bytes from ``begin`` up to ``end``."""
        if self._file is None:
            return bytes(self._tail[begin:end])
        self._flush()
        self._file.seek(begin)
        return self._file.read(end - begin)

    def array(self, dtype: np.dtype) -> np.ndarray:
        """All of them as an array, mapped where they are in a file; nothing can be appended after that."""
        if self._file is None:
            return np.frombuffer(self._tail, dtype=dtype)
        self._flush()
        self._file.flush()
        return np.memmap(self._file, dtype=dtype, mode="c", shape=(self.size // dtype.itemsize,))

    def _flush(self) -> None:
        if self._file is None:
            self._file = tempfile.TemporaryFile(prefix="rnncli-")  # noqa: SIM115 - it is closed with the object
            weakref.finalize(self, self._file.close)
        if self._tail:
            self._file.seek(0, 2)
            self._file.write(self._tail)
            self._tail.clear()
