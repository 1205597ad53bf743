"""How well scores order examples: the areas under the ROC and the precision-recall curve, exact with ties.

Shape letters: B examples, K classes; ``...`` any further axes, such as bootstrap resamples.
A figure that needs examples of both kinds and has only one is NaN.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rnncli.metrics.confusion import label_numbers, ratio

Array = NDArray[Any]


class Ranking:
    """Examples sorted once by falling score, so that each reweighting of them costs two running sums."""

    def __init__(self, truth_B: ArrayLike, score_B: ArrayLike) -> None:
        truth, score = np.asarray(truth_B, dtype=bool), np.asarray(score_B, dtype=np.float64)
        if truth.shape != score.shape or truth.ndim != 1:
            raise ValueError(f"truth of shape {truth.shape} and scores of shape {score.shape}")
        if np.isnan(score).any():
            raise ValueError("a score is not a number")
        self._order_B = np.argsort(-score, kind="stable")
        self._truth_B = truth[self._order_B]
        ordered = score[self._order_B]
        # Examples of equal score pass the threshold together: only the last of each tie is a point of the
        # curve.
        self._ends = np.append(np.flatnonzero(ordered[1:] != ordered[:-1]), max(len(ordered) - 1, 0))

    def areas(self, weights_B: ArrayLike | None = None) -> tuple[Array, Array]:
        """ROC-AUC and average precision under weights of shape (..., B), else ones; two arrays of shape
        (...).

        ROC-AUC is the chance that a positive example scores above a negative one, ties counting half (Fawcett
        2006); average precision is the sum over thresholds of precision times the gain in recall.
        """
        if not len(self._truth_B):
            return np.array(np.nan), np.array(np.nan)
        weights = np.ones(len(self._truth_B)) if weights_B is None else np.asarray(weights_B, dtype=np.float64)
        weights = np.take(weights, self._order_B, axis=-1)
        taken, found = self._curve(weights), self._curve(weights * self._truth_B)
        missed = taken - found
        gain = found.copy()
        gain[..., 1:] -= found[..., :-1]
        positives, negatives = found[..., -1], missed[..., -1]
        # Over a gain in found examples the false alarms lie halfway between both ends: the curve's trapezoid.
        above = (_dot(gain, missed) + _dot(gain[..., 1:], missed[..., :-1])) / 2
        # Where nothing is taken yet, nothing is gained either.
        precision = np.divide(found, taken, out=np.zeros_like(found), where=taken > 0)
        return 1.0 - ratio(above, positives * negatives), ratio(_dot(gain, precision), positives)

    def roc_points(self) -> tuple[Array, Array]:
        """False and true positive rates (P,) at each threshold, from (0, 0) on; NaN without examples of a kind."""
        taken, found = (np.concatenate([[0.0], sums]) for sums in self._sums())
        missed = taken - found
        return ratio(missed, missed[-1]), ratio(found, found[-1])

    def precision_recall_points(self) -> tuple[Array, Array]:
        """Recall and precision (P,) at each threshold, the strictest first."""
        taken, found = self._sums()
        return ratio(found, found[-1]), ratio(found, taken)

    def _sums(self) -> tuple[Array, Array]:
        ones = np.ones(len(self._truth_B))
        return self._curve(ones), self._curve(ones * self._truth_B)

    def _curve(self, weights: Array) -> Array:
        sums = np.cumsum(weights, axis=-1)
        return sums if len(self._ends) == len(self._truth_B) else np.take(sums, self._ends, axis=-1)


def roc_auc(truth_B: ArrayLike, score_B: ArrayLike) -> float:
    """The area under the ROC curve of a yes-no question; NaN if all examples are of one kind."""
    return float(Ranking(truth_B, score_B).areas()[0])


def average_precision(truth_B: ArrayLike, score_B: ArrayLike) -> float:
    """The area under the precision-recall curve, as a sum over thresholds; NaN without positive examples."""
    return float(Ranking(truth_B, score_B).areas()[1])


def one_vs_rest(truth_B: ArrayLike, probabilities_BK: ArrayLike) -> list[Ranking]:
    """One ranking for each class: its examples against all others, by its probability."""
    probabilities = np.asarray(probabilities_BK, dtype=np.float64)
    truth = label_numbers(truth_B, probabilities.shape[1])
    return [Ranking(truth == k, probabilities[:, k]) for k in range(probabilities.shape[1])]


def roc_auc_one_vs_rest(
    truth_B: ArrayLike, probabilities_BK: ArrayLike, average: Literal["macro", "weighted"] = "macro"
) -> float:
    """The mean of each class's area against the rest, plain or weighted by how often the class occurs.

    Classes for which the area is not defined (no example, or nothing else) are left out; NaN if none is left.
    """
    probabilities = np.asarray(probabilities_BK, dtype=np.float64)
    areas_K = np.array([ranking.areas()[0] for ranking in one_vs_rest(truth_B, probabilities)])
    support_K = np.bincount(label_numbers(truth_B, probabilities.shape[1]), minlength=probabilities.shape[1])
    return float(defined_mean(areas_K, support_K if average == "weighted" else None))


def defined_mean(values_K: Array, weights_K: Array | None = None) -> Array:
    """The weighted mean over the last axis of those values that are defined; NaN if none is."""
    defined = ~np.isnan(values_K)
    weights = defined if weights_K is None else defined * weights_K
    return ratio((np.nan_to_num(values_K) * weights).sum(-1), weights.sum(-1))


def _dot(left: Array, right: Array) -> Array:
    return np.einsum("...i,...i->...", left, right)
