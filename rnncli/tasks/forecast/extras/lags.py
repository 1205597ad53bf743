"""What simple forecasters see of windows: values back, columns ahead, and their units.

Shape letters: S series, W windows, L steps back, H steps ahead, K columns known ahead.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnncli.data.series.panel import Panel
from rnncli.tasks.forecast.windows import WindowPart

Array = NDArray[Any]

MOST_CHUNK = 4_000_000
"""Numbers of the windows that are looked at together."""


def inputs(part: WindowPart, lookback: int, season: int) -> tuple[Array, Array, Array]:
    """What a ridge forecasts from: values (W, L), known columns (W, H, K), cutoffs (W,).

    A history that is too short is continued backwards by repeating its first season.
    """
    return history(part.panel, part.start_W, part.origin_W, lookback, season), known_ahead(part), part.cutoff_W


def history(panel: Panel, start_W: Array, origin_W: Array, lookback: int, season: int) -> Array:
    """The last values (W, L) up to each origin, none before ``start_W``: there the first season is repeated."""
    ahead_WL = (origin_W - start_W)[:, None] + np.arange(1 - lookback, 1)
    period_W1 = np.minimum(season, origin_W - start_W + 1)[:, None]
    at_WL = start_W[:, None] + np.where(ahead_WL < 0, ahead_WL % period_W1, ahead_WL)
    return panel.y_N[at_WL].astype(np.float64)


def known_ahead(part: WindowPart) -> Array:
    """The columns (W, H, K) of the steps ahead, those of the last step that the panel has where it ends before."""
    panel = part.panel
    at_WH = part.origin_W[:, None] + part.gap + np.arange(1, part.horizon + 1)
    return panel.known_NK[np.minimum(at_WH, panel.offset[part.series_W + 1][:, None] - 1)].astype(np.float64)


def chunks(part: WindowPart, lookback: int) -> Iterator[Array]:
    """The rows of a part, as many at a time as memory should hold."""
    width = lookback + part.horizon * (3 + 2 * part.panel.known_NK.shape[1])
    rows = max(1, MOST_CHUNK // width)
    for first in range(0, len(part), rows):
        yield np.arange(first, min(first + rows, len(part)))


def scales(y_WL: Array) -> Array:
    """The scale of each window, its standard deviation; 0 where it is constant but for rounding."""
    scale_W = y_WL.std(axis=1)
    return np.where(scale_W > 1e-9 * np.abs(y_WL).max(axis=1), scale_W, 0.0)


def changes(y_WL: Array, season: int) -> Array:
    """The mean absolute difference of each window over a season, over a step where it has no whole one."""
    lag = season if season < y_WL.shape[1] else 1
    return np.abs(y_WL[:, lag:] - y_WL[:, :-lag]).mean(axis=1)


def units(train: WindowPart, season: int) -> Array:
    """The unit of errors (S,) of each series within the bounds of fitting; 0 where it is constant.

    The geometric mean of its deviation and of its mean absolute difference over a season: the first alone lets series
    count that nobody can forecast, the second alone those that are the same every season.
    """
    panel, unit_S = train.panel, np.zeros(len(train.begin_S))
    for series, (begin, end) in enumerate(zip(train.begin_S.tolist(), train.end_S.tolist(), strict=True)):
        y_T = panel.y_N[begin:end]
        if len(y_T):
            deviation, lag = float(y_T.std()), season if len(y_T) > season else 1
            difference = float(np.abs(y_T[lag:] - y_T[:-lag]).mean()) if len(y_T) > lag else 0.0
            unit_S[series] = np.sqrt(deviation * difference) if difference else deviation
    return unit_S


def fitted_steps(train: WindowPart) -> Array:
    """Which steps of the panel (N,) lie within the bounds of fitting."""
    change_N = np.zeros(len(train.panel.y_N) + 1, np.int64)
    np.add.at(change_N, train.begin_S, 1)
    np.add.at(change_N, np.maximum(train.begin_S, train.end_S), -1)
    return np.cumsum(change_N[:-1]) > 0


def standards(values_NK: Array) -> tuple[Array, Array]:
    """Mean and deviation (K,) of columns, 0 and 1 without any row, and 1 for one that is always the same."""
    if not len(values_NK):
        return np.zeros(values_NK.shape[1]), np.ones(values_NK.shape[1])
    deviation_K = values_NK.std(axis=0, dtype=np.float64)
    return values_NK.mean(axis=0, dtype=np.float64), np.where(deviation_K > 0, deviation_K, 1.0)


def all_windows(train: WindowPart, lookback: int, most: int) -> WindowPart:
    """At most so many of the windows within the bounds of fitting, one at a random place in each of equal shares.

    A series shorter than lookback and horizon gives its last window, if it has one.
    """
    last_S = train.end_S - 1 - train.gap - train.horizon
    first_S = np.minimum(train.begin_S + lookback - 1, last_S)
    behind_S = np.cumsum(np.where(last_S >= train.begin_S, last_S - first_S + 1, 0))
    total = int(behind_S[-1])
    at_W = np.arange(total)
    if total > most:
        edge = np.arange(most + 1) * total // most
        at_W = edge[:-1] + (np.random.default_rng(0).random(most) * np.diff(edge)).astype(np.int64)
    series_W = np.searchsorted(behind_S, at_W, side="right")
    origin_W = last_S[series_W] - (behind_S[series_W] - 1 - at_W)
    return replace(train, series_W=series_W, origin_W=origin_W)
