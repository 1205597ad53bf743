"""How far long work on data has come, told to whoever asked to hear it.

Work says ``tell(what, done, total)`` as it goes; a caller hears it inside ``heard(listener)``, everybody else does not
notice. One listener a process at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

Listener = Callable[[str, int, int], object]
_listeners: list[Listener] = []


def tell(what: str, done: int, total: int) -> None:
    """Say that ``done`` of ``total`` are done of ``what``."""
    if _listeners:
        _listeners[-1](what, done, total)


@contextmanager
def heard(listener: Listener) -> Iterator[None]:
    """``listener`` hears what is told inside."""
    _listeners.append(listener)
    try:
        yield
    finally:
        _listeners.remove(listener)
