"""What is forecast behind a history, as rows of a step each.

Shape letters: S series, B series of a block, H steps ahead, Q levels of quantiles, N numbers of a row.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from rnncli.core.device import placed
from rnncli.data.series.rows import BETWEEN
from rnncli.metrics.conformal import between_levels
from rnncli.metrics.forecasts import LEVELS
from rnncli.tasks.forecast.fitted import FittedForecast
from rnncli.tasks.forecast.history import History
from rnncli.tasks.forecast.model import Forecaster
from rnncli.tasks.forecast.windows import WindowPart
from rnncli.tasks.forecast.wording import few

SERIES, TIME, CUTOFF = "unique_id", "ds", "cutoff"
"""Columns of a forecast; those of series and stamps where the user's data name none."""
BLOCK = 256
"""Series that are forecast at once."""
DIGITS = 7


class SeriesAhead:
    """The forecasts behind one history, a block of series at a time as they are asked for."""

    def __init__(
        self, fitted: FittedForecast, model: Forecaster, device: torch.device, levels: Sequence[float], history: History
    ) -> None:
        panel, self.layout = history.panel, history.layout
        self.fitted, self.model, self.device, self.levels = fitted, model, device, levels
        gap, horizon = fitted.recipe.evaluation.gap, fitted.learnt.horizon
        series_S = np.arange(len(panel.names))
        self.part = WindowPart(panel, series_S, panel.end_S - 1, horizon, gap, panel.start_S, panel.end_S)
        self.examples = fitted.encode(self.part)
        self.titles = ("mean", *(f"q{level}" for level in levels))
        self.series, self.time = _columns(history, {CUTOFF, *self.titles})
        self._block, self._rows_BH = -1, [[{}]]
        self._written: dict[int, list[Any]] = {}

    def row(self, window: int, step: int) -> dict[str, Any]:
        """Series, stamp, cutoff and what is forecast of a step ahead, from 0, of a series."""
        block, at = divmod(window, BLOCK)
        if block != self._block:
            self._block, self._rows_BH = block, self._forecast(np.arange(len(self.part))[block * BLOCK :][:BLOCK])
        return self._rows_BH[at][step]

    def notes(self) -> list[str]:
        """Which series are unknown to training, and which end before others."""
        panel, known = self.part.panel, set(self.fitted.learnt.names)
        notes = []
        if unknown := tuple(name for name in panel.names if name not in known):
            notes.append(f"{len(unknown):,} series unknown to training, forecast by what others taught: {few(unknown)}")
        last_S = panel.number(self.part.series_W, self.part.origin_W)
        early = np.flatnonzero(last_S < last_S.max())
        if len(early):
            one = int(early[0])
            last, own = (panel.grid.stamp(int(number)) for number in (last_S.max(), last_S[one]))
            said = f"{len(early):,} series end before {last} and are forecast from their own ends"
            notes.append(f"{said}, such as {panel.names[one]} from {own}")
        return notes

    @torch.no_grad()
    def _forecast(self, rows_B: np.ndarray) -> list[list[dict[str, Any]]]:
        """The rows of some series, step by step."""
        batch = placed(self.examples.batch(rows_B), self.device)
        point_BH, quantile_BHQ = self.fitted.forecast(self.model, batch)
        wanted_BHQ = self.fitted.floored(quantile_BHQ @ between_levels(LEVELS, self.levels))
        number_BHN = np.concatenate([point_BH[..., None], wanted_BHQ], axis=2).tolist()
        return [self._rows(window, number_HN) for window, number_HN in zip(rows_B.tolist(), number_BHN, strict=True)]

    def _rows(self, window: int, number_HN: list[list[float]]) -> list[dict[str, Any]]:
        cutoff, *ahead = self._stamps(int(self.part.cutoff_W[window]))
        name = self.part.panel.names[window] or self.layout.target[0]
        named = dict(zip(self.series, name.split(BETWEEN) if len(self.series) > 1 else [name], strict=True))
        return [
            {**named, self.time: stamp, CUTOFF: cutoff}
            | {title: _rounded(number) for title, number in zip(self.titles, number_N, strict=True)}
            for stamp, number_N in zip(ahead, number_HN, strict=True)
        ]

    def _stamps(self, cutoff: int) -> list[Any]:
        """A cutoff and the steps ahead of it as the user's stamps are written; most series have the same."""
        if cutoff not in self._written:
            grid, part = self.part.panel.grid, self.part
            texts = grid.texts(np.r_[cutoff, cutoff + part.gap + 1 + np.arange(part.horizon)])
            self._written[cutoff] = list(map(int, texts)) if grid.is_whole else texts
        return self._written[cutoff]


def _columns(history: History, taken: set[str]) -> tuple[tuple[str, ...], str]:
    """The columns of series and of stamps: the user's own, where no other is called so and names fall apart clearly."""
    series, time = history.layout.series, history.layout.time
    clear = len(series) == 1 or {name.count(BETWEEN) + 1 for name in history.panel.names} == {len(series)}
    return series if clear and not taken & set(series) else (SERIES,), TIME if time in taken else time


def _rounded(number: float) -> float | None:
    """A number of seven digits, None for one beyond all numbers, as the exponential of a logarithm may be."""
    return float(f"{number:.{DIGITS}g}") if math.isfinite(number) else None
