"""Choose on dev how much a language model counts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import product

import numpy as np

from rnncli.data.text.scorer import Weights
from rnncli.metrics.edits import error_rate

WEIGHTS, BONUSES = (0.2, 0.5, 0.8, 1.2, 1.7), (0.0, 1.0, 2.0, 3.0)
"""What is tried on dev."""
Write = Callable[[np.ndarray], Sequence[str]]
"""Makes words of the log probabilities (T, V) of labels."""


def choose(
    found: Iterable[tuple[int, np.ndarray]],
    truths: Sequence[Sequence[str]],
    write_by: Callable[[Weights], Write],
    most: int,
) -> Weights:
    """The weights by which the fewest words of dev are wrong; ``write_by`` makes a search that goes by some.

    ``found`` are the log probabilities (T, V) of each example behind its number, of which about ``most`` are looked at,
    at even steps; ``truths`` the words of all examples.
    """
    every = list(found)
    some = every[:: max(1, len(every) // most)]
    wanted = [truths[number] for number, _ in some]

    def wrong(weights: Weights) -> float:
        write = write_by(weights)
        return error_rate(wanted, [write(log_probs_TV) for _, log_probs_TV in some])

    return tune(wrong)


def chosen(weights: Weights) -> str:
    """A sentence that tells weights that were chosen."""
    return f"language model weighs {weights.weight:g}, a word adds {weights.bonus:g}: chosen on dev"


def tune(wrong: Callable[[Weights], float]) -> Weights:
    """The weights with the lowest error rate ``wrong``, the smaller ones where several are alike."""
    grid = (Weights(*pair) for pair in product(WEIGHTS, BONUSES))
    return min(grid, key=lambda weights: (wrong(weights), weights.weight, weights.bonus))
