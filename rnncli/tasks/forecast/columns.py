"""Which column holds stamps, series and values: named by the recipe, or guessed by names and by what they hold."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Protocol

import numpy as np

from rnncli.data.series.column import SeriesTable
from rnncli.data.series.numerals import are_numbers
from rnncli.data.series.rows import SeriesColumns, natural
from rnncli.data.series.stamps import encoded, looks_like_clock, looks_like_stamps
from rnncli.errors import DataError
from rnncli.tasks.common.columns import guess, named, own_columns

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


class NamedColumns(Protocol):
    """What a recipe says of the columns of a table, empty for what is to be guessed."""

    @property
    def time_column(self) -> str:
        """That of the stamps."""
        ...

    @property
    def series_column(self) -> str | tuple[str, ...]:
        """Those that name the series."""
        ...

    @property
    def target_column(self) -> str | tuple[str, ...]:
        """That of the values, or one a series."""
        ...

    @property
    def known(self) -> tuple[str, ...]:
        """Those known ahead."""
        ...

    @property
    def past(self) -> tuple[str, ...]:
        """Those known until now only."""
        ...

    @property
    def static(self) -> tuple[str, ...]:
        """Those that are the same of all rows of a series."""
        ...


@dataclass(frozen=True)
class FoundColumns:
    """The columns of a table, and a clause that says what of it was guessed; ``unused`` are those that nobody named."""

    layout: SeriesColumns
    guessed: tuple[str, ...]
    unused: tuple[str, ...]


def find_columns(table: SeriesTable, data: NamedColumns) -> FoundColumns:
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


def _refuse_twice(names: list[str], table: SeriesTable) -> None:
    if twice := [name for at, name in enumerate(names) if name in names[:at]]:
        raise DataError(
            f'{table.name}: the column "{twice[0]}" is named for two things',
            "each column is one of data.time_column, series_column, target_column, known, past and static",
        )


def _some(table: SeriesTable, name: str) -> list[str]:
    """The first values of a column that say anything, as texts."""
    return [text for value in table.first(name, LOOKED_AT).written() if (text := value.strip())]


def _is_numeric(table: SeriesTable, name: str) -> bool:
    kind = table.first(name, LOOKED_AT).kind
    return are_numbers(_some(table, name)) if kind == "text" else kind in ("number", "whole")


def _is_index(table: SeriesTable, name: str) -> bool:
    """Whether a column without a name of its own counts the rows, as pandas writes it."""
    bare = name.lower() in ("", "index", "column 1") or name.startswith("Unnamed")
    some = _some(table, name) if bare else []
    return bool(some) and some in ([str(n + first) for n in range(len(some))] for first in (0, 1))


def _time(table: SeriesTable, columns: list[str]) -> str:
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


def _is_clock(table: SeriesTable, name: str) -> bool:
    return table.first(name, LOOKED_AT).kind == "clock" or looks_like_clock(_some(table, name))


def _holds_fractions(table: SeriesTable, name: str) -> bool:
    """Whether a column holds numbers that are not whole, and so no stamps."""
    return any(are_numbers([text]) and not text.lstrip("+-").isdecimal() for text in _some(table, name)[:20])


def _holds_dates(table: SeriesTable, name: str) -> bool:
    is_typed = table.first(name, LOOKED_AT).kind in ("stamp", "date")
    return is_typed or looks_like_stamps(_some(table, name)[:20])


def _series(table: SeriesTable, time: str, columns: list[str]) -> tuple[str, ...]:
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


def _codes(table: SeriesTable, name: str) -> np.ndarray:
    return encoded(table.column(name))[0]


def _repeats(codes_N: np.ndarray) -> bool:
    """Whether a number from 0 on is there twice."""
    there = codes_N[codes_N >= 0]
    return len(np.unique(there)) < len(there)


def _target(table: SeriesTable, columns: list[str], is_long: bool, others_named: bool) -> tuple[str, ...]:
    """The column of values by its name, the only one, or all where each may be a series."""
    known = {name.strip().lower(): name for name in reversed(columns)}
    if usual := [known[name] for name in TARGET_NAMES if name in known]:
        return (usual[0],)
    columns = [name for name in columns if _is_numeric(table, name) and not _is_index(table, name)]
    if is_long or others_named or len(columns) < 2:
        return (guess(table, TARGET_NAMES, "values", "--target-column NAME", among=columns, first=True),)
    return tuple(columns)


def _refuse_clock(table: SeriesTable, time: str, columns: list[str]) -> None:
    """Raise DataError where dates come several times and another column holds the time of day."""
    if any(":" in text for text in _some(table, time)) or not _repeats(_codes(table, time)):
        return
    if hours := [name for name in columns if _is_clock(table, name) or name.strip().lower() in ("hour", "hr")]:
        raise DataError(
            f'{table.name}: "{time}" holds dates, and "{hours[0]}" the time of day',
            "join the two in one column, such as 2025-01-31 15:00; or name the column of series: --series-column NAME",
        )
