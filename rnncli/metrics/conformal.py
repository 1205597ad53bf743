"""Intervals that cover what they promise: quantiles corrected by errors on data that nothing was learnt from.

Each quantile is moved by a quantile of what it was off by, as in conformalised quantile regression (Romano, Patterson &
Candès 2019), with the rank that holds for any number of errors: where the windows corrected later are exchangeable with
those looked at, a value lies under an upper quantile, or above a lower one, at least as often as its level says.
Shape letters: W windows, H steps ahead, Q levels, E errors.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
_NORMAL = NormalDist()
FEWEST_ERRORS = 100
"""Of a step ahead: where it has fewer, its neighbours' errors are taken as well."""


@dataclass(frozen=True, eq=False)
class Conformal:
    """Offsets (H, Q) of quantiles, in scales of the window.

    >>> truth_WH, scored_WH = np.arange(9.0)[:, None], np.ones((9, 1), bool)
    >>> conformal = Conformal.fit(truth_WH, np.zeros((9, 1, 1)), np.ones(9), scored_WH, [0.8])
    >>> conformal.apply(np.zeros((1, 1, 1)), np.array([2.0])).item()
    14.0
    """

    levels: tuple[float, ...]
    offset_HQ: Array
    errors_H: Array
    """How many errors each step was corrected by, those of its neighbours among them."""

    @classmethod
    def fit(
        cls, truth_WH: Array, quantile_WHQ: Array, scale_W: Array, scored_WH: Array, levels: Sequence[float]
    ) -> Self:
        """Learn from steps that are ``scored`` of windows whose scale is finite and above 0.

        Where the errors are too few for a level, the largest of them is what there is: no promise holds then. Without
        any error nothing is corrected.
        """
        level_Q = np.asarray(levels, dtype=np.float64)
        with np.errstate(invalid="ignore", divide="ignore"):
            usable_WH = scored_WH & np.isfinite(truth_WH) & (np.isfinite(scale_W) & (scale_W > 0))[:, None]
        reach_H = _reach(usable_WH.sum(0))
        offset_HQ = np.zeros((truth_WH.shape[1], len(level_Q)))
        errors_H = np.zeros(truth_WH.shape[1], dtype=np.int64)
        for step, reach in enumerate(reach_H):
            near = slice(max(0, step - reach), step + reach + 1)
            row_U, column_U = np.nonzero(usable_WH[:, near])
            truth_E1 = truth_WH[:, near][row_U, column_U][:, None]
            error_EQ = (truth_E1 - quantile_WHQ[:, near][row_U, column_U]) / scale_W[row_U][:, None]
            errors_H[step] = len(error_EQ)
            if len(error_EQ):
                offset_HQ[step] = _ranked(error_EQ, level_Q)
        return cls(tuple(level_Q.tolist()), offset_HQ, errors_H)

    def apply(self, quantile_WHQ: Array, scale_W: Array) -> Array:
        """The quantiles corrected and, where they cross then, sorted (Chernozhukov et al. 2010), float64."""
        return np.sort(quantile_WHQ + self.offset_HQ * np.asarray(scale_W, dtype=np.float64)[:, None, None], axis=-1)

    def to_dict(self) -> dict[str, Array]:
        """Arrays that :meth:`from_dict` takes."""
        return {"levels": np.array(self.levels), "offsets": self.offset_HQ, "errors": self.errors_H}

    @classmethod
    def from_dict(cls, arrays: Mapping[str, Array]) -> Self:
        """What :meth:`to_dict` gave."""
        return cls(tuple(arrays["levels"].tolist()), arrays["offsets"], arrays["errors"])


def between_levels(levels: Sequence[float], wanted: Sequence[float]) -> Array:
    """Weights (Q, Q') that make quantiles of ``wanted`` levels from those of ``levels``, two at least: ``q_WHQ @ it``.

    Straight lines over the quantiles of the standard normal distribution, the outermost of them also beyond: exact for
    a normal distribution, and ascending where the quantiles given ascend.
    """
    z_Q, wanted_R = (np.array([_NORMAL.inv_cdf(level) for level in some]) for some in (levels, wanted))
    below_R = np.clip(np.searchsorted(z_Q, wanted_R, side="right") - 1, 0, len(z_Q) - 2)
    share_R = (wanted_R - z_Q[below_R]) / (z_Q[below_R + 1] - z_Q[below_R])
    weight_QR = np.zeros((len(z_Q), len(wanted_R)))
    weight_QR[below_R, np.arange(len(wanted_R))] = 1 - share_R
    weight_QR[below_R + 1, np.arange(len(wanted_R))] += share_R
    return weight_QR


def _reach(count_H: Array) -> Array:
    """How many neighbours on either side each step needs for ``FEWEST_ERRORS``; all where there are not enough."""
    until_H = np.concatenate([[0], np.cumsum(count_H)])
    step_H = np.arange(len(count_H))
    reach_H = np.zeros(len(count_H), dtype=np.int64)
    for reach in range(len(count_H)):
        have_H = until_H[np.minimum(step_H + reach + 1, len(count_H))] - until_H[np.maximum(step_H - reach, 0)]
        if (have_H >= FEWEST_ERRORS).all():
            break
        reach_H[have_H < FEWEST_ERRORS] = reach + 1
    return reach_H


def _ranked(error_EQ: Array, level_Q: Array) -> Array:
    """Of each level the error of the rank that leaves the next value its chance: ceil((E + 1) * level) of those above
    the median counted from below, of those under it counted from above; of the median itself the middle, (Q,).
    """
    count = len(error_EQ)
    # Rounded, since (E + 1) * level may miss a whole number by a hair.
    place_Q = np.round((count + 1) * level_Q, 9)
    high_Q = np.where(level_Q < 0.5, np.floor(place_Q), np.ceil(place_Q))
    low_Q = np.where(level_Q > 0.5, np.ceil(place_Q), np.floor(place_Q))
    sorted_EQ = np.sort(error_EQ, axis=0)
    column_Q = np.arange(len(level_Q))
    ends = [sorted_EQ[np.clip(rank_Q.astype(np.int64), 1, count) - 1, column_Q] for rank_Q in (low_Q, high_Q)]
    return (ends[0] + ends[1]) / 2
