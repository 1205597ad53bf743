"""What forecasts are worth: errors, errors over scales of the past, quantiles and intervals, all from sums of windows.

A window is one series forecast from one origin. Every metric is a function of sums over scored steps, so that windows
can be added up, drawn again and compared. Shape letters: W windows, H steps ahead, Q levels of quantiles, C counts, S
series, N steps of all series together; ``...`` stands for any further axes.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Scores = dict[str, Array]

LEVELS = (0.025, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.975)
"""Of the quantiles that every forecast with intervals gives."""
INTERVALS = {"80": (0.1, 0.9), "95": (0.025, 0.975)}
"""The central intervals that are scored, by their per cent."""
MISSED = 2 / 0.05
"""What a miss of the 95 % interval costs by its distance, 2 / alpha (Gneiting and Raftery 2007)."""
NOISE = 1e-12
"""A scale below this share of the largest value is what rounding leaves of nothing."""
COUNTS = (
    "steps",
    "absolute",
    "squared",
    "symmetric",
    "scaled_steps",
    "scaled_absolute",
    "standard_steps",
    "standard_absolute",
    "standard_squared",
    "interval_steps",
    "pinball",
    "inside_80",
    "inside_95",
    "width_80",
    "width_95",
    "scaled_interval_steps",
    "scaled_interval_95",
)
"""What :func:`window_sums` gives of each window."""
RATIOS = {
    "mae": ("absolute", "steps"),
    "rmse": ("squared", "steps"),
    "mase": ("scaled_absolute", "scaled_steps"),
    "smape": ("symmetric", "steps"),
    "mse_scaled": ("standard_squared", "standard_steps"),
    "mae_scaled": ("standard_absolute", "standard_steps"),
    "crps": ("pinball", "interval_steps"),
    "coverage_80": ("inside_80", "interval_steps"),
    "coverage_95": ("inside_95", "interval_steps"),
    "width_80": ("width_80", "interval_steps"),
    "width_95": ("width_95", "interval_steps"),
    "msis": ("scaled_interval_95", "scaled_interval_steps"),
}
"""Each metric as one count by another; ``rmse`` is the root of its own."""
AT = {name: at for at, name in enumerate(COUNTS)}


@dataclass(frozen=True, eq=False)
class Scales:
    """Of each series what its errors are measured by, NaN where that is undefined or nothing.

    ``mase_S`` is the mean absolute error of repeating the season within the training part (Hyndman and Koehler 2006),
    ``deviation_S`` the standard deviation there (ddof 0).
    """

    mase_S: Array
    deviation_S: Array

    @classmethod
    def of(cls, panel: Any, begin_S: Array, end_S: Array, season: int) -> Scales:
        """The scales of the steps ``begin_S .. end_S - 1``, flat indices, of which only observed ones count.

        ``panel`` is a :class:`rnncli.data.series.panel.Panel`, of which ``offset``, ``y_N`` and ``observed_N`` matter.
        """
        series = len(panel.offset) - 1
        at_N = np.arange(len(panel.y_N))
        series_N = np.repeat(np.arange(series), np.diff(panel.offset))
        used_N = panel.observed_N & (at_N >= begin_S[series_N]) & (at_N < end_S[series_N])
        y_N = np.where(used_N, panel.y_N, 0.0)
        largest_S = np.zeros(series)
        np.maximum.at(largest_S, series_N, np.abs(y_N))

        def mean(values_N: Array, counted_N: Array, of_N: Array = series_N) -> Array:
            sums_S = np.bincount(of_N, np.where(counted_N, values_N, 0.0), minlength=series)
            return _ratio(sums_S, np.bincount(of_N, counted_N, minlength=series))

        pairs_N = used_N[season:] & used_N[:-season] & (series_N[season:] == series_N[:-season])
        mase_S = mean(np.abs(y_N[season:] - y_N[:-season]), pairs_N, series_N[season:])
        middle_S = mean(y_N, used_N)
        deviation_S = np.sqrt(mean((y_N - middle_S[series_N]) ** 2, used_N))
        return cls(*(np.where(scale_S > NOISE * largest_S, scale_S, np.nan) for scale_S in (mase_S, deviation_S)))


def window_sums(
    truth_WH: Array,
    point_WH: Array,
    quantile_WHQ: Array | None,
    levels: Sequence[float],
    scored_WH: Array,
    mase_W: Array,
    deviation_W: Array,
) -> Array:
    """The ``COUNTS`` of each window, (W, C), float64.

    Only steps in ``scored_WH`` count; truth may be NaN elsewhere. Scales are those of each window's series: one of NaN
    leaves the window out of what is measured by it. Without quantiles nothing is counted of them; else ``levels`` hold
    those of the 80 and the 95 % interval, and ValueError says where they do not.
    """
    truth_WH = np.where(scored_WH, truth_WH, 0.0).astype(np.float64)
    error_WH = np.where(scored_WH, point_WH - truth_WH, 0.0)
    steps_W = scored_WH.sum(1).astype(np.float64)
    size_WH = np.where(scored_WH, np.abs(truth_WH) + np.abs(point_WH), 0.0)
    found = {
        "steps": steps_W,
        "absolute": np.abs(error_WH).sum(1),
        "squared": (error_WH**2).sum(1),
        "symmetric": 200 * np.divide(np.abs(error_WH), size_WH, out=np.zeros_like(size_WH), where=size_WH > 0).sum(1),
    }
    has_mase_W, has_deviation_W = np.isfinite(mase_W), np.isfinite(deviation_W)
    found |= {
        "scaled_steps": steps_W * has_mase_W,
        "scaled_absolute": _over(found["absolute"], mase_W),
        "standard_steps": steps_W * has_deviation_W,
        "standard_absolute": _over(found["absolute"], deviation_W),
        "standard_squared": _over(found["squared"], np.square(deviation_W)),
    }
    if quantile_WHQ is not None:
        found |= _of_quantiles(truth_WH, np.asarray(quantile_WHQ, np.float64), levels, scored_WH, mase_W)
    return np.column_stack([found.get(name, np.zeros(len(steps_W))) for name in COUNTS])


def scores(sums: Array) -> Scores:
    """Each metric, (...), of sums (..., C); NaN where nothing was counted."""
    found = {name: _ratio(sums[..., AT[top]], sums[..., AT[below]]) for name, (top, below) in RATIOS.items()}
    return found | {"rmse": np.sqrt(found["rmse"])}


def counted(sums_C: Array) -> tuple[str, ...]:
    """The metrics for which something was counted."""
    return tuple(name for name, (_, below) in RATIOS.items() if sums_C[AT[below]] > 0)


def some_scores(names: Collection[str], sums: Array) -> Scores:
    """Those of :func:`scores` that are named."""
    return {name: value for name, value in scores(sums).items() if name in names}


def pinball(truth: Array, quantile: Array, level: float | Array) -> Array:
    """The quantile loss (Koenker and Bassett 1978), of any shape: the least expected at the quantile of that level."""
    return np.maximum(level * (truth - quantile), (level - 1) * (truth - quantile))


def _of_quantiles(
    truth_WH: Array, quantile_WHQ: Array, levels: Sequence[float], scored_WH: Array, mase_W: Array
) -> Mapping[str, Array]:
    """The CRPS as twice the quantile loss integrated over levels (Gneiting and Ranjan 2011), and the intervals.

    Each level stands for those that are nearer to it than to another: a plain mean would make too much of the tails,
    where levels lie closer, and be 7 % too small for a normal distribution.
    """
    steps_W = scored_WH.sum(1).astype(np.float64)
    share_Q = np.diff(np.concatenate([[0.0], np.convolve(levels, (0.5, 0.5), "valid"), [1.0]]))
    loss_WH = 2 * pinball(truth_WH[..., None], quantile_WHQ, np.asarray(levels)) @ share_Q
    found = {"interval_steps": steps_W, "pinball": np.where(scored_WH, loss_WH, 0.0).sum(1)}
    for name, ends in INTERVALS.items():
        low_WH, high_WH = (quantile_WHQ[..., _at(levels, level)] for level in ends)
        inside_WH = scored_WH & (low_WH <= truth_WH) & (truth_WH <= high_WH)
        width_W = np.where(scored_WH, high_WH - low_WH, 0.0).sum(1)
        found |= {f"inside_{name}": inside_WH.sum(1).astype(np.float64), f"width_{name}": width_W}
        if name == "95":
            missed_WH = np.maximum(low_WH - truth_WH, 0) + np.maximum(truth_WH - high_WH, 0)
            cost_W = width_W + MISSED * np.where(scored_WH, missed_WH, 0.0).sum(1)
            found["scaled_interval_95"] = _over(cost_W, mase_W)
    return found | {"scaled_interval_steps": steps_W * np.isfinite(mase_W)}


def _at(levels: Sequence[float], level: float) -> int:
    near = np.flatnonzero(np.isclose(levels, level, rtol=0, atol=1e-9))
    if not len(near):
        raise ValueError(f"no quantile of level {level:g} among {', '.join(f'{one:g}' for one in levels)}")
    return int(near[0])


def _over(values_W: Array, scale_W: Array) -> Array:
    """Values by their scale, 0 where that is undefined."""
    return np.divide(values_W, scale_W, out=np.zeros(len(values_W)), where=np.isfinite(scale_W))


def _ratio(top: Array, below: Array) -> Array:
    return np.divide(top, below, out=np.full(np.shape(top), np.nan), where=np.asarray(below) > 0)
