"""Normal equations of a linear regression for each step ahead whose lags are the same for all steps.

Shape letters: W windows, L lags, H steps ahead, K columns that each step has of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Coefficients:
    """Weights of the lags ``lag_LH`` and of each step's own columns ``own_HK``."""

    lag_LH: Array
    own_HK: Array


@dataclass(eq=False)
class Normal:
    """Sums of products over windows: of lags x, each step's own columns k, and the values y ahead."""

    total: float
    """The sum of the windows' weights."""
    xx_LL: Array
    xy_LH: Array
    xk_LHK: Array
    kk_HKK: Array
    ky_HK: Array
    yy_H: Array

    @classmethod
    def zero(cls, lags: int, horizon: int, own: int) -> Self:
        """The sums of no windows."""
        shapes = (lags, lags), (lags, horizon), (lags, horizon, own), (horizon, own, own), (horizon, own), (horizon,)
        return cls(0.0, *map(np.zeros, shapes))

    @classmethod
    def of(cls, x_WL: Array, k_WHK: Array, y_WH: Array, weight_W: Array) -> Self:
        """The sums of windows, each as often as its weight says."""
        root_W = np.sqrt(weight_W)
        x_WL, y_WH = x_WL * root_W[:, None], y_WH * root_W[:, None]
        k_HWK = np.ascontiguousarray((k_WHK * root_W[:, None, None]).swapaxes(0, 1))
        k_HKW = k_HWK.swapaxes(1, 2)
        horizon, windows, own = k_HWK.shape
        xk_LHK = (x_WL.T @ k_HWK.swapaxes(0, 1).reshape(windows, horizon * own)).reshape(x_WL.shape[1], horizon, own)
        ky_HK = (k_HKW @ y_WH.T[:, :, None])[..., 0]
        return cls(float(weight_W.sum()), x_WL.T @ x_WL, x_WL.T @ y_WH, xk_LHK, k_HKW @ k_HWK, ky_HK, (y_WH**2).sum(0))

    def add(self, other: Normal) -> None:
        """Take the windows of the other in as well."""
        for name, value in vars(other).items():
            setattr(self, name, getattr(self, name) + value)

    def times(self, weight: float) -> Normal:
        """The sums where each window counts so many times what it does."""
        return Normal(*(weight * value for value in vars(self).values()))

    def lags_only(self) -> Normal:
        """The same without the steps' own columns."""
        return Normal(
            self.total,
            self.xx_LL,
            self.xy_LH,
            self.xk_LHK[..., :0],
            self.kk_HKK[:, :0, :0],
            self.ky_HK[:, :0],
            self.yy_H,
        )

    def solve(self, penalty: float, own_penalty: float, priors_PLH: Array) -> list[Coefficients]:
        """The regression that is best under ``penalty`` on what its lags differ by from a prior, for each prior.

        Penalties are a window's, hence times the sum of weights. The lags are eliminated first, by a Cholesky factor
        that all steps share, which leaves K equations a step (the Schur complement).
        """
        lags, horizon, own = self.xk_LHK.shape
        # The weight of the value that was subtracted is 1 less the sum of the others: its difference is punished too.
        punish_LL = penalty * self._counted * (np.eye(lags) + 1.0)
        factor = cho_factor(self.xx_LL + punish_LL)
        wanted_PLH = self.xy_LH + punish_LL @ priors_PLH
        solved_PLH = np.stack([cho_solve(factor, one_LH) for one_LH in wanted_PLH])
        if not own:
            return [Coefficients(one_LH, np.zeros((horizon, 0))) for one_LH in solved_PLH]
        shared_HLK = cho_solve(factor, self.xk_LHK.reshape(lags, -1)).reshape(lags, horizon, own).swapaxes(0, 1)
        crossed_HKL = self.xk_LHK.transpose(1, 2, 0)
        left_HKK = self.kk_HKK + own_penalty * self._counted * np.eye(own) - crossed_HKL @ shared_HLK
        found = []
        for one_LH in solved_PLH:
            right_HK = self.ky_HK - (crossed_HKL @ one_LH.T[:, :, None])[..., 0]
            own_HK = np.linalg.solve(left_HKK, right_HK[..., None])[..., 0]
            found.append(Coefficients(one_LH - (shared_HLK @ own_HK[..., None])[..., 0].T, own_HK))
        return found

    def error(self, found: Coefficients) -> float:
        """The mean squared error over windows and steps of coefficients found elsewhere."""
        lag_LH, own_HK = found.lag_LH, found.own_HK
        linear_H = (lag_LH * self.xy_LH).sum(0) + (own_HK * self.ky_HK).sum(1)
        crossed_HL = (self.xk_LHK.transpose(1, 0, 2) @ own_HK[..., None])[..., 0]
        square_H = (lag_LH * (self.xx_LL @ lag_LH)).sum(0) + 2 * (lag_LH * crossed_HL.T).sum(0)
        square_H += (own_HK * (self.kk_HKK @ own_HK[..., None])[..., 0]).sum(1)
        return float((self.yy_H - 2 * linear_H + square_H).sum() / (self._counted * len(self.yy_H)))

    @property
    def _counted(self) -> float:
        """The sum of weights; 1 where nothing counts, and weights are those of the prior."""
        return self.total or 1.0
