"""Comma- and tab-separated text to a table."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Literal

import pyarrow as pa

from rnncli.data.encodings import Encoding, detect, open_text
from rnncli.data.tables.table import (
    BATCH_CHARACTERS,
    BATCH_ROWS,
    EMPTY,
    PLACE,
    Table,
    TableWriter,
    require_rows,
    with_place,
)
from rnncli.errors import DataError

FIELD_LIMIT = 100_000_000  # characters; a longer field is a quote that was never closed
Record = tuple[int, list[str]]


def read_csv(path: Path, encoding: str = "auto") -> Table:
    """Comma-separated text with a header, every column of it text.

    Quotes follow RFC 4180, strictly: a stray one is an error, and not half a file in one field. Where the
    header has no comma but semicolons or tabs, as some spreadsheets write, those separate; said in the
    table's notes. Rows without any text are dropped and counted. Raises ``DataError`` with file and line.
    """
    found = detect(path, encoding)
    notes = [found.note] if found.note else []
    delimiter = _actual_delimiter(path, found)
    if delimiter != ",":
        notes.append(f"{path}: fields are separated by {'tabs' if delimiter == chr(9) else 'semicolons'}")
    return _read(path, found, delimiter, csv.QUOTE_MINIMAL, notes)


def read_tsv(path: Path, encoding: str = "auto") -> Table:
    """Tab-separated text with a header.

    Such files are written with quoting, as spreadsheets do, or without any. Where strict reading fails,
    quotes are taken as they stand, and said in the table's notes.
    """
    found = detect(path, encoding)
    notes = [found.note] if found.note else []
    try:
        return _read(path, found, "\t", csv.QUOTE_MINIMAL, notes)
    except DataError as strict:
        try:
            return _read(path, found, "\t", csv.QUOTE_NONE, [*notes, f"{path}: quotes taken as plain characters"])
        except DataError:
            raise strict from None


def _actual_delimiter(path: Path, found: Encoding) -> str:
    with open_text(path, found) as stream:
        header = stream.readline(FIELD_LIMIT)
    return "," if "," in header else max(",;\t", key=header.count)


def _read(path: Path, found: Encoding, delimiter: str, quoting: Literal[0, 3], notes: list[str]) -> Table:
    with open_text(path, found) as stream:
        records = _records(path, stream, delimiter, quoting)
        first, header = next(((line, row) for line, row in records if any(row)), (0, []))
        if not header:
            raise DataError(f"{path}: the file holds nothing but blank lines")
        columns = _column_names(path, first, header)
        schema = with_place(pa.schema([(name, pa.string()) for name in columns]))
        dropped: Counter[str] = Counter()
        with TableWriter(str(path), schema) as writer:
            for lines, rows in _batches(path, records, len(columns), dropped):
                arrays = [pa.array(column, pa.string()) for column in zip(*rows, strict=True)]
                writer.write(pa.record_batch([*arrays, pa.array(lines, pa.int64())], schema=schema))
            require_rows(writer, "a header and no rows")
            return writer.finish(notes, dropped)


def _records(path: Path, stream: IO[str], delimiter: str, quoting: Literal[0, 3]) -> Iterator[Record]:
    """Each record with the line that it begins on; a field may hold line ends."""
    csv.field_size_limit(FIELD_LIMIT)
    reader = csv.reader(stream, delimiter=delimiter, strict=True, quoting=quoting)
    line = 1
    try:
        for row in reader:
            yield line, row
            line = reader.line_num + 1
    except csv.Error as error:
        unclosed = "unexpected end" in str(error) or "field larger" in str(error)
        what = "a quote opened here is never closed" if unclosed else "text goes on behind a closing quote"
        raise DataError(f"{path}:{line}: {what}", 'a quote inside a quoted field is written twice: ""') from error


def _column_names(path: Path, line: int, header: list[str]) -> list[str]:
    names = [name.strip() or f"column {i}" for i, name in enumerate(header, start=1)]
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise DataError(f'{path}:{line}: two columns are called "{twice[0]}"', "rename one of them in the header")
    if PLACE in names:
        raise DataError(f'{path}:{line}: the column name "{PLACE}" is taken', "rename the column")
    return names


def _batches(
    path: Path, records: Iterator[Record], width: int, dropped: Counter[str]
) -> Iterator[tuple[list[int], list[list[str]]]]:
    lines: list[int] = []
    rows: list[list[str]] = []
    room = BATCH_CHARACTERS
    for line, row in records:
        if not any(map(str.strip, row)):
            dropped[EMPTY] += 1
            continue
        if len(row) != width:
            raise DataError(
                f"{path}:{line}: {len(row)} field{'s'[: len(row) != 1]} where the header has {width}",
                hint="a field that holds the separator or a line end must stand in double quotes",
            )
        lines.append(line)
        rows.append(row)
        room -= sum(map(len, row))
        if len(rows) == BATCH_ROWS or room < 0:
            yield lines, rows
            lines, rows, room = [], [], BATCH_CHARACTERS
    if rows:
        yield lines, rows
