"""Separated text that comes line by line, told from plain lines by its header."""

from __future__ import annotations

import csv
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

from rnncli.errors import DataError

DELIMITERS = ",\t;|"
USUAL = frozenset({"id", "idx", "index", "label", "labels", "class", "category", "target", "stars", "score"})
"""Columns that tables often have, and that are no texts."""
_NAME = re.compile(r"\w[\w.:/()-]*( [\w.:/()#-]+)?")


@dataclass(frozen=True)
class Header:
    """The names of columns, and what is between them."""

    names: tuple[str, ...]
    delimiter: str

    def index(self, wanted: Iterable[str]) -> int:
        """Where the first of ``wanted`` that is there stands, in any case, or -1."""
        lower = [name.lower() for name in self.names]
        return next((lower.index(name.lower()) for name in wanted if name.lower() in lower), -1)


def find_header(line: str, texts: Collection[str], others: Collection[str] = USUAL) -> Header | None:
    """The header that a first line is, if it reads like one: names, among them one of ``texts`` or of ``others``."""
    line = line.strip("\r\n")
    for delimiter in DELIMITERS:
        header = cut_header(line, delimiter)
        names = header.names[not header.names[0] :] if header.names else ()  # an index has no name
        if len(header.names) > 1 and all(map(_NAME.fullmatch, names)):
            bare = all(map(str.isidentifier, line.replace('"', "").split(delimiter)[-len(names) :]))
            if header.index(texts) >= 0 or (bare and header.index(others) >= 0):
                return header
    return None


def cut_header(line: str, delimiter: str = "") -> Header:
    """The names of a first line that is a header for certain; without ``delimiter`` the one that cuts it most."""
    delimiter = delimiter or max(DELIMITERS, key=line.count)
    row = next(csv.reader([line.strip("\r\n")], delimiter=delimiter, skipinitialspace=True), [])
    return Header(tuple(name.strip() for name in row), delimiter)


def looks_like_header(line: str, delimiters: str = DELIMITERS, below: Sequence[str] = ()) -> Header | None:
    """The header that a first line may be though its names are unknown: short names, no blank where they are cut.

    With the line ``below``, if there is one, it is one only where that has as many fields; and of names in words, such
    as prose with a comma may seem to have, only where there are three of them or a number or a quote stands below.
    """
    line = line.strip("\r\n")
    for delimiter in delimiters:
        cells = line.split(delimiter)
        header = cut_header(line, delimiter)
        if len(cells) < 2 or len(header.names) != len(cells) or any(cell != cell.strip() for cell in cells):
            continue
        bare = all(name.isidentifier() for name in header.names)
        if not (bare or all(map(_NAME.fullmatch, header.names))) or len({*header.names}) < len(cells):
            continue
        if not below or _continues(header, below[0], bare):
            return header
    return None


def records(lines: Iterable[str], header: Header, name: str) -> Iterator[tuple[int, list[str]]]:
    """The rows behind a header as they come, each with the line that it begins on; raises DataError."""
    reader = csv.reader(lines, delimiter=header.delimiter, skipinitialspace=True, strict=True)
    line = 2
    try:
        for row in reader:
            if row and len(row) != len(header.names):
                said = f"{name}:{line}: {len(row)} field{'s'[: len(row) != 1]} where the header has {len(header.names)}"
                raise DataError(said, "a field that holds the separator must stand in double quotes")
            if row:
                yield line, row
            line = reader.line_num + 2
    except csv.Error as error:
        raise DataError(
            f"{name}:{line}: not csv: {error}", 'a quote inside a quoted field is written twice: ""'
        ) from error


def _continues(header: Header, line: str, bare: bool) -> bool:
    """Whether a line may be the first row below a header; ``bare`` says that its names are single words."""
    line = line.strip("\r\n")
    fields = cut_header(line, header.delimiter).names
    quoted = line.startswith('"') or f'{header.delimiter}"' in line
    prose = f"{header.delimiter} " in line  # a blank behind what is between names stands between none of them
    if not quoted and (prose or len(fields) != len(header.names)):
        return False
    return bare or len(fields) > 2 or quoted or any(re.fullmatch(r"[+-]?\d+([.,]\d+)?", field) for field in fields)
