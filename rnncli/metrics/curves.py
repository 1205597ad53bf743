"""Curves to draw, of few points each: those that remain are points of the exact curve."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rnncli.metrics.calibration import reliability
from rnncli.metrics.ranking import Ranking

Points = tuple[tuple[float, ...], tuple[float, ...]]

MOST_POINTS = 300


def roc(truth_B: ArrayLike, score_B: ArrayLike) -> Points:
    """False and true positive rate at falling thresholds."""
    return thinned(*Ranking(truth_B, score_B).roc_points())


def precision_recall(truth_B: ArrayLike, score_B: ArrayLike) -> Points:
    """Recall and precision at falling thresholds."""
    return thinned(*Ranking(truth_B, score_B).precision_recall_points())


def calibration(happened_B: ArrayLike, probability_B: ArrayLike) -> Points:
    """Mean probability and share that happened, by bins of equal width."""
    return thinned(*reliability(happened_B, probability_B)[:2])


def thinned(xs: NDArray[Any], ys: NDArray[Any], most: int = MOST_POINTS) -> Points:
    """At most so many of the points, the first and the last among them, none that is not defined."""
    defined = ~(np.isnan(xs) | np.isnan(ys))
    xs, ys = xs[defined], ys[defined]
    if len(xs) > most:
        kept = np.unique(np.linspace(0, len(xs) - 1, most).round().astype(int))
        xs, ys = xs[kept], ys[kept]
    return tuple(map(float, xs)), tuple(map(float, ys))
