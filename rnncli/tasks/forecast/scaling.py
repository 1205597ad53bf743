"""Units in which a model sees windows and columns, fitted to what the training part knows.

Shape letters: W windows, L steps back, N steps, S series, K columns known ahead, P known until now, C static ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np

from rnncli.metrics.forecasts import Scales
from rnncli.tasks.forecast.extras.lags import changes, fitted_steps, scales, standards
from rnncli.tasks.forecast.windows import WindowPart

Array = np.ndarray


@dataclass(frozen=True, eq=False)
class Scaling:
    """How far windows look back, and mean and deviation of each column.

    The level of a window is the mean of its last ``level`` values. Its scale is the standard deviation of its values,
    or the last one's size where they are all the same; or that of its series, ``deviation_S``, which begins with a 0
    for a series that was not trained on and is empty where windows have scales of their own. Histories too short
    repeat their first longest season.
    """

    lookback: int
    level: int
    shortest: int
    longest: int
    deviation_S: Array
    known_2K: Array
    past_2P: Array
    static_2C: Array

    @classmethod
    def of(cls, train: WindowPart, lookback: int, seasons: tuple[int, ...], level: str, scale: str) -> Self:
        """Fitted to the steps between the bounds of a training part; ``level`` is season or last, ``scale`` whose."""
        panel, used_N = train.panel, fitted_steps(train)
        shortest = min(seasons)
        deviation_S = np.zeros(0)
        if scale == "series":
            found_S = Scales.of(panel, train.begin_S, train.end_S, 1).deviation_S
            deviation_S = np.append(0.0, np.nan_to_num(found_S, nan=0.0))
        tables = (np.stack(standards(one)) for one in (panel.known_NK[used_N], panel.past_NP[used_N], panel.static_SC))
        return cls(lookback, 1 if level == "last" else shortest, shortest, max(seasons), deviation_S, *tables)

    @property
    def tables(self) -> tuple[Array, Array, Array]:
        """Mean and deviation of the columns known ahead, known until now, and static."""
        return self.known_2K, self.past_2P, self.static_2C

    def units(self, y_WL: Array, series_W: Array) -> tuple[Array, Array]:
        """Level and scale (W,) of windows of series from 1, 0 for one unknown; the scale is above 0."""
        level_W, scale_W = y_WL[:, -self.level :].mean(1), scales(y_WL)
        if len(self.deviation_S):
            own_W = self.deviation_S[series_W]
            scale_W = np.where(own_W > 0, own_W, scale_W)
        return level_W, np.where(scale_W > 0, scale_W, np.maximum(np.abs(y_WL[:, -1]), 1e-6))

    def spread(self, y_WL: Array) -> Array:
        """How much windows change over a season, (W,), above 0: what intervals are as wide as."""
        spread_W = changes(y_WL, self.shortest)
        return np.where(spread_W > 0, spread_W, np.maximum(np.abs(y_WL[:, -1]), 1e-6))

    def standard_known(self, values: Array) -> Array:
        """Columns known ahead, (..., K), standardised."""
        return (values - self.known_2K[0]) / self.known_2K[1]

    def standard_past(self, values: Array) -> Array:
        """Columns known until now, (..., P), standardised."""
        return (values - self.past_2P[0]) / self.past_2P[1]

    def standard_static(self, values: Array) -> Array:
        """Static columns, (..., C), standardised."""
        return (values - self.static_2C[0]) / self.static_2C[1]

    def arrays(self) -> dict[str, Array]:
        """What to save."""
        return {name: np.asarray(value) for name, value in vars(self).items()}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, Array]) -> Self:
        """The scaling of what :meth:`arrays` gave."""
        whole = {name: int(arrays[name]) for name in ("lookback", "level", "shortest", "longest")}
        return cls(**{**arrays, **whole})
