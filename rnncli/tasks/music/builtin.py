"""A built-in corpus: tunes composed by a small grammar, a melody over chords, with phrases that return.

A tune is AABA of phrases of four bars in four beats. A phrase has a chord a bar, by one of :data:`PROGRESSIONS`, and a
rhythm a bar; on strong beats its melody has a note of the chord near the one before, elsewhere a step of the scale.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rnncli.data.music.grid import roll
from rnncli.data.music.pieces import MusicPiece, of_roll

TUNES = 60
SCALE = (0, 2, 4, 5, 7, 9, 11)
PROGRESSIONS = {"A": ((0, 3, 4, 0), (0, 5, 4, 0), (0, 3, 0, 4)), "B": ((3, 0, 3, 4), (5, 3, 1, 4), (1, 4, 5, 4))}
"""The degree on which the chord of each bar stands, from 0; the last A of a tune ends on degree 0."""
RHYTHMS = ((1, 1, 1, 1), (2, 1, 1), (1, 0.5, 0.5, 1, 1), (1.5, 0.5, 1, 1), (0.5, 0.5, 1, 2))
CLOSE = (2, 2)
HOMES = (-5, -3, 0, 2, 3)
"""Half tones above middle C on which tunes stand."""
MIDDLE = 60
BAR = 4
"""Beats of a bar."""
LOW, HIGH = 4, 14
"""Steps of the scale above middle C between which melodies stay."""

Notes = list[tuple[float, float, int]]
"""Begin and end in beats, and half tones above the home."""


@dataclass(frozen=True)
class Phrase:
    """Four bars: the degree of each bar's chord, and each note of the melody by its length in beats and its step."""

    chords: tuple[int, ...]
    melody: tuple[tuple[float, int], ...]


def tunes(grid: int = 4, seed: int = 0) -> list[MusicPiece]:
    """All tunes by frames, ``grid`` of them a beat; always the same ones for a seed."""
    random = np.random.default_rng(seed)
    return [_tune(number, grid, random) for number in range(1, TUNES + 1)]


def _tune(number: int, grid: int, random: np.random.Generator) -> MusicPiece:
    first, second = _phrase("A", random), _phrase("B", random)
    accompany = (_held, _struck, _broken)[random.integers(3)]
    home = MIDDLE + int(random.choice(HOMES))
    notes: Notes = []
    for at, phrase in enumerate((first, first, second, _closed(first))):
        notes += _sung(phrase, 4 * BAR * at)
        for bar, degree in enumerate(phrase.chords):
            notes += accompany(degree, BAR * (4 * at + bar))
    begin_N, end_N, pitch_N = np.array(notes).T
    first_N = np.rint(begin_N * grid).astype(np.int64)
    behind_N = np.maximum(np.rint(end_N * grid).astype(np.int64), first_N + 1)
    frames, _ = of_roll(roll(first_N, behind_N, pitch_N.astype(np.int64) + home))
    return MusicPiece(f"tune {number}", frames, grid, float(random.integers(96, 133)))


def _phrase(kind: str, random: np.random.Generator) -> Phrase:
    chords = PROGRESSIONS[kind][random.integers(3)]
    step, melody = 7, []
    motif = RHYTHMS[random.integers(len(RHYTHMS))]
    for bar, degree in enumerate(chords):
        at = 0.0
        for length in CLOSE if bar == 3 else motif if bar != 1 else RHYTHMS[random.integers(len(RHYTHMS))]:
            step = _near(step, degree, random) if at in (0, 2) else _moved(step, random)
            melody.append((length, step))
            at += length
    return Phrase(chords, tuple(melody))


def _near(step: int, degree: int, random: np.random.Generator) -> int:
    """A step of the chord on ``degree``, one of the two nearest."""
    tones = [one for one in range(LOW, HIGH + 1) if (one - degree) % 7 in (0, 2, 4)]
    return sorted(tones, key=lambda one: abs(one - step))[random.integers(2)]


def _moved(step: int, random: np.random.Generator) -> int:
    return int(np.clip(step + random.choice((-1, 1)), LOW, HIGH))


def _closed(phrase: Phrase) -> Phrase:
    """The phrase with an end: its last bar on the home chord, its last two notes the third or fifth, and the home."""
    return Phrase((*phrase.chords[:3], 0), (*phrase.melody[:-2], (2, 9), (2, 7)))


def _sung(phrase: Phrase, at: float) -> Notes:
    notes: Notes = []
    for length, step in phrase.melody:
        notes.append((at, at + length, _half_tones(step)))
        at += length
    return notes


def _held(degree: int, at: float) -> Notes:
    return [(at, at + BAR, _half_tones(degree + above) - 12) for above in (0, 2, 4)]


def _struck(degree: int, at: float) -> Notes:
    """The lowest note on the first and third beat, the others behind it."""
    low = [(at + beat, at + beat + 1, _half_tones(degree) - 24) for beat in (0, 2)]
    chord = [(at + beat, at + beat + 1, _half_tones(degree + above) - 12) for beat in (1, 3) for above in (0, 2, 4)]
    return low + chord


def _broken(degree: int, at: float) -> Notes:
    return [(at + beat, at + beat + 1, _half_tones(degree + above) - 12) for beat, above in enumerate((0, 2, 4, 2))]


def _half_tones(step: int) -> int:
    return 12 * (step // 7) + SCALE[step % 7]
