"""Histories that come as lines of a stream."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable
from dataclasses import replace
from itertools import chain
from pathlib import Path

from rnncli.data.series.column import SeriesTable
from rnncli.errors import DataError


def streamed(lines: Iterable[str], name: str, form: str, read: Callable[[Path, str], SeriesTable]) -> SeriesTable:
    """The table of a stream, csv or JSON lines as its first line tells; ``read`` reads a file as one of a suffix.

    Raises DataError.
    """
    lines = iter(lines)
    first = next((line for line in lines if line.strip()), "")
    suffix = f".{form}" if form else ".jsonl" if first.lstrip().startswith(("{", "[")) else ".csv"
    with tempfile.TemporaryDirectory(prefix="rnncli-") as folder:
        path = Path(folder) / f"stream{suffix}"
        with path.open("w", encoding="utf-8", newline="") as file:
            file.writelines(chain([first], lines))
        try:
            table = read(path, suffix)
        except DataError as error:
            raise DataError(error.message.replace(str(path), name), error.hint) from None
    return replace(table, name=name, notes=tuple(note.replace(str(path), name) for note in table.notes))


def no_text(text: str, hint: str) -> DataError:
    """The error of a text where a history is wanted."""
    return DataError(f"{text[:60]!r}: no such file, and a forecast goes on behind a table", hint)
