"""How the fields of a file are separated and whether its first row names them, told from its first rows.

A file with the separator ``;`` and a comma in its header, and one without a header::

    text;label, coarse          sports,"The match, they say, was fair"
    bad, and long, too;neg      world,Rain
"""

from __future__ import annotations

import contextlib
import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice, pairwise
from pathlib import Path
from typing import Literal

from rnncli.data.encodings import Encoding, open_text
from rnncli.errors import DataError

SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "|"}
LOOK_CHARACTERS, LOOK_ROWS = 1 << 17, 500
"""Of the beginning of a file that is looked at."""
FIELD_LIMIT = 100_000_000  # characters; a longer field is a quote that was never closed
Header = bool | Literal["auto"]
_USUAL = {"id", "text", "sentence", "review", "content", "comment", "tweet", "message", "label", "labels"}
_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?")


class HeaderError(DataError):
    """A file whose first row reads as data, where names were expected."""


@dataclass(frozen=True)
class Dialect:
    """The separator of fields, and whether blanks behind it are no part of them."""

    separator: str = ","
    spaced: bool = False


def first_rows(
    path: Path, found: Encoding, dialect: Dialect, quoting: Literal[0, 3] = csv.QUOTE_MINIMAL
) -> list[list[str]]:
    """Rows from the beginning of a file, blank ones left out; what is wrong with them is for the reader to say."""
    with open_text(path, found) as stream:
        text = stream.read(LOOK_CHARACTERS)
    return _rows(text, dialect, quoting, whole=len(text) < LOOK_CHARACTERS)


def recognise(path: Path, found: Encoding, separators: str = ",;\t|") -> Dialect:
    """The separator by which most of the first rows have as many fields as the header, the first of equals.

    Blanks belong to it where every field of a column begins with one, as in ``neg, "bad, and long"``.
    """
    with open_text(path, found) as stream:
        text = stream.read(LOOK_CHARACTERS)
    whole = len(text) < LOOK_CHARACTERS
    separator = max(separators, key=lambda one: _fit(_rows(text, Dialect(one), csv.QUOTE_MINIMAL, whole)))
    if not separator.isspace():
        spaced = Dialect(separator, spaced=True)
        rows, closer = (_rows(text, dialect, csv.QUOTE_MINIMAL, whole) for dialect in (Dialect(separator), spaced))
        if _begin_blank(rows) and _fit(closer) >= _fit(rows):
            return spaced
    return Dialect(separator)


def is_directive(row: Sequence[str]) -> bool:
    """Whether a first row is a spreadsheet's ``sep=;``, which says what separates the fields of those below."""
    return row[0].startswith("sep=") and len("".join(row)) <= len("sep=;")


def require_header(path: Path, rows: Sequence[Sequence[str]]) -> None:
    """Raise HeaderError where the first row is data: a field of it is a value of its column, or a number as all are.

    Names that count up over a column of texts, as pandas writes them, and a usual name beside are no data.
    """
    columns = [_below(rows, at) for at in range(len(rows[0]))] if rows else []
    if not rows or _counts_up(rows[0], columns):
        return
    usual = {at for at, (name, below) in enumerate(zip(rows[0], columns, strict=True)) if _is_usual(name, below)}
    numbers = set(_numbers(rows[0]))
    for at, (name, below) in enumerate(zip(rows[0], columns, strict=True)):
        if usual - {at}:
            continue
        few = 2 * len(set(below)) <= len(below)
        known = few and bool(name.strip()) and below.count(name) > 1
        if known or (at in numbers and below and all(_NUMBER.fullmatch(one.strip()) for one in below)):
            shown = f'"{name[:40]}{"..." if len(name) > 40 else ""}"'
            raise HeaderError(
                f"{path}: no header: the first row reads as data, {shown} in column {at + 1} as in rows below",
                "data.header=false reads it as data, with columns by number (data.text_column=1 and the like); "
                "data.header=true takes it for names",
            )


def _below(rows: Sequence[Sequence[str]], at: int) -> list[str]:
    """What a column holds below the first row, blank fields and the first row once more left out."""
    return [row[at] for row in rows[1:] if at < len(row) and row != rows[0] and row[at].strip()]


def _counts_up(header: Sequence[str], columns: Sequence[Sequence[str]]) -> bool:
    """Whether the first row is 0, 1, ..., a blank before it for an index, over some column that holds no numbers."""
    names = [name.strip() for name in header]
    names = names[1:] if len(names) > 1 and not names[0] else names
    counted = names in ([str(n + first) for n in range(len(names))] for first in (0, 1))
    return counted and any(not _NUMBER.fullmatch(one.strip()) for below in columns[-len(names) :] for one in below)


def _is_usual(name: str, below: Sequence[str]) -> bool:
    """Whether a field of the first row is a name as columns often have, and no value of its column."""
    return name.strip().lower() in _USUAL and name not in below


def _numbers(header: Sequence[str]) -> list[int]:
    """Which names are numbers, none if these count up, as do years, or columns that a library had no names for."""
    found = [at for at, name in enumerate(header) if _NUMBER.fullmatch(name.strip())]
    values = [float(header[at]) for at in found]
    counted = len(found) > 1 and all(after - before == 1 for before, after in pairwise(values))
    return [] if counted else found


def _rows(text: str, dialect: Dialect, quoting: Literal[0, 3], whole: bool) -> list[list[str]]:
    """The first rows of a text, without its last one where that may be cut."""
    csv.field_size_limit(FIELD_LIMIT)
    lines = io.StringIO(text, newline="")
    reader = csv.reader(lines, delimiter=dialect.separator, skipinitialspace=dialect.spaced, quoting=quoting)
    rows: list[list[str]] = []
    with contextlib.suppress(csv.Error):
        rows += islice((row for row in reader if any(map(str.strip, row))), LOOK_ROWS)
    rows = rows if whole or len(rows) in (1, LOOK_ROWS) else rows[:-1]
    return rows[1:] if rows and is_directive(rows[0]) else rows


def _fit(rows: Sequence[Sequence[str]]) -> tuple[float, int]:
    """The share of rows as wide as the first, none for a single column; and how wide that is."""
    width = len(rows[0]) if rows else 0
    return (sum(len(row) == width for row in rows) / len(rows), width) if width > 1 else (0.0, 0)


def _begin_blank(rows: Sequence[Sequence[str]]) -> bool:
    """Whether all fields of a column behind the first begin with a blank."""
    for at in range(1, len(rows[0]) if rows else 0):
        fields = [row[at] for row in rows if at < len(row) and row[at].strip()]
        if fields and all(field.startswith(" ") for field in fields):
            return True
    return False
