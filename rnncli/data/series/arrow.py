"""Arrow tables as tables of series."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa

from rnncli.data.series.column import Kind, SeriesTable, TableColumn
from rnncli.data.tables.table import Table


def series_table(table: Table) -> SeriesTable:
    """A table, whose columns are looked at when they are asked for."""
    made: dict[str, Callable[[int | None], TableColumn]] = {name: partial(_made, table, name) for name in table.columns}
    return SeriesTable(table.name, len(table), made, table.line, table.notes, table.dropped)


def column_of(column: pa.ChunkedArray) -> TableColumn:
    """An Arrow column; texts are plain ones whatever form libraries give them."""
    kind, missing_N = column.type, column.is_null().to_numpy()
    if pa.types.is_null(kind):
        return TableColumn.nothing(len(column))
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        zone = getattr(kind, "tz", None) or ""
        nanoseconds = column.cast(pa.timestamp("ns", tz=zone or None), safe=False).cast(pa.int64()).fill_null(0)
        return TableColumn(
            "date" if pa.types.is_date(kind) else "stamp", nanoseconds.to_numpy(), missing_N, (), zone, str(kind)
        )
    if pa.types.is_integer(kind) and (kind != pa.uint64() or not _is_beyond(column)):
        return TableColumn("whole", column.cast(pa.int64()).fill_null(0).to_numpy(), missing_N)
    if pa.types.is_boolean(kind):
        return TableColumn("truth", column.cast(pa.int8()).cast(pa.float64()).to_numpy(), missing_N)
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return TableColumn("number", column.cast(pa.float64()).to_numpy(), missing_N)
    if pa.types.is_nested(kind) or pa.types.is_temporal(kind):
        odd: Kind = "clock" if pa.types.is_time(kind) else "other"
        return TableColumn(odd, np.zeros(len(column)), missing_N, words=str(kind))
    return _texts(column if pa.types.is_string(kind) else column.cast(pa.string()))


def _made(table: Table, name: str, count: int | None) -> TableColumn:
    """A column of a table, or its first rows."""
    column = table.store.column(name)
    if table.rows is not None:
        column = column.take(pa.array(table.rows[:count]))
    return column_of(column if count is None else column.slice(0, count))


def _is_beyond(column: pa.ChunkedArray) -> bool:
    """Whether a column of unsigned numbers holds one that has no place among those with a sign."""
    return max((value for value in column.to_pylist() if value is not None), default=0) >= 2**63


def _texts(column: pa.ChunkedArray) -> TableColumn:
    coded: Any = column.dictionary_encode().unify_dictionaries().combine_chunks()
    coded = coded.chunk(0) if isinstance(coded, pa.ChunkedArray) else coded
    codes_N = coded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
    return TableColumn("text", codes_N, codes_N < 0, tuple(coded.dictionary.to_pylist()))
