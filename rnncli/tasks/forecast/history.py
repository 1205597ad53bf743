"""Series to forecast from: what a user has up to now, and what is known of the steps ahead.

Shape letters: S series, N rows, H steps ahead.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

import numpy as np

from rnncli.data.series import calendar
from rnncli.data.series.column import SeriesTable, TableColumn
from rnncli.data.series.frequency import Wanted, step_of
from rnncli.data.series.gaps import Rule, filled
from rnncli.data.series.grid import Grid
from rnncli.data.series.panel import Panel, PanelForm
from rnncli.data.series.reading import NEVER, Duplicates, cut_off, read_panel
from rnncli.data.series.rows import Covariate, SeriesColumns, SeriesRows, joined, read_rows
from rnncli.data.series.stamps import DayFirst
from rnncli.data.tables.dialects import Header
from rnncli.data.wording import counted
from rnncli.errors import DataError
from rnncli.tasks.forecast.columns import find_columns

COMMON = 0.1
"""Of the values those in one step with another from which on they may be of another frequency."""
FEWEST_STEPS = 5
"""From one value to the next, of which none is one of the grid where the values are of another frequency."""


@dataclass(frozen=True)
class HistorySettings:
    """How a history is read: the keys of a recipe's data that say so, its gap and its horizon.

    ``season`` are the steps of the shortest one, ``until`` the first stamp that is left out.
    """

    time_column: str
    series_column: str | tuple[str, ...]
    target_column: str | tuple[str, ...]
    known: tuple[str, ...]
    past: tuple[str, ...]
    static: tuple[str, ...]
    zone: str
    day_first: DayFirst
    gaps: Rule
    duplicates: Duplicates
    season: int
    gap: int
    horizon: int
    encoding: str
    header: Header
    until: str = ""


@dataclass(frozen=True)
class History:
    """Series that go on for gap and horizon behind their last values, the columns that they were read by, sentences."""

    panel: Panel
    layout: SeriesColumns
    notes: list[str]


def read_history(
    settings: HistorySettings, tables: Sequence[SeriesTable], form: PanelForm, future: SeriesTable | None = None
) -> History:
    """The series of the tables of a history, one behind the other, with all that is known of the steps ahead.

    ``form`` is that of training, the columns are those of the settings. Of ``future`` only those known ahead are read.
    Each series goes on for gap and horizon behind its last value. Raises DataError, also for steps ahead of which a
    column known ahead has no value, and for values of another frequency.
    """
    layout = find_columns(tables[0], settings).layout
    given = [*tables, *([] if future is None else [_of_the_future(future, tables, layout)])]
    features = calendar.names_in(form.known)
    with _explained(tables, layout, settings, form.grid):
        rows = read_rows(given, layout, Wanted(zone=settings.zone, grid=form.grid), settings.day_first, form.categories)
        _require_steps(rows, form.grid)
    if _have_steps_in_common(rows) and (other := _of_another_frequency(tables, layout, settings, form.grid)):
        raise other
    _end(rows, settings)
    if future is not None:
        _leave_out_others(rows, len(given) - 1, settings)
    _require_known(rows, layout, form, settings, future is None)
    with _explained(tables, layout, settings, form.grid):
        reading = read_panel(rows, tables[0].name, settings.duplicates, features)
    panel, ahead = reading.panel, settings.gap + settings.horizon
    panel = extended(panel.having(form.known, form.past, form.static), ahead, features)
    y_N = filled(panel.y_N, panel.offset, panel.end_S, settings.gaps, settings.season, np.zeros(0, np.int64))
    absent = int((np.isnan(panel.y_N) & ~np.isnan(y_N)).sum())
    notes = [*(note for table in given for note in table.notes), *reading.notes]
    notes += [f"{counted(count, reason)} left out" for reason, count in sorted(reading.dropped.items())]
    notes += [f"{counted(absent, 'absent step')} filled (data.gaps={settings.gaps})"] * bool(absent)
    return History(replace(panel, y_N=y_N), layout, notes)


def _of_the_future(table: SeriesTable, history: Sequence[SeriesTable], layout: SeriesColumns) -> SeriesTable:
    """A table of the future without any values but those of the columns known ahead: there are none yet to be known.

    One that has a row a step and no column of series is that of each series of the history.
    """
    nothing = TableColumn.nothing(len(table))
    table = table.having(dict.fromkeys((*layout.target, *layout.past, *layout.static), nothing))
    lacks_series = bool(layout.series) and not set(layout.series) & set(table.columns)
    if not lacks_series or layout.time not in table.columns:
        return table
    stamps = table.column(layout.time).written()
    return table if len(set(stamps)) < len(stamps) else _of_each_series(table, history, layout)


def _of_each_series(table: SeriesTable, history: Sequence[SeriesTable], layout: SeriesColumns) -> SeriesTable:
    """The rows of a table once for each series of a history."""
    columns = [joined(history, name).as_texts() for name in layout.series]
    named_N = np.all([one.value_N >= 0 for one in columns], axis=0)
    codes_SC = np.unique(np.stack([one.value_N[named_N] for one in columns], axis=1), axis=0)
    rows, series = len(table), len(codes_SC)
    table = table.take(np.tile(np.arange(rows), series))
    names = {
        name: TableColumn.of_codes(np.repeat(codes_S, rows), one.texts)
        for name, one, codes_S in zip(layout.series, columns, codes_SC.T, strict=True)
    }
    return replace(table.having(names), notes=(*table.notes, f"{table.name}: the same for all series"))


def _end(rows: SeriesRows, settings: HistorySettings) -> None:
    """End the history where the settings do; what is known of the steps behind stays."""
    if settings.until:
        number = step_of(rows.grid, settings.until, "data.until", settings.day_first)
        if rows.known:
            rows.y_N = np.where(rows.number_N < number, rows.y_N, np.nan)
        else:
            cut_off(rows, number, settings.until)


def _leave_out_others(rows: SeriesRows, part: int, settings: HistorySettings) -> None:
    """Leave out those rows of the table of the future that are no steps ahead, and say how many lie behind these."""
    ahead_N = rows.number_N - _last_values(rows)[rows.series_N]
    late_N = (ahead_N > settings.gap + settings.horizon) & (ahead_N < NEVER)
    if late := int((late_N & (rows.part_N == part)).sum()):
        rows.notes.append(f"{rows.tables[part].name}: {counted(late, 'row')} behind what is forecast, not used")
    kept = np.flatnonzero((rows.part_N != part) | ((ahead_N > 0) & ~late_N))
    for name in ("series_N", "number_N", "part_N", "row_N", "y_N"):
        setattr(rows, name, getattr(rows, name)[kept])


def _last_values(rows: SeriesRows) -> np.ndarray:
    """The step of each series' last value, (S,), ``-NEVER`` where it has none."""
    last_S = np.full(len(rows.names), -NEVER)
    valued = ~np.isnan(rows.y_N)
    np.maximum.at(last_S, rows.series_N[valued], rows.number_N[valued])
    return last_S


