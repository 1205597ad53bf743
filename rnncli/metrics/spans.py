"""Spans found, as conlleval counts them (Tjong Kim Sang & Buchholz 2000): right is what has type, start and end right.

Counts are kept by sentence, so that they can be resampled. Shape letters: N sentences, K types.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable
from typing import Any

import numpy as np

from rnncli.metrics.confusion import class_rows, label_figures
from rnncli.metrics.statistics import Scores, Sums

NAMES = ("precision", "recall", "f1")


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

    def sums(self) -> Sums:
        """Precision, recall and F1 over all spans; NaN where nothing was predicted, or there is nothing to find."""
        return Sums(np.array(self.sentences, dtype=np.float64).reshape(-1, 3), _scores)

    def per_type(self) -> list[dict[str, Any]]:
        """A row for each type: ``label, precision, recall, f1, support``."""
        types = sorted(self._types)
        counts_K3 = np.array([self._types[kind] for kind in types], dtype=np.int64).reshape(-1, 3)
        return class_rows(types, *counts_K3.T)


def _scores(sums: np.ndarray) -> Scores:
    return dict(zip(NAMES, label_figures(sums[..., 0], sums[..., 1], sums[..., 2]), strict=True))
