"""Pieces of music from MIDI files: tracks chosen, drums apart, notes on a grid; files of no use are counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from rnncli.data import progress
from rnncli.data.music.grid import gridded, indistinct, off_grid, roll, top_of_tracks
from rnncli.data.music.midi import MidiScore, read_midi
from rnncli.data.music.miditracks import MidiError
from rnncli.data.music.pieces import ALL, Form, MusicPiece, PieceFile, beside, of_roll, of_voices
from rnncli.data.wording import counted

DRUMS = 9
"""The channel of percussion, which people call the tenth."""
MOST_FRAMES = 1_000_000
"""Frames of a piece, over a day of 16ths: what is longer is a mistake of its file, and would fill the memory."""
GRIDS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48)
"""Frames a beat that may fit better."""
FITTING = 0.01
"""The share of notes beside a grid up to which it fits."""
SHOWN = 3
"""Files that are named with what is wrong with them."""


@dataclass(frozen=True)
class MidiChoice:
    """What is made of a MIDI file: ``grid`` frames a beat, in a form, of all tracks or some by number or name."""

    grid: int = 4
    form: Form = "rolls"
    tracks: str | tuple[str | int, ...] = ALL
    drums: bool = False


@dataclass
class Tally:
    """What of the notes of MIDI files a person should hear of: how many there are, and how they were taken."""

    notes: int = 0
    off: Counter[int] = field(default_factory=Counter)
    """How many begin beside each of some grids."""
    together: int = 0
    again: int = 0
    drums: int = 0
    cut: int = 0
    below: int = 0
    mended: Counter[str] = field(default_factory=Counter)


def read_midi_files(files: Sequence[Path], choice: MidiChoice) -> PieceFile:
    """The pieces of MIDI files as the part ``all``; raises the first MidiError where none of them is of use."""
    pieces: list[MusicPiece] = []
    tally = Tally()
    failed: list[MidiError] = []
    for path in progress.counted("files", files, len(files)):
        try:
            pieces.append(midi_piece(read_midi(path), str(path), choice, tally))
        except MidiError as error:
            failed.append(error)
    if not pieces:
        raise _worst(failed)
    usual = Counter(piece.frames.shape[1] for piece in pieces).most_common(1)[0][0]
    if choice.form == "voices":
        failed += [_voices_error(piece, usual) for piece in pieces if piece.frames.shape[1] != usual]
        pieces = [piece for piece in pieces if piece.frames.shape[1] == usual]
    notes = [f"left out: {error}" for error in failed[:SHOWN]]
    notes += [f"left out: {len(failed) - SHOWN:,} more files"] if failed[SHOWN:] else []
    dropped = Counter(f"MIDI file, {error.reason}" for error in failed)
    return PieceFile(choice.form, {ALL: pieces}, notes + _said(tally, choice), dropped)


def _worst(failed: Sequence[MidiError]) -> MidiError:
    """The first of the most frequent kind."""
    kind = Counter(error.reason for error in failed).most_common(1)[0][0]
    first = next(error for error in failed if error.reason == kind)
    if len(failed) == 1:
        return first
    return MidiError(kind, f"none of {len(failed):,} MIDI files is of use; {first.message}", first.hint)


def midi_piece(score: MidiScore, name: str, choice: MidiChoice, tally: Tally) -> MusicPiece:
    """The piece of a score called ``name``, from the beat of its first note to the end of its last.

    What is to be said of it is added to ``tally``. Raises MidiError where there is no piece.
    """
    score = _chosen(score, name, choice, tally)
    notes_N4 = gridded(score, choice.grid)
    notes_N4[:, :2] -= notes_N4[:, 0].min() // choice.grid * choice.grid
    frames = int(notes_N4[:, 1].max())
    if frames > MOST_FRAMES:
        said = f"{name}: its notes lie {frames / choice.grid:,.0f} beats apart, at most {MOST_FRAMES:,} frames are read"
        raise MidiError("too long", said, "is it damaged? else cut it, or a smaller data.grid")
    _count(score, notes_N4, tally)
    if choice.form == "voices":
        tracks = sorted(set(notes_N4[:, 3].tolist()))
        pitch_TS, below = top_of_tracks(notes_N4, tracks)
        frames_TS, cut = of_voices(pitch_TS)
        tally.below += below
    else:
        frames_TS, cut = of_roll(roll(*notes_N4[:, :3].T))
    tally.cut += cut
    return MusicPiece(name, frames_TS, choice.grid, score.tempo)


def _chosen(score: MidiScore, name: str, choice: MidiChoice, tally: Tally) -> MidiScore:
    """The score with the notes of the wanted tracks, and with percussion if that is wanted; MidiError for none."""
    keep_N = np.ones(len(score.notes), bool)
    if choice.tracks != ALL:
        keep_N = np.isin(score.notes[:, 5], [_track(score, wanted, name) for wanted in choice.tracks])
    drum_N = keep_N & (score.notes[:, 4] == DRUMS)
    if not choice.drums:
        keep_N &= ~drum_N
        tally.drums += int(drum_N.sum())
    if not keep_N.any():
        hits = f" but {counted(int(drum_N.sum()), 'hit')} of percussion (channel 10)" if drum_N.any() else ""
        hint = "data.drums=keep takes them as notes" if hits else "another file, or other data.tracks"
        raise MidiError("without notes", f"{name}: no notes{hits}", hint)
    return replace(score, notes=score.notes[keep_N])


def _track(score: MidiScore, wanted: str | int, name: str) -> int:
    """The number, from 0, of a track that is named, or numbered from 1."""
    names, text = [own.casefold() for own in score.names], str(wanted).casefold()
    if text in names:
        return names.index(text)
    if text.isdecimal() and 1 <= int(text) <= len(names):
        return int(text) - 1
    there = ", ".join(f"{number} {own}".strip() for number, own in enumerate(score.names, start=1))
    raise MidiError("without such a track", f'{name}: no track "{wanted}"', f"data.tracks: there are {there}")


def _count(score: MidiScore, notes_N4: np.ndarray, tally: Tally) -> None:
    together, again = indistinct(notes_N4)
    tally.notes += len(notes_N4)
    tally.together += together
    tally.again += again
    tally.mended += score.mended
    for grid in GRIDS:
        tally.off[grid] += off_grid(score, grid)


def _voices_error(piece: MusicPiece, usual: int) -> MidiError:
    said = f"{piece.place}: notes in {counted(piece.frames.shape[1], 'track')}, and in {usual} of most files"
    return MidiError("with another number of voices", said, "data.tracks chooses those that are voices")


def _said(tally: Tally, choice: MidiChoice) -> list[str]:
    """Sentences on how the notes were taken."""
    off = tally.off[choice.grid]
    fitting = [grid for grid in GRIDS if grid > choice.grid and tally.off[grid] <= FITTING * tally.notes]
    better = f"; data.grid={fitting[0]} has nearly all of them on it" if fitting and off > FITTING * tally.notes else ""
    counts = {
        f"beside the grid of {choice.grid} frames a beat, moved to it": off,
        "together with another one of their key": tally.together,
        "right behind one of their key, which frames show as one that is held": tally.again,
    }
    said = [f"{what}: {count:,} of {tally.notes:,} notes" for what, count in counts.items() if count]
    said[:1] = [said[0] + better] if off else said[:1]
    said += [f"percussion (channel 10), left out: {counted(tally.drums, 'hit')}"] if tally.drums else []
    said += [f"below others of their track, left out: {tally.below:,} of the notes of frames"] if tally.below else []
    said += [beside("MIDI files", tally.cut)] if tally.cut else []
    return said + [f"{what}: {count:,}" for what, count in tally.mended.items()]