def _require_known(
    rows: SeriesRows, layout: SeriesColumns, form: PanelForm, settings: HistorySettings, nothing_more: bool
) -> None:
    """Raise DataError for a series of which a step ahead lacks a column that is known ahead."""
    needed = [one for one in rows.known if _is_in(one, form)]
    if not needed:
        return
    gap, horizon = settings.gap, settings.horizon
    last_S = _last_values(rows)
    lacks: dict[str, np.ndarray] = {}
    for one in needed:
        at_N = rows.number_N - last_S[rows.series_N] - gap - 1
        told_N = (at_N >= 0) & (at_N < horizon) & ~np.isnan(one.value_N[rows.row_N])
        there_SH = np.zeros((len(last_S), horizon), bool)
        there_SH[rows.series_N[told_N], at_N[told_N]] = True
        lacks[one.name] = ~there_SH & (last_S > -NEVER)[:, None]
    lacking_S = np.any([lacks_SH.any(1) for lacks_SH in lacks.values()], axis=0)
    if lacking_S.any():
        series = int(np.argmax(lacking_S))
        own = {name: lacks_SH[series] for name, lacks_SH in lacks.items() if lacks_SH[series].any()}
        raise _unknown(rows, layout, own, series, int(lacking_S.sum()) - 1, int(last_S[series]) + gap + 1, nothing_more)


