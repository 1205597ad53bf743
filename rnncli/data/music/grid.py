"""Notes of any begin and end on a grid of frames, so many a beat.

Shape letters: N notes, T frames, S slots or voices, P MIDI numbers.
"""

from __future__ import annotations

import numpy as np

from rnncli.data.music.midi import MidiScore
from rnncli.data.music.pieces import PITCHES, SILENT

OFF_THE_GRID = 0.1
"""Of a frame: how far from one a note may begin."""


def gridded(score: MidiScore, grid: int) -> np.ndarray:
    """The notes (N, 4) of a score: first frame, frame behind the last, MIDI number, track.

    Begins and ends are rounded to the nearest frame, the later one of two; a note has at least one.
    """
    ticks = score.ticks_a_beat
    frame_N2 = (2 * score.notes[:, :2] * grid + ticks) // (2 * ticks)
    frame_N2[:, 1] = np.maximum(frame_N2[:, 1], frame_N2[:, 0] + 1)
    return np.column_stack([frame_N2, score.notes[:, [2, 5]]])


def off_grid(score: MidiScore, grid: int) -> int:
    """How many notes of a score begin beside a grid."""
    at_N = score.notes[:, 0] * grid / score.ticks_a_beat
    return int((np.abs(at_N - np.rint(at_N)) > OFF_THE_GRID).sum())


def indistinct(notes_N4: np.ndarray) -> tuple[int, int]:
    """Of notes on a grid how many fall together with another, and how many are struck while or just after they sound.

    >>> indistinct(np.array([[0, 2, 60, 0], [0, 1, 60, 1], [2, 3, 60, 0], [4, 5, 60, 0]]))
    (1, 1)
    """
    begin_N, end_N, pitch_N = notes_N4[np.lexsort((notes_N4[:, 0], notes_N4[:, 2])), :3].T
    same_N = (np.diff(pitch_N) == 0) & (np.diff(begin_N) == 0)
    last = PITCHES + int(end_N.max(initial=0))
    # The latest end of the notes of a key so far: keys are apart by more than any end.
    heard_N = np.maximum.accumulate(pitch_N * last + end_N)
    again_N = (np.diff(pitch_N) == 0) & (heard_N[:-1] >= (pitch_N * last + begin_N)[1:]) & ~same_N
    return int(same_N.sum()), int(again_N.sum())


def roll(begin_N: np.ndarray, end_N: np.ndarray, pitch_N: np.ndarray) -> np.ndarray:
    """Which MIDI numbers sound in which frames, (T, 128) bool; ``end_N`` is the frame behind a note's last."""
    on_TP = np.zeros((int(end_N.max(initial=0)), PITCHES), bool)
    length_N = end_N - begin_N
    # Every frame of every note: the first of its note, and by how many it is behind that.
    frame_M = np.repeat(begin_N - np.cumsum(length_N) + length_N, length_N) + np.arange(length_N.sum())
    on_TP[frame_M, np.repeat(pitch_N, length_N)] = True
    return on_TP


def top_of_tracks(notes_N4: np.ndarray, tracks: list[int]) -> tuple[np.ndarray, int]:
    """The highest note (T, S) of each track, -1 for silence, and how many notes of frames lie below one."""
    frames = int(notes_N4[:, 1].max(initial=0))
    pitch_TS = np.full((frames, len(tracks)), SILENT, np.int64)
    below = 0
    for voice, track in enumerate(tracks):
        begin_N, end_N, pitch_N = notes_N4[notes_N4[:, 3] == track, :3].T
        on_TP = roll(begin_N, end_N, pitch_N)
        heard_T = on_TP.any(1)
        pitch_TS[: len(on_TP), voice][heard_T] = PITCHES - 1 - on_TP[heard_T, ::-1].argmax(1)
        below += int(on_TP.sum() - heard_T.sum())
    return pitch_TS, below
