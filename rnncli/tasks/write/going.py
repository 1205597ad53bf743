"""Going on, one symbol at a time, with whatever reads a symbol and foretells the next.

Shape letters: V symbols.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any, NamedTuple, Protocol

import numpy as np

from rnncli.tasks.write.sampling import Drawing, choose

TOGETHER = 16
"""Symbols that are written before the first of them is given, so that threads are not limited anew for each."""


class Behind(NamedTuple):
    """Where writing goes on: the logits (V,) of the next symbol in fp64, and the states of the models."""

    logits_V: np.ndarray
    states: Any


class Stepping(Protocol):
    """Reads one symbol and foretells the next."""

    def begin(self) -> Behind:
        """Before the first symbol of a document."""
        ...

    def after(self, behind: Behind, symbol: int) -> Behind:
        """One symbol further."""
        ...

    def steadily(self) -> AbstractContextManager[object]:
        """In which steps are rounded alike wherever they are computed."""
        ...


def read(stepper: Stepping, symbols: Sequence[int]) -> Behind:
    """Behind ``symbols`` at the begin of a document."""
    with stepper.steadily():
        behind = stepper.begin()
        for symbol in symbols:
            behind = stepper.after(behind, symbol)
    return behind


def written(
    stepper: Stepping, behind: Behind, sampling: Drawing, number: int, barred: Sequence[int] = ()
) -> Iterator[int]:
    """The symbols of sample ``number`` as they are drawn, without an end; none is one of those ``barred``."""
    generator, bar_V = sampling.generator(number), np.zeros_like(behind.logits_V)
    bar_V[list(barred)] = -np.inf
    while True:
        symbols = []
        with stepper.steadily():
            for _ in range(TOGETHER):
                symbols.append(choose(behind.logits_V + bar_V, sampling, generator))
                behind = stepper.after(behind, symbols[-1])
        yield from symbols
