"""Rows of which something is to be predicted: all of them, in order, each value as it came.

A csv's values are texts, ``007`` and all; those of JSON lines and of Parquet keep their types. Nothing is dropped but
blank lines, since each row gets its answer::

    id,review,stars          ->  ("id", "review", "stars"), {"id": "007", "review": "Not half bad!", "stars": ""}
    007,"Not half bad!",
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import chain, islice
from pathlib import Path
from typing import Any

import pyarrow as pa

from rnncli.data.encodings import detect, open_text
from rnncli.data.tables.arrow import read_parquet
from rnncli.data.tables.delimited import read_csv, read_tsv
from rnncli.data.tables.dialects import HeaderError
from rnncli.data.tables.jsonl import read_jsonl
from rnncli.data.tables.live import DELIMITERS, USUAL, Header, cut_header, find_header, looks_like_header, records
from rnncli.data.tables.objects import encodable, objects, refuse_wrapped
from rnncli.data.tables.records import PLACE, suffix_of
from rnncli.data.tables.sources import READERS, read_file
from rnncli.data.tables.table import Table
from rnncli.data.wording import did_you_mean
from rnncli.errors import DataError

FORMS = ("csv", "tsv", "jsonl", "parquet")
"""Forms of tables."""
AS_LINES = "--format text takes each line as it is"
SheetRow = tuple[int, Mapping[str, Any]]
"""The number of a row's line, or of the row, from 1; and its value in each column."""


class SheetRows:
    """Rows that come once, some of which may be looked at before."""

    def __init__(self, rows: Iterable[SheetRow]) -> None:
        self._rest = iter(rows)
        self._ahead: deque[SheetRow] = deque()

    def __iter__(self) -> Iterator[SheetRow]:
        while True:
            while self._ahead:
                yield self._ahead.popleft()
            row = next(self._rest, None)
            if row is None:
                return
            yield row

    def ahead(self, count: int) -> list[SheetRow]:
        """The next rows, as many as there are, which are still to come."""
        self._ahead += islice(self._rest, max(0, count - len(self._ahead)))
        return list(islice(self._ahead, count))


@dataclass(frozen=True)
class ColumnsAsked:
    """How rows are read: the columns that a person named, and the ``data`` section of the run's recipe, resolved."""

    columns: tuple[str, ...] = ()
    learnt: Mapping[str, Any] = field(default_factory=dict)

    def learnt_columns(self, key: str) -> tuple[str, ...]:
        """The columns of training that ``key`` says, none where it does not say."""
        found = self.learnt.get(key) or ()
        return (found,) if isinstance(found, str) else tuple(found)


@dataclass(frozen=True)
class Sought:
    """A column that is looked for: the ``key`` of ``data`` that says it, ``names`` it may have, ``what`` it holds.

    ``beside`` are names by which the header of a stream is known as well, ``delimiters`` those that it may have.
    """

    key: str
    names: tuple[str, ...]
    what: str
    beside: Collection[str] = USUAL
    delimiters: str = DELIMITERS


@dataclass(frozen=True)
class Sheet:
    """Rows that come once; paths in them start from ``folder``.

    ``types`` are those of a source that has types, such as Parquet; ``otherwise`` is how it may be meant otherwise.
    """

    name: str
    columns: tuple[str, ...]
    rows: SheetRows
    asked: ColumnsAsked = ColumnsAsked()
    folder: Path = Path()
    types: Mapping[str, pa.DataType] = field(default_factory=dict)
    otherwise: str = ""

    def place(self, number: int) -> str:
        """Where a row stands."""
        return f"{self.name}:{number}"

    def column(self, sought: Sought) -> str:
        """The one column that is looked for: see :meth:`several`, DataError for more than one."""
        first, *others = found = self.several(sought)
        if others:
            one = f"where one holds the {sought.what}"
            raise DataError(f"{self.name}: {len(found)} columns, {', '.join(found)}, {one}", f"--column {first}")
        return first

    def several(self, sought: Sought) -> tuple[str, ...]:
        """The columns that are looked for.

        They are those that a person named, else those of training, else the first with a usual name, else the only one.
        Raises DataError that lists what there is.
        """
        if self.asked.columns:
            return tuple(map(self._named, self.asked.columns))
        there = [self._known(name) for name in self.asked.learnt_columns(sought.key)]
        if there and all(there):
            return tuple(there)
        usual = next(filter(None, map(self._known, sought.names)), "")
        if usual or len(self.columns) == 1:
            return (usual or self.columns[0],)
        said = f"{self.name}: no column of {sought.what} by its name: which one holds them?"
        raise DataError(said, f"--column NAME, one of: {self._there()}{self.otherwise}")

    def _known(self, name: str) -> str:
        """The column of that name, in whichever case; empty where there is none."""
        lower = {column.strip().lower(): column for column in reversed(self.columns)}
        return name if name in self.columns else lower.get(name.lower(), "")

    def _named(self, name: str) -> str:
        if found := self._known(name):
            return found
        if name.isdecimal() and 1 <= int(name) <= len(self.columns):
            return self.columns[int(name) - 1]
        near = did_you_mean(name, self.columns)
        raise DataError(f'{self.name}: no column "{name}"{near}', f"--column NAME, one of: {self._there()}")

    def _there(self) -> str:
        return ", ".join(self.columns)


def is_tabular(path: Path) -> bool:
    """Whether a file is a table by its name."""
    return suffix_of(path) in READERS


