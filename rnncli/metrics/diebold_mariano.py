"""Whether one forecast loses less than another, by differences of losses that are correlated in time.

Shape letters: O origins.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnncli.metrics.paired import Spread

Array = NDArray[Any]


def mean_spread(loss_O: Array, overlap: int) -> Spread | None:
    """The spread of the mean of differences of losses, those of ``overlap`` consecutive origins correlated.

    Its variance is that of Diebold and Mariano (1995), with the autocovariances up to overlap - 1, by the correction of
    Harvey, Leybourne and Newbold (1997). They hold the statistic against Student's distribution of O - 1 degrees of
    freedom; here it is O / overlap - 1, the same where nothing overlaps: simulated differences of mean 0, 720 of 2,161
    origins with steps in common, are told from 0 at 5 % in 22 % of cases by theirs, in 8 % by this. Where that is not
    positive, autocovariances are weighted as in Newey and West (1987), which keeps it so (Harvey, Leybourne and
    Whitehouse 2017). None where there are too few origins, or losses are not defined.
    """
    origins = len(loss_O)
    correction = (origins + 1 - 2 * overlap + overlap * (overlap - 1) / origins) / origins
    if origins < 2 or overlap > origins or correction <= 0 or not np.isfinite(loss_O).all():
        return None
    covariance_K = autocovariances(loss_O, overlap)
    whole = covariance_K[0] + 2 * covariance_K[1:].sum()
    if whole <= 0:
        whole = covariance_K[0] + 2 * ((1 - np.arange(1, overlap) / overlap) * covariance_K[1:]).sum()
    return Spread(max(float(whole), 0.0) / origins / correction, max(origins / overlap - 1, 1.0))


def autocovariances(values_O: Array, lags: int) -> Array:
    """Those of lags 0 .. ``lags`` - 1, sums by the number of values."""
    apart_O = values_O - values_O.mean()
    # By the Fourier transform of twice the length, so that a thousand lags of a long test cost no more than one.
    power = np.abs(np.fft.rfft(apart_O, 2 * len(apart_O))) ** 2
    return np.fft.irfft(power, 2 * len(apart_O))[:lags] / len(apart_O)
