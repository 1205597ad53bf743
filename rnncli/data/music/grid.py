"""Notes of any begin and end on a grid of frames.

Shape letters: N notes, T frames, S slots, P MIDI numbers.
"""

from __future__ import annotations

import numpy as np

from rnncli.data.music.pieces import PITCHES, of_roll


def frames_of(begin_N: np.ndarray, end_N: np.ndarray, pitch_N: np.ndarray) -> tuple[np.ndarray, int]:
    """The frames (T, S) of a roll of notes that begin and end with these frames, and how many notes of frames are cut.

    ``end_N`` is the frame behind a note's last; notes are at least a frame long.
    """
    begin_N, pitch_N = begin_N.astype(np.int64), pitch_N.astype(np.int64)
    length_N = np.maximum(end_N.astype(np.int64) - begin_N, 1)
    on_TP = np.zeros((int((begin_N + length_N).max(initial=0)), PITCHES), bool)
    # Every frame of every note: the first frame of its note, and how many it is behind that.
    frame_M = np.repeat(begin_N - np.cumsum(length_N) + length_N, length_N) + np.arange(length_N.sum())
    on_TP[frame_M, np.repeat(pitch_N, length_N)] = True
    return of_roll(on_TP)
