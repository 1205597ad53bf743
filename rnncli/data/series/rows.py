"""The rows of tables as columns of numbers: whose series, which step, which values; what has none of these is counted.

A row of a long table is a value of one series, ``unique_id,ds,y`` such as ``north,2025-01-31,12``; one of a wide table
a value of each, ``date,north,south`` such as ``2025-01-31,12,7``.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from rnncli.data.series.column import SeriesTable, TableColumn
from rnncli.data.series.frequency import Placed, Wanted, place_on_grid
from rnncli.data.series.grid import Grid
from rnncli.data.series.numerals import are_numbers, read_numbers
from rnncli.data.series.stamps import DayFirst, Place, Stamps, encoded, read_stamps
from rnncli.errors import DataError

BETWEEN = " / "
"""Between the texts of several columns that name a series together."""
MOST_TEXTS = 50
"""Different texts that a column of covariates may have."""
_TRUTHS = {"true": 1.0, "yes": 1.0, "false": 0.0, "no": 0.0}


@dataclass(frozen=True)
class SeriesColumns:
    """Which column holds what; several targets are a series each, by their names."""

    time: str
    target: tuple[str, ...]
    series: tuple[str, ...] = ()
    known: tuple[str, ...] = ()
    past: tuple[str, ...] = ()
    static: tuple[str, ...] = ()

    @property
    def is_wide(self) -> bool:
        """Whether a row has a value of every series."""
        return len(self.target) > 1


@dataclass(frozen=True)
class Covariate:
    """A column beside the target, (R,): numbers, or the number of each row's text among ``texts``; NaN for none."""

    name: str
    value_N: np.ndarray
    texts: tuple[str, ...] = ()


@dataclass
class SeriesRows:
    """Rows of series: ``row_N`` counts those of the tables, one behind the other; ``part_N`` numbers their parts."""

    tables: Sequence[SeriesTable]
    grid: Grid
    names: tuple[str, ...]
    series_N: np.ndarray
    number_N: np.ndarray
    part_N: np.ndarray
    row_N: np.ndarray
    y_N: np.ndarray
    known: list[Covariate]
    past: list[Covariate]
    static: list[Covariate]
    notes: list[str] = field(default_factory=list)
    dropped: Counter[str] = field(default_factory=Counter)
    day_first: bool | None = None

    def place(self, at: int) -> str:
        """Where a row of series stands in the user's data."""
        return place_of(self.tables, int(self.row_N[at]))


def read_rows(
    tables: Sequence[SeriesTable],
    layout: SeriesColumns,
    wanted: Wanted,
    day_first: DayFirst = "auto",
    categories: Mapping[str, tuple[str, ...]] | None = None,
) -> SeriesRows:
    """The rows of tables, one part each; raises DataError for what is no stamp, no number, or on no grid.

    ``categories`` are the texts that columns had where a model was trained, so that they mean the same here.
    """

    def place(row: int) -> str:
        return place_of(tables, row)

    what = f'"{layout.time}"'
    stamps = read_stamps(joined(tables, layout.time), what, place, day_first)
    series_R, names = _series(tables, layout)
    placed, row_R = _placed(stamps, series_R, wanted, what, place, layout)
    notes, dropped = [*stamps.notes, *placed.notes], placed.dropped
    y = [_target(tables, name, place, notes)[row_R] for name in layout.target]
    covariates = {
        key: [_covariate(tables, name, key, place, categories, notes) for name in getattr(layout, key)]
        for key in ("known", "past", "static")
    }
    part_R = np.repeat(np.arange(len(tables)), [len(table) for table in tables])[row_R]
    times = len(layout.target)
    series_N = np.repeat(np.arange(times), len(row_R)) if layout.is_wide else series_R[row_R]
    return SeriesRows(
        tables=tables,
        grid=placed.grid,
        names=names,
        series_N=series_N,
        number_N=np.tile(placed.number_N, times),
        part_N=np.tile(part_R, times),
        row_N=np.tile(row_R, times),
        y_N=np.concatenate(y),
        **covariates,
        notes=notes,
        dropped=dropped,
        day_first=stamps.day_first,
    )


def place_of(tables: Sequence[SeriesTable], row: int) -> str:
    """The place of a row of several tables, one behind the other."""
    starts = np.cumsum([0, *(len(table) for table in tables)]).tolist()
    at = bisect_right(starts, row) - 1
    return tables[at].place(row - starts[at])


def joined(tables: Sequence[SeriesTable], name: str, *, optional: bool = False) -> TableColumn:
    """A column of several tables, one behind the other; text where their types differ.

    Of an ``optional`` one a table behind the first may have none: nothing is there then.
    """
    for at, table in enumerate(tables):
        if not optional or not at:
            table.require(name)
    return TableColumn.joined(
        [table.column(name) if name in table.made else TableColumn.nothing(len(table)) for table in tables]
    )


