"""Metrics of labels that are ordered numbers, such as stars: to be off by one is better than to be off by four.

Shape letters: U pairs of a true and a predicted label, K labels; ``...`` stands for any further axes.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rnncli.metrics.confusion import ratio
from rnncli.metrics.statistics import Scores, Sums

Array = NDArray[Any]
OF_NUMBERS = ("mean_absolute_error", "quadratic_kappa")
_WHOLE = re.compile(r"[+-]?\d{1,15}(\.0+)?")


def numbers_of(labels: Sequence[str]) -> Array | None:
    """The numbers that labels stand for, (K,), where all are different whole ones and more than two; else None.

    >>> numbers_of(["1", "2", "5"]), numbers_of(["0", "1"]), numbers_of(["1", "2", "other"])
    (array([1., 2., 5.]), None, None)
    """
    if len(labels) < 3 or not all(map(_WHOLE.fullmatch, labels)):
        return None
    found_K = np.array(list(map(float, labels)))
    return found_K if len(set(found_K.tolist())) == len(found_K) else None


def number_sums(truth_U: ArrayLike, predicted_U: ArrayLike, kind_N: Array | None = None) -> Sums:
    """:data:`OF_NUMBERS` of true and predicted numbers.

    The kappa is Cohen's (1968) with weights of squared distance: 1 less the squared error by that of truth and
    prediction drawn independently of each other.
    """
    truth, predicted = np.asarray(truth_U, dtype=np.float64), np.asarray(predicted_U, dtype=np.float64)
    gap = truth - predicted
    parts = (np.abs(gap), gap**2, truth, predicted, truth**2, predicted**2, np.ones(len(gap)))
    return Sums(np.column_stack(parts), _scores, kind_N)


def _scores(sums: Array) -> Scores:
    off, squared, truth, predicted, truth2, predicted2, count = np.moveaxis(sums, -1, 0)
    by_chance = truth2 + predicted2 - 2 * ratio(truth * predicted, count)
    return {"mean_absolute_error": ratio(off, count), "quadratic_kappa": 1 - ratio(squared, by_chance)}
