"""From rows to a panel: sorted, one row a step, absent steps known as such."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from rnncli.data.series import calendar
from rnncli.data.series.gaps import begins, carried
from rnncli.data.series.grid import DAY
from rnncli.data.series.panel import Panel
from rnncli.data.series.rows import Covariate, SeriesRows
from rnncli.data.wording import counted
from rnncli.errors import DataError

Duplicates = Literal["refuse", "first", "last", "mean", "sum"]
NEVER = np.iinfo(np.int64).max // 4
"""A step that never comes."""
SPARSE = 50
"""Steps a row at most; beyond, the stamps are hardly those of one grid."""


@dataclass
class Reading:
    """A panel whose absent values are NaN still, and what was seen on the way.

    ``from_PS`` has a row a further part of the source and the step from which on each series is of it, ``NEVER`` where
    it is not.
    """

    panel: Panel
    from_PS: np.ndarray
    last_S: np.ndarray
    """The step of each series' last value in the first part of the source."""
    notes: list[str]
    dropped: Counter[str]


def read_panel(
    rows: SeriesRows, source: str, duplicates: Duplicates = "refuse", features: tuple[str, ...] = ()
) -> Reading:
    """The panel of rows, with calendar ``features`` behind the columns known ahead; raises DataError."""
    from_PS, until_S = _parts(rows)
    seen, stays = _with_values(_distinct(_sorted(rows), duplicates))
    bound = np.searchsorted(seen.series_N, np.arange(len(seen.names) + 1))
    first_S = seen.number_N[bound[:-1]]
    last_S = seen.number_N[bound[1:] - 1]
    length_S = last_S - first_S + 1
    _require_dense(seen, bound, length_S)
    offset = np.r_[0, np.cumsum(length_S)]
    at_N = offset[seen.series_N] + seen.number_N - first_S[seen.series_N]
    y_N = np.full(offset[-1], np.nan)
    y_N[at_N] = seen.y_N
    observed_N = ~np.isnan(y_N)
    begin_N = begins(offset)
    known, known_NK, categories = _covariates(seen, seen.known, at_N, begin_N, back=True)
    past, past_NP, more = _covariates(seen, seen.past, at_N, begin_N, back=False)
    static, static_SC = _statics(seen, bound)
    panel = Panel(
        source=source,
        grid=seen.grid,
        names=seen.names,
        offset=offset,
        end_S=_ends(observed_N, offset),
        first_S=first_S,
        y_N=y_N,
        observed_N=observed_N,
        known=known + calendar.columns(seen.grid, features),
        known_NK=known_NK,
        past=past,
        past_NP=past_NP,
        static=static,
        static_SC=static_SC,
        categories=categories | more,
    )
    if features:
        wide_NK = calendar.features(panel.grid, panel.number_N, features)
        panel = replace(panel, known_NK=np.concatenate([known_NK, wide_NK], axis=1))
    return Reading(panel, from_PS[:, stays], until_S[stays], seen.notes, +seen.dropped)


def cut_off(rows: SeriesRows, number: int, until: str) -> None:
    """Leave out the rows from a step on, and say so; raises DataError where that is all."""
    kept = np.flatnonzero(rows.number_N < number)
    if not len(kept):
        raise DataError(f"{rows.tables[0].name}: no row is before {until} (data.until)", "a later stamp")
    if left := len(rows.number_N) - len(kept):
        rows.notes.append(f"{left:,} rows from {until} on left out (data.until)")
    for name in ("series_N", "number_N", "part_N", "row_N", "y_N"):
        setattr(rows, name, getattr(rows, name)[kept])


def _take(rows: SeriesRows, at: np.ndarray) -> SeriesRows:
    """Some of the rows, in that order; notes and counts stay with them."""
    return replace(
        rows, series_N=rows.series_N[at], number_N=rows.number_N[at], part_N=rows.part_N[at], row_N=rows.row_N[at],
        y_N=rows.y_N[at],
    )  # fmt: skip


def _sorted(rows: SeriesRows) -> SeriesRows:
    """The rows by series and step, equal ones in the order of the source."""
    same = np.diff(rows.series_N) == 0
    back = int((same & (np.diff(rows.number_N) < 0)).sum())
    if not back and (np.diff(rows.series_N) >= 0).all():
        return rows
    if back:
        rows.notes.append(f"stamps out of order at {back:,} places, sorted")
    return _take(rows, np.lexsort((rows.number_N, rows.series_N)))


