"""Counts of right and wrong labels that can be added up across batches and machines, and their exact scores.

Shape letters: B examples, K classes; a leading ``...`` stands for any further axes, such as bootstrap
resamples. A figure that is 0 / 0 is NaN; inside an average it counts as 0, and a label that occurs neither in
the truth nor in the predictions is left out of macro averages. Both are scikit-learn's habits for labels
found in the data.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[Any]


class Confusion:
    """How often each label was taken for each: ``counts_KK``, rows are the truth, columns the predictions."""

    def __init__(self, labels: Sequence[str]) -> None:
        self.labels = tuple(labels)
        self.counts_KK = np.zeros((len(self.labels), len(self.labels)), dtype=np.int64)

    def add(self, truth_B: ArrayLike, predicted_B: ArrayLike) -> None:
        """Count examples given as label numbers; ValueError if the lengths differ or a number is no label."""
        K = len(self.labels)
        truth, predicted = label_numbers(truth_B, K), label_numbers(predicted_B, K)
        if truth.shape != predicted.shape:
            raise ValueError(f"{truth.size} true labels but {predicted.size} predicted ones")
        self.counts_KK += np.bincount(truth * K + predicted, minlength=K * K).reshape(K, K)

    def __add__(self, other: Confusion) -> Confusion:
        if self.labels != other.labels:
            raise ValueError("confusion counts of different labels cannot be added")
        total = Confusion(self.labels)
        total.counts_KK = self.counts_KK + other.counts_KK
        return total

    @property
    def examples(self) -> int:
        """All examples counted."""
        return int(self.counts_KK.sum())

    def accuracy(self) -> float:
        """The share of examples with the right label; NaN without examples."""
        return float(ratio(np.trace(self.counts_KK), self.examples))

    def averages(self) -> dict[str, float]:
        """``{precision,recall,f1}_{macro,micro,weighted}`` and ``balanced_accuracy``."""
        hits, predicted, support = self._margins()
        scores = {**averages(hits, predicted, support), "balanced_accuracy": balanced_accuracy(hits, support)}
        return {name: float(value) for name, value in scores.items()}

    def per_class(self) -> list[dict[str, Any]]:
        """One row for each label: ``label, precision, recall, f1, support``."""
        return class_rows(self.labels, *self._margins())

    def most_confused(self, n: int) -> list[tuple[str, str, int]]:
        """The ``n`` most frequent mistakes as (truth, predicted, count), those that happened only."""
        wrong = self.counts_KK.copy()
        np.fill_diagonal(wrong, 0)
        order = np.argsort(-wrong, axis=None, kind="stable")[:n]
        cells = [divmod(int(cell), len(self.labels)) for cell in order]
        return [(self.labels[t], self.labels[p], int(wrong[t, p])) for t, p in cells if wrong[t, p]]

    def _margins(self) -> tuple[Array, Array, Array]:
        return np.diagonal(self.counts_KK), self.counts_KK.sum(axis=0), self.counts_KK.sum(axis=1)


class MultiLabelCounts:
    """Counts for examples with any number of labels: hits, false alarms and misses of each label."""

    def __init__(self, labels: Sequence[str]) -> None:
        self.labels = tuple(labels)
        K = len(self.labels)
        self.hits_K, self.false_alarms_K, self.misses_K = (np.zeros(K, dtype=np.int64) for _ in range(3))
        self.exact = 0
        self.examples = 0

    def add(self, truth_BK: ArrayLike, predicted_BK: ArrayLike) -> None:
        """Count examples given as rows of 0 and 1, one column a label; ValueError if shapes do not fit."""
        truth, predicted = np.asarray(truth_BK, dtype=bool), np.asarray(predicted_BK, dtype=bool)
        if truth.shape != predicted.shape or truth.ndim != 2 or truth.shape[1] != len(self.labels):
            raise ValueError(f"shapes {truth.shape} and {predicted.shape} for {len(self.labels)} labels")
        self.hits_K += (truth & predicted).sum(axis=0)
        self.false_alarms_K += (~truth & predicted).sum(axis=0)
        self.misses_K += (truth & ~predicted).sum(axis=0)
        self.exact += int((truth == predicted).all(axis=1).sum())
        self.examples += len(truth)

    def __add__(self, other: MultiLabelCounts) -> MultiLabelCounts:
        if self.labels != other.labels:
            raise ValueError("counts of different labels cannot be added")
        total = MultiLabelCounts(self.labels)
        for name in ("hits_K", "false_alarms_K", "misses_K", "exact", "examples"):
            setattr(total, name, getattr(self, name) + getattr(other, name))
        return total

    def accuracy(self) -> float:
        """Subset accuracy: the share of examples whose labels are all right; NaN without examples."""
        return float(ratio(self.exact, self.examples))

    def averages(self) -> dict[str, float]:
        """``{precision,recall,f1}_{macro,micro,weighted}``."""
        return {name: float(value) for name, value in averages(*self._margins()).items()}

    def per_class(self) -> list[dict[str, Any]]:
        """One row for each label: ``label, precision, recall, f1, support``."""
        return class_rows(self.labels, *self._margins())

    def _margins(self) -> tuple[Array, Array, Array]:
        return self.hits_K, self.hits_K + self.false_alarms_K, self.hits_K + self.misses_K


def label_numbers(values_B: ArrayLike, classes: int) -> Array:
    """``values_B`` as int64 label numbers; ValueError if one is not within 0 .. classes - 1."""
    values = np.asarray(values_B)
    if values.size == 0:
        return np.zeros(0, dtype=np.int64)
    if values.ndim != 1 or values.dtype.kind not in "iu":
        raise ValueError(f"label numbers must be a row of integers, not {values.dtype} of shape {values.shape}")
    if values.min() < 0 or values.max() >= classes:
        raise ValueError(f"label numbers from {values.min()} to {values.max()} where there are {classes} labels")
    return values.astype(np.int64)


def ratio(part: ArrayLike, whole: ArrayLike) -> Array:
    """``part / whole``, NaN where ``whole`` is 0, without a warning."""
    part, whole = np.asarray(part, dtype=np.float64), np.asarray(whole, dtype=np.float64)
    return np.where(whole == 0, np.nan, part / np.where(whole == 0, 1.0, whole))


def label_figures(hits: Array, predicted: Array, support: Array) -> tuple[Array, Array, Array]:
    """Precision, recall and F1 of each label; all arrays have one shape."""
    return ratio(hits, predicted), ratio(hits, support), ratio(2 * hits, predicted + support)


def averages(hits_K: Array, predicted_K: Array, support_K: Array) -> dict[str, Array]:
    """Macro, micro and weighted averages over the last axis of arrays of shape (..., K).

    ``hits`` are the examples of a label that were found, ``predicted`` all that were given the label,
    ``support`` all that have it. Weights are the supports.
    """
    occurs_K = (predicted_K + support_K) > 0
    micro = label_figures(hits_K.sum(-1), predicted_K.sum(-1), support_K.sum(-1))
    scores: dict[str, Array] = {}
    for name, figure_K, total in zip(
        ("precision", "recall", "f1"), label_figures(hits_K, predicted_K, support_K), micro, strict=True
    ):
        figure_K = np.nan_to_num(figure_K)
        scores[f"{name}_macro"] = ratio((figure_K * occurs_K).sum(-1), occurs_K.sum(-1))
        scores[f"{name}_micro"] = total
        scores[f"{name}_weighted"] = ratio((figure_K * support_K).sum(-1), support_K.sum(-1))
    return scores


def balanced_accuracy(hits_K: Array, support_K: Array) -> Array:
    """The mean recall of the labels that occur in the truth; arrays of shape (..., K)."""
    return ratio(np.nan_to_num(ratio(hits_K, support_K)).sum(-1), (support_K > 0).sum(-1))


def class_rows(labels: Sequence[str], hits_K: Array, predicted_K: Array, support_K: Array) -> list[dict[str, Any]]:
    """The per-class table: a plain dict for each label."""
    columns = (*label_figures(hits_K, predicted_K, support_K), support_K)
    return [
        {"label": label, "precision": float(p), "recall": float(r), "f1": float(f), "support": int(n)}
        for label, p, r, f, n in zip(labels, *columns, strict=True)
    ]
