"""The windows whose values a run has kept, and what is to be seen of them step by step.

Shape letters: K windows that are kept, H steps ahead, Q levels, B steps back, G groups.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from rnncli.data.series import calendar
from rnncli.data.series.grid import DAY, Grid
from rnncli.metrics.forecasts import AT, INTERVALS
from rnncli.tasks.base import About, Row

STEP_GROUPS = 8
"""Rows of a table by step ahead, each of several steps where there are more."""


@dataclass(frozen=True, eq=False)
class Shown:
    """Windows as arrays: truth is NaN where nothing is scored, ``quantile_KHQ`` None where there are none.

    ``scale_K`` is what the errors of a window are divided by for its mase, NaN where it has none.
    """

    rows: Sequence[Row]
    truth_KH: np.ndarray
    point_KH: np.ndarray
    quantile_KHQ: np.ndarray | None
    scale_K: np.ndarray
    levels: tuple[float, ...]

    @classmethod
    def of(cls, rows: Sequence[Row], about: About) -> Shown:
        """Those of ``rows`` that have values."""
        kept = [row for row in rows if row.get("mean") is not None]
        horizon = int(about["horizon"])
        truth_KH, point_KH = (_numbers([row[key] for row in kept], (len(kept), horizon)) for key in ("truth", "mean"))
        levels = tuple(about.get("levels") or ()) if all(row.get("quantiles") for row in kept) else ()
        shape = len(kept), len(levels), horizon
        quantile_KQH = _numbers([row["quantiles"] for row in kept], shape) if levels else None
        sums_KC = _numbers([row["sums"] for row in kept], (len(kept), len(AT)))
        scaled_K = sums_KC[:, AT["scaled_absolute"]]
        # A window without a miss is as good by any scale.
        perfect_K = np.where(sums_KC[:, AT["scaled_steps"]] > 0, 1.0, np.nan)
        scale_K = np.divide(sums_KC[:, AT["absolute"]], scaled_K, out=perfect_K, where=scaled_K > 0)
        quantile_KHQ = None if quantile_KQH is None else quantile_KQH.swapaxes(1, 2)
        return cls(kept, truth_KH, point_KH, quantile_KHQ, scale_K, levels)

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def horizon(self) -> int:
        """Steps ahead."""
        return self.truth_KH.shape[1]

    @property
    def is_scaled(self) -> bool:
        """Whether errors over scales can be told of any window."""
        return bool(np.isfinite(self.scale_K).any())

    @property
    def errors(self) -> np.ndarray:
        """Absolute errors by the scale of their window, (K, H), as they are where none has one; NaN where unknown."""
        error_KH = np.abs(self.truth_KH - self.point_KH)
        return error_KH / self.scale_K[:, None] if self.is_scaled else error_KH

    @property
    def measure(self) -> str:
        """What the mean of these errors is called."""
        return "mase" if self.is_scaled else "mae"

    @property
    def badness(self) -> np.ndarray:
        """The mean error of each window, (K,)."""
        return nan_mean(self.errors, 1)

    def ends(self, name: str) -> tuple[np.ndarray, np.ndarray] | None:
        """The low and the high end of the interval of so many per cent, (K, H) each."""
        if self.quantile_KHQ is None or not set(INTERVALS[name]) <= set(self.levels):
            return None
        low, high = (self.levels.index(level) for level in INTERVALS[name])
        return self.quantile_KHQ[..., low], self.quantile_KHQ[..., high]

    def inside(self, name: str) -> np.ndarray | None:
        """Whether truth lies in that interval, (K, H), NaN where it is not known."""
        if (ends := self.ends(name)) is None:
            return None
        return np.where(np.isnan(self.truth_KH), np.nan, (ends[0] <= self.truth_KH) & (self.truth_KH <= ends[1]))

    def below(self) -> np.ndarray:
        """The share of true values that are no larger than the quantile of each level, (Q,)."""
        assert self.quantile_KHQ is not None
        truth_KH1 = self.truth_KH[..., None]
        below_KHQ = np.where(np.isnan(truth_KH1), np.nan, truth_KH1 <= self.quantile_KHQ)
        return nan_mean(below_KHQ.reshape(-1, len(self.levels)), 0)

    def steps(self) -> list[tuple[str, slice]]:
        """The steps ahead in groups, with their names, counted from 1."""
        edges = np.linspace(0, self.horizon, min(self.horizon, STEP_GROUPS) + 1).round().astype(int)
        pairs = [(int(low), int(high)) for low, high in pairwise(edges)]
        return [(str(high) if high - low == 1 else f"{low + 1}-{high}", slice(low, high)) for low, high in pairs]

    def order(self) -> np.ndarray:
        """The numbers of the windows from the best to the worst, those of which nothing is known left out."""
        order_K = np.argsort(self.badness, kind="stable")
        return order_K[np.isfinite(self.badness[order_K])]


def nan_mean(values: np.ndarray, axis: int) -> np.ndarray:
    """The mean over what is no NaN, NaN where there is nothing else."""
    known = ~np.isnan(values)
    count = known.sum(axis)
    return np.divide(np.where(known, values, 0.0).sum(axis), count, out=np.full(count.shape, np.nan), where=count > 0)


def by_time(shown: Shown, about: About) -> tuple[str, list[int], list[float]] | None:
    """The mean error by hour, weekday (Monday is 1) or month, after the grid: what by, their numbers, the means."""
    grid = Grid.from_dict(about["grid"]) if about.get("grid") else None
    if grid is None or grid.is_whole or not len(shown):
        return None
    origin_K1 = np.array([[row["origin"]] for row in shown.rows], np.int64)
    number_KH = origin_K1 + int(about.get("gap", 0)) + 1 + np.arange(shown.horizon)
    distinct, at = np.unique(number_KH, return_inverse=True)
    stamps, unit = grid.stamps(distinct), grid.unit
    if unit.kind == "tick" and unit.size < DAY:
        by, groups, group_N = "hour", range(24), calendar.hours(stamps)
    elif unit.kind == "business" or (unit.kind == "tick" and unit.size == DAY):
        by, groups, group_N = "weekday", range(1, 8), calendar.weekdays(stamps) + 1
    elif unit.kind == "month" and unit.size < 12:
        by, groups, group_N = "month", range(1, 13), calendar.months(stamps)
    else:
        return None
    group_KH = group_N[at].reshape(number_KH.shape)
    error_KH = shown.errors
    means = {group: float(nan_mean(error_KH[group_KH == group], 0)) for group in groups}
    known = {group: mean for group, mean in means.items() if np.isfinite(mean)}
    return by, list(known), list(known.values())


def _numbers(values: Sequence[Any], shape: tuple[int, ...]) -> np.ndarray:
    """Nested lists as float64, null as NaN; ValueError for another shape."""
    return np.array(values, np.float64).reshape(shape)
