"""From which origins train, dev and test are forecast, and which steps fitting may look at.

The steps of a series, H ahead at once, every s of them, with g steps between an origin and what it forecasts::

    train ................ | dev: D origins | test: O origins |
                         end                first test step    bound
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rnncli.data.series.panel import Panel
from rnncli.errors import DataError

TEST_SHARE, TRAIN_SHARE = 1 / 3, 1 / 2
"""Of the steps at most for test, and at least for train, where no stamps say where they begin."""


@dataclass(frozen=True)
class Spacing:
    """How windows lie: steps ahead, from origin to origin, and between an origin and the first step ahead."""

    horizon: int
    step: int
    gap: int

    def span(self, origins: np.ndarray | int) -> np.ndarray | int:
        """The steps from the first one that is forecast to the last."""
        return (origins - 1) * self.step + self.horizon

    def fit(self, steps: np.ndarray) -> np.ndarray:
        """How many origins have all they forecast within so many steps."""
        return np.maximum((np.asarray(steps) - self.horizon) // self.step + 1, 0)


@dataclass(frozen=True)
class TimeCut:
    """Where dev and test begin in each series, and how many origins they have: numbers on the grid, (S,).

    ``carved`` says that dev is the end of a file that was given to train on, and test another.
    """

    dev_S: np.ndarray
    dev_origins_S: np.ndarray
    test_S: np.ndarray
    test_origins_S: np.ndarray
    carved: bool

    def only(self, keep_S: np.ndarray) -> TimeCut:
        """The cut of the series of a mask (S,)."""
        dev, test = (self.dev_S[keep_S], self.dev_origins_S[keep_S]), (self.test_S[keep_S], self.test_origins_S[keep_S])
        return TimeCut(*dev, *test, self.carved)

    def moved(self, first: int, origins: int, step: int) -> TimeCut:
        """The cut whose test is ``origins`` of the origins from number ``first`` on."""
        left_S = np.clip(self.test_origins_S - first, 0, origins)
        return TimeCut(self.dev_S + first * step, self.dev_origins_S, self.test_S + first * step, left_S, self.carved)


def test_cut(start_S: np.ndarray, bound_S: np.ndarray, from_S: np.ndarray | None, origins: int, spacing: Spacing):
    """Where test begins, and its origins, (S,) each: ``from_S`` on, or the last that fit into a share of the steps.

    ``start_S`` and ``bound_S`` are the numbers of the first step and of that behind the last; ``origins`` 0 are all.
    """
    most = origins or np.iinfo(np.int64).max
    if from_S is not None:
        return from_S, np.minimum(spacing.fit(bound_S - from_S), most)
    room_S = ((bound_S - start_S) * TEST_SHARE).astype(np.int64)
    count_S = np.clip(spacing.fit(room_S), 1, most)
    return bound_S - spacing.span(count_S), count_S


def dev_cut(
    start_S: np.ndarray,
    bound_S: np.ndarray,
    known_S: np.ndarray,
    test_origins_S: np.ndarray,
    from_S: np.ndarray | None,
    spacing: Spacing,
) -> tuple[np.ndarray, np.ndarray]:
    """Where dev begins and its origins, (S,) each: what it forecasts lies before ``known_S``, known to all of test."""
    if from_S is not None:
        return from_S, spacing.fit(known_S - from_S)
    half_S = start_S + ((bound_S - start_S) * TRAIN_SHARE).astype(np.int64)
    count_S = np.clip(spacing.fit(known_S - half_S), 1, np.maximum(test_origins_S, 1))
    return known_S - spacing.span(count_S), count_S


def evaluated(
    panel: Panel, from_S: np.ndarray, origins_S: np.ndarray, spacing: Spacing
) -> tuple[np.ndarray, np.ndarray]:
    """The series and flat origins of windows, (W,) each, in the order of origins: those with a step to be scored."""
    count = int(origins_S.max(initial=0))
    first_S = panel.start_S + from_S - panel.first_S - 1 - spacing.gap
    series_W = np.tile(np.arange(len(panel.names)), count)
    turn_W = np.repeat(np.arange(count), len(panel.names))
    origin_W = first_S[series_W] + turn_W * spacing.step
    there = (turn_W < origins_S[series_W]) & (origin_W >= panel.start_S[series_W])
    there &= origin_W + spacing.gap + 1 < panel.end_S[series_W]
    series_W, origin_W = series_W[there], origin_W[there]
    seen = np.r_[0, np.cumsum(panel.observed_N)]
    begin_W = origin_W + spacing.gap + 1
    some = seen[np.minimum(begin_W + spacing.horizon, panel.end_S[series_W])] > seen[begin_W]
    return series_W[some], origin_W[some]


def trained(
    begin_S: np.ndarray, end_S: np.ndarray, back_S: np.ndarray, spacing: Spacing
) -> tuple[np.ndarray, np.ndarray]:
    """The first origin of training of each series and how many there are, (S,) each: with ``back_S`` steps up to it.

    A series too short for that has one window of as much past as there is, if any.
    """
    ahead = spacing.gap + spacing.horizon
    room_S = end_S - begin_S - ahead
    back_S = np.minimum(back_S, room_S)
    return begin_S + back_S - 1, np.where(room_S >= 1, room_S - back_S + 1, 0)


def thinned(
    panel: Panel, first_S: np.ndarray, count_S: np.ndarray, most: int, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Series and flat origins of at most ``most`` training windows, evenly spread; the seed says from which one on.

    Windows whose origin has no value of its own are left out: a gap that is filled by what ends it tells the future.
    """
    ends = np.cumsum(count_S)
    total = int(ends[-1]) if len(ends) else 0
    at = np.arange(total)
    if total > most:
        at = np.floor((np.arange(most) + np.random.default_rng(seed).random()) * (total / most)).astype(np.int64)
    series_W = np.searchsorted(ends, at, "right")
    origin_W = first_S[series_W] + at - (ends - count_S)[series_W]
    kept = panel.observed_N[origin_W]
    return series_W[kept], origin_W[kept]


def require_room(longest: int, spacing: Spacing, source: str) -> None:
    """Raise DataError where no series has room for a window each of train, dev and test."""
    wanted = 3 * spacing.horizon + 2 * spacing.gap + 1
    if longest < wanted:
        most = max(0, (longest - 1 - 2 * spacing.gap) // 3)
        hint = f"--horizon {most} is the most" if most else "longer series"
        raise DataError(
            f"{source}: the horizon of {spacing.horizon} is too long for series of at most {longest:,} steps: "
            f"train, dev and test need {wanted:,} together",
            hint,
        )
