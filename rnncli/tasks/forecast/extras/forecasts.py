"""What is forecast behind a history, as rows of a step each.

Shape letters: S series, B series of a block, H steps ahead, Q levels of quantiles, N numbers of a row.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from rnncli.data.series.column import SeriesTable
from rnncli.data.series.rows import BETWEEN
from rnncli.data.wording import few
from rnncli.metrics.conformal import between_levels
from rnncli.metrics.forecasts import LEVELS
from rnncli.tasks.forecast.extras.learnt import LearntSeries
from rnncli.tasks.forecast.history import History, HistorySettings, read_history
from rnncli.tasks.forecast.windows import WindowPart

Array = np.ndarray
Network = Callable[[Mapping[str, Array], Array], tuple[Array, Array]]
"""Points (B, H) and quantiles (B, H, Q) of :data:`LEVELS`, in the user's units, of windows as
:meth:`rnncli.tasks.forecast.inputs.WindowInputs.numbers` gives them and the numbers of their series (B,)."""
USUAL_LEVELS = (0.025, 0.1, 0.5, 0.9, 0.975)
"""The median, and the ends of the intervals of 80 and 95 %."""
SERIES, TIME, CUTOFF = "unique_id", "ds", "cutoff"
"""Columns of a forecast; those of series and stamps where the user's data name none."""
BLOCK = 256
"""Series that are forecast at once."""
DIGITS = 7


@dataclass(frozen=True, eq=False)
class Outlook:
    """A forecaster as far as predicting goes, whatever computes its network; ``linear`` where it has the regression."""

    learnt: LearntSeries
    settings: HistorySettings
    linear: bool
    network: Network

    def behind(
        self,
        tables: Sequence[SeriesTable],
        future: SeriesTable | None = None,
        levels: Sequence[float] = (),
        until: str = "",
    ) -> SeriesAhead:
        """The forecasts behind tables of a history, of ``levels`` or the usual ones; raises DataError.

        They are read by the columns of training where they are there, and else as the recipe asked.
        """
        columns = _columns_of(tables[0], self.settings, self.learnt.columns, self.learnt.names)
        settings = replace(self.settings, until=until, **columns)
        history = read_history(settings, tables, self.learnt.form, future)
        if history.panel.names == ("",) and "" not in self.learnt.names:  # one column of a wide table, perhaps
            history = replace(history, panel=replace(history.panel, names=history.layout.target))
        return SeriesAhead(self, history, tuple(levels) or USUAL_LEVELS)


@dataclass(frozen=True, eq=False)
class StepAhead:
    """A step to be forecast: of a series by its number in the history, and how far ahead it is, from 0."""

    forecasts: SeriesAhead
    series: int
    step: int

    def row(self) -> dict[str, Any]:
        """Series, stamp, cutoff and what is forecast."""
        return self.forecasts.row(self.series, self.step)


class SeriesAhead:
    """The forecasts behind one history, a block of series at a time as they are asked for."""

    def __init__(self, outlook: Outlook, history: History, levels: Sequence[float]) -> None:
        panel, self.layout = history.panel, history.layout
        self.outlook, self.levels, self.history = outlook, levels, history
        gap, horizon = outlook.settings.gap, outlook.learnt.horizon
        series_S = np.arange(len(panel.names))
        self.part = WindowPart(panel, series_S, panel.end_S - 1, horizon, gap, panel.start_S, panel.end_S)
        self.inputs = outlook.learnt.inputs(self.part, linear=outlook.linear)
        self.titles = ("mean", *(f"q{level}" for level in levels))
        self.series, self.time = _columns(history, {CUTOFF, *self.titles})
        self._block, self._rows_BH = -1, [[{}]]
        self._written: dict[int, list[Any]] = {}

    def steps(self) -> Iterator[StepAhead]:
        """All of them, series by series."""
        for series in range(len(self.part)):
            for step in range(self.part.horizon):
                yield StepAhead(self, series, step)

    def row(self, window: int, step: int) -> dict[str, Any]:
        """Series, stamp, cutoff and what is forecast of a step ahead, from 0, of a series."""
        block, at = divmod(window, BLOCK)
        if block != self._block:
            self._block, self._rows_BH = block, self._forecast(np.arange(len(self.part))[block * BLOCK :][:BLOCK])
        return self._rows_BH[at][step]

    def notes(self) -> list[str]:
        """How the history was read, which series are unknown to training, and which end before others."""
        panel, known = self.part.panel, set(self.outlook.learnt.names)
        notes = [*self.history.notes]
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

    def _forecast(self, rows_B: Array) -> list[list[dict[str, Any]]]:
        """The rows of some series, step by step."""
        numbers, series_B = self.inputs.numbers(rows_B), self.inputs.series_W[rows_B]
        point_BH, quantile_BHQ = self.outlook.network(numbers, series_B)
        wanted_BHQ = self.outlook.learnt.floored(quantile_BHQ @ between_levels(LEVELS, self.levels))
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


def _columns_of(
    table: SeriesTable, settings: HistorySettings, learnt: Mapping[str, Any], names: Sequence[str]
) -> dict[str, Any]:
    """The columns by which to read a history: those of training that it has, where the settings leave them open.

    Of a wide table, whose columns are series, it need not have all.
    """
    found: dict[str, Any] = {"day_first": learnt["day_first"]}
    for key in ("time_column", "series_column"):
        column = learnt[key]
        wanted = [column] if isinstance(column, str) else column
        if all(one in table.columns for one in wanted):
            found[key] = column
    target = learnt["target_column"]
    if isinstance(target, str):
        return found | ({"target_column": target} if target in table.columns else {})
    there = tuple(name for name in target if name in table.columns)
    asked = bool(settings.target_column)
    return found | ({"target_column": there} if there and asked else {})