def _unknown(
    rows: SeriesRows,
    layout: SeriesColumns,
    lacks: dict[str, np.ndarray],
    series: int,
    others: int,
    first: int,
    nothing_more: bool,
) -> DataError:
    """What is said of a series whose columns ``lacks`` names are not known at steps (H,) from ``first`` on."""
    grid, name = rows.grid, rows.names[series]
    lacks_H = np.any(list(lacks.values()), axis=0)
    count, horizon = int(lacks_H.sum()), len(lacks_H)
    example = grid.stamp(first + int(np.argmax(lacks_H)))
    whose = f" of {name}" if name else ""
    much = f"any of the {horizon}" if count == horizon else f"{count} of the {horizon}"
    more = f"; {others:,} other series lack some too" if others else ""
    columns = ", ".join((*layout.series, layout.time, *layout.known))
    lead = "a row a step and series" if layout.series else "a row a step"
    return DataError(
        f"{rows.tables[-1].name}: {', '.join(lacks)}{whose} {'is' if len(lacks) == 1 else 'are'} not given for {much} "
        f"steps to be forecast, such as {example}{more}",
        f"--future FILE gives what is known ahead, {lead}: {columns}"
        if nothing_more
        else f"{lead} to {grid.stamp(first + horizon - 1)}: {columns}",
    )


def _is_in(one: Covariate, form: PanelForm) -> bool:
    """Whether a column is one of those that were trained on, where some are left out that never changed."""
    return one.name in form.known or any(f"{one.name}={text}" in form.known for text in one.texts)


def _apart(rows: SeriesRows) -> np.ndarray:
    """How many steps each value lies behind the one before it of its series."""
    valued = np.flatnonzero(~np.isnan(rows.y_N))
    order = valued[np.lexsort((rows.number_N[valued], rows.series_N[valued]))]
    return np.diff(rows.number_N[order])[np.diff(rows.series_N[order]) == 0]


def _have_steps_in_common(rows: SeriesRows) -> bool:
    """Whether many values lie in one step with another though stamps may differ, as those of days in months do."""
    apart = _apart(rows)
    return rows.grid.unit.kind in ("month", "business") and int((apart == 0).sum()) > COMMON * len(apart)


def _require_steps(rows: SeriesRows, grid: Grid) -> None:
    """Raise DataError for values none of which is one step behind another though there are some."""
    apart = _apart(rows)
    if len(apart) >= FEWEST_STEPS and int(apart.min()) > 1:
        raise DataError(
            f"{rows.tables[0].name}: no value is one step behind another, and the run was trained on {grid.words} "
            "values",
            "give a history with all its steps",
        )


@contextmanager
def _explained(
    tables: Sequence[SeriesTable], layout: SeriesColumns, settings: HistorySettings, grid: Grid
) -> Iterator[None]:
    """Let a DataError tell of stamps of another frequency where that is what is wrong."""
    try:
        yield
    except DataError as error:
        raise _of_another_frequency(tables, layout, settings, grid) or error from None


def _of_another_frequency(
    tables: Sequence[SeriesTable], layout: SeriesColumns, settings: HistorySettings, grid: Grid
) -> DataError | None:
    """An error for tables whose own frequency is another than that of ``grid``; None where that is not so."""
    try:
        found = read_rows(tables, layout, Wanted(zone=settings.zone), settings.day_first).grid
    except DataError:
        return None
    if found.is_whole != grid.is_whole or found.words == grid.words:
        return None
    return DataError(
        f'{tables[0].name}: "{layout.time}" is {found.words}, and the run was trained on {grid.words} values',
        "give a history of the same steps, or train a run on such ones",
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
