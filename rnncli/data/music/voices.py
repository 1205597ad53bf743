"""Voices, or sets of keys, from JSON: lists of pieces, which are lists of frames, which are lists of MIDI numbers.

``{"train": [[[65, 60, 57, 53], [65, 60, 57, -1]], ...], "test": [...]}`` are pieces for four voices by parts, of which
-1 (or null, or NaN) is silent; without names of parts the file is a list of pieces. Shape letters: T frames, S voices.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from rnncli.data.encodings import read_text
from rnncli.data.music.pieces import (
    ALL,
    EMPTY,
    PITCHES,
    SILENT,
    Form,
    MusicPiece,
    PieceFile,
    beside,
    of_roll,
    of_voices,
)
from rnncli.data.wording import counted
from rnncli.errors import DataError

LIKE = 'such as {"train": [[[65, 60, 57, 53], [65, 60, 57, -1]]]}: parts, pieces, frames, the MIDI number of each voice'
AS_SETS = "data.form=rolls takes each frame as a set of keys"


def read_voices(path: Path, beat: int, form: str = "auto", encoding: str = "auto") -> PieceFile:
    """The pieces of a JSON file by its names of parts; raises DataError naming file, piece and frame.

    ``form`` rolls takes a frame as a set of keys, of any number; auto is voices. ``beat`` says how many frames a beat
    has, which such files do not tell.
    """
    chosen: Form = "rolls" if form == "rolls" else "voices"
    found = PieceFile(chosen, {})
    width = cut = 0
    for name, pieces in _parts(path, encoding).items():
        found.pieces[name] = []
        for number, piece in enumerate(_list(pieces, f'{path}: "{name}"'), start=1):
            where = f"{path}: {name}[{number}]"
            pitches = list(_frames(piece, where))
            if not pitches:
                found.dropped[EMPTY] += 1
                continue
            width = width or len(pitches[0])
            frames, outside = (
                of_roll(_roll(pitches)) if chosen == "rolls" else of_voices(_voiced(pitches, width, where))
            )
            cut += outside
            found.pieces[name].append(MusicPiece(f"{path.name}#{name}[{number}]", frames, beat))
        if not found.pieces[name]:
            raise DataError(f'{path}: "{name}" holds no frame', LIKE)
    return found.having(beside(path.name, cut))


def _parts(path: Path, encoding: str) -> dict[str, Any]:
    text, _ = read_text(path, encoding)
    if not text:
        raise DataError(f"{path}: an empty file", LIKE)
    try:
        body = json.loads(text)
    except json.JSONDecodeError as error:
        raise DataError(f"{path}:{error.lineno}: no JSON, or cut short: {error.msg}", LIKE) from error
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path}: no JSON of voices", LIKE) from error
    parts = body if isinstance(body, dict) else {ALL: body}
    if not parts:
        raise DataError(f"{path}: holds no piece", LIKE)
    return parts


def _list(value: Any, where: str) -> list[Any]:
    if not isinstance(value, list):
        raise DataError(f"{where}: {json.dumps(value)[:40]}, where a list is wanted", LIKE)
    return value


def _frames(piece: Any, where: str) -> Iterator[list[int]]:
    """The MIDI numbers of each frame, -1 for silence."""
    for at, frame in enumerate(_list(piece, where), start=1):
        yield [_pitch(value, f"{where}, frame {at:,}") for value in _list(frame, f"{where}, frame {at:,}")]


def _pitch(value: Any, where: str) -> int:
    if value is None:
        return SILENT
    if isinstance(value, int | float) and not isinstance(value, bool):
        if value == SILENT or math.isnan(value):
            return SILENT
        if value in range(PITCHES):
            return int(value)
    raise DataError(f"{where}: {json.dumps(value)[:40]} is no MIDI number", "they go from 0 to 127, and -1 is silence")


def _voiced(pitches: Sequence[Sequence[int]], width: int, where: str) -> np.ndarray:
    """Frames of as many voices each, (T, S)."""
    for at, frame in enumerate(pitches, start=1):
        if len(frame) != width:
            raise DataError(
                f"{where}, frame {at:,}: {counted(len(frame), 'voice')}, and {counted(width, 'voice')} before it",
                AS_SETS,
            )
    if not width:
        raise DataError(f"{where}: frames without a voice", AS_SETS)
    return np.array(pitches)


def _roll(pitches: Sequence[Sequence[int]]) -> np.ndarray:
    """Frames as sets of MIDI numbers, (T, 128) bool."""
    on_TP = np.zeros((len(pitches), PITCHES), bool)
    for frame, row_P in zip(pitches, on_TP, strict=True):
        row_P[[pitch for pitch in frame if pitch != SILENT]] = True
    return on_TP