def natural(name: str) -> tuple[tuple[str, int], ...]:
    """A key that sorts H2 before H10."""
    return tuple((text, int(digits or -1)) for text, digits in re.findall(r"(\D*)([0-9]*)", name))


def _series(tables: Sequence[SeriesTable], layout: SeriesColumns) -> tuple[np.ndarray, tuple[str, ...]]:
    """The series of each row, -1 where it names none, and their names in natural order."""
    count = sum(map(len, tables))
    if layout.is_wide or not layout.series:
        return np.zeros(count, np.int64), layout.target if layout.is_wide else ("",)
    codes_N, names = np.zeros(count, np.int64), [""]
    for i, column in enumerate(layout.series):
        own_N, texts = encoded(joined(tables, column))
        missing_N = (codes_N < 0) | (own_N < 0)
        both, found_N = np.unique((codes_N * len(texts) + own_N)[~missing_N], return_inverse=True)
        pairs = [divmod(int(pair), len(texts)) for pair in both]
        names = [f"{names[a]}{BETWEEN}{texts[b]}" if i else texts[b] for a, b in pairs]
        codes_N = np.full(count, -1)
        codes_N[~missing_N] = found_N
    order = sorted(range(len(names)), key=lambda at: (natural(names[at]), names[at]))
    rank = np.empty(len(names) + 1, np.int64)
    rank[order], rank[-1] = np.arange(len(names)), -1
    return rank[codes_N], tuple(names[at] for at in order)


def _placed(
    stamps: Stamps, series_R: np.ndarray, wanted: Wanted, what: str, place: Place, layout: SeriesColumns
) -> tuple[Placed, np.ndarray]:
    """The steps of those rows that have a stamp and a series, and which rows these are."""
    lacking = {"row without a stamp": stamps.missing_N, "row without a series": ~stamps.missing_N & (series_R < 0)}
    row_R = np.flatnonzero(~stamps.missing_N & (series_R >= 0))
    if not len(row_R):
        raise DataError(f'{place(0)}: no row has a stamp and a series ("{", ".join(layout.series)}")')
    offset_N = None if stamps.offset_N is None else stamps.offset_N[row_R]
    there = replace(stamps, value_N=stamps.value_N[row_R], missing_N=stamps.missing_N[row_R], offset_N=offset_N)
    placed = place_on_grid(there, series_R[row_R], wanted, what, lambda at: place(int(row_R[at])))
    placed.dropped.update({reason: int(mask.sum()) for reason, mask in lacking.items() if mask.any()})
    row_R, placed.number_N = row_R[placed.keep_N], placed.number_N[placed.keep_N]
    return placed, row_R


def _target(tables: Sequence[SeriesTable], name: str, place: Place, notes: list[str]) -> np.ndarray:
    value_R, said = read_numbers(joined(tables, name, optional=True), f'"{name}"', place)
    notes += said
    return value_R


def _covariate(
    tables: Sequence[SeriesTable],
    name: str,
    key: str,
    place: Place,
    categories: Mapping[str, tuple[str, ...]] | None,
    notes: list[str],
) -> Covariate:
    """A column of numbers, or of few different texts; raises DataError for another."""
    column = joined(tables, name)
    what = f'"{name}" (data.{key})'
    texts = () if categories is None else categories.get(name, ())
    if not texts and not _holds_texts(column):
        value_R, said = read_numbers(column, what, place)
        notes += said
        return Covariate(name, value_R)
    codes_R, found = encoded(column)
    lowered = [text.lower() for text in found]
    if not texts and set(lowered) <= set(_TRUTHS):
        return Covariate(name, np.append([_TRUTHS[text] for text in lowered], np.nan)[codes_R])
    texts = texts or tuple(sorted(found))
    if len(texts) > MOST_TEXTS:
        raise DataError(
            f"{place(0)}: {what} has {len(texts):,} different texts, {MOST_TEXTS} are the most",
            "leave it out, or give numbers",
        )
    if unknown := sorted(set(found) - set(texts)):
        notes.append(f'{what}: "{unknown[0]}" was not there in training, and counts as none of its texts')
    at = {text: float(n) for n, text in enumerate(texts)}
    return Covariate(name, np.array([*(at.get(text, -1.0) for text in found), np.nan])[codes_R], texts)


def _holds_texts(column: TableColumn) -> bool:
    """Whether most of a column's different values are texts and no numbers."""
    if column.kind != "text":
        return False
    some = encoded(column)[1][:200]
    return bool(some) and 2 * sum(are_numbers([text]) for text in some) < len(some)
