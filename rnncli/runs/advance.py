"""How far work has come, as an event; nothing heavy is imported to hear it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from rnncli.data import progress

ADVANCE_SECONDS = 0.1
"""Between two that tell how far work has come."""


@dataclass(frozen=True)
class Advanced:
    """So many of ``what`` are done of what is going on: clips decoded, examples scored, resamples drawn.

    It comes a few times a second at most, and with the last of them.
    """

    what: str
    done: int
    total: int


@contextmanager
def advancing(observe: Callable[[Advanced], Any]) -> Iterator[None]:
    """``observe`` hears how far the work inside has come."""
    told = 0.0

    def hear(what: str, done: int, total: int) -> None:
        nonlocal told
        now = time.monotonic()
        if done >= total or now - told >= ADVANCE_SECONDS:
            told = now
            observe(Advanced(what, done, total))

    with progress.heard(hear):
        yield
