"""Tables of a recipe as series on a grid, their gaps still open."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rnncli.data.series import calendar
from rnncli.data.series.arrow import series_table
from rnncli.data.series.frequency import Wanted, step_of
from rnncli.data.series.grid import Grid
from rnncli.data.series.panel import Panel, PanelForm
from rnncli.data.series.reading import NEVER, Reading, cut_off, read_panel
from rnncli.data.series.rows import SeriesRows, read_rows
from rnncli.recipe.schema import AUTO
from rnncli.tasks.common.tables import Tables
from rnncli.tasks.forecast.columns import FoundColumns, find_columns
from rnncli.tasks.forecast.history import HistorySettings
from rnncli.tasks.forecast.schema import ForecastRecipe, SeriesData
from rnncli.tasks.forecast.splitting import Spacing


@dataclass(frozen=True)
class Series:
    """A source as it was read: its panel, gaps still open, how it was read, and the layout of windows over it."""

    reading: Reading
    rows: SeriesRows
    columns: FoundColumns
    spacing: Spacing
    season: tuple[int, ...]

    @property
    def panel(self) -> Panel:
        """All series."""
        return self.reading.panel


def read_series(recipe: ForecastRecipe, tables: Tables, form: PanelForm | None = None) -> Series:
    """The series of tables, those behind the first one further parts of it; ``form`` is that of a model's panel."""
    data = recipe.data
    given = [series_table(table) for table in tables.values()]
    columns = find_columns(given[0], data)
    wanted = Wanted(data.frequency, data.zone, form.grid if form else None)
    categories = form.categories if form else None
    rows = read_rows(given, columns.layout, wanted, data.day_first, categories)
    for table in given:
        rows.notes += table.notes
        rows.dropped.update(table.dropped)
    if data.until:
        cut_off(rows, step_of(rows.grid, data.until, "data.until", data.day_first), data.until)
    features = calendar.names(rows.grid, data.calendar, int(np.ptp(rows.number_N)) + 1)
    features = calendar.names_in(form.known) if form else features
    reading = read_panel(rows, ", ".join(dict.fromkeys(table.name for table in given)), data.duplicates, features)
    panel = reading.panel
    longest = int((panel.end_S - panel.start_S).max())
    horizon = data.horizon if data.horizon != AUTO else _usual_horizon(reading, longest)
    spacing = Spacing(horizon, recipe.evaluation.step or horizon, recipe.evaluation.gap)
    return Series(reading, rows, columns, spacing, seasons_of(data, panel.grid))


def seasons_of(data: SeriesData, grid: Grid) -> tuple[int, ...]:
    """The steps of each season, the shortest first: those of the recipe, or those that such stamps usually have."""
    if data.season == AUTO:
        return grid.seasons
    return (data.season,) if isinstance(data.season, int) else tuple(data.season)


def history_settings(recipe: ForecastRecipe, grid: Grid, horizon: int) -> HistorySettings:
    """How a history to forecast from is read."""
    data = recipe.data
    keys = ("time_column", "series_column", "target_column", "known", "past", "static", "zone", "day_first")
    asked = {key: getattr(data, key) for key in (*keys, "gaps", "duplicates", "encoding", "header")}
    return HistorySettings(**asked, season=seasons_of(data, grid)[0], gap=recipe.evaluation.gap, horizon=horizon)


def _usual_horizon(reading: Reading, longest: int) -> int:
    """Steps as test has of most series where it is a file of its own, else usual ones, fewer of short series."""
    panel = reading.panel
    if len(reading.from_PS):
        there = reading.from_PS[-1] < NEVER
        length_S = (panel.first_S + panel.end_S - panel.start_S - reading.from_PS[-1])[there]
        if len(length_S) and int(np.median(length_S)) > 0:
            return int(np.median(length_S))
    return max(1, min(panel.grid.horizon, longest // 8))
