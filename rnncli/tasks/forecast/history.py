"""Series to forecast from: what a user has up to now, and what is known of the steps ahead."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from rnncli.data.series import calendar
from rnncli.data.series.frequency import Wanted
from rnncli.data.series.gaps import filled
from rnncli.data.series.panel import Panel, PanelForm
from rnncli.data.series.reading import read_panel
from rnncli.data.series.rows import SeriesColumns, read_rows
from rnncli.data.tables.table import Table
from rnncli.errors import DataError
from rnncli.recipe.schema import AUTO
from rnncli.tasks.forecast.columns import find_columns
from rnncli.tasks.forecast.schema import ForecastRecipe
from rnncli.tasks.forecast.source import seasons_of


def read_history(recipe: ForecastRecipe, tables: Sequence[Table], form: PanelForm) -> tuple[Panel, list[str]]:
    """The series of a history, and of a table of the future behind it, with all that is known of the steps ahead.

    ``form`` is that of training, the columns those of its recipe. Each series goes on for gap and horizon behind its
    last value. Returns sentences on what was filled and dropped, too. Raises DataError, also for columns known ahead
    that end too early.
    """
    data = recipe.data
    layout = find_columns(tables[0], data).layout
    rows = read_rows(tables, layout, Wanted(grid=form.grid), data.day_first, form.categories)
    features = calendar.names_in(form.known)
    reading = read_panel(rows, tables[0].name, data.duplicates, features)
    panel, ahead = reading.panel, recipe.evaluation.gap + _horizon(recipe)
    if layout.known:
        _require_known(panel, layout, ahead, tables[-1].name)
    panel = extended(panel.having(form.known, form.past, form.static), ahead, features)
    season = seasons_of(data, form.grid)[0]
    y_N = filled(panel.y_N, panel.offset, panel.end_S, data.gaps, season, np.zeros(0, np.int64))
    notes = [*reading.notes, *(f"{count:,} left out: {reason}" for reason, count in reading.dropped.items())]
    return replace(panel, y_N=y_N), notes


def _horizon(recipe: ForecastRecipe) -> int:
    assert recipe.data.horizon != AUTO  # a run's recipe has the number
    return recipe.data.horizon


def _require_known(panel: Panel, layout: SeriesColumns, ahead: int, source: str) -> None:
    """Raise DataError for a series of which the columns known ahead end before all is forecast."""
    there_S = panel.offset[1:] - panel.end_S
    if (there_S >= ahead).all():
        return
    series = int(np.argmin(there_S))
    name = panel.names[series]
    last = int(panel.number(series, panel.offset[series + 1] - 1))
    wanted = panel.grid.stamp(int(panel.number(series, panel.end_S[series] - 1)) + ahead)
    raise DataError(
        f"{source}: {', '.join(layout.known)}{f' of {name}' if name else ''} end at {panel.grid.stamp(last)}, and a "
        f"forecast of {panel.grid.steps(ahead)} needs them to {wanted}",
        "--future FILE gives the columns known ahead, a row a step",
    )


def extended(panel: Panel, steps: int, features: tuple[str, ...]) -> Panel:
    """The panel with so many steps behind each series' last value, columns as they were last, the calendar's as it is.

    Steps that are there already stay as they are; what lies beyond is left out.
    """
    kept_S = panel.end_S - panel.start_S
    offset = np.r_[0, np.cumsum(kept_S + steps)]
    length_S = np.diff(panel.offset)
    series_N = np.repeat(np.arange(len(kept_S)), kept_S + steps)
    turn_N = np.arange(offset[-1]) - offset[series_N]
    from_N = panel.start_S[series_N] + np.minimum(turn_N, length_S[series_N] - 1)
    ahead_N = turn_N >= kept_S[series_N]
    wide = replace(
        panel,
        offset=offset,
        end_S=offset[:-1] + kept_S,
        y_N=np.where(ahead_N, np.nan, panel.y_N[from_N]),
        observed_N=~ahead_N & panel.observed_N[from_N],
        known_NK=panel.known_NK[from_N],
        past_NP=panel.past_NP[from_N],
    )
    names = calendar.columns(panel.grid, features)
    own = [
        at for at, name in enumerate(names) if name in panel.known
    ]  # of a feature that never varied some are left out
    found_NK = calendar.features(panel.grid, wide.number_N, features)
    wide.known_NK[:, [panel.known.index(names[at]) for at in own]] = found_NK[:, own]
    return wide
