"""A metric by groups of examples: how far the best group is from the worst, and whether chance alone parts them so.

Shape letters: N units, G groups, C counts, R rounds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnncli.metrics.bootstrap import affordable
from rnncli.metrics.direction import higher_is_better
from rnncli.metrics.paired import Parts

Array = NDArray[Any]
FEWEST = 20
"""Examples below which a group is too small to say anything of."""
ROUNDS = 1000


@dataclass(frozen=True)
class GroupGap:
    """The distance of the best group from the worst, and the share of random regroupings with one as large."""

    best: str
    worst: str
    difference: float
    p: float


def gap(metric: str, parts: Parts, group_N: Sequence[str], *, seed: int = 1) -> GroupGap | None:
    """The gap between the groups that are large enough; None where there are not two with a figure.

    The groups of a regrouping are as large as the real ones. Because the best and the worst are looked for in each of
    them, p allows for the number of groups.
    """
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
    best, worst = (high, low) if higher_is_better(metric) else (low, high)
    difference = float(score_G[high] - score_G[low])
    random = np.random.default_rng(seed)
    rounds = affordable(ROUNDS, counts_NC.size)
    reached = 0
    for _ in range(rounds):
        drawn_G = parts.score(np.add.reduceat(counts_NC[random.permutation(len(counts_NC))], starts_G, axis=0))
        reached += bool(np.nanmax(drawn_G) - np.nanmin(drawn_G) >= difference - 1e-12)
    return GroupGap(str(names[best]), str(names[worst]), difference, (1 + reached) / (1 + rounds))


def length_group(length: int) -> str:
    """The range that a length falls into: 1-4, 5-9, 10-19, 20-39 and so on, the same in every run."""
    if length < 1:
        return "0"
    low, high = 1, 4
    while length > high:
        low, high = high + 1, 2 * (high + 1) - 1
    return f"{low}-{high}"
