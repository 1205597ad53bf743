"""Text in columns, separated by commas, tabs and the like, record by record: what any table of it is made from."""

from __future__ import annotations

import csv
import string
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import IO, Literal, TypeVar

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
from rnncli.errors import DataError

PLACE = "__place__"  # a line or row number, or the path of the file that holds the row
BATCH_ROWS = 8192
BATCH_CHARACTERS = 4_000_000
EMPTY = "empty row"  # the reason for which readers drop rows
REPEATED = "header repeated"
INVISIBLE = f"{string.whitespace}\u00a0\u200b\u2060\ufeff"
"""What is around a name by accident."""
Record = tuple[int, list[str]]
T = TypeVar("T")


@dataclass(frozen=True)
class Records:
    """What a file holds: its columns, and some lines with their rows at a time; ``dropped`` is counted on the way."""

    path: Path
    columns: list[str]
    batches: Iterator[tuple[list[int], list[list[str]]]]
    notes: list[str]
    dropped: Counter[str]


def suffix_of(path: Path) -> str:
    """The ending of a file that says what it is, in lower case and with its dot; that before .gz."""
    suffixes = [suffix.lower() for suffix in path.suffixes]
    if suffixes[-1:] == [".gz"] and suffixes[-2:-1] != [".parquet"]:
        suffixes.pop()
    return suffixes[-1] if suffixes else ""


def csv_records(path: Path, encoding: str, header: Header, make: Callable[[Records], T], *, whole: bool = False) -> T:
    """What ``make`` makes of separated text, by name or, without a header, by number from 1.

    See :func:`rnncli.data.tables.delimited.read_csv`. Raises DataError.
    """
    found = detect(path, encoding)
    dialect = recognise(path, found)
    notes = [found.note] if found.note else []
    if dialect.separator != ",":
        notes.append(f"{path}: fields are separated by {SEPARATORS[dialect.separator]}")
    if dialect.spaced:
        notes.append(f"{path}: a blank behind what separates fields is no part of them")
    return _read(path, found, dialect, csv.QUOTE_MINIMAL, header, notes, make, whole)


def tsv_records(path: Path, encoding: str, header: Header, make: Callable[[Records], T], *, whole: bool = False) -> T:
    """What ``make`` makes of tab-separated text; see :func:`rnncli.data.tables.delimited.read_tsv`. DataError."""
    found = detect(path, encoding)
    dialect = recognise(path, found, "\t,;|")
    if dialect.separator != "\t":
        return csv_records(path, encoding, header, make, whole=whole)
    notes = [found.note] if found.note else []
    try:
        return _read(path, found, dialect, csv.QUOTE_MINIMAL, header, notes, make, whole)
    except DataError as strict:
        try:
            plain = [*notes, f"{path}: quotes taken as plain characters"]
            return _read(path, found, dialect, csv.QUOTE_NONE, header, plain, make, whole)
        except DataError:
            raise strict from None


def no_rows(name: str, what: str) -> DataError:
    """The error of a source that holds ``what`` instead of rows."""
    return DataError(f"{name}: the file holds {what}")


def _read(
    path: Path,
    found: Encoding,
    dialect: Dialect,
    quoting: Literal[0, 3],
    header: Header,
    notes: list[str],
    make: Callable[[Records], T],
    whole: bool,
) -> T:
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
        dropped: Counter[str] = Counter()
        batches = _batches(path, records, names, bool(header), dropped, whole)
        return make(Records(path, columns, batches, notes, dropped))


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
