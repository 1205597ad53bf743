"""Simple rivals of a forecaster: what a person would do without one, with intervals by what they were off by on dev.

Shape letters: W windows, L steps back, H steps ahead, Q levels of quantiles, C counts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnncli.metrics.conformal import Conformal
from rnncli.metrics.forecasts import LEVELS
from rnncli.tasks.forecast.extras.lags import changes, chunks, history, units
from rnncli.tasks.forecast.extras.ridge import Ridge
from rnncli.tasks.forecast.windows import WindowPart

Array = NDArray[Any]
Point = Callable[[WindowPart], Array]
"""Forecasts (W, H) of windows."""
Counted = Callable[[WindowPart, Array, Array], Array]
"""Counts (W, C) of windows whose points (W, H) and quantiles (W, H, Q) are given."""

MEAN_OF_SEASONS = "mean of seasons"
"""A rival's name, whatever it chose: it is one method, also where refits choose otherwise."""
MOST_SEASONS = 8
"""Of which a mean is tried."""
MOST_DEV_VALUES = 500_000
"""Steps of dev windows that a choice is made and intervals are found by, evenly chosen ones where there are more."""


@dataclass(frozen=True, eq=False)
class WindowSpread:
    """How much values change in a window: its mean absolute difference over a season.

    Intervals are as wide as that says: with a window's deviation instead, regular series have far too wide ones (M4
    hourly, 95 % intervals of the ridge: MSIS 9.3, with the deviation 25.4).
    """

    lookback: int
    season: int
    unit_S: Array
    """What counts for a window that does not change, by series."""

    def of(self, part: WindowPart) -> Array:
        """The spread (W,) of windows, 0 in a series that never changed."""
        starts, found_W = part.start_W, np.zeros(len(part))
        for rows in chunks(part, self.lookback):
            y_WL = history(part.panel, starts[rows], part.origin_W[rows], self.lookback, self.season)
            found_W[rows] = changes(y_WL, self.season)
        return np.where(found_W > 0, found_W, self.unit_S[part.series_W])


@dataclass(frozen=True, eq=False)
class Rival:
    """A way to forecast a value, and how far off it was on dev, step by step in spreads of the window."""

    point: Point
    conformal: Conformal
    spread: WindowSpread
    non_negative: bool

    def forecast(self, part: WindowPart) -> tuple[Array, Array]:
        """Points (W, H) and quantiles (W, H, Q) of the levels :data:`LEVELS`."""
        point_WH = self._bounded(self.point(part))
        return point_WH, self._bounded(self.conformal.apply(_repeated(point_WH), self.spread.of(part)))

    def sums(self, part: WindowPart, counted: Counted) -> Array:
        """The counts (W, C) of all windows, some at a time."""
        rows = chunks(part, self.spread.lookback + part.horizon * len(LEVELS))
        found = [counted(some, *self.forecast(some)) for some in map(part.take, rows)]
        return np.concatenate(found) if found else counted(part, *self.forecast(part))

    def _bounded(self, values: Array) -> Array:
        return np.maximum(values, 0.0) if self.non_negative else values


def fitted_rivals(
    parts: Mapping[str, WindowPart], seasons: tuple[int, ...], ridge: Ridge, non_negative: bool
) -> dict[str, Rival]:
    """By name all rivals, their choices and intervals by ``dev`` alone; they look back as far as the ridge does."""
    dev, unit_S = thinned(parts["dev"]), units(parts["train"], min(seasons))
    spread = WindowSpread(ridge.lookback, min(seasons), unit_S)
    (truth_WH, scored_WH), spread_W = dev.truth_WH(), spread.of(dev)
    found = {}
    for name, point in points(dev, unit_S, seasons, ridge).items():
        conformal = Conformal.fit(truth_WH, _repeated(point(dev)), spread_W, scored_WH, LEVELS)
        found[name] = Rival(point, conformal, spread, non_negative)
    return found


def points(dev: WindowPart, unit_S: Array, seasons: tuple[int, ...], ridge: Ridge) -> dict[str, Point]:
    """By name how each rival forecasts; how many seasons are averaged, and of which kind, is what is best on dev."""
    named = sorted({season for season in seasons if season > 1})
    found: dict[str, Point] = {"naive": naive, "drift": drift}
    for season in dict.fromkeys(named[:1] + named[-1:]):
        name = "seasonal naive" if season == named[0] else f"seasonal naive {season}"
        found[name] = partial(mean_of_seasons, season=season, count=1)
    if named:
        tried = [(season, count) for season in named for count in range(2, MOST_SEASONS + 1)]
        means = [partial(mean_of_seasons, season=season, count=count) for season, count in tried]
        best = int(np.argmin([_absolute_error(mean, dev, unit_S) for mean in means]))
        found[MEAN_OF_SEASONS] = means[best]
    return found | {"ridge": ridge.predict}


def naive(part: WindowPart) -> Array:
    """The last value, again and again."""
    return np.repeat(part.panel.y_N[part.origin_W].astype(np.float64)[:, None], part.horizon, axis=1)


def drift(part: WindowPart) -> Array:
    """The straight line from the first value that may be looked at through the last one."""
    start_W = part.start_W
    last_W = part.panel.y_N[part.origin_W].astype(np.float64)
    slope_W = (last_W - part.panel.y_N[start_W]) / np.maximum(part.origin_W - start_W, 1)
    return last_W[:, None] + slope_W[:, None] * (part.gap + np.arange(1, part.horizon + 1))


def mean_of_seasons(part: WindowPart, season: int, count: int) -> Array:
    """The mean of the steps 1 to ``count`` seasons before, of the last season known where a step is further ahead.

    A series that is too short for them repeats its first season.
    """
    panel, steps_H = part.panel, (part.gap + np.arange(part.horizon)) % season
    found_WH = np.empty((len(part), part.horizon))
    for rows in chunks(part, count * season):
        starts = part.start_W[rows]
        y_WL = history(panel, starts, part.origin_W[rows], count * season, season)
        found_WH[rows] = y_WL.reshape(-1, count, season).mean(axis=1)[:, steps_H]
    return found_WH


def thinned(part: WindowPart) -> WindowPart:
    """The part, or evenly chosen windows of it where it is large."""
    most = max(1, MOST_DEV_VALUES // part.horizon)
    return part if len(part) <= most else part.take(np.linspace(0, len(part) - 1, most).astype(np.int64))


def _absolute_error(point: Point, dev: WindowPart, unit_S: Array) -> float:
    """The mean over what is scored, in units of the series."""
    truth_WH, scored_WH = dev.truth_WH()
    unit_W = np.where(unit_S > 0, unit_S, np.inf)[dev.series_W]
    error_WH = np.abs(point(dev) - truth_WH) / unit_W[:, None]
    return float(error_WH[scored_WH].mean()) if scored_WH.any() else 0.0


def _repeated(point_WH: Array) -> Array:
    """The point at every level, without copies."""
    return np.broadcast_to(point_WH[:, :, None], (*point_WH.shape, len(LEVELS)))
