"""Drawing the next symbol from its distribution, so that a sample depends on its seed and its number alone.

Shape letters: V symbols.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from rnncli.errors import UsageError

LARGEST_SEED = 2**32 - 1
COLDEST = 1e-12
"""Any lower temperature gives the same symbols."""


@dataclass(frozen=True)
class Drawing:
    """How symbols are drawn: ``temperature`` 0 takes the likeliest, 1 draws from the model's own distribution.

    ``top_k`` leaves so many of the likeliest symbols, 0 all; ``top_p`` then leaves the fewest of them that together
    have this share. ``unknown`` says whether the symbol for what was never learnt may be written. Raises UsageError.

    >>> Drawing(temperature=0.8, top_p=0.9).temperature
    0.8
    """

    temperature: float = 1.0
    top_k: int = 0
    top_p: float = 1.0
    seed: int = 1
    unknown: bool = False

    def __post_init__(self) -> None:
        if not (math.isfinite(self.temperature) and self.temperature >= 0):
            _refuse(
                "--temperature", self.temperature, "0 or more is wanted", "0 takes the likeliest symbol, 1 is usual"
            )
        if self.top_k < 0:
            _refuse("--top-k", self.top_k, "a count of symbols is wanted", "0 leaves all of them")
        if not 0 < self.top_p <= 1:
            _refuse("--top-p", self.top_p, "a share above 0 is wanted, 1 at most", "such as --top-p 0.9")
        if not 0 <= self.seed <= LARGEST_SEED:
            _refuse("--seed", self.seed, f"a whole number from 0 to {LARGEST_SEED} is wanted", "such as --seed 1")

    def generator(self, number: int) -> np.random.Generator:
        """What sample ``number`` of the seed is drawn with, whatever was drawn before it."""
        return np.random.default_rng((self.seed, number))


def probabilities(logits_V: np.ndarray, sampling: Drawing) -> np.ndarray:
    """The chance of each symbol to be drawn, (V,), of logits in fp64, of which some may be -inf.

    >>> probabilities(np.log([0.5, 0.3, 0.2]), Drawing(top_k=2)).round(3).tolist()
    [0.625, 0.375, 0.0]
    """
    if sampling.temperature == 0:
        return np.eye(1, len(logits_V), int(logits_V.argmax()))[0]
    shares_V = _shares(logits_V, sampling)
    return shares_V / shares_V.sum()


def choose(logits_V: np.ndarray, sampling: Drawing, generator: np.random.Generator) -> int:
    """The next symbol, by the inverse of the distribution function at one number of the generator."""
    if sampling.temperature == 0:
        return int(logits_V.argmax())
    reached_V = _shares(logits_V, sampling).cumsum()
    found = int(reached_V.searchsorted(generator.random() * reached_V[-1], side="right"))
    # The number lies below 1, yet the product may be rounded up to the end; nothing is drawn that has no share.
    return found if found < len(reached_V) else int(reached_V.searchsorted(reached_V[-1]))


def _shares(logits_V: np.ndarray, sampling: Drawing) -> np.ndarray:
    """What the probabilities are but for a factor; that of the likeliest symbol is 1."""
    shares_V = logits_V - logits_V[logits_V.argmax()]
    if sampling.temperature != 1:
        shares_V /= max(sampling.temperature, COLDEST)
    np.exp(shares_V, out=shares_V)
    if 0 < sampling.top_k < len(shares_V) or sampling.top_p < 1:
        return _cut(shares_V, sampling)
    return shares_V


def _cut(shares_V: np.ndarray, sampling: Drawing) -> np.ndarray:
    """The shares of the likeliest symbols alone; of equal ones those with lower numbers stay."""
    order_V = np.argsort(-shares_V, kind="stable")
    kept = order_V[: sampling.top_k or None]
    if sampling.top_p < 1:
        reached = shares_V[kept].cumsum()
        kept = kept[: 1 + int(reached.searchsorted(sampling.top_p * reached[-1]))]
    cut_V = np.zeros_like(shares_V)
    cut_V[kept] = shares_V[kept]
    return cut_V


def _refuse(flag: str, value: float, wanted: str, hint: str) -> None:
    raise UsageError(f"{flag} {value:g}: {wanted}", hint)
