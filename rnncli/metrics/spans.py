"""Spans found, as conlleval counts them (Tjong Kim Sang & Buchholz 2000): right is what has type, start and end right.

Counts are kept by sentence, so that they can be resampled. Shape letters: N sentences, K types.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Sequence
from typing import Any

import numpy as np

from rnncli.metrics.bootstrap import interval, resampled_sums
from rnncli.metrics.confusion import class_rows, label_figures

FIGURES = ("precision", "recall", "f1")


class SpanCounts:
    """Right, predicted and true spans of each sentence and, over all sentences, of each type."""

    def __init__(self) -> None:
        self.sentences: list[tuple[int, int, int]] = []
        self._types: dict[str, list[int]] = {}

    def add(self, truth: Collection[tuple[str, Hashable]], predicted: Collection[tuple[str, Hashable]]) -> None:
        """Count a sentence, its spans given as (type, where) without repetition."""
        right = set(truth) & set(predicted)
        self.sentences.append((len(right), len(predicted), len(truth)))
        for column, spans in enumerate((right, predicted, truth)):
            for kind, _ in spans:
                self._types.setdefault(kind, [0, 0, 0])[column] += 1

    def counts(self) -> np.ndarray:
        """Right, predicted and true spans of each sentence, (N, 3)."""
        return np.array(self.sentences, dtype=np.int64).reshape(-1, 3)

    def figures(self) -> dict[str, float]:
        """Precision, recall and F1 over all spans; NaN where nothing was predicted, or there is nothing to find."""
        return {name: float(value) for name, value in zip(FIGURES, label_figures(*self.counts().sum(0)), strict=True)}

    def per_type(self) -> list[dict[str, Any]]:
        """A row for each type: ``label, precision, recall, f1, support``."""
        types = sorted(self._types)
        counts_K3 = np.array([self._types[kind] for kind in types], dtype=np.int64).reshape(-1, 3)
        return class_rows(types, *counts_K3.T)

    def intervals(self, *, resamples: int, confidence: float, seed: int) -> dict[str, tuple[float, float]]:
        """Percentile bootstrap over sentences."""
        values = label_figures(*resampled_sums(self.counts(), resamples, seed).T)
        return {name: interval(value_R, confidence) for name, value_R in zip(FIGURES, values, strict=True)}


def share_interval(
    right_N: Sequence[int] | np.ndarray,
    all_N: Sequence[int] | np.ndarray,
    *,
    resamples: int,
    confidence: float,
    seed: int,
) -> tuple[float, float]:
    """The interval of a share whose parts are summed over resampled sentences, such as the accuracy of tokens."""
    sums_R2 = resampled_sums(np.stack([right_N, all_N], 1), resamples, seed)
    with np.errstate(invalid="ignore", divide="ignore"):
        return interval(sums_R2[:, 0] / sums_R2[:, 1], confidence)
