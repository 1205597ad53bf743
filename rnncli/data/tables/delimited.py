"""Text in columns, separated by commas, tabs and the like, to a table."""

from __future__ import annotations

import csv
import string
from collections import Counter
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import IO, Literal

import pyarrow as pa

from rnncli.data.encodings import Encoding, detect, open_text
from rnncli.data.tables.dialects import (
    FIELD_LIMIT,
    SEPARATORS,
    Dialect,
    Header,
    first_rows,
    is_directive,
    recognise,
    require_header,
)
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

INVISIBLE = f"{string.whitespace}\u00a0\u200b\u2060\ufeff"
"""What is around a name by accident."""
REPEATED = "header repeated"
Record = tuple[int, list[str]]


def read_csv(path: Path, encoding: str = "auto", header: Header = "auto", *, whole: bool = False) -> Table:
    """Separated text, every column of it text, by name or, without a header, by number from 1.

    Quotes follow RFC 4180, strictly: a stray one is an error, and not half a file in one field. What separates fields,
    commas, semicolons, tabs or |, and whether blanks stand behind it, is told from the first rows; what is not a comma
    is said in the table's notes. Rows without any text, and headers once more, are dropped and counted; where the
    ``whole`` file is wanted, lines without a field alone are. Raises ``DataError`` with file and line, and
    ``HeaderError`` for a first row that is data where ``header`` is auto.
    """
    found = detect(path, encoding)
    dialect = recognise(path, found)
    notes = [found.note] if found.note else []
    if dialect.separator != ",":
        notes.append(f"{path}: fields are separated by {SEPARATORS[dialect.separator]}")
    if dialect.spaced:
        notes.append(f"{path}: a blank behind what separates fields is no part of them")
    return _read(path, found, dialect, csv.QUOTE_MINIMAL, header, notes, whole)


def read_tsv(path: Path, encoding: str = "auto", header: Header = "auto", *, whole: bool = False) -> Table:
    """Tab-separated text as ``read_csv`` reads it, or what is separated otherwise where there is no tab.

    Such files are written with quoting, as spreadsheets do, or without any. Where strict reading fails,
    quotes are taken as they stand, and said in the table's notes.
    """
    found = detect(path, encoding)
    dialect = recognise(path, found, "\t,;|")
    if dialect.separator != "\t":
        return read_csv(path, encoding, header, whole=whole)
    notes = [found.note] if found.note else []
    try:
        return _read(path, found, dialect, csv.QUOTE_MINIMAL, header, notes, whole)
    except DataError as strict:
        try:
            plain = [*notes, f"{path}: quotes taken as plain characters"]
            return _read(path, found, dialect, csv.QUOTE_NONE, header, plain, whole)
        except DataError:
            raise strict from None


def read_txt(path: Path, encoding: str = "auto", header: Header = "auto") -> Table:
    """A text file that holds a table, separated by tabs for one; raises DataError for plain text."""
    found = detect(path, encoding)
    rows = first_rows(path, found, recognise(path, found, "\t,;|"))
    if rows and len(rows[0]) == 1:
        raise DataError(
            f"{path}: a text without columns: nothing separates its fields", "for example a tab: text, tab, label"
        )
    return read_tsv(path, encoding, header)


def _read(
    path: Path,
    found: Encoding,
    dialect: Dialect,
    quoting: Literal[0, 3],
    header: Header,
    notes: list[str],
    whole: bool,
) -> Table:
    if header == "auto":
        require_header(path, first_rows(path, found, dialect, quoting))
    with open_text(path, found) as stream:
        records = _records(path, stream, dialect, quoting)
        first, names = next(((line, row) for line, row in records if any(row) and not is_directive(row)), (0, []))
        if not names:
            raise DataError(f"{path}: the file holds nothing but blank lines")
        if header:
            columns = _column_names(path, first, names)
        else:
            columns, records = [str(n) for n in range(1, len(names) + 1)], chain([(first, names)], records)
        schema = with_place(pa.schema([(name, pa.string()) for name in columns]))
        dropped: Counter[str] = Counter()
        with TableWriter(str(path), schema) as writer:
            for lines, rows in _batches(path, records, names, bool(header), dropped, whole):
                arrays = [pa.array(column, pa.string()) for column in zip(*rows, strict=True)]
                writer.write(pa.record_batch([*arrays, pa.array(lines, pa.int64())], schema=schema))
            if not whole:
                require_rows(writer, "a header and no rows")
            return writer.finish(notes, dropped)


def _records(path: Path, stream: IO[str], dialect: Dialect, quoting: Literal[0, 3]) -> Iterator[Record]:
    """Each record with the line that it begins on; a field may hold line ends."""
    csv.field_size_limit(FIELD_LIMIT)
    form = {"delimiter": dialect.separator, "skipinitialspace": dialect.spaced}
    reader = csv.reader(stream, **form, strict=True, quoting=quoting)
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
    names = [name.strip(INVISIBLE) or f"column {i}" for i, name in enumerate(header, start=1)]
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise DataError(f'{path}:{line}: two columns are called "{twice[0]}"', "rename one of them in the header")
    if PLACE in names:
        raise DataError(f'{path}:{line}: the column name "{PLACE}" is taken', "rename the column")
    return names


def _batches(
    path: Path, records: Iterator[Record], first: list[str], named: bool, dropped: Counter[str], whole: bool
) -> Iterator[tuple[list[int], list[list[str]]]]:
    """Lines and rows of some records at a time, each as wide as the first row, which ``named`` says is a header.

    Of a ``whole`` file rows without any text are rows, too.
    """
    lines: list[int] = []
    rows: list[list[str]] = []
    room = BATCH_CHARACTERS
    for line, row in records:
        if not (row if whole else any(map(str.strip, row))):
            dropped[EMPTY] += 1
            continue
        if len(row) != len(first):
            raise DataError(
                f"{path}:{line}: {len(row)} field{'s'[: len(row) != 1]} where "
                f"{'the header' if named else 'the first row'} has {len(first)}",
                hint="a field that holds the separator or a line end must stand in double quotes",
            )
        if named and row == first and not whole:
            dropped[REPEATED] += 1
            continue
        lines.append(line)
        rows.append(row)
        room -= sum(map(len, row))
        if len(rows) == BATCH_ROWS or room < 0:
            yield lines, rows
            lines, rows, room = [], [], BATCH_CHARACTERS
    if rows:
        yield lines, rows
