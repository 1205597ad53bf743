"""The ridge regression over lags in closed form, its weights drawn to those of a simple forecast, not to zero.

That forecast is the *anchor*. All choices are made on dev.

Shape letters: S series, W windows, L steps back, H steps ahead, K columns known ahead, P phases of a season, A anchors.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from rnncli.tasks.forecast.extras.lags import all_windows, chunks, fitted_steps, inputs, scales, standards, units
from rnncli.tasks.forecast.extras.normal import Coefficients, Normal
from rnncli.tasks.forecast.extras.ridge import Ridge, own_columns
from rnncli.tasks.forecast.extras.transform import Transform
from rnncli.tasks.forecast.windows import WindowPart

Array = NDArray[Any]

PENALTIES = (1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0, 10.0)
OWN_PENALTIES = (1e-3, 1e-1)
SHARES = (1.0, 0.1, 0.01, 0.001)
"""What a training window counts whose origin is on another phase of the season than dev's."""
MOST_WORK = 2e11
"""Multiplications of a fit: beyond, it sees some of the windows, spread evenly."""
MOST_SUMS = 25_000_000
"""Numbers that sums by phase of a season may take."""


def fit_ridge(train: WindowPart, dev: WindowPart, lookback: int, seasons: tuple[int, ...]) -> Ridge:
    """Fit to all windows that lie within the bounds of ``train``, all choices by ``dev``.

    Own columns and an intercept are used where dev is surely forecast better with them; logarithms where all values
    are above 0 and dev is forecast better so.
    """
    lookback, unit_S = max(lookback, 2), units(train, min(seasons))
    least = float(train.panel.y_N[fitted_steps(train)].min(initial=np.inf))
    found: list[tuple[Ridge, _Errors]] = []
    for floor in (0.0, least) if 0 < least < np.inf else (0.0,):
        seen = Transform("log", floor) if floor else Transform()
        with threadpool_limits(1, "blas"):  # many small products, in which threads mostly wait for each other
            search = _Search(seen.of(train), seen.of(dev), lookback, seasons)
            pair = [Ridge(floor=floor, **arguments) for arguments in search.plain_and_own()]
        plain, own = ((ridge, _Errors.of(ridge, dev, unit_S)) for ridge in pair)
        found.append(own if own[1].surely_less(plain[1], dev) else plain)
    return min(found, key=lambda one: one[1].relative(found[0][1]))[0]


