"""One ridge regression over lags for all series, in closed form: a rival, and what the model begins with.

Each step ahead has weights of the same lags, of its own columns known ahead, and an intercept. A window is the
differences from its last value over its scale, so that a series' level and unit do not matter. The weights are drawn to
those of a simple forecast (its *anchor*), not to zero. All choices are made on dev, by the squared error in units of
each series' deviation.

Shape letters: S series, W windows, L steps back, H steps ahead, K columns known ahead, P phases of a season, A anchors.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import product
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from rnncli.data.series.panel import Panel
from rnncli.tasks.forecast.extras.normal import Coefficients, Normal
from rnncli.tasks.forecast.windows import WindowPart

Array = NDArray[Any]

PENALTIES = tuple(10.0 ** np.arange(-5, 1.1, 0.5))
OWN_PENALTIES = (1e-3, 1e-1)
SHARES = (1.0, 0.1, 0.01)
"""What a training window counts whose origin is on another phase of the season than dev's."""
MOST_CHUNK = 4_000_000
"""Numbers of the windows that are looked at together."""
MOST_WORK = 2e11
"""Multiplications of a fit: beyond, it sees some of the windows, spread evenly."""
MOST_SUMS = 25_000_000
"""Numbers that sums by phase of a season may take."""
NARROW = 0.1
"""A window counts less where its scale is below this share of its series' deviation: its errors are outliers."""


@dataclass(frozen=True, eq=False)
class Ridge:
    """The weights: of lags ``lag_PLH``, of standardised columns and 1 ``own_PHK``, for each phase of origins.

    >>> ridge = Ridge.fit(parts["train"], parts["dev"], 336, (24, 168))
    >>> ridge.forecast(*inputs(parts["test"], ridge.lookback, ridge.season))  # (W, H)
    """

    lag_PLH: Array
    own_PHK: Array
    mean_K: Array
    deviation_K: Array
    season: int
    """The steps after which a history that is too short is repeated."""
    words: str
    """How it was chosen, for a person."""

    @property
    def lookback(self) -> int:
        """The steps back that it wants."""
        return self.lag_PLH.shape[1]

    @classmethod
    def fit(cls, train: WindowPart, dev: WindowPart, lookback: int, seasons: tuple[int, ...]) -> Self:
        """Fit to all windows that lie between the bounds of ``train``, all choices by ``dev``."""
        return cls(**_Search(train, dev, max(lookback, 2), seasons).best())

    def forecast(self, y_WL: Array, known_WHK: Array, cutoff_W: Array) -> Array:
        """Forecasts (W, H) of raw values up to cutoffs, numbers on the grid, with what is known of the steps ahead."""
        last_W, scale_W = y_WL[:, -1], scales(y_WL)
        own_WHK = own_columns(known_WHK, self.mean_K, self.deviation_K)
        phase_W = cutoff_W % len(self.lag_PLH)
        ahead_WH = np.empty(own_WHK.shape[:2])
        for phase in np.unique(phase_W):
            rows = np.flatnonzero(phase_W == phase)
            ahead_WH[rows] = (y_WL[rows] - last_W[rows, None]) @ self.lag_PLH[phase]
            ahead_WH[rows] += scale_W[rows, None] * np.einsum("whk,hk->wh", own_WHK[rows], self.own_PHK[phase])
        return last_W[:, None] + ahead_WH

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
        plain = {"season": int(arrays["season"]), "words": str(arrays["words"])}
        return cls(**{**arrays, **plain})


def scales(y_WL: Array) -> Array:
    """The scale of each window, its standard deviation; 0 where it is constant but for rounding."""
    scale_W = y_WL.std(axis=1)
    return np.where(scale_W > 1e-9 * np.abs(y_WL).max(axis=1), scale_W, 0.0)


def own_columns(known_WHK: Array, mean_K: Array, deviation_K: Array) -> Array:
    """The columns of each step ahead, standardised, and a column of ones."""
    standard_WHK = (known_WHK - mean_K) / deviation_K
    return np.concatenate([standard_WHK, np.ones((*standard_WHK.shape[:2], 1))], axis=2)


def inputs(part: WindowPart, lookback: int, season: int) -> tuple[Array, Array, Array]:
    """What :meth:`Ridge.forecast` wants: values (W, L), known columns (W, H, K), cutoffs (W,).

    A history that is too short is continued backwards by repeating its first season.
    """
    panel, series_W, origin_W = part.panel, part.series_W, part.origin_W
    return history(panel, panel.start_S[series_W], origin_W, lookback, season), known_ahead(part), part.cutoff_W


def history(panel: Panel, start_W: Array, origin_W: Array, lookback: int, season: int) -> Array:
    """The last values (W, L) up to each origin, none before ``start_W``: there the first season is repeated."""
    at_WL = origin_W[:, None] + np.arange(1 - lookback, 1)
    period_W = np.minimum(season, origin_W - start_W + 1)
    ahead_WL = at_WL - start_W[:, None]
    at_WL = start_W[:, None] + np.where(ahead_WL < 0, ahead_WL % period_W[:, None], ahead_WL)
    return panel.y_N[at_WL].astype(np.float64)


