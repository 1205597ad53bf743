"""What a classifier answers, from its scores to a row of its predictions; with numpy alone, as exported models have it.

Shape letters: B batch, K labels.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

PREDICTED = 0.5
"""The probability from which on one of several labels is predicted."""


def probabilities(logits_BK: np.ndarray, *, several: bool) -> np.ndarray:
    """Scores to probabilities, (B, K) float64: of each class, or of each label on its own."""
    logits_BK = np.asarray(logits_BK, np.float64)
    if several:
        small_BK = np.exp(-np.abs(logits_BK))
        return np.where(logits_BK >= 0, 1, small_BK) / (1 + small_BK)
    shares_BK = np.exp(logits_BK - logits_BK.max(-1, keepdims=True))
    return shares_BK / shares_BK.sum(-1, keepdims=True)


def chosen(probabilities_K: np.ndarray, *, several: bool) -> list[int]:
    """The number of the label that is predicted, or those of several that are."""
    return np.flatnonzero(probabilities_K >= PREDICTED).tolist() if several else [int(probabilities_K.argmax())]


def row(
    text: str,
    probabilities_K: np.ndarray,
    labels: Sequence[str],
    *,
    several: bool,
    shown: str = "text",
    digits: int | None = 6,
) -> dict[str, Any]:
    """A prediction as JSON: the text, its label (or labels), the probability of each class, None for all ``digits``."""
    rounded = probabilities_K if digits is None else probabilities_K.round(digits)
    shares = dict(zip(labels, rounded.tolist(), strict=True))
    found = [labels[k] for k in chosen(probabilities_K, several=several)]
    if several:
        return {shown: text, "labels": found, "probabilities": shares}
    return {shown: text, "label": found[0], "probabilities": shares}