def anchors(lookback: int, horizon: int, gap: int, seasons: tuple[int, ...]) -> dict[str, Array]:
    """By name, weights (L, H) of simple forecasts: the mean, the last season and the mean of up to 4 of each kind.

    The last value where the lookback has no season.
    """
    found = {"the mean": np.full((lookback, horizon), 1 / lookback)}
    steps_H = gap + np.arange(1, horizon + 1)
    for season in [season for season in seasons if 1 < season <= lookback] or [1]:
        most = min(4, lookback // season) if season > 1 else 1
        for count in sorted({1, most}):
            weight_LH = np.zeros((lookback, horizon))
            for back in range(1, count + 1):
                same_H = lookback + (steps_H - 1) % season - season * back
                weight_LH[same_H, np.arange(horizon)] = 1 / count
            found[f"the mean of {count} x {season} steps" if count > 1 else f"{season} steps before"] = weight_LH
    return found


class _Choice(NamedTuple):
    share: float
    penalty: float
    own_penalty: float | None
    """None where the steps have neither own columns nor an intercept."""
    anchor: str


class _Errors(NamedTuple):
    """Of each window of dev: its squared and absolute error in units, and its absolute error over the values' size."""

    square_W: Array
    absolute_W: Array
    size_W: Array

    @classmethod
    def of(cls, ridge: Ridge, dev: WindowPart, unit_S: Array) -> Self:
        """The errors of raw forecasts; 0 where nothing is to be scored or the series has no unit."""
        (truth_WH, scored_WH), found_WH = dev.truth_WH(), ridge.predict(dev)
        unit_W1, count_W = unit_S[dev.series_W][:, None], np.maximum(scored_WH.sum(axis=1), 1)
        error_WH = np.where(scored_WH, np.abs(found_WH - truth_WH), 0.0)
        size_WH = np.where(scored_WH, np.abs(found_WH) + np.abs(truth_WH), 0.0)
        scaled_WH = np.divide(error_WH, unit_W1, out=np.zeros_like(error_WH), where=unit_W1 > 0)
        relative_WH = np.divide(error_WH, size_WH, out=np.zeros_like(error_WH), where=size_WH > 0)
        return cls(*(sums_WH.sum(axis=1) / count_W for sums_WH in (scaled_WH**2, scaled_WH, relative_WH)))

    def relative(self, other: _Errors) -> float:
        """The geometric mean of what both absolute errors are to those of another; 1 where there are none."""
        pairs = zip(self[1:], other[1:], strict=True)
        ratios = [
            mine_W.mean() / theirs_W.mean() if len(mine_W) and theirs_W.any() else 1.0 for mine_W, theirs_W in pairs
        ]
        return float(np.sqrt(np.prod(ratios)))

    def surely_less(self, other: _Errors, dev: WindowPart) -> bool:
        """Whether the squared error is less by more than a standard error, over blocks of a horizon in each series."""
        block_W = dev.cutoff_W // dev.horizon
        cell_W = np.unique(np.stack([dev.series_W, block_W]), axis=1, return_inverse=True)[1].ravel()
        gain_W = other.square_W - self.square_W
        gain_C = np.bincount(cell_W, gain_W) / np.bincount(cell_W)
        return bool(len(gain_C) > 1 and gain_C.mean() > gain_C.std(ddof=1) / np.sqrt(len(gain_C)))


class _Search:
    """Sums of training windows by phase and of those of dev, which tell the error of any weights on dev at once."""

    def __init__(self, train: WindowPart, dev: WindowPart, lookback: int, seasons: tuple[int, ...]) -> None:
        self.lookback, self.horizon, self.seasons = lookback, train.horizon, seasons
        self.own = train.panel.known_NK.shape[1] + 1
        self.unit_S = units(train, min(seasons))
        self.mean_K, self.deviation_K = standards(train.panel.known_NK[fitted_steps(train)])
        self.anchors = anchors(lookback, train.horizon, train.gap, seasons)
        phases = self._phases(dev)
        self.phase = int(dev.cutoff_W[0] % phases) if len(dev) else 0
        most = MOST_WORK / (2 * lookback * (lookback + train.horizon * (self.own + 2)))
        self.train_P = self._sums(all_windows(train, lookback, max(1, int(most))), phases)
        self.dev = self._sums(dev, 1)[0]

    def plain_and_own(self) -> Iterator[dict[str, Any]]:
        """The arguments of the ridge with the least error on dev, without own columns and with them."""
        for own_penalties in ((None,), OWN_PENALTIES):
            yield self._arguments(min(self._tried(own_penalties))[1])

    def _tried(self, own_penalties: tuple[float | None, ...]) -> Iterator[tuple[float, _Choice]]:
        """The error on dev of each choice."""
        for share in SHARES if len(self.train_P) > 1 else (1.0,):
            train = _mixed(self.train_P, self.phase, share)
            for penalty, own_penalty in product(PENALTIES, own_penalties):
                found = self._solved(train, penalty, own_penalty, tuple(self.anchors))
                for anchor, one in zip(self.anchors, found, strict=True):
                    yield self.dev.error(one), _Choice(share, penalty, own_penalty, anchor)

    def _solved(
        self, train: Normal, penalty: float, own_penalty: float | None, names: tuple[str, ...]
    ) -> list[Coefficients]:
        """The weights under a choice, for each anchor of ``names``; none of the own columns without a penalty."""
        priors_ALH = np.stack([self.anchors[name][:-1] for name in names])
        if own_penalty is not None:
            return train.solve(penalty, own_penalty, priors_ALH)
        none_HK = np.zeros((self.horizon, self.own))
        return [replace(one, own_HK=none_HK) for one in train.lags_only().solve(penalty, 0.0, priors_ALH)]

    def _arguments(self, choice: _Choice) -> dict[str, Any]:
        """What a ridge is made of, but for its floor."""
        share, penalty, own_penalty, anchor = choice
        phases = range(len(self.train_P) if share < 1 else 1)
        found = [
            self._solved(_mixed(self.train_P, phase, share), penalty, own_penalty, (anchor,))[0] for phase in phases
        ]
        return {
            "lag_PLH": np.stack([_with_last(one.lag_LH) for one in found]),
            "own_PHK": np.stack([one.own_HK for one in found]),
            "mean_K": self.mean_K,
            "deviation_K": self.deviation_K,
            "season": max(self.seasons),
            "words": self._words(choice, len(found)),
        }

    def _words(self, choice: _Choice, phases: int) -> str:
        anchor = choice.anchor if choice.anchor.startswith("the") else f"the value {choice.anchor}"
        each = f", with weights for each of the {phases} phases of a season" if choice.share < 1 else ""
        return (
            f"the ridge regression reads {self.lookback} steps back{each}, drawn to {anchor} by a penalty of "
            f"{choice.penalty:g}"
        )

    def _phases(self, dev: WindowPart) -> int:
        """The shortest season whose same phase all origins of dev have, or 1 for none."""
        size = self.lookback * (self.lookback + self.horizon * (self.own + 1))
        same = (s for s in self.seasons if len(np.unique(dev.cutoff_W % s)) == 1 and s * size <= MOST_SUMS)
        return next(same, 1)

    def _sums(self, part: WindowPart, phases: int) -> list[Normal]:
        """Sums of the windows of a part, for each phase of their origins."""
        found = [Normal.zero(self.lookback - 1, part.horizon, self.own) for _ in range(phases)]
        for rows in chunks(part, self.lookback):
            some = part.take(rows)
            numbers, phase_W = self._scaled(some), some.cutoff_W % phases
            for phase in np.unique(phase_W):
                found[phase].add(Normal.of(*(one[phase_W == phase] for one in numbers)))
        return found

    def _scaled(self, part: WindowPart) -> tuple[Array, Array, Array, Array]:
        """Lags (W, L - 1), own columns (W, H, K), values ahead (W, H) in scales of the window, and its weight.

        The weight makes an error count in units of its series; a window counts by the share of its steps to be scored.
        """
        y_WL, known_WHK, _ = inputs(part, self.lookback, max(self.seasons))
        at_WH, scored_WH = part.ahead_WH()
        scale_W, unit_W = scales(y_WL), self.unit_S[part.series_W]
        usable_W = (scale_W > 0) & (unit_W > 0)
        last_W1, scale_W1 = y_WL[:, -1:], np.where(usable_W, scale_W, 1.0)[:, None]
        weight_W = scored_WH.mean(axis=1) * np.divide(scale_W, unit_W, out=np.zeros(len(part)), where=usable_W) ** 2
        lag_WL, ahead_WH = (y_WL[:, :-1] - last_W1) / scale_W1, (part.panel.y_N[at_WH] - last_W1) / scale_W1
        return lag_WL, own_columns(known_WHK, self.mean_K, self.deviation_K), ahead_WH, weight_W


def _mixed(sums_P: list[Normal], phase: int, share: float) -> Normal:
    """The sums of one phase, those of all others counting ``share``."""
    found = sums_P[phase].times(1.0)
    for other, one in enumerate(sums_P):
        if other != phase:
            found.add(one.times(share))
    return found


def _with_last(lag_LH: Array) -> Array:
    """The weights of all lags: that of the last value is what the others leave of 1."""
    return np.concatenate([lag_LH, 1 - lag_LH.sum(axis=0, keepdims=True)])
