"""Tables and findings that let a person judge pieces of music before training on them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from rnncli.data import splits
from rnncli.data.music.pieces import sounding
from rnncli.report.build import Advice, ReportTable
from rnncli.tasks.base import Corpus
from rnncli.tasks.common.checks import QUANTILES, by_split, overlaps, quantiles
from rnncli.tasks.music.data import MusicPart
from rnncli.tasks.music.schema import MusicRecipe
from rnncli.tasks.write.chords import resemblance

CHORDS, ALIKE = 8, 0.5
"""A piece resembles train where this share of its runs of so many chords stands there, in any key."""
FEW_LEAKS, LEAKING = 3, 0.01
"""How many pieces of test, and which share, must resemble train to matter."""
MOSTLY_SILENT = 0.5
SHOWN = 3
NAMES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")


def tables(recipe: MusicRecipe, corpus: Corpus) -> list[ReportTable]:
    """Lengths, notes and keys of each part; pieces that stand there twice, or resemble those of train."""
    parts: Mapping[str, MusicPart] = corpus.parts
    columns = ("pieces", "frames", *QUANTILES)
    found = [
        by_split("pieces, and their lengths in frames", columns, parts, _lengths),
        by_split("notes", ("a frame", "most", "silent frames", "changes", "lowest", "highest"), parts, _notes),
        overlaps("pieces, in whatever key", {name: _fingerprints(part) for name, part in parts.items()}),
    ]
    near = {name: _alike(parts["train"], part) for name, part in parts.items() if name != "train" and "train" in parts}
    if near:
        title = f"pieces most of whose runs of {CHORDS} chords stand in train, in any key"
        rows = tuple(
            (name, f"{len(one)} of {len(parts[name])}", ", ".join(one[:SHOWN]) or "-") for name, one in near.items()
        )
        found.append(ReportTable(title, ("split", "pieces", "such as"), rows))
    return found


def findings(corpus: Corpus) -> Iterator[Advice]:
    """What is odd in the pieces of all parts."""
    parts: Mapping[str, MusicPart] = corpus.parts
    if {"train", "test"} <= set(parts):
        yield from _leaks(parts["train"], parts["test"])
    part = parts.get("train") or next(iter(parts.values()))
    silent = float((~_heard(part)).mean())
    if silent > MOSTLY_SILENT:
        says = f"{100 * silent:.0f} % of the frames are silent"
        yield Advice(says, "are these the right files? with a smaller data.grid frames are longer", rank=34)
    every = _coarsest(part)
    if every > 1:
        says = f"what sounds changes every {every} frames at most"
        yield Advice(says, f"a data.grid smaller by {every} says the same of MIDI files in fewer steps", rank=33)


def _lengths(part: MusicPart) -> list[str]:
    frames = np.array([len(piece) for piece in part.pieces])
    return [f"{len(part):,}", f"{frames.sum():,}", *quantiles(frames)]


def _notes(part: MusicPart) -> list[str]:
    on_NK = sounding(part.steps().values, part.keys)
    count_N = on_NK.sum(1)
    keys = np.flatnonzero(on_NK.any(0)) + part.lowest
    names = [key_name(int(key)) for key in keys[[0, -1]]] if len(keys) else ["-", "-"]
    changed = np.concatenate([_changed(piece.frames) for piece in part.pieces])
    shares = [f"{100 * float(one.mean()):.1f} %" for one in (count_N == 0, changed)]
    return [f"{count_N.mean():.2f}", f"{count_N.max()}", *shares, *names]


def key_name(pitch: int) -> str:
    """A MIDI number as people call it.

    >>> key_name(21), key_name(60)
    ('A0', 'C4')
    """
    return f"{NAMES[pitch % 12]}{pitch // 12 - 1}"


def _heard(part: MusicPart) -> np.ndarray:
    """In which frames anything sounds, (N,)."""
    values_NS = part.steps().values
    return np.asarray(((values_NS >= 0) & (values_NS < part.keys)).any(1))


def _changed(frames_TS: np.ndarray) -> np.ndarray:
    """Which frames are not like those before them, (T,); the first is not."""
    return np.r_[True, (frames_TS[1:] != frames_TS[:-1]).any(1)]


def _coarsest(part: MusicPart) -> int:
    """The greatest number of frames of which all changes are multiples; 1 where nothing changes."""
    places = [np.flatnonzero(_changed(piece.frames)) for piece in part.pieces]
    return max(1, int(np.gcd.reduce(np.concatenate(places))))


def _fingerprints(part: MusicPart) -> np.ndarray:
    """A number for each piece, alike for those that are the same but for their key."""
    return splits.fingerprints(_without_key(piece.frames, part.keys).tobytes() for piece in part.pieces)


def _without_key(frames_TS: np.ndarray, keys: int) -> np.ndarray:
    """Frames by how far notes are above the lowest, in as many slots as are used."""
    sounds_TS = (frames_TS >= 0) & (frames_TS < keys)
    lowest = frames_TS[sounds_TS].min(initial=keys)
    moved_TS = np.where(sounds_TS, frames_TS - lowest, -1).astype(np.int16)
    return moved_TS[:, : max(1, int(np.flatnonzero(sounds_TS.any(0)).max(initial=0)) + 1)]


def _alike(train: MusicPart, part: MusicPart) -> list[str]:
    """The places of pieces that resemble those of train."""
    share_D = resemblance(part.steps(), train.steps(), part.keys, CHORDS)
    return [part.place(row) for row in np.flatnonzero(share_D > ALIKE).tolist()]


def _leaks(train: MusicPart, test: MusicPart) -> Iterator[Advice]:
    alike = _alike(train, test)
    if len(alike) >= FEW_LEAKS and len(alike) / len(test) >= LEAKING:
        says = (
            f"{len(alike)} of the {len(test)} pieces of test resemble pieces of train ({', '.join(alike[:SHOWN])}, say)"
        )
        yield Advice(
            says, "put all versions of a tune into one part, for figures of what was seen are too good", rank=22
        )
