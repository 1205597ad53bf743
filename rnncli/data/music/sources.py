"""Where pieces come from: MIDI files, one, a folder of them or a pattern of names; a file of rolls or of voices."""

from __future__ import annotations

import glob
from collections.abc import Mapping
from pathlib import Path

from rnncli.data.music import midi
from rnncli.data.music.midipieces import MidiChoice, read_midi_files
from rnncli.data.music.pieces import ALL, PieceFile
from rnncli.data.music.rolls import read_rolls
from rnncli.data.music.voices import read_voices
from rnncli.data.regular import require_regular
from rnncli.data.splits import split_name
from rnncli.data.tables.sources import existing
from rnncli.errors import DataError

MIDI, ROLLS, VOICES = midi.SUFFIXES, (".npz", ".npy"), (".json",)
KNOWN = "known are .mid and .midi, piano rolls as .npz or .npy, voices as .json"
NAMED = 8
"""Files that a message names."""


def read_pieces(place: Path, choice: MidiChoice, form: str = "auto", encoding: str = "auto") -> PieceFile:
    """The pieces of a place by its names of parts; raises DataError naming what is wrong and where.

    A place is a file, a pattern of names of MIDI files (``tunes/*.mid``), or a folder that holds MIDI files, also in
    folders of its own, which are parts where they are called train, valid or test, or one file of another kind.
    ``form`` is rolls, voices, or auto for that of the files; ``choice`` says how MIDI files are taken.
    """
    require_regular(place)
    if place.is_dir():
        return _read_folder(place, choice, form, encoding)
    if not place.exists() and (files := _matching(str(place))):
        return read_midi_files(files, choice)
    return _read_file(existing(place), choice, form, encoding)


def _read_file(path: Path, choice: MidiChoice, form: str, encoding: str) -> PieceFile:
    suffix = path.suffix.lower()
    if suffix in MIDI:
        return read_midi_files([path], choice)
    if suffix in VOICES:
        return read_voices(path, choice.grid, form, encoding)
    if suffix in ROLLS:
        if form == "voices":
            raise DataError(f"{path}: piano rolls do not tell voices", "data.form=rolls")
        return read_rolls(path, choice.grid)
    raise DataError(f'{path}: no reader for files that end in "{suffix or path.name}"', KNOWN)


def _read_folder(folder: Path, choice: MidiChoice, form: str, encoding: str) -> PieceFile:
    named = {sub.name: files for sub in sorted(folder.iterdir()) if split_name(sub.name) and (files := _midi_in(sub))}
    if named:
        return _joined({name: read_midi_files(files, choice) for name, files in named.items()})
    if files := _midi_in(folder):
        return read_midi_files(files, choice)
    others = sorted(path for path in folder.iterdir() if path.suffix.lower() in ROLLS + VOICES)
    if len(others) == 1:
        return _read_file(others[0], choice, form, encoding)
    if others:
        shown = ", ".join(path.name for path in others[:NAMED]) + (", ..." if others[NAMED:] else "")
        raise DataError(f"{folder}: holds several files of pieces: {shown}", f"name one: {others[0]}")
    raise DataError(f"{folder}: holds no MIDI file, nor one of rolls or voices", KNOWN)


def _midi_in(folder: Path) -> list[Path]:
    """The MIDI files of a folder and of those in it; what begins with a dot is none."""
    return sorted(path for path in folder.rglob("*") if path.suffix.lower() in MIDI and path.name[0] != ".")


def _matching(pattern: str) -> list[Path]:
    """The MIDI files that a pattern stands for; DataError where it stands for others."""
    found = sorted(map(Path, glob.glob(pattern, recursive=True)))
    if other := [path for path in found if path.suffix.lower() not in MIDI]:
        raise DataError(f"{pattern}: {other[0]} is no MIDI file", "several files at once are MIDI files: *.mid")
    return found


def _joined(files: Mapping[str, PieceFile]) -> PieceFile:
    """Parts that were read one by one."""
    whole = PieceFile(next(iter(files.values())).form, {})
    for name, file in files.items():
        whole.pieces[name] = file.pieces[ALL]
        whole.notes.extend(f"{name}: {note}" for note in file.notes)
        whole.dropped.update(file.dropped)
    return whole
