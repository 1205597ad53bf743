"""Manifests of recordings: tables, or folders of recordings with a text beside each; their columns, their rows."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa

from rnncli.data.audio.cutting import Segment
from rnncli.data.audio.features import SoundRecording
from rnncli.data.audio.sound import SUFFIXES
from rnncli.data.encodings import read_text
from rnncli.data.tables.records import PLACE
from rnncli.data.tables.sources import ALL, READERS, shortened
from rnncli.data.tables.table import Table
from rnncli.errors import DataError
from rnncli.tasks.common import tables
from rnncli.tasks.speech.schema import SpeechData

AUDIO_NAMES = ("audio", "features", "file", "path", "audio_filepath", "wav")
TEXT_NAMES = ("text", "sentence", "transcript", "transcription", "label")
STRETCHES = (("offset", "duration"), ("start", "end"))
"""Columns that say which stretch of a recording is meant, in seconds."""
TIMED = {"words": "word", "segments": "text"}
"""Columns of what is said when, and the key of its text; each part has a start and an end, in seconds."""


def read_tables(data: SpeechData) -> dict[str, Table]:
    """The tables of a recipe by part, ``all`` where the parts are to be carved; raises DataError."""
    return tables.read_sources(data, lambda path: read_manifest(path, data))


def read_manifest(path: Path, data: SpeechData) -> dict[str, Table]:
    """A manifest by its suffix, or a folder of recordings with a .txt beside each."""
    if path.is_dir() and not any(file.suffix in READERS for file in path.iterdir()):
        files = sorted(file for file in path.rglob("*") if file.suffix.lower() in SUFFIXES)
        if files:
            return {ALL: _folder(path, files, data.encoding)}
    return tables.read_file(path, data)


def _folder(path: Path, files: list[Path], encoding: str) -> Table:
    """Recordings and the texts beside them; raises DataError for a text in an encoding that is not found out."""
    texts = [file.with_suffix(".txt") for file in files]
    kept = [(f, t) for f, t in zip(files, texts, strict=True) if t.is_file()]
    if not kept:
        raise DataError(f"{path}: no recording has a text beside it", "a.wav wants its words in a.txt")
    read = [read_text(text, encoding) for _, text in kept]
    columns = {
        "audio": [str(file.resolve()) for file, _ in kept],
        "text": [text for text, _ in read],
        PLACE: [str(file) for file, _ in kept],
    }
    lost = {"recording without a text beside it": len(files) - len(kept)}
    notes = shortened([note for _, note in read if note])
    return Table(str(path), pa.table(columns), notes=tuple(notes), dropped=lost)


def recordings(table: Table, column: str) -> Iterator[SoundRecording]:
    """The recording of each row; raises DataError.

    Columns ``offset`` and ``duration``, or ``start`` and ``end``, cut a stretch of it.
    """
    rows = zip(tables.places(table, column), _spans(table), strict=True)
    for i, ((folder, value), span) in enumerate(rows):
        yield _recording(value, column, folder, span, lambda i=i: table.place(i))


def recording_of(values: Mapping[str, Any], column: str, folder: Path, place: str) -> SoundRecording | None:
    """The recording of one row, found from ``folder``, as :func:`recordings` reads it; None where it names none."""
    value = values.get(column)
    if value is None or value != value or value == "":
        return None
    names = next((pair for pair in STRETCHES if set(pair) <= set(values)), None)
    span = None if names is None else _span(names, [values[name] for name in names], lambda: place)
    return _recording(value, column, folder, span, lambda: place)


def _recording(
    value: Any, column: str, folder: Path, span: tuple[float, float] | None, place: Callable[[], str]
) -> SoundRecording:
    if isinstance(value, dict):
        return replace(_row_recording(value, folder, place()), span=span)
    if isinstance(value, str) and value.strip():
        path = folder / value
        return SoundRecording(path, str(path), path.suffix == ".npy", span)
    raise DataError(f"{place()}: no path of a recording", f"column {column} must name one in each row")


def _row_recording(value: dict[str, Any], folder: Path, place: str) -> SoundRecording:
    """A row of ``datasets``: bytes, or a path."""
    if value.get("bytes"):
        return SoundRecording(value["bytes"], place)
    if value.get("path"):
        return SoundRecording(folder / value["path"], place)
    raise DataError(f"{place}: an audio row without bytes or path", "each row needs one of them")


def durations(table: Table) -> list[float]:
    """The seconds that column ``duration`` gives each row; NaN where it gives none."""
    if "duration" not in table.columns:
        return [math.nan] * len(table)
    return [_number(value, "duration", lambda i=i: table.place(i)) for i, value in enumerate(table.values("duration"))]


def _spans(table: Table) -> Iterator[tuple[float, float] | None]:
    """Where each row's stretch begins and how long it is, in seconds; None where it is the whole recording."""
    names = next((pair for pair in STRETCHES if set(pair) <= set(table.columns)), None)
    if names is None:
        yield from (None for _ in range(len(table)))
        return
    for i, pair in enumerate(zip(*map(table.values, names), strict=True)):
        yield _span(names, pair, lambda i=i: table.place(i))


def _span(names: tuple[str, str], pair: Sequence[Any], place: Callable[[], str]) -> tuple[float, float] | None:
    start, end = (_number(value, name, place) for value, name in zip(pair, names, strict=True))
    start = 0.0 if math.isnan(start) else start
    if names[1] == "end" and start > end:
        raise DataError(f"{place()}: start is {start:g}, end {end:g}", "in seconds, the end after the start")
    return None if math.isnan(end) else (start, end - start if names[1] == "end" else end)


def timed(table: Table) -> list[tuple[Segment, ...]]:
    """What each row's column ``words``, else ``segments``, says was said when; raises DataError."""
    name = next((name for name in TIMED if name in table.columns), None)
    if name is None:
        return [()] * len(table)
    found = []
    for i, value in enumerate(table.values(name)):
        try:
            parts = (json.loads(value) if isinstance(value, str) else value) or ()
            row = tuple(Segment(str(part[TIMED[name]]), float(part["start"]), float(part["end"])) for part in parts)
            order = [time for one in row for time in (one.start, one.end)]
            if order != sorted(order) or not all(0 <= time < math.inf for time in order):
                raise ValueError
        except (TypeError, ValueError, KeyError) as error:
            hint = f'[{{"{TIMED[name]}": "go", "start": 0.5, "end": 0.9}}, ...] in seconds, one after the other'
            raise DataError(f"{table.place(i)}: {name} do not say what is said when", hint) from error
        found.append(row)
    return found


def _number(value: Any, column: str, place: Callable[[], str]) -> float:
    if value is None or value == "":
        return math.nan
    try:
        found = float(value)
    except (TypeError, ValueError):
        found = -1.0
    if math.isnan(found) and isinstance(value, float):
        return found
    if not (math.isfinite(found) and found >= 0):
        raise DataError(f"{place()}: {column} is {value!r}, not a number of seconds", "for example 3.52")
    return found