def is_json_lines(path: Path) -> bool:
    """Whether a file holds objects of JSON by its name."""
    return READERS.get(suffix_of(path)) is read_jsonl


def read_sheet(path: Path, asked: ColumnsAsked, form: str = "", *, typed: bool = False) -> Sheet:
    """The rows of a file, by its suffix unless ``form`` says what it is; raises DataError before any row is given.

    ``typed`` settles the type of each column, which the values of JSON lines need not have in common.
    """
    suffix = f".{form}" if form else suffix_of(path)
    if READERS.get(suffix) is read_jsonl and not typed:
        return _of_objects(path, asked)
    table = _read(path, asked, suffix)
    store, names = table.store, table.columns
    numbers = (number for chunk in store.column(PLACE).chunks for number in chunk.to_pylist())
    rows = zip(numbers, zip(*map(table.values, names), strict=True), strict=True)
    return Sheet(
        str(path),
        tuple(names),
        SheetRows((number, dict(zip(names, values, strict=True))) for number, values in rows),
        asked,
        path.parent,
        {name: store.schema.field(name).type for name in names},
    )


def heard(lines: Iterable[str], name: str, asked: ColumnsAsked, sought: Sought) -> tuple[Sheet | None, Iterator[str]]:
    """The rows of a stream of csv as they come, which its first line tells; None for another stream, and its lines.

    The first line is a header where it names a column that is looked for, or one such as stand beside. Raises DataError
    for one that reads like a header and names none of them, since no line of csv is a text.
    """
    lines = iter(lines)
    first = next(lines, "")
    texts = (*asked.learnt_columns(sought.key), *sought.names)
    alone = first.strip().strip('"')
    certain = bool(asked.columns) and not first.lstrip().startswith("{")
    if first and (certain or (alone in (texts[0], "text") and not alone.isdecimal())):
        return heard_csv(chain([first], lines), name, asked), iter(())
    header = find_header(first, texts, sought.beside)
    if header and header.delimiter in sought.delimiters:
        return _live(header, lines, name, asked), iter(())
    ahead: list[str] = []
    if not header and looks_like_header(first, sought.delimiters):
        ahead += islice(lines, 1)
        if ahead and (found := looks_like_header(first, sought.delimiters, ahead)):
            there = ", ".join(found.names)
            said = f"{name}: looks like csv with a header, and no column has a known name"
            raise DataError(said, f"--column NAME, one of: {there}; {AS_LINES}")
    return None, chain([first] if first else [], ahead, lines)


def heard_csv(lines: Iterable[str], name: str, asked: ColumnsAsked) -> Sheet:
    """The rows of a stream that is csv for certain, as they come."""
    lines = iter(lines)
    if not (first := next(lines, "")).strip():
        raise DataError(f"{name}: no header of csv in the first line", "write the names of its columns there")
    return _live(cut_header(first), lines, name, asked)


def sheet_of(records: Sequence[Mapping[str, Any]], name: str, asked: ColumnsAsked) -> Sheet:
    """Rows at hand; what one lacks is missing."""
    columns = tuple(dict.fromkeys(str(column) for row in records for column in row))
    rows = ({str(column): value for column, value in row.items()} for row in records)
    return Sheet(name, columns, SheetRows(enumerate(rows, start=1)), asked)


def _live(header: Header, lines: Iterator[str], name: str, asked: ColumnsAsked) -> Sheet:
    names = tuple(name or f"column {at}" for at, name in enumerate(header.names, start=1))
    if twice := [name for name, count in Counter(names).items() if count > 1]:
        raise DataError(f'{name}:1: two columns are called "{twice[0]}"', "rename one of them in the header")
    rows = ((number, dict(zip(names, row, strict=True))) for number, row in records(lines, header, name))
    return Sheet(name, names, SheetRows(rows), asked, otherwise=f"; {AS_LINES}")


def _read(path: Path, asked: ColumnsAsked, suffix: str) -> Table:
    encoding, header = asked.learnt.get("encoding", "auto"), asked.learnt.get("header", "auto")
    if suffix == ".parquet":
        return read_parquet(path)
    if READERS.get(suffix) not in (read_csv, read_tsv):
        return read_file(path, encoding)
    read = partial(read_csv if READERS[suffix] is read_csv else read_tsv, path, encoding, whole=True)
    try:
        return read(header=header)
    except HeaderError as error:
        if asked.columns and all(map(str.isdecimal, asked.columns)):
            return read(header=False)
        hint = "--column NUMBER reads it without a header, counted from 1; or write names into the first line"
        raise DataError(error.message, hint) from error


def _of_objects(path: Path, asked: ColumnsAsked) -> Sheet:
    """Objects of JSON as they are, read twice: which keys there are is known behind the last one."""
    columns: dict[str, None] = {}
    count, first = 0, {}
    for number, row in _objects(path, asked):
        if not encodable(row):
            raise DataError(f"{path}:{number}: half a surrogate pair, which is no character", "write it as UTF-8")
        count, first = count + 1, first or row
        columns.update(dict.fromkeys(row))
    if count == 1:
        refuse_wrapped(path, first)
    if not count:
        raise DataError(f"{path}: the file holds no JSON objects")
    return Sheet(str(path), tuple(columns), SheetRows(_objects(path, asked)), asked, path.parent)


def _objects(path: Path, asked: ColumnsAsked) -> Iterator[tuple[int, dict[str, Any]]]:
    with open_text(path, detect(path, asked.learnt.get("encoding", "auto"))) as stream:
        yield from ((number, row) for number, _, row in objects(path, stream, Counter()))
