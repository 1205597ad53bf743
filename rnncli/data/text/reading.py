"""Documents of files and of tables: the text of each as it is learnt from, those without any left out and counted."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import IO, Literal

import numpy as np

from rnncli.data.encodings import detect, open_text, readable
from rnncli.data.tables.sources import shortened
from rnncli.data.tables.table import Table
from rnncli.data.text.codec import LINE_END, TextForm
from rnncli.data.text.documents import PIECE, Documents, FilePlaces, TextStore
from rnncli.errors import DataError

Kind = Literal["file", "line", "paragraph"]
BLANK: dict[str, str] = {"file": "blank file", "line": "blank line", "paragraph": "blank paragraph"}


@dataclass
class TextReading:
    """Documents as they were read: sentences for a person, and what was left out by reason."""

    documents: Documents
    notes: list[str] = field(default_factory=list)
    dropped: Counter[str] = field(default_factory=Counter)


def read_texts(name: str, files: Sequence[tuple[str, Path]], kind: Kind, form: TextForm, encoding: str) -> TextReading:
    """The documents of text files, each with what a person calls it; ``name`` is what all of them are called.

    Raises DataError with file and line for what is no text, and for files without any.
    """
    store, bounds, places = TextStore(name), array("q"), array("q")
    dropped: Counter[str] = Counter()
    encodings, foreign = [], []
    for number, (shown, path) in enumerate(files):
        with readable(shown):
            if len(files) > 1 and not path.stat().st_size:
                dropped[BLANK["file"]] += 1
                continue
            found = detect(path, encoding, shown)
            encodings += [found.note] * bool(found.note)
            with open_text(path, found, newline=None) as stream:
                for line, pieces in _documents(stream, kind):
                    begin, blank = store.size, True
                    for piece in pieces:
                        blank = blank and not piece.strip()
                        store.append(form.of(piece))
                    if blank:
                        dropped[BLANK[kind]] += 1
                    else:
                        bounds.extend((begin, store.size))
                        places.extend((number, line))
                foreign += [shown] * (stream.newlines not in (None, LINE_END))
    if not bounds:
        raise DataError(f"{name}: holds nothing but blanks", "a text to learn from")
    bounds_D2, places_D2 = (np.array(values, dtype=np.int64).reshape(-1, 2) for values in (bounds, places))
    origin = FilePlaces([shown for shown, _ in files], places_D2[:, 0], places_D2[:, 1])
    documents = Documents(store, bounds_D2[:, 0], bounds_D2[:, 1], origin)
    notes = shortened(encodings)
    if foreign:
        more = f" and {len(foreign) - 1:,} more" if foreign[1:] else ""
        notes.append(f"{foreign[0]}{more}: line ends of Windows or of old Macs are read as \\n")
    return TextReading(documents, notes, dropped)


def read_rows(table: Table, column: str, form: TextForm) -> TextReading:
    """The texts of a table's column as documents; a line end stands behind each where line ends are kept.

    Raises DataError where no row has a text.
    """
    store, bounds, rows, added = TextStore(table.name), array("q"), array("q"), 0
    dropped = Counter(table.dropped)
    for row, text in enumerate(table.texts(column)):
        if not text.strip():
            dropped["empty text"] += 1
            continue
        whole = with_line_end(text, form)
        text, added = whole, added + (len(whole) > len(text))
        bounds.extend(store.append(form.of(text)))
        rows.append(row)
    if not rows:
        raise DataError(f'{table.name}: no row has a text in column "{column}"', "is this the right --text-column?")
    bounds_D2 = np.array(bounds, dtype=np.int64).reshape(-1, 2)
    origin = table.take(np.array(rows, dtype=np.int64))
    notes = list(table.notes)
    if added:
        notes.append(f"{table.name}: a line end is put behind each text, that its end may be learnt")
    return TextReading(Documents(store, bounds_D2[:, 0], bounds_D2[:, 1], origin), notes, dropped)


def with_line_end(text: str, form: TextForm) -> str:
    """A text of a table with a line end behind it, that its end may be learnt, where line ends are kept."""
    return text + LINE_END if form.line_end == LINE_END and not text.endswith(("\n", "\r")) else text


def _documents(stream: IO[str], kind: Kind) -> Iterator[tuple[int, Iterable[str]]]:
    """The line that each document begins on, 0 for a file as a whole, and its text in pieces."""
    if kind == "file":
        yield 0, iter(partial(stream.read, PIECE), "")
    elif kind == "line":
        for number, line in enumerate(stream, start=1):
            yield number, (line,)
    else:
        yield from _paragraphs(stream)


def _paragraphs(lines: Iterable[str]) -> Iterator[tuple[int, list[str]]]:
    """What blank lines part, with those that come behind it; blank lines before the first one are left out."""
    begin, held, ended = 0, list[str](), False
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            ended = bool(held)
        elif ended or not held:
            if held:
                yield begin, held
            begin, held, ended = number, [], False
        if held or line.strip():
            held.append(line)
    if held:
        yield begin, held
