"""Percentile bootstrap: what a metric would have been on other test sets of the same size (Efron 1979).

Examples are drawn with replacement; a resample is held as how often each example was drawn, so that a metric
of a resample is the weighted metric. The same seed gives the same resamples. Shape letters: R resamples, B
examples, C counts.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rnncli.data import progress

Array = NDArray[Any]

FEWEST_RESAMPLES = 100
# Elements held at once: a megabyte, which stays in the cache.
_CHUNK = 1 << 17


def affordable(resamples: int, cost: int, budget: int = 200_000_000) -> int:
    """``resamples``, or as many of ``cost`` elements each as keep within ``budget``, but never below 100.

    With the default budget the metrics of 100,000 examples of two classes still get 1,000 resamples, in
    seconds.
    """
    return min(resamples, max(FEWEST_RESAMPLES, budget // max(cost, 1)))


def resample_weights(examples: int, resamples: int, seed: int) -> Iterator[Array]:
    """How often each example is drawn: float64 arrays of shape (r, B), ``resamples`` rows in all."""
    random = np.random.default_rng(seed)
    rows = max(1, _CHUNK // max(examples, 1))
    for start in range(0, resamples, rows):
        weights = np.empty((min(rows, resamples - start), examples))
        for row in weights:
            row[:] = np.bincount(random.integers(0, examples, examples, dtype=np.int32), minlength=examples)
        yield weights
        progress.tell("resamples", start + len(weights), resamples)


def resampled_sums(parts_BC: ArrayLike, resamples: int, seed: int) -> Array:
    """The sum of each column over the examples of each resample, of shape (R, C).

    For every metric that is a function of sums over examples: hits, predicted and true spans of each
    sentence, errors and words of each utterance.
    """
    parts = np.asarray(parts_BC, dtype=np.float64)
    sums = [weights_RB @ parts for weights_RB in resample_weights(len(parts), resamples, seed)]
    return np.concatenate(sums) if sums else np.empty((0, parts.shape[1]))


def resampled_counts(counts_C: ArrayLike, resamples: int, seed: int) -> Iterator[Array]:
    """Resampled counts of kinds of examples, as int64 arrays of shape (r, C).

    Drawing B examples and counting their kinds is one multinomial draw, so the cost does not grow with B.
    """
    counts = np.asarray(counts_C, dtype=np.int64)
    random = np.random.default_rng(seed)
    rows = max(1, _CHUNK // max(len(counts), 1))
    for start in range(0, resamples, rows):
        shares = counts / counts.sum()
        yield random.multinomial(int(counts.sum()), shares, size=min(rows, resamples - start))
        progress.tell("resamples", min(start + rows, resamples), resamples)


def interval(values_R: ArrayLike, confidence: float = 0.95) -> tuple[float, float]:
    """The middle ``confidence`` of the values that are defined; (NaN, NaN) if none is."""
    values = np.asarray(values_R, dtype=np.float64)
    values = values[~np.isnan(values)]
    if not values.size:
        return float("nan"), float("nan")
    low, high = np.quantile(values, [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(low), float(high)


def centred_interval(values_R: ArrayLike, value: float, confidence: float = 0.95) -> tuple[float, float]:
    """The interval of resampled values moved so that their mean is ``value``, and not below 0.

    For metrics that resampling inflates: a sum of absolute gaps grows with the noise that drawing again adds.
    """
    values = np.asarray(values_R, dtype=np.float64)
    if not values.size or np.isnan(values).all():
        return float("nan"), float("nan")
    low, high = interval(values - np.nanmean(values) + value, confidence)
    return max(low, 0.0), max(high, 0.0)
