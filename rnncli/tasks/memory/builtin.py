"""Made-up sequences whose answer lies a known lag back.

The adding problem (Hochreiter and Schmidhuber 1997, "Long short-term memory", experiment 4; the form of Le, Jaitly and
Hinton 2015): numbers from 0 to 1, two of them marked; the answer is the sum of the marked ones. The first of them is
read exactly ``lag`` steps before the end, the second one in the first half of these steps. A model that knows neither
can but say 1, whose mean squared error is that of a sum of two uniform numbers, 1/6.

The copy problem (experiment 2 there, with noise): a symbol, ``lag - 1`` steps of noise, and a question mark, at which
the first symbol is to be named.

Up to a tenth of the lag of unmarked steps or of noise come before, so that no step can be told by its number.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

SYMBOLS = "abcdefgh"
NOISE = ". - ~ ="
QUESTION = "?"
Row = tuple[str, str, int]
"""Sequence, answer, lag."""


def generate(problem: str, lags: Sequence[int], examples: int, seed: int = 1) -> list[Row]:
    """Sequences of each of the lags, as many of one as of another, the lags taking turns."""
    draw = np.random.default_rng(seed)
    make = MAKERS[problem]
    return [make(draw, lags[number % len(lags)]) for number in range(examples)]


def _before(draw: np.random.Generator, lag: int) -> int:
    return int(draw.integers(0, lag // 10 + 1))


def _adding(draw: np.random.Generator, lag: int) -> Row:
    first = _before(draw, lag)
    second = first + int(draw.integers(1, lag // 2 + 1))
    hundredths = draw.integers(0, 101, first + lag + 1)
    words = [f"{number / 100:.2f}" for number in hundredths]
    for marked in (first, second):
        words[marked] += "*"
    return " ".join(words), f"{(hundredths[first] + hundredths[second]) / 100:.2f}", lag


def _copy(draw: np.random.Generator, lag: int) -> Row:
    before = _before(draw, lag)
    noise = draw.choice(NOISE.split(), before + lag - 1).tolist()
    symbol = str(draw.choice(list(SYMBOLS)))
    return " ".join([*noise[:before], symbol, *noise[before:], QUESTION]), symbol, lag


MAKERS: dict[str, Callable[[np.random.Generator, int], Row]] = {"adding": _adding, "copy": _copy}
