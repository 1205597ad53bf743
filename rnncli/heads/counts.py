"""Quantiles of negative binomial counts, many at once.

A count of mean m and dispersion d has the variance m + d m². It is the number of failures before the ``number`` th
success of chance ``stop``, where number = 1 / d and stop = 1 / (1 + d m).

Shape letters: N counts, Q levels.
"""

from __future__ import annotations

from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

LARGEST_MEAN_SUMMED, LARGEST_COUNT_SUMMED = 100.0, 400
"""Up to these, quantiles of counts are found by summing probabilities of all counts below."""
MOST_TERMS, ENOUGH = 10_000, 1e-14
"""Of a continued fraction, and the relative change below which it ends."""
FEWEST_FOR_STIRLING = 10.0
TINY = 1e-300
_NORMAL = NormalDist()


def count_quantiles(mean_N: Array, dispersion_N: Array, level_Q: Array) -> Array:
    """Of each level the least count that is not exceeded with at least its probability, float64, (N, Q).

    Summed for all levels at once, which for small counts takes a small part of the time of other ways.
    """
    odds_N = mean_N * dispersion_N
    found_NQ = np.zeros((len(mean_N), len(level_Q)))
    open_A = np.flatnonzero(mean_N <= LARGEST_MEAN_SUMMED)
    large_N = mean_N > LARGEST_MEAN_SUMMED
    chance_A = np.exp(-np.log1p(odds_N[open_A]) / dispersion_N[open_A])
    below_A = chance_A.copy()
    for count in range(1, LARGEST_COUNT_SUMMED + 1):
        short_A = below_A < level_Q.max(initial=0)
        open_A, chance_A, below_A = open_A[short_A], chance_A[short_A], below_A[short_A]
        if not len(open_A):
            break
        found_NQ[open_A] += below_A[:, None] < level_Q
        more_A = mean_N[open_A] + (count - 1) * odds_N[open_A]
        chance_A = chance_A * more_A / (count * (1 + odds_N[open_A]))
        below_A = below_A + chance_A
    large_N[open_A] = True
    if large_N.any():
        mean_NQ, dispersion_NQ, level_NQ = (
            one.ravel() for one in np.broadcast_arrays(mean_N[large_N, None], dispersion_N[large_N, None], level_Q)
        )
        found_NQ[large_N] = _searched(mean_NQ, dispersion_NQ, level_NQ).reshape(-1, len(level_Q))
    return found_NQ


def at_most(count_N: Array, mean_N: Array, dispersion_N: Array) -> Array:
    """The probability of at most so many, 0 for fewer than none: an incomplete beta function, (N,)."""
    number_N, odds_N = 1 / dispersion_N, mean_N * dispersion_N
    found_N = incomplete_beta(
        number_N, np.maximum(count_N, 0.0) + 1, -np.log1p(odds_N), np.log(odds_N) - np.log1p(odds_N)
    )
    return np.where(count_N < 0, 0.0, found_N)


def incomplete_beta(a_N: Array, b_N: Array, log_x_N: Array, log_y_N: Array) -> Array:
    """The regularised incomplete beta function I_x(a, b) by the logarithms of x and of y = 1 - x, (N,).

    By its continued fraction (Abramowitz and Stegun 26.5.8), from the side on which that converges quickly.
    """
    log_front_N = a_N * log_x_N + b_N * log_y_N + _log_gamma(a_N + b_N) - _log_gamma(a_N) - _log_gamma(b_N)
    swapped_N = np.exp(log_x_N) > (a_N + 1) / (a_N + b_N + 2)
    first_N, second_N = np.where(swapped_N, b_N, a_N), np.where(swapped_N, a_N, b_N)
    x_N = np.exp(np.where(swapped_N, log_y_N, log_x_N))
    found_N = np.exp(log_front_N) * _fraction(first_N, second_N, x_N) / first_N
    return np.clip(np.where(swapped_N, 1 - found_N, found_N), 0.0, 1.0)


def _searched(mean_N: Array, dispersion_N: Array, level_N: Array) -> Array:
    """The least count whose cumulated probability is a level or more, between two that close in on it, (N,)."""
    low_N, high_N, below_N, above_N = _bracketed(mean_N, dispersion_N, level_N)
    open_A, turn = np.flatnonzero(high_N - low_N > 1), 0
    while len(open_A):
        low_A, high_A, below_A, above_A = (one[open_A] for one in (low_N, high_N, below_N, above_N))
        share_A = (level_N[open_A] - below_A) / np.maximum(above_A - below_A, TINY)
        share_A = share_A if turn % 3 < 2 else np.full(len(open_A), 0.5)
        middle_A = np.clip(np.ceil(low_A + share_A * (high_A - low_A)) - turn % 2, low_A + 1, high_A - 1)
        chance_A = at_most(middle_A, mean_N[open_A], dispersion_N[open_A])
        short_A = chance_A < level_N[open_A]
        low_N[open_A], below_N[open_A] = np.where(short_A, middle_A, low_A), np.where(short_A, chance_A, below_A)
        high_N[open_A], above_N[open_A] = np.where(short_A, high_A, middle_A), np.where(short_A, above_A, chance_A)
        open_A, turn = open_A[high_N[open_A] - low_N[open_A] > 1], turn + 1
    return high_N


