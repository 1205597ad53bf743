"""Pieces of music by frames of equal length: the keys of each frame, or the key of each voice.

A chord of C for two frames and its bass alone in a third, key 0 being MIDI number 21, as ``rolls`` and, of four voices,
as ``voices`` (88, the number of keys, is silence)::

    [[27, 39, 43, 46], [27, 39, 43, 46], [27, -1, -1, -1]]
    [[46, 43, 39, 27], [46, 43, 39, 27], [88, 88, 88, 27]]

Neither tells a key that is held from one that is struck again at once.
Shape letters: T frames, S slots (most notes of a frame, or voices), K keys, P MIDI numbers, N notes.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np

Form = Literal["rolls", "voices"]
LOWEST, KEYS = 21, 88
"""The MIDI number of key 0, and how many keys there are: those of a piano."""
PITCHES = 128
TEMPO = 120.0
"""Beats a minute where nothing says how many."""
ALL = "all"
"""The part of a source that names none."""
EMPTY = "piece without a frame"
SILENT = -1
"""Stands behind the notes of a frame of a roll, and in data for the silence of a voice."""


@dataclass(frozen=True, eq=False)
class MusicPiece:
    """A piece ``frames`` (T, S) int16: of rolls the keys of a frame, ascending, then -1; of voices a key each, or K.

    ``place`` is where it stands in the user's data, ``beat`` the frames of a beat, ``tempo`` the beats of a minute.
    """

    place: str
    frames: np.ndarray
    beat: int = 4
    tempo: float = TEMPO

    def __len__(self) -> int:
        return len(self.frames)

    @property
    def frame_seconds(self) -> float:
        """How long a frame sounds."""
        return 60 / self.tempo / self.beat


@dataclass(frozen=True)
class PieceFile:
    """The pieces of a source by the names that it has for its parts; ``all`` where it has none.

    ``notes`` are sentences for a person; ``dropped`` counts what was left out by reason.
    """

    form: Form
    pieces: dict[str, list[MusicPiece]]
    notes: list[str] = field(default_factory=list)
    dropped: Counter[str] = field(default_factory=Counter)

    def having(self, note: str) -> PieceFile:
        """The same with another note, if it says anything."""
        return replace(self, notes=[*self.notes, note]) if note else self


def slotted(on_TK: np.ndarray) -> np.ndarray:
    """The frames (T, S) of a roll of truth values, of at least one slot.

    >>> slotted(np.array([[0, 1, 1], [0, 0, 0], [1, 0, 0]], bool)).tolist()
    [[1, 2], [-1, -1], [0, -1]]
    """
    count_T = on_TK.sum(1)
    frames_TS = np.full((len(on_TK), max(1, int(count_T.max(initial=0)))), SILENT, np.int16)
    frame_N, key_N = np.nonzero(on_TK)
    first_T = np.cumsum(count_T) - count_T
    frames_TS[frame_N, np.arange(len(frame_N)) - first_T[frame_N]] = key_N
    return frames_TS


def sounding(frames_TS: np.ndarray, keys: int = KEYS) -> np.ndarray:
    """Which keys sound in each frame of either form, (T, K) bool.

    >>> sounding(np.array([[1, 2], [3, -1]]), keys=3).tolist()
    [[False, True, True], [False, False, False]]
    """
    on_TK = np.zeros((len(frames_TS), keys), bool)
    frame_N, slot_N = np.nonzero((frames_TS >= 0) & (frames_TS < keys))
    on_TK[frame_N, frames_TS[frame_N, slot_N]] = True
    return on_TK


def of_roll(on_TP: np.ndarray) -> tuple[np.ndarray, int]:
    """The frames of a roll over all MIDI numbers, and how many notes of frames lie beside the keyboard and were cut."""
    on_TK = on_TP[:, LOWEST : LOWEST + KEYS]
    return slotted(on_TK), int(on_TP.sum() - on_TK.sum())


def of_voices(pitch_TS: np.ndarray) -> tuple[np.ndarray, int]:
    """The frames of voices by MIDI numbers, -1 for silence, and how many lie beside the keyboard and were silenced."""
    key_TS = pitch_TS - LOWEST
    outside_TS = (pitch_TS >= 0) & ((key_TS < 0) | (key_TS >= KEYS))
    return np.where((pitch_TS < 0) | outside_TS, KEYS, key_TS).astype(np.int16), int(outside_TS.sum())


def beside(name: str, cut: int) -> str:
    """What is to be said of notes that lie beside the keyboard, counted by frames; nothing where there are none."""
    return f"{name}: beside the {KEYS} keys of a piano, left out: {cut:,} of the notes of frames" if cut else ""


def notes_of(frames_TS: np.ndarray, form: Form = "rolls", *, keys: int = KEYS, lowest: int = LOWEST) -> np.ndarray:
    """The notes (N, 4) of frames, by their begin: first frame, frame behind the last, MIDI number, voice (0 of rolls).

    A key that goes on sounding from frame to frame, of voices in the same voice, is one note.

    >>> notes_of(np.array([[3, 7], [3, -1]]), lowest=60).tolist()
    [[0, 2, 63, 0], [0, 1, 67, 0]]
    """
    if form == "voices":
        parts = [_runs(sounding(frames_TS[:, [voice]], keys), voice) for voice in range(frames_TS.shape[1])]
        notes_N4 = np.concatenate(parts)
    else:
        notes_N4 = _runs(sounding(frames_TS, keys), 0)
    notes_N4[:, 2] += lowest
    return notes_N4[np.lexsort((notes_N4[:, 2], notes_N4[:, 3], notes_N4[:, 0]))]


def _runs(on_TK: np.ndarray, voice: int) -> np.ndarray:
    """Each run of frames in which a key sounds: first, behind the last, key, voice."""
    padded_KT = np.pad(on_TK.T.astype(np.int8), ((0, 0), (1, 1)))
    step_KT = np.diff(padded_KT, axis=1)
    key_N, first_N = np.nonzero(step_KT == 1)
    _, end_N = np.nonzero(step_KT == -1)
    return np.column_stack([first_N, end_N, key_N, np.full_like(key_N, voice)])
