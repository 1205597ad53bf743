"""A metric by groups of examples: how far the best group is from the worst, and whether chance alone parts them so.

Shape letters: N units, G groups, P pairs of groups, C counts, R rounds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnncli.metrics.bootstrap import affordable, resampled_sums
from rnncli.metrics.metric import Metric
from rnncli.metrics.paired import Parts

Array = NDArray[Any]
FEWEST = 20
"""Examples below which a group is too small to say anything of."""
ROUNDS = 1000
AT_ONCE = 1 << 20
"""Sums that are there at once."""


@dataclass(frozen=True)
class GroupGap:
    """The distance of the best group from the worst, its interval, the share of random regroupings as far apart."""

    best: str
    worst: str
    difference: float
    low: float
    high: float
    p: float


def gap(
    metric: Metric,
    parts: Parts,
    group_N: Sequence[str],
    *,
    confidence: float = 0.95,
    resamples: int = ROUNDS,
    seed: int = 1,
) -> GroupGap | None:
    """The gap between the groups that are large enough; None where there are not two with a figure.

    The groups of a regrouping are as large as the real ones. Because the best and the worst are looked for in each of
    them, p allows for the number of groups. So does the interval (:func:`simultaneous_half`), which may hold 0 and
    less, and is NaN without resamples. A metric that should be near a value has no gap.
    """
    if metric.better == "nominal":
        return None
    names, number_N, count_G = np.unique(np.asarray(group_N), return_inverse=True, return_counts=True)
    large = count_G >= FEWEST
    kept_N = large[number_N]
    if large.sum() < 2:
        return None
    counts_NC = parts.counts_NC[kept_N]
    order_N = np.argsort(number_N[kept_N], kind="stable")
    starts_G = np.concatenate([[0], np.cumsum(count_G[large])[:-1]])
    score_G = parts.score(np.add.reduceat(counts_NC[order_N], starts_G, axis=0))
    if np.isnan(score_G).any():
        return None
    names = names[large]
    high, low = int(score_G.argmax()), int(score_G.argmin())
    best, worst = (low, high) if metric.better == "lower" else (high, low)
    difference = float(score_G[high] - score_G[low])
    groups = np.split(counts_NC[order_N], starts_G[1:])
    half = simultaneous_half(groups, parts.score, (high, low), confidence, resamples, seed)
    rounds = affordable(ROUNDS, counts_NC.size)
    drawn = (parts.score(sums_RGC) for sums_RGC in _regrouped(counts_NC, starts_G, rounds, seed))
    apart_R = np.concatenate([np.nanmax(score_RG, 1) - np.nanmin(score_RG, 1) for score_RG in drawn])
    p = (1 + int((apart_R >= difference - 1e-12).sum())) / (1 + rounds)
    return GroupGap(str(names[best]), str(names[worst]), difference, difference - half, difference + half, p)


def simultaneous_half(
    groups: Sequence[Array],
    score: Callable[[Array], Array],
    pair: tuple[int, int],
    confidence: float,
    resamples: int,
    seed: int,
) -> float:
    """Half the width of the interval of the difference between two of ``groups`` of counts (N, C), chosen by looking.

    All differences at once lie within such intervals with probability ``confidence``, so that one may choose the pair
    that is farthest apart: half widths are errors of the difference times a quantile of the largest of all differences
    over their errors (Tukey and Kramer; Hochberg and Tamhane 1987, chapter 3), here of the bootstrap within groups.
    """
    rounds = resamples and affordable(resamples, sum(counts_NC.size for counts_NC in groups))
    draws = [score(resampled_sums(counts_NC, rounds, seed + number)) for number, counts_NC in enumerate(groups)]
    score_RG = np.column_stack(draws)
    score_RG = score_RG[~np.isnan(score_RG).any(1)]  # of a resample with nothing to score a group by
    if len(score_RG) < 2:
        return float("nan")
    apart_RG = score_RG - score_RG.mean(0)
    variance_G = score_RG.var(0, ddof=1)
    firsts_P, seconds_P = np.triu_indices(len(groups), 1)
    error_P = np.sqrt(variance_G[firsts_P] + variance_G[seconds_P])
    vary_P = error_P > 0
    if not vary_P.any():
        return 0.0
    firsts_P, seconds_P, error_P = firsts_P[vary_P], seconds_P[vary_P], error_P[vary_P]
    largest_R = (np.abs(apart_RG[:, firsts_P] - apart_RG[:, seconds_P]) / error_P).max(1)
    return float(np.quantile(largest_R, confidence) * np.sqrt(variance_G[list(pair)].sum()))


def _regrouped(counts_NC: Array, starts_G: Array, rounds: int, seed: int) -> Iterator[Array]:
    """Sums (R, G, C) of units dealt at random to groups as large as the real ones, some rounds at once.

    A metric of many sums takes little longer than one of a few.
    """
    random = np.random.default_rng(seed)
    at_once = max(1, AT_ONCE // (len(starts_G) * counts_NC.shape[1]))
    for first in range(0, rounds, at_once):
        dealt = (counts_NC[random.permutation(len(counts_NC))] for _ in range(min(at_once, rounds - first)))
        yield np.stack([np.add.reduceat(one_NC, starts_G, axis=0) for one_NC in dealt])


def length_group(length: int) -> str:
    """The range that a length falls into: 1-4, 5-9, 10-19, 20-39 and so on, the same in every run."""
    if length < 1:
        return "0"
    low, high = 1, 4
    while length > high:
        low, high = high + 1, 2 * (high + 1) - 1
    return f"{low}-{high}"
