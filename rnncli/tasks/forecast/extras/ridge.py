"""One ridge regression over lags for all series: a rival, and what the model begins with.

Each step ahead has weights of the same lags, of its own columns known ahead, and an intercept. A window is the
differences from its last value over its scale, so that a series' level and unit do not matter. How the weights are
found is in :mod:`rnncli.tasks.forecast.extras.regression`.

Shape letters: W windows, L steps back, H steps ahead, K columns known ahead, P phases of a season.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from rnncli.tasks.forecast.extras.lags import chunks, inputs, scales
from rnncli.tasks.forecast.windows import WindowPart

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Ridge:
    """The weights: of lags ``lag_PLH``, of standardised columns and 1 ``own_PHK``, for each phase of origins.

    >>> ridge = fit_ridge(parts["train"], parts["dev"], 336, (24, 168))  # doctest: +SKIP
    >>> ridge.forecast(*inputs(parts["test"], ridge.lookback, ridge.season))  # (W, H)  # doctest: +SKIP
    """

    lag_PLH: Array
    own_PHK: Array
    mean_K: Array
    deviation_K: Array
    floor: float
    """The least value that a logarithm is taken of; 0 where none is taken."""
    season: int
    """The steps after which a history that is too short is repeated."""
    words: str
    """How it was chosen, for a person."""

    @property
    def lookback(self) -> int:
        """The steps back that it wants."""
        return self.lag_PLH.shape[1]

    def forecast(self, y_WL: Array, known_WHK: Array, cutoff_W: Array) -> Array:
        """Forecasts (W, H) of raw values up to cutoffs, numbers on the grid, with what is known of the steps ahead."""
        if not self.floor:
            return self._linear(y_WL, known_WHK, cutoff_W)
        log_WL = np.log(np.maximum(y_WL, self.floor))
        low_W1, high_W1 = log_WL.min(axis=1, keepdims=True), log_WL.max(axis=1, keepdims=True)
        room_W1 = high_W1 - low_W1
        # What is off by the whole range of the window in logarithms would be off by any factor in values.
        return np.exp(np.clip(self._linear(log_WL, known_WHK, cutoff_W), low_W1 - room_W1, high_W1 + room_W1))

    def predict(self, part: WindowPart) -> Array:
        """Forecasts (W, H) of the windows of a part, some at a time."""
        found_WH = np.empty((len(part), part.horizon))
        for rows in chunks(part, self.lookback):
            found_WH[rows] = self.forecast(*inputs(part.take(rows), self.lookback, self.season))
        return found_WH

    def arrays(self) -> dict[str, Array]:
        """What to save."""
        return {name: np.asarray(value) for name, value in vars(self).items()}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, Array]) -> Self:
        """The ridge of what :meth:`arrays` gave."""
        plain = {"floor": float(arrays["floor"]), "season": int(arrays["season"]), "words": str(arrays["words"])}
        return cls(**{**arrays, **plain})

    def _linear(self, y_WL: Array, known_WHK: Array, cutoff_W: Array) -> Array:
        last_W1, scale_W1 = y_WL[:, -1:], scales(y_WL)[:, None]
        own_WHK = own_columns(known_WHK, self.mean_K, self.deviation_K)
        phase_W = cutoff_W % len(self.lag_PLH)
        ahead_WH = np.empty(own_WHK.shape[:2])
        for phase in np.unique(phase_W):
            rows = phase_W == phase
            ahead_WH[rows] = (y_WL[rows] - last_W1[rows]) @ self.lag_PLH[phase]
            ahead_WH[rows] += scale_W1[rows] * np.einsum("whk,hk->wh", own_WHK[rows], self.own_PHK[phase])
        return last_W1 + ahead_WH


def own_columns(known_WHK: Array, mean_K: Array, deviation_K: Array) -> Array:
    """The columns of each step ahead, standardised, and a column of ones."""
    standard_WHK = (known_WHK - mean_K) / deviation_K
    return np.concatenate([standard_WHK, np.ones((*standard_WHK.shape[:2], 1))], axis=2)