def known_ahead(part: WindowPart) -> Array:
    """The columns (W, H, K) of the steps ahead, those of the last step that the panel has where it ends before."""
    panel = part.panel
    at_WH = part.origin_W[:, None] + part.gap + np.arange(1, part.horizon + 1)
    return panel.known_NK[np.minimum(at_WH, panel.offset[part.series_W + 1][:, None] - 1)].astype(np.float64)


def chunks(part: WindowPart, lookback: int) -> Iterator[Array]:
    """The windows of a part, as many at a time as memory should hold."""
    width = lookback + part.horizon * (3 + 2 * part.panel.known_NK.shape[1])
    rows = max(1, MOST_CHUNK // width)
    for first in range(0, len(part), rows):
        yield np.arange(first, min(first + rows, len(part)))


def deviations(train: WindowPart) -> Array:
    """The standard deviation (S,) of each series between the bounds of fitting; 0 where it has no values."""
    panel = train.panel
    bounds = zip(train.begin_S.tolist(), train.end_S.tolist(), strict=True)
    parts = (panel.y_N[begin:end][panel.observed_N[begin:end]] for begin, end in bounds)
    return np.array([float(values.std()) if len(values) else 0.0 for values in parts])


def anchors(lookback: int, horizon: int, gap: int, seasons: tuple[int, ...]) -> dict[str, Array]:
    """By name, weights (L, H) of simple forecasts: last value, mean, the last season, the mean of up to 4 seasons."""
    found = {"the last value": np.zeros((lookback, horizon)), "the mean": np.full((lookback, horizon), 1 / lookback)}
    found["the last value"][-1] = 1.0
    ahead_H = gap + np.arange(1, horizon + 1)
    for season in (season for season in seasons if 1 < season <= lookback):
        times = min(4, lookback // season)
        same_HT = lookback - 1 + (ahead_H - 1) % season + 1 - season * np.arange(1, times + 1)[:, None]
        for count in {1, times}:
            weight_LH = np.zeros((lookback, horizon))
            for same_H in same_HT[:count]:
                weight_LH[same_H, np.arange(horizon)] = 1 / count
            found[f"the last {count} x {season} steps"] = weight_LH
    return found


def all_windows(train: WindowPart, lookback: int, most: int) -> WindowPart:
    """At most so many of the windows within the bounds of fitting, one at a random place in each of equal shares.

    A series shorter than lookback and horizon gives its last window, if it has one.
    """
    last_S = train.end_S - 1 - train.gap - train.horizon
    first_S = np.minimum(train.begin_S + lookback - 1, last_S)
    behind_S = np.cumsum(np.where(last_S >= train.begin_S, last_S - first_S + 1, 0))
    total = int(behind_S[-1])
    at_W = np.arange(total)
    if total > most:
        jitter_W = np.random.default_rng(0).random(most)
        at_W = ((np.arange(most) + jitter_W) * (total / most)).astype(np.int64)
    series_W = np.searchsorted(behind_S, at_W, side="right")
    origin_W = last_S[series_W] - (behind_S[series_W] - 1 - at_W)
    return replace(train, series_W=series_W, origin_W=origin_W)


class _Search:
    """All that choosing wants: sums of training windows, by how they are weighted and phase, and those of dev."""

    def __init__(self, train: WindowPart, dev: WindowPart, lookback: int, seasons: tuple[int, ...]) -> None:
        self.train, self.dev, self.lookback, self.seasons = train, dev, lookback, seasons
        self.own = train.panel.known_NK.shape[1] + 1
        self.deviation_S = deviations(train)
        self.mean_K, self.deviation_K = _standards(train)
        self.phases = self._phases()
        self.anchors = anchors(lookback, train.horizon, train.gap, seasons)
        width = lookback + train.horizon * (self.own + 2)
        self.windows = all_windows(train, lookback, max(1, int(MOST_WORK / (2 * lookback * width))))

    def best(self) -> dict[str, Any]:
        """The arguments of the ridge with the least error on dev."""
        sums, dev = self._sums(self.windows, self.phases), self._sums(self.dev, 1)["series"][0]
        phase = int(self.dev.cutoff_W[0] % self.phases) if len(self.dev) else 0
        _, choice = min(
            (error, choice)
            for weighting, share in product(sums, SHARES if self.phases > 1 else (1.0,))
            for error, choice in self._tried(_mixed(sums[weighting], phase, share), dev, (weighting, share))
        )
        weighting, share, with_own, penalty, own_penalty, anchor = choice
        found = [
            self._solved(_mixed(sums[weighting], one, share), with_own, penalty, own_penalty, (anchor,))[0]
            for one in range(self.phases)
        ]
        return {
            "lag_PLH": np.stack([_with_last(one.lag_LH) for one in found]),
            "own_PHK": np.stack([one.own_HK for one in found]),
            "mean_K": self.mean_K,
            "deviation_K": self.deviation_K,
            "season": max(self.seasons),
            "words": f"ridge over {self.lookback} steps, penalty {penalty:.2g} on what differs from {anchor}"
            + (f", weights for each of {self.phases} phases" if share < 1 else ""),
        }

    def _tried(self, train: Normal, dev: Normal, head: tuple[str, float]) -> Iterator[tuple[float, tuple[Any, ...]]]:
        """The error on dev of each choice of penalties and anchor, and the choice."""
        options = [(False, 1.0), *((True, own_penalty) for own_penalty in OWN_PENALTIES)]
        for penalty, (with_own, own_penalty) in product(PENALTIES, options):
            found = self._solved(train, with_own, penalty, own_penalty, tuple(self.anchors))
            for anchor, one in zip(self.anchors, found, strict=True):
                yield dev.error(one), (*head, with_own, penalty, own_penalty, anchor)

    def _solved(
        self, train: Normal, with_own: bool, penalty: float, own_penalty: float, names: tuple[str, ...]
    ) -> list[Coefficients]:
        """The weights under a choice, for each anchor of ``names``; none for the steps' own columns without them."""
        priors_ALH = np.stack([self.anchors[name][:-1] for name in names])
        found = (train if with_own else train.lags_only()).solve(penalty, own_penalty, priors_ALH)
        zeros_HK = np.zeros((self.train.horizon, self.own))
        return found if with_own else [replace(one, own_HK=zeros_HK) for one in found]

    def _phases(self) -> int:
        """The shortest season whose same phase all origins of dev have, or 1 for none."""
        cutoff_W = self.dev.cutoff_W
        size = self.lookback * (self.lookback + self.train.horizon * (self.own + 1))
        same = (s for s in self.seasons if len(np.unique(cutoff_W % s)) == 1 and s * size <= MOST_SUMS)
        return next(same, 1)

    def _sums(self, part: WindowPart, phases: int) -> dict[str, list[Normal]]:
        """Sums of the windows of a part, for each way to weigh them and each phase of their origins."""
        names = ("window", "series")
        found = {
            name: [Normal.zero(self.lookback - 1, part.horizon, self.own) for _ in range(phases)] for name in names
        }
        for rows in chunks(part, self.lookback):
            some = part.take(rows)
            *numbers, weights = self._scaled(some)
            phase_W = some.cutoff_W % phases
            for phase in np.unique(phase_W):
                chosen = phase_W == phase
                for name in names:
                    found[name][phase].add(Normal.of(*(one[chosen] for one in (*numbers, weights[name]))))
        return found

    def _scaled(self, part: WindowPart) -> tuple[Array, Array, Array, dict[str, Array]]:
        """Lags (W, L - 1), own columns (W, H, K) and values ahead (W, H) in units of the window, and its weights."""
        y_WL, known_WHK, _ = inputs(part, self.lookback, max(self.seasons))
        at_WH, scored_WH = part.ahead_WH()
        scale_W, deviation_W = scales(y_WL), self.deviation_S[part.series_W]
        usable_W = (scale_W > 0) & (deviation_W > 0)
        unit_W1 = np.where(usable_W, scale_W, 1.0)[:, None]
        last_W1 = y_WL[:, -1:]
        ratio_W = np.where(usable_W, scale_W / np.where(usable_W, deviation_W, 1.0), 0.0)
        share_W = scored_WH.mean(axis=1)
        weights = {"window": share_W * np.minimum(1.0, ratio_W / NARROW) ** 2, "series": share_W * ratio_W**2}
        lag_WL = (y_WL[:, :-1] - last_W1) / unit_W1
        ahead_WH = (part.panel.y_N[at_WH] - last_W1) / unit_W1
        return lag_WL, own_columns(known_WHK, self.mean_K, self.deviation_K), ahead_WH, weights


def _with_last(lag_LH: Array) -> Array:
    """The weights of all lags: that of the last value is what the others leave of 1."""
    return np.concatenate([lag_LH, 1 - lag_LH.sum(axis=0, keepdims=True)])


def _mixed(sums: list[Normal], phase: int, share: float) -> Normal:
    """The sums of one phase, those of all others counting ``share``."""
    if len(sums) == 1:
        return sums[0]
    found = sums[phase].times(1.0)
    for other, one in enumerate(sums):
        if other != phase:
            found.add(one.times(share))
    return found


def _standards(train: WindowPart) -> tuple[Array, Array]:
    """Mean and deviation (K,) of the columns known ahead, over the steps between the bounds of fitting."""
    panel = train.panel
    bounds = np.zeros(len(panel.y_N) + 1, np.int64)
    np.add.at(bounds, train.begin_S, 1)
    np.add.at(bounds, np.maximum(train.begin_S, train.end_S), -1)
    known_NK = panel.known_NK[np.cumsum(bounds[:-1]) > 0].astype(np.float64)
    if not len(known_NK):
        return np.zeros(known_NK.shape[1]), np.ones(known_NK.shape[1])
    deviation_K = known_NK.std(axis=0)
    return known_NK.mean(axis=0), np.where(deviation_K > 0, deviation_K, 1.0)
