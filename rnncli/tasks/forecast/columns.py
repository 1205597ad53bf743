"""Which column holds stamps, series and values: named by the recipe, or guessed by names and by what they hold."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pyarrow as pa

from rnncli.data.series.numerals import are_numbers
from rnncli.data.series.rows import SeriesColumns, natural, plain
from rnncli.data.series.stamps import encoded, looks_like_clock, looks_like_stamps
from rnncli.data.tables.cells import written
from rnncli.data.tables.table import Table
from rnncli.errors import DataError
from rnncli.tasks.common.columns import guess, named, own_columns
from rnncli.tasks.forecast.schema import SeriesData

TIME_NAMES = (
    *(
        "ds",
        "date",
        "datetime",
        "timestamp",
        "date_time",
        "date/time",
        "time",
        "day",
        "period",
        "month",
        "week",
        "year",
    ),
    *("datum", "fecha", "dteday", "step", "t"),
)
TARGET_NAMES = (
    *("y", "target", "value", "values", "sales", "demand", "units", "quantity", "qty", "count", "cnt", "amount"),
    *("consumption", "revenue", "volume", "close"),
)
SURE_SERIES = ("unique_id", "series", "series_id", "series_name", "ts_id", "item_id")
SERIES_NAMES = (
    *SURE_SERIES,
    *("item", "store", "store_id", "shop", "sku", "product", "product_id", "station", "sensor", "sensor_id", "meter"),
    *("ticker", "symbol", "region", "country", "city", "state", "location", "site", "household", "customer", "name"),
    *("id", "group", "category", "variable"),
)
LOOKED_AT = 200
"""SeriesRows whose values are looked at to tell what a column holds."""
COMBINED = 6
"""FoundColumns of texts that may name series together."""


@dataclass(frozen=True)
class FoundColumns:
    """The columns of a table, and a clause that says what of it was guessed; ``unused`` are those that nobody named."""

    layout: SeriesColumns
    guessed: tuple[str, ...]
    unused: tuple[str, ...]


def find_columns(table: Table, data: SeriesData) -> FoundColumns:
    """The columns of a table, named or guessed; raises DataError where it is not clear."""
    given = {key: tuple(named(table, one, f"data.{key}") for one in getattr(data, key)) for key in ("known", "past")}
    static = tuple(named(table, one, "data.static") for one in data.static)
    taken = [*given["known"], *given["past"], *static]
    series = tuple(named(table, one, "data.series_column") for one in _several(data.series_column))
    target = tuple(named(table, one, "data.target_column") for one in _several(data.target_column))
    guessed = []
    if data.time_column:
        time = named(table, data.time_column, "data.time_column")
    else:
        time = _time(table, [name for name in own_columns(table) if name not in (*taken, *series, *target)])
        guessed.append("time")
    _refuse_twice([time, *series, *target, *taken], table)
    rest = [name for name in own_columns(table) if name not in (time, *series, *target, *taken)]
    if not series and len(target) < 2:
        _refuse_clock(table, time, rest)
        series = _series(table, time, rest)
        guessed += ["series"] * bool(series)
        rest = [name for name in rest if name not in series]
    if not target:
        target = _target(table, rest, bool(series), bool(taken))
        guessed.append("values")
    if series and len(target) > 1:
        raise DataError(
            f"{table.name}: several columns of values ({', '.join(target[:4])}) and a column of series ({series[0]})",
            f"one of the two: --target-column {target[0]}, or leave out data.series_column",
        )
    if len(target) > 1 and static:
        raise DataError(f"{table.name}: data.static says what is the same of a series, and here each column is one")
    unused = tuple(name for name in rest if name not in target and not _is_index(table, name))
    target = tuple(sorted(target, key=lambda name: (natural(name), name)))
    return FoundColumns(
        SeriesColumns(time, target, series, given["known"], given["past"], static), tuple(guessed), unused
    )


def _several(given: str | Sequence[str]) -> tuple[str, ...]:
    return (given,) * bool(given) if isinstance(given, str) else tuple(given)


def _refuse_twice(names: list[str], table: Table) -> None:
    if twice := [name for at, name in enumerate(names) if name in names[:at]]:
        raise DataError(
            f'{table.name}: the column "{twice[0]}" is named for two things',
            "each column is one of data.time_column, series_column, target_column, known, past and static",
        )


def _some(table: Table, name: str) -> list[str]:
    """The first values of a column that say anything, as texts."""
    column = table.store.column(name)
    some = column.slice(0, LOOKED_AT) if table.rows is None else column.take(pa.array(table.rows[:LOOKED_AT]))
    return [text for value in some.to_pylist() if (text := written(value).strip())]


def _is_numeric(table: Table, name: str) -> bool:
    kind = plain(table.store.column(name).slice(0, LOOKED_AT)).type
    if pa.types.is_string(kind):
        return are_numbers(_some(table, name))
    return pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)


def _is_index(table: Table, name: str) -> bool:
    """Whether a column without a name of its own counts the rows, as pandas writes it."""
    bare = name.lower() in ("", "index", "column 1") or name.startswith("Unnamed")
    some = _some(table, name) if bare else []
    return bool(some) and some in ([str(n + first) for n in range(len(some))] for first in (0, 1))


def _time(table: Table, columns: list[str]) -> str:
    """The column of stamps by its name or, where none has a usual one, the only one that holds dates."""
    known = {name.strip().lower(): name for name in reversed(columns)}
    for name in TIME_NAMES:
        if name in known and not (_is_clock(table, known[name]) or _holds_fractions(table, known[name])):
            return known[name]
    dates = [name for name in columns if _holds_dates(table, name)]
    if len(dates) == 1:
        return dates[0]
    if dates:
        which = ", ".join(dates)
        raise DataError(
            f"{table.name}: which column holds the stamps? several may: {which}", f"--time-column {dates[0]}"
        )
    clocks = [name for name in columns if _is_clock(table, name)]
    more = f'; "{clocks[0]}" holds times of day without a date' if clocks else ""
    if not clocks and len(indices := [name for name in columns if _is_index(table, name)]) == 1:
        return indices[0]
    raise DataError(
        f"{table.name}: no column of dates or other stamps{more}",
        f"--time-column NAME, one of: {', '.join(own_columns(table))}; or add a column that counts the steps",
    )


def _is_clock(table: Table, name: str) -> bool:
    return pa.types.is_time(table.store.column(name).type) or looks_like_clock(_some(table, name))


def _holds_fractions(table: Table, name: str) -> bool:
    """Whether a column holds numbers that are not whole, and so no stamps."""
    return any(are_numbers([text]) and not text.lstrip("+-").isdecimal() for text in _some(table, name)[:20])


def _holds_dates(table: Table, name: str) -> bool:
    kind = table.store.column(name).type
    return pa.types.is_timestamp(kind) or pa.types.is_date(kind) or looks_like_stamps(_some(table, name)[:20])


def _series(table: Table, time: str, columns: list[str]) -> tuple[str, ...]:
    """The columns that name the series: one of a sure name, else those that tell rows of one stamp apart."""
    known = {name.strip().lower(): name for name in reversed(columns)}
    if sure := [known[name] for name in SURE_SERIES if name in known]:
        return (sure[0],)
    stamp_N = _codes(table, time)
    if not _repeats(stamp_N):
        usual = [known[name] for name in SERIES_NAMES if name in known]
        return tuple(name for name in usual if len(table) > 1 and _codes(table, name).max() == 0)[:1]
    columns = [name for name in columns if not _is_clock(table, name)]
    texts = [name for name in columns if not _is_numeric(table, name)]
    usual = [known[name] for name in SERIES_NAMES if name in known]
    candidates = list(dict.fromkeys([*usual, *texts]))[:COMBINED]
    codes = {name: _codes(table, name) for name in candidates}
    names = [name for name in candidates if _repeats(codes[name])]
    for several in _choices(names):
        joint_N = stamp_N
        for name in several:
            joint_N = joint_N * (int(codes[name].max()) + 2) + codes[name] + 1
            joint_N = np.unique(joint_N, return_inverse=True)[1]
        if not _repeats(joint_N):
            return tuple(name for name in columns if name in several)
    return (names[0],) if len(names) == 1 else ()


def _choices(names: list[str]) -> Iterator[tuple[str, ...]]:
    for size in (1, 2, 3):
        yield from combinations(names, size)


def _codes(table: Table, name: str) -> np.ndarray:
    column = plain(table.store.column(name))
    codes_N, _ = encoded(column if pa.types.is_string(column.type) else column.cast(pa.string()))
    return codes_N if table.rows is None else codes_N[table.rows]


def _repeats(codes_N: np.ndarray) -> bool:
    """Whether a number from 0 on is there twice."""
    there = codes_N[codes_N >= 0]
    return len(np.unique(there)) < len(there)


def _target(table: Table, columns: list[str], is_long: bool, others_named: bool) -> tuple[str, ...]:
    """The column of values by its name, the only one, or all where each may be a series."""
    known = {name.strip().lower(): name for name in reversed(columns)}
    if usual := [known[name] for name in TARGET_NAMES if name in known]:
        return (usual[0],)
    columns = [name for name in columns if _is_numeric(table, name) and not _is_index(table, name)]
    if is_long or others_named or len(columns) < 2:
        return (guess(table, TARGET_NAMES, "values", "--target-column NAME", among=columns, first=True),)
    return tuple(columns)


def _refuse_clock(table: Table, time: str, columns: list[str]) -> None:
    """Raise DataError where dates come several times and another column holds the time of day."""
    if any(":" in text for text in _some(table, time)) or not _repeats(_codes(table, time)):
        return
    if hours := [name for name in columns if _is_clock(table, name) or name.strip().lower() in ("hour", "hr")]:
        raise DataError(
            f'{table.name}: "{time}" holds dates, and "{hours[0]}" the time of day',
            "join the two in one column, such as 2025-01-31 15:00; or name the column of series: --series-column NAME",
        )
