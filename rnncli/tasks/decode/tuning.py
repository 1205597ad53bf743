"""Choose on dev how much a language model counts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np

from rnncli.metrics.edits import error_rate
from rnncli.tasks.decode.language import Weights, tune

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
