"""Forecasts as rows of a run's predictions: of all windows what they come to, of some their values."""

from __future__ import annotations

from typing import Any

import numpy as np

from rnncli.tasks.forecast.windows import WindowPart

DIGITS = 7
MOST_HISTORY = 200


class Kept:
    """Which windows of a part have their values written: all, or as many as ``most`` values allow, evenly spread."""

    def __init__(self, part: WindowPart, most: int, season: int) -> None:
        self.part = part
        self.back = int(min(max(2 * season, part.horizon), MOST_HISTORY))
        windows = max(1, most // max(part.horizon, 1))
        self.every = -(-len(part) // windows) if most else 0

    def __call__(self, index: int) -> bool:
        """Whether that window is."""
        return bool(self.every) and index % self.every == 0


def row(kept: Kept, index: int, sums_C: np.ndarray, point_H: np.ndarray, quantile_HQ: np.ndarray) -> dict[str, Any]:
    """The row of a window; see :mod:`rnncli.tasks.forecast.metrics`."""
    one = kept.part.take(np.array([index]))
    panel, series, origin = one.panel, int(one.series_W[0]), int(one.origin_W[0])
    truth_WH, scored_WH = one.truth_WH()
    found: dict[str, Any] = {
        "place": one.place(0),
        "series": panel.names[series],
        "cutoff": panel.stamp(series, origin),
        "origin": int(one.cutoff_W[0]),
        "n": int(scored_WH.sum()),
        "sums": _plain(sums_C),
        "truth": float(_round(np.nansum(truth_WH))),
    }
    if kept(index):
        at_WL, inside_WL = one.back_WL(kept.back)
        known_L = inside_WL[0] & panel.observed_N[at_WL[0]]
        history_L = np.where(known_L, panel.y_N[at_WL[0]], np.nan)[inside_WL[0]]
        found |= {"truth": _plain(truth_WH[0]), "mean": _plain(point_H)}
        found |= {"quantiles": [_plain(one_H) for one_H in quantile_HQ.T], "history": _plain(history_L)}
    return found


def _plain(values: np.ndarray) -> list[float | None]:
    """Numbers of seven digits, None for NaN."""
    return [None if number != number else number for number in _round(values).tolist()]


def _round(values: Any) -> np.ndarray:
    """Rounded to seven significant digits."""
    values = np.asarray(values, np.float64)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        size = np.where((values != 0) & np.isfinite(values), np.floor(np.log10(np.abs(values))), 0.0)
        factor = 10.0 ** (DIGITS - 1 - size)
        return np.where(np.isfinite(factor) & (factor > 0), np.round(values * factor) / factor, values)
