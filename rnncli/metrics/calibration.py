"""How far probabilities can be believed: log loss, Brier score, expected calibration error.

Shape letters: B examples, K classes. The ``example_`` functions give one figure an example.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rnncli.metrics.confusion import label_numbers

Array = NDArray[Any]

BINS = 15
SMALLEST = float(np.finfo(np.float64).eps)


def log_loss(truth_B: ArrayLike, probabilities_BK: ArrayLike) -> float:
    """The mean of -log p(true label), in nats; probabilities below 2.2e-16 count as that."""
    return _mean(example_log_losses(truth_B, probabilities_BK))


def brier(truth_B: ArrayLike, probabilities_BK: ArrayLike) -> float:
    """Half the mean squared distance to the truth, within 0 .. 1; for two classes the usual (p - y) ** 2."""
    return _mean(example_briers(truth_B, probabilities_BK))


def calibration_error(truth_B: ArrayLike, probabilities_BK: ArrayLike) -> float:
    """Expected calibration error (Guo et al. 2017): 15 bins of equal width of the confidence.

    The confidence is the probability of the predicted label; each bin's |accuracy - mean confidence| is
    weighted by its share of the examples. A bin holds its upper end, the first bin also 0.
    """
    confidence_B, right_B = top_confidence(truth_B, probabilities_BK)
    return binned_error(right_B, confidence_B)


def top_confidence(truth_B: ArrayLike, probabilities_BK: ArrayLike) -> tuple[Array, Array]:
    """The probability of each predicted label, and whether that label is right."""
    probabilities = np.asarray(probabilities_BK, dtype=np.float64)
    truth = label_numbers(truth_B, probabilities.shape[1])
    return probabilities.max(axis=1), probabilities.argmax(axis=1) == truth


def binned_error(happened_B: ArrayLike, probability_B: ArrayLike) -> float:
    """The calibration error of probabilities of something that happened (1) or did not (0)."""
    happened, probability = (
        np.asarray(happened_B, dtype=np.float64),
        np.asarray(probability_B, dtype=np.float64),
    )
    if not happened.size:
        return float("nan")
    gaps = np.bincount(bins(probability), weights=happened - probability, minlength=BINS)
    return float(np.abs(gaps).sum() / happened.size)


def reliability(happened_B: ArrayLike, probability_B: ArrayLike) -> tuple[Array, Array, Array]:
    """Mean probability, share that happened, and examples of each bin that has some."""
    happened, probability = np.asarray(happened_B, dtype=np.float64), np.asarray(probability_B, dtype=np.float64)
    number_B = bins(probability)
    count_N = np.bincount(number_B, minlength=BINS)
    held = count_N > 0
    sums = (np.bincount(number_B, weights=values, minlength=BINS)[held] for values in (probability, happened))
    means, shares = (one / count_N[held] for one in sums)
    return means, shares, count_N[held]


def bins(probability: Array) -> Array:
    """The number of the bin, 0 .. 14, of each probability."""
    return np.searchsorted(np.linspace(0, 1, BINS + 1)[1:-1], probability, side="left")


def example_log_losses(truth_B: ArrayLike, probabilities_BK: ArrayLike) -> Array:
    """-log p(true label) of each example."""
    probabilities = np.asarray(probabilities_BK, dtype=np.float64)
    truth = label_numbers(truth_B, probabilities.shape[1])
    return -np.log(np.clip(probabilities[np.arange(len(truth)), truth], SMALLEST, 1.0))


def example_briers(truth_B: ArrayLike, probabilities_BK: ArrayLike) -> Array:
    """Half the squared distance of each example's probabilities from the truth."""
    probabilities = np.asarray(probabilities_BK, dtype=np.float64)
    truth = label_numbers(truth_B, probabilities.shape[1])
    target = np.eye(probabilities.shape[1])[truth]
    return ((probabilities - target) ** 2).sum(axis=1) / 2


def _mean(values_B: Array) -> float:
    return float(values_B.mean()) if values_B.size else float("nan")
