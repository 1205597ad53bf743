"""Where pieces come from: a file of rolls or voices."""

from __future__ import annotations

from pathlib import Path

from rnncli.data.music.pieces import PieceFile
from rnncli.data.music.rolls import read_rolls
from rnncli.data.music.voices import read_voices
from rnncli.data.regular import require_regular
from rnncli.errors import DataError

ROLLS = (".npz", ".npy")
VOICES = (".json",)
KNOWN = "known are .mid and .midi, piano rolls as .npz or .npy, voices as .json"


def read_pieces(path: Path, *, grid: int = 4, form: str = "auto", encoding: str = "auto") -> PieceFile:
    """The pieces of a file by its names of parts; raises DataError naming what is wrong and where.

    ``grid`` is how many frames a beat has, ``form`` rolls, voices, or auto for that of the file.
    """
    require_regular(path)
    suffix = path.suffix.lower()
    if suffix in VOICES:
        return read_voices(path, grid, form, encoding)
    if suffix in ROLLS:
        if form == "voices":
            raise DataError(f"{path}: piano rolls do not tell voices", "data.form=rolls")
        return read_rolls(path, grid)
    raise DataError(f'{path}: no reader for files that end in "{suffix or path.name}"', KNOWN)
