"""Which units of the worst mistakes a model with attention pooling looked at."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

MOST = 20
"""Mistakes that keep it: as many as a page shows."""
KEY = "attention"
"""Under which a saved prediction keeps pairs of a unit and the share of attention that it got."""


def most_confident_mistakes(truth: np.ndarray, probabilities_NK: np.ndarray) -> np.ndarray:
    """The numbers of at most ``MOST`` texts; ``truth`` is (N,) or, for several labels, (N, K)."""
    if truth.ndim == 2:
        wrong_N = ((probabilities_NK >= 0.5) != (truth >= 0.5)).any(1)
    else:
        wrong_N = probabilities_NK.argmax(1) != truth
    wrong = np.flatnonzero(wrong_N)
    return wrong[np.argsort(-probabilities_NK[wrong].max(1), kind="stable")][:MOST]


def noted(
    rows: Iterable[Mapping[str, Any]], which: np.ndarray, units: Sequence[Sequence[str]], weights_BT: np.ndarray
) -> Iterator[dict[str, Any]]:
    """The rows, those numbered ``which`` with the attention that each of their units got."""
    found = {}
    for i, words, weights_T in zip(which.tolist(), units, weights_BT, strict=True):
        found[i] = [[word, round(float(weight), 4)] for word, weight in zip(words, weights_T, strict=False)]
    for i, row in enumerate(rows):
        yield dict(row) | ({KEY: found[i]} if i in found else {})
