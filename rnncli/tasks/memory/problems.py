"""How the two problems read a sequence, what they ask of an output, and what is right.

Shape letters: B batch, T steps, I inputs, K outputs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from rnncli.errors import DataError
from rnncli.tasks.memory.metrics import ADDING, COPY

MARK = "*"
MARKED = 2
MOST_SYMBOLS = 1000
"""That a sequence may be made of, since each is an input of its own."""


class MemoryProblem(Protocol):
    """A problem fitted to its training part."""

    name: str

    @property
    def inputs(self) -> int:
        """I, the width of a step."""
        ...

    @property
    def outputs(self) -> int:
        """K, what is asked of the last step."""
        ...

    def steps(self, text: str) -> np.ndarray:
        """A sequence as the model reads it, (T, I) float32; raises DataError without a place."""
        ...

    def truth(self, answer: str) -> float:
        """An answer as a number; raises DataError without a place."""
        ...

    def loss(self, outputs_BK: Tensor, truth_B: Tensor) -> Tensor:
        """The mean over the batch."""
        ...

    def answers(self, outputs_NK: np.ndarray) -> list[dict[str, Any]]:
        """The fields of a row by its outputs."""
        ...


@dataclass(frozen=True)
class Adding:
    """Numbers, of which those with a star are to be added up: ``0.41* 0.87 0.12* 0.55`` is 0.53.

    >>> Adding().steps("0.5* 0.25").tolist()
    [[0.5, 1.0], [0.25, 0.0]]
    """

    name: str = ADDING
    inputs: int = 2
    outputs: int = 1

    def steps(self, text: str) -> np.ndarray:
        """Number and mark of each step."""
        rows = [(_number(word.removesuffix(MARK)), float(word.endswith(MARK))) for word in text.split()]
        if (marked := sum(mark for _, mark in rows)) != MARKED:
            said = f"{int(marked)} numbers are marked with a star, not {MARKED}"
            raise DataError(said, "for example 0.41* 0.87 0.12* 0.55")
        return np.array(rows, np.float32)

    def truth(self, answer: str) -> float:
        """The sum."""
        return _number(answer)

    def loss(self, outputs_BK: Tensor, truth_B: Tensor) -> Tensor:
        """The mean squared error."""
        return functional.mse_loss(outputs_BK[:, 0], truth_B)

    def answers(self, outputs_NK: np.ndarray) -> list[dict[str, Any]]:
        """The sum."""
        return [{"answer": value} for value in outputs_NK[:, 0].astype(float).tolist()]


@dataclass(frozen=True)
class Copying:
    """Symbols with blanks between them, the answer one of them: ``c - = . ?`` is c."""

    symbols: tuple[str, ...]
    names: tuple[str, ...]
    """The answers."""
    name: str = COPY

    @property
    def inputs(self) -> int:
        """One for each symbol."""
        return len(self.symbols)

    @property
    def outputs(self) -> int:
        """One for each answer."""
        return len(self.names)

    def steps(self, text: str) -> np.ndarray:
        """1 where a step has the symbol; a symbol that training has not is nothing but zeros."""
        if not text.split():
            raise DataError("no symbols", "for example c - = . ?")
        numbers = {symbol: number for number, symbol in enumerate(self.symbols)}
        found_TI = np.zeros((len(text.split()), self.inputs), np.float32)
        for step, symbol in enumerate(text.split()):
            if symbol in numbers:
                found_TI[step, numbers[symbol]] = 1
        return found_TI

    def truth(self, answer: str) -> float:
        """The number of the answer."""
        if answer not in self.names:
            raise DataError(f'answer "{answer}" does not occur in training', f"known: {', '.join(self.names[:8])}")
        return float(self.names.index(answer))

    def loss(self, outputs_BK: Tensor, truth_B: Tensor) -> Tensor:
        """The cross-entropy."""
        return functional.cross_entropy(outputs_BK, truth_B.long())

    def answers(self, outputs_NK: np.ndarray) -> list[dict[str, Any]]:
        """The most probable symbol, and how probable it is."""
        shares_NK = torch.from_numpy(outputs_NK).double().softmax(-1).numpy()
        return [
            {"answer": self.names[k], "probability": float(shares_K[k])}
            for k, shares_K in zip(shares_NK.argmax(-1), shares_NK, strict=True)
        ]


def learn(problem: str, sequences: Sequence[str], answers: Sequence[str]) -> Adding | Copying:
    """The problem as the training part has it; raises DataError."""
    if problem == ADDING:
        return Adding()
    symbols = sorted({symbol for text in sequences for symbol in text.split()})
    if len(symbols) > MOST_SYMBOLS:
        said = f"sequences of {len(symbols):,} different symbols, and {MOST_SYMBOLS:,} are the most"
        raise DataError(said, "texts with labels are for rnncli sentiment")
    return Copying(tuple(symbols), tuple(sorted(set(answers))))


def _number(word: str) -> float:
    try:
        value = float(word)
    except ValueError:
        raise DataError(f'"{word[:40]}" is no number', "for example 0.41* 0.87 0.12* 0.55") from None
    if not np.isfinite(value):
        raise DataError(f'"{word[:40]}" is no number that can be added', "leave it out")
    return value
