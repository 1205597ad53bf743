"""Files as tables of series without any further package: separated text, and JSON lines."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from rnncli.data.encodings import detect
from rnncli.data.series.column import SeriesTable, TableColumn
from rnncli.data.tables.dialects import Header
from rnncli.data.tables.objects import encodable, object_batches
from rnncli.data.tables.records import Records, csv_records, no_rows, suffix_of, tsv_records
from rnncli.errors import DataError

SEPARATED = {".csv": csv_records, ".tsv": tsv_records, ".tab": tsv_records}
OBJECTS = (".jsonl", ".ndjson", ".json")


def read_plain(path: Path, encoding: str = "auto", header: Header = "auto", suffix: str = "") -> SeriesTable:
    """The table of a file by its suffix, or as one of another; raises DataError."""
    suffix = suffix or suffix_of(path)
    if not path.is_file():
        wrong = "a folder, where a file is wanted" if path.is_dir() else "no such file"
        raise DataError(f"{path}: {wrong}", "name a file of the history")
    if suffix in OBJECTS:
        return _objects(path, encoding)
    if suffix not in SEPARATED:
        raise DataError(
            f'{path}: no reader for files that end in "{suffix or path.name}"',
            f"known are {', '.join((*SEPARATED, *OBJECTS))}",
        )
    return SEPARATED[suffix](path, encoding, header, _table)


def _table(records: Records) -> SeriesTable:
    lines: list[int] = []
    columns: list[list[str]] = [[] for _ in records.columns]
    for some, rows in records.batches:
        lines += some
        for column, values in zip(columns, zip(*rows, strict=True), strict=True):
            column += values
    if not lines:
        raise no_rows(str(records.path), "a header and no rows")
    made = {name: TableColumn.of_texts(column) for name, column in zip(records.columns, columns, strict=True)}
    table = SeriesTable.of_columns(str(records.path), made, lines.__getitem__)
    return table.told(tuple(records.notes), dict(records.dropped))


def _objects(path: Path, encoding: str) -> SeriesTable:
    found, dropped = detect(path, encoding), Counter[str]()
    lines: list[int] = []
    rows: list[dict[str, Any]] = []
    for some, objects in object_batches(path, found, dropped):
        lines += some
        rows += objects
    if not rows:
        raise no_rows(str(path), "no JSON objects")
    for line, row in zip(lines, rows, strict=True):
        if not encodable(row):
            raise DataError(f"{path}:{line}: half a surrogate pair, which is no character")
    names = dict.fromkeys(name for row in rows for name in row)
    made = {name: TableColumn.of_values([row.get(name) for row in rows]) for name in names}
    return SeriesTable.of_columns(str(path), made, lines.__getitem__).told(
        (found.note,) * bool(found.note), dict(dropped)
    )