def _bracketed(mean_N: Array, dispersion_N: Array, level_N: Array) -> tuple[Array, Array, Array, Array]:
    """Counts below and not below each quantile, and how probable it is to be at most those.

    They lie around the quantile of a gamma distribution of the same mean and variance (Wilson and Hilferty 1931).
    """
    variance_N = mean_N + dispersion_N * mean_N**2
    distinct, at_N = np.unique(level_N, return_inverse=True)
    z_N = np.array([_NORMAL.inv_cdf(level) for level in distinct.tolist()])[at_N]
    ninth_N = variance_N / (9 * mean_N**2)
    guess_N = mean_N * np.maximum(1 - ninth_N + z_N * np.sqrt(ninth_N), 0) ** 3
    width_N = np.ceil(1 + 0.02 * np.sqrt(variance_N))
    low_N, high_N = np.maximum(np.floor(guess_N) - width_N, -1.0), np.ceil(guess_N) + width_N
    below_N, above_N = (at_most(one, mean_N, dispersion_N) for one in (low_N, high_N))
    for end_N, chance_N, sign in ((low_N, below_N, -1), (high_N, above_N, 1)):
        step_N = width_N.copy()
        while len(wrong := np.flatnonzero((chance_N >= level_N) if sign < 0 else (chance_N < level_N))):
            step_N[wrong] *= 2
            end_N[wrong] = np.maximum(end_N[wrong] + sign * step_N[wrong], -1.0)
            chance_N[wrong] = at_most(end_N[wrong], mean_N[wrong], dispersion_N[wrong])
    return low_N, high_N, below_N, above_N


def _fraction(a_N: Array, b_N: Array, x_N: Array) -> Array:
    """The continued fraction of the incomplete beta function, by the method of Lentz, Thompson and Barnett (1986)."""
    found_N = np.ones(len(a_N))
    open_A: np.ndarray = np.arange(len(a_N))
    a_A, b_A, x_A = a_N, b_N, x_N
    c_A = np.ones(len(a_N))
    d_A = 1 / _away_from_zero(1 - (a_A + b_A) * x_A / (a_A + 1))
    value_A = d_A.copy()
    for term in range(1, MOST_TERMS):
        change_A = np.ones(len(open_A))
        for factor_A in (
            term * (b_A - term) * x_A / ((a_A + 2 * term - 1) * (a_A + 2 * term)),
            -(a_A + term) * (a_A + b_A + term) * x_A / ((a_A + 2 * term) * (a_A + 2 * term + 1)),
        ):
            d_A = 1 / _away_from_zero(1 + factor_A * d_A)
            c_A = _away_from_zero(1 + factor_A / c_A)
            change_A = d_A * c_A
            value_A = value_A * change_A
        found_N[open_A] = value_A
        more_A = np.abs(change_A - 1) > ENOUGH
        if not more_A.any():
            break
        if not more_A.all():
            open_A, a_A, b_A, x_A, c_A, d_A, value_A = (
                one[more_A] for one in (open_A, a_A, b_A, x_A, c_A, d_A, value_A)
            )
    return found_N


def _away_from_zero(value_N: Array) -> Array:
    return np.where(np.abs(value_N) < TINY, TINY, value_N)


def _log_gamma(x_N: Array) -> Array:
    """The logarithm of the gamma function above 0, by the series of Stirling, small numbers shifted up before."""
    shift_N = np.zeros(len(x_N))
    x_N = x_N.copy()
    while len(small := np.flatnonzero(x_N < FEWEST_FOR_STIRLING)):
        shift_N[small] += np.log(x_N[small])
        x_N[small] += 1
    inverse_N = 1 / x_N**2
    series_N = (
        1 / 12 - inverse_N * (1 / 360 - inverse_N * (1 / 1260 - inverse_N * (1 / 1680 - inverse_N / 1188)))
    ) / x_N
    return (x_N - 0.5) * np.log(x_N) - x_N + 0.5 * np.log(2 * np.pi) + series_N - shift_N
