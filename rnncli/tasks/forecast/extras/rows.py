"""Forecasts as rows of a run's predictions: of all windows what they come to, of some their values."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from rnncli.tasks.forecast.windows import WindowPart

DIGITS = 7
MOST_HISTORY = 200


class Kept:
    """Which windows of a part are written with their values: as many as ``most`` values allow, evenly chosen."""

    def __init__(self, part: WindowPart, most: int, season: int) -> None:
        self.part = part
        self.back = int(min(max(2 * season, part.horizon), MOST_HISTORY))
        windows = max(1, most // max(part.horizon, 1))
        self.every = -(-len(part) // windows) if most else 0

    def among(self, indices: np.ndarray) -> np.ndarray:
        """Which of the windows (B,) are."""
        return indices % self.every == 0 if self.every else np.zeros(len(indices), bool)


def rows(
    kept: Kept, indices: np.ndarray, sums_BC: np.ndarray, point_BH: np.ndarray, quantile_BHQ: np.ndarray
) -> list[dict[str, Any]]:
    """The rows of windows; see :mod:`rnncli.tasks.forecast.metrics`."""
    part = kept.part.take(indices)
    panel, cutoff_B, (truth_BH, scored_BH) = part.panel, part.cutoff_W, part.truth_WH()
    stamps = dict(zip(np.unique(cutoff_B).tolist(), panel.grid.texts(np.unique(cutoff_B)), strict=True))
    found: list[dict[str, Any]] = []
    sums, totals = _plain(sums_BC), _plain(np.nansum(truth_BH, axis=1))
    scored = scored_BH.sum(axis=1).tolist()
    for at, (series, cutoff) in enumerate(zip(part.series_W.tolist(), cutoff_B.tolist(), strict=True)):
        name, stamp = panel.names[series], stamps[cutoff]
        found.append(
            {
                "place": part.place_at(series, stamp),
                "series": name,
                "cutoff": stamp,
                "origin": cutoff,
                "n": scored[at],
                "sums": sums[at],
                "truth": totals[at],
            }
        )
    some = np.flatnonzero(kept.among(indices))
    values = _values(kept, part.take(some), truth_BH[some], point_BH[some], quantile_BHQ[some])
    for at, more in zip(some.tolist(), values, strict=True):
        found[at] |= more
    return found


def counted_rows(part: WindowPart, sums_WC: np.ndarray) -> list[dict[str, Any]]:
    """Rows of no more than metrics need, such as those of a rival."""
    cells = zip(part.series_W.tolist(), part.cutoff_W.tolist(), sums_WC.tolist(), strict=True)
    return [{"series": part.panel.names[series], "origin": origin, "sums": sums} for series, origin, sums in cells]


def _values(
    kept: Kept, part: WindowPart, truth_BH: np.ndarray, point_BH: np.ndarray, quantile_BHQ: np.ndarray
) -> Iterator[dict[str, Any]]:
    """What only rows with values have."""
    at_BL, inside_BL = part.back_WL(kept.back)
    known_BL = inside_BL & part.panel.observed_N[at_BL]
    history = _plain(np.where(known_BL, part.panel.y_N[at_BL], np.nan))
    absent = (~inside_BL).sum(axis=1).tolist()
    found = zip(_plain(truth_BH), _plain(point_BH), _plain(quantile_BHQ.swapaxes(1, 2)), history, absent, strict=True)
    for truth, mean, quantiles, back, before in found:
        yield {"truth": truth, "mean": mean, "quantiles": quantiles, "history": back[before:]}


def _plain(values: np.ndarray) -> Any:
    """Nested lists of numbers of seven digits, None for NaN."""
    rounded = _round(values)
    absent = np.isnan(rounded)
    if not absent.any():
        return rounded.tolist()
    found = rounded.astype(object)
    found[absent] = None
    return found.tolist()


def _round(values: Any) -> np.ndarray:
    """Rounded to seven significant digits."""
    values = np.asarray(values, np.float64)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        size = np.where((values != 0) & np.isfinite(values), np.floor(np.log10(np.abs(values))), 0.0)
        factor = 10.0 ** (DIGITS - 1 - size)
        return np.where(np.isfinite(factor) & (factor > 0), np.round(values * factor) / factor, values)
