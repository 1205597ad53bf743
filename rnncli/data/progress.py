"""How far long work has come, told to whoever asked to hear it.

Work says ``tell(what, done, total)`` as it goes: ``what`` names the things that are counted, as in 12 of 300 clips. A
caller hears it inside ``heard(listener)``, everybody else does not notice. One listener a process at a time.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

Listener = Callable[[str, int, int], object]
T = TypeVar("T")
MEGABYTE = 1 << 20
SMALLEST_FILE = 4 * MEGABYTE
"""Bytes of a file below which reading it is no work to tell of."""
_listeners: list[Listener] = []


def tell(what: str, done: int, total: int) -> None:
    """Say that ``done`` of ``total`` are done of ``what``."""
    if _listeners:
        _listeners[-1](what, done, total)


def counted(what: str, items: Iterable[T], total: int) -> Iterator[T]:
    """The ``items``, telling of each once whoever takes it is through with it."""
    for done, item in enumerate(items, start=1):
        yield item
        tell(what, done, total)


@contextmanager
def heard(listener: Listener) -> Iterator[None]:
    """``listener`` hears what is told inside."""
    _listeners.append(listener)
    try:
        yield
    finally:
        _listeners.remove(listener)


def open_counted(path: Path) -> io.BufferedReader:
    """The bytes of a file; how much of a large one is read is told in megabytes."""
    if not _listeners or path.stat().st_size < SMALLEST_FILE:
        return path.open("rb")
    return io.BufferedReader(_CountedFile(path), MEGABYTE)


class _CountedFile(io.FileIO):
    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._what, self._size, self._read = f"MB of {path.name}", path.stat().st_size, 0

    def readinto(self, buffer: Any) -> int | None:
        count = super().readinto(buffer)
        self._read += count or 0
        tell(self._what, self._read // MEGABYTE, max(1, self._size // MEGABYTE))
        return count