def _distinct(rows: SeriesRows, rule: Duplicates) -> SeriesRows:
    """One row a step of a series; equal ones are dropped and counted, others by ``rule``, DataError to refuse them."""
    again = np.r_[False, (np.diff(rows.series_N) == 0) & (np.diff(rows.number_N) == 0)]
    if not again.any():
        return rows
    start = np.flatnonzero(~again)
    group_N = np.cumsum(~again) - 1
    count = np.bincount(group_N)
    none_N = np.isnan(rows.y_N)
    valued = np.bincount(group_N, ~none_N)
    least = np.minimum.reduceat(np.where(none_N, np.inf, rows.y_N), start)
    most = np.maximum.reduceat(np.where(none_N, -np.inf, rows.y_N), start)
    differ = (valued > 1) & (least != most)
    if differ.any() and rule == "refuse":
        _refuse_duplicates(rows, start, count, differ)
    rows.dropped["duplicate row"] += int((count - 1)[~differ].sum())
    y = np.where(valued > 0, most, np.nan)
    if differ.any():
        rows.notes.append(f"{counted(int(differ.sum()), 'step')} with several values: data.duplicates={rule} of them")
        rows.dropped[f"row of a step with several values ({rule})"] += int((count - 1)[differ].sum())
        y = np.where(differ, _combined(rows.y_N, none_N, start, valued, rule), y)
    kept = _take(rows, start)
    kept.y_N = y
    return kept


def _combined(y_N: np.ndarray, none_N: np.ndarray, start: np.ndarray, valued: np.ndarray, rule: str) -> np.ndarray:
    """The values of each group of rows put together."""
    if rule in ("mean", "sum"):
        total = np.add.reduceat(np.where(none_N, 0, y_N), start)
        return total / np.maximum(valued, 1) if rule == "mean" else total
    at = np.arange(len(y_N))
    if rule == "first":
        chosen = np.minimum.reduceat(np.where(none_N, len(y_N) - 1, at), start)
    else:
        chosen = np.maximum.reduceat(np.where(none_N, 0, at), start)
    return y_N[chosen]


def _refuse_duplicates(rows: SeriesRows, start: np.ndarray, count: np.ndarray, differ: np.ndarray) -> None:
    group = int(np.argmax(differ))
    one, other = int(start[group]), int(start[group]) + 1
    name = rows.names[int(rows.series_N[one])]
    stamp = rows.grid.stamp(int(rows.number_N[one]))
    whose = f" of {name}" if name else ""
    many = int(differ.sum())
    raise DataError(
        f"{rows.place(other)}: {stamp}{whose} has a value already, {rows.y_N[one]:.6g} ({rows.place(one)}), here it is "
        f"{rows.y_N[other]:.6g}; {many:,} step{'s have' if many > 1 else ' has'} several values",
        _clock_change(rows, start[differ])
        or "name the column that tells series apart (--series-column), or data.duplicates=sum, mean, first or last",
    )


def _clock_change(rows: SeriesRows, at: np.ndarray) -> str:
    """What to type where steps have several values because clocks were put back; empty where that is not why."""
    grid = rows.grid
    if grid.is_whole or grid.zone or grid.unit.kind != "tick" or grid.unit.size >= DAY:
        return ""
    stamps = grid.stamps(rows.number_N[at])
    night = (calendar.weekdays(stamps) == 6) & (calendar.hours(stamps) < 4)
    night &= np.isin(calendar.months(stamps), (4, 9, 10, 11))
    return "clocks were put back there: data.zone=Europe/Rome, say, tells the two hours apart" if night.all() else ""


def _with_values(rows: SeriesRows) -> tuple[SeriesRows, np.ndarray]:
    """The rows from each series' first value on, and to its last where nothing is known of the future.

    Series without any value are left out, those that stay (a mask of all) are numbered anew.
    """
    valued = np.flatnonzero(~np.isnan(rows.y_N))
    if not len(valued):
        raise DataError(f"{rows.place(0)}: no row has a value", "is this the right column? --target-column NAME")
    count = len(rows.names)
    first = np.full(count, len(rows.y_N))
    last = np.full(count, -1)
    np.minimum.at(first, rows.series_N[valued], valued)
    np.maximum.at(last, rows.series_N[valued], valued)
    at = np.arange(len(rows.y_N))
    never, early = last[rows.series_N] < 0, at < first[rows.series_N]
    late = at > last[rows.series_N]
    future = np.zeros(len(at), bool)
    if rows.known:
        future = late & ~np.isnan(np.stack([one.value_N[rows.row_N] for one in rows.known])).all(axis=0)
    rows.dropped["row of a series without any value"] += int(never.sum())
    rows.dropped["row before the first value of its series"] += int((early & ~never).sum())
    rows.dropped["row without a value behind the last one of its series"] += int((late & ~future & ~never).sum())
    if told := int((future & ~never).sum()):
        rows.notes.append(f"{counted(told, 'row')} without a value, of what is known ahead")
    if empty := [name for name, at_last in zip(rows.names, last, strict=True) if at_last < 0]:
        rows.notes.append(f"{len(empty):,} series without any value left out, such as {empty[0]}")
    kept = _take(rows, np.flatnonzero(~(never | early | (late & ~future))))
    stays = last >= 0
    kept.names = tuple(name for name, stay in zip(rows.names, stays, strict=True) if stay)
    kept.series_N = (np.cumsum(stays) - 1)[kept.series_N]
    return kept, stays


def _require_dense(rows: SeriesRows, bound: np.ndarray, length_S: np.ndarray) -> None:
    """Raise DataError where series have by far more steps than rows."""
    if int(length_S.sum()) <= SPARSE * len(rows.y_N) + 10_000:
        return
    worst = int(np.argmax(length_S / np.diff(bound)))
    name, first, last = rows.names[worst], int(bound[worst]), int(bound[worst + 1]) - 1
    from_, to = (rows.grid.stamp(int(rows.number_N[at])) for at in (first, last))
    raise DataError(
        f"{rows.place(last)}: {f'series {name}' if name else 'the series'} has {counted(last - first + 1, 'row')} over "
        f"{int(length_S[worst]):,} steps, from {from_} to {to}",
        "is one of its stamps wrong? or name a longer step, such as data.frequency=D",
    )


def _ends(observed_N: np.ndarray, offset: np.ndarray) -> np.ndarray:
    """The flat index behind the last value of each series."""
    last_N = np.where(observed_N, np.arange(len(observed_N)), -1)
    return np.maximum.reduceat(last_N, offset[:-1]) + 1


def _covariates(
    rows: SeriesRows, columns: list[Covariate], at_N: np.ndarray, begin_N: np.ndarray, *, back: bool
) -> tuple[tuple[str, ...], np.ndarray, dict[str, tuple[str, ...]]]:
    """The columns on all steps, float32: the last value stays where there is none; texts are a column each.

    Before its first value a column that is known ahead (``back``) has that value, another 0.
    """
    names: list[str] = []
    found: list[np.ndarray] = []
    for one in columns:
        value_N1 = np.full((len(begin_N), 1), np.nan)
        value_N1[at_N, 0] = one.value_N[rows.row_N]
        if absent := int(np.isnan(value_N1[at_N, 0]).sum()):
            rows.notes.append(f'"{one.name}": {counted(absent, "absent value")}, each as the last one before it')
        value_N1 = carried(value_N1, begin_N)
        if back and np.isnan(value_N1).any():
            end_N = len(begin_N) - 1 - (begin_N + np.bincount(begin_N, minlength=len(begin_N))[begin_N] - 1)
            value_N1 = carried(value_N1[::-1], end_N[::-1])[::-1]
        value_N = np.nan_to_num(value_N1[:, 0]) if not one.texts else value_N1[:, 0]
        names += [f"{one.name}={text}" for text in one.texts] or [one.name]
        found += [value_N == n for n in range(len(one.texts))] or [value_N]
    wide_NK = np.stack(found, axis=1).astype(np.float32) if found else np.zeros((len(begin_N), 0), np.float32)
    return tuple(names), wide_NK, {one.name: one.texts for one in columns if one.texts}


def _statics(rows: SeriesRows, bound: np.ndarray) -> tuple[tuple[str, ...], np.ndarray]:
    """The static columns, (S, C) float32; DataError where rows of a series differ."""
    names: list[str] = []
    found: list[np.ndarray] = []
    for one in rows.static:
        value_N = one.value_N[rows.row_N]
        whole_N = np.where(np.isnan(value_N), -np.inf, value_N)
        value_S = np.maximum.reduceat(whole_N, bound[:-1])
        odd_N = ~np.isnan(value_N) & (value_N != value_S[rows.series_N])
        if odd_N.any():
            at = int(np.argmax(odd_N))
            raise DataError(
                f'{rows.place(at)}: "{one.name}" (data.static) of {rows.names[int(rows.series_N[at])] or "the series"} '
                "is not the same in all rows",
                "data.known or data.past take columns that change",
            )
        value_S = np.where(np.isinf(value_S), 0, value_S)
        names += [f"{one.name}={text}" for text in one.texts] or [one.name]
        found += [value_S == n for n in range(len(one.texts))] or [value_S]
    wide_SC = np.stack(found, axis=1).astype(np.float32) if found else np.zeros((len(rows.names), 0), np.float32)
    return tuple(names), wide_SC


def _parts(rows: SeriesRows) -> tuple[np.ndarray, np.ndarray]:
    """The step at which each further part begins in each series, (P, S), and the last one of the first part, (S,).

    Only rows with a value count. Raises DataError for a part that begins before the one before it ends.
    """
    valued = ~np.isnan(rows.y_N)
    count, series = len(rows.tables), len(rows.names)
    first_PS, last_PS = np.full((count, series), NEVER), np.full((count, series), -NEVER)
    np.minimum.at(first_PS, (rows.part_N[valued], rows.series_N[valued]), rows.number_N[valued])
    np.maximum.at(last_PS, (rows.part_N[valued], rows.series_N[valued]), rows.number_N[valued])
    for part in range(1, count):
        early_S = first_PS[part] <= last_PS[:part].max(axis=0)
        if early_S.any():
            one = int(np.argmax(early_S))
            name, table = rows.names[one], rows.tables[part].name
            begins_at = rows.grid.stamp(int(first_PS[part, one]))
            ends_at = rows.grid.stamp(int(last_PS[:part, one].max()))
            raise DataError(
                f"{table}: {f'series {name}' if name else 'the series'} begins at {begins_at}, where what goes before "
                f"({rows.tables[0].name}) ends at {ends_at}",
                "a file of dev or test holds the steps behind those of train, and their stamps go on",
            )
    return first_PS[1:], last_PS[0]
