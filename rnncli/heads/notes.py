"""Frames of music as the notes that :mod:`rnncli.heads.chords` foretells one after the other, in numpy.

Shape letters: F frames, S slots of a frame, N symbols of all frames, C places of a frame.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

FARTHEST = 16
"""Half tones of the largest distance between keys that the head has a weight for."""
NOTHING, BEGIN = -1, -2
"""In a slot: no note, and no frame at all, which comes before the first."""


class Unrolled(NamedTuple):
    """Symbols one behind the other: their frames and places there, those before them in their frame, the last of these.

    ``chosen_NC`` is -1 where nothing is; ``last_N`` is K + 1 for the first symbol of a frame.
    """

    symbol_N: np.ndarray
    frame_N: np.ndarray
    slot_N: np.ndarray
    chosen_NC: np.ndarray
    last_N: np.ndarray


def unrolled(frames_FS: np.ndarray, keys: int, voices: int) -> Unrolled:
    """The symbols of frames of voices, or of notes upwards with ``keys`` behind the last, where ``voices`` is 0.

    >>> unrolled(np.array([[3, 7], [-1, -1]]), keys=9, voices=0).symbol_N.tolist()
    [3, 7, 9, 9]
    """
    symbols_FC = frames_FS.astype(np.int64)
    if not voices:
        symbols_FC = np.pad(symbols_FC, ((0, 0), (0, 1)), constant_values=NOTHING)
        symbols_FC[np.arange(len(frames_FS)), (frames_FS >= 0).sum(1)] = keys
    frame_N, slot_N = np.nonzero(symbols_FC >= 0)
    chosen_NC = np.where(np.arange(symbols_FC.shape[1]) < slot_N[:, None], symbols_FC[frame_N], NOTHING)
    last_FC = np.pad(symbols_FC[:, :-1], ((0, 0), (1, 0)), constant_values=keys + 1)
    return Unrolled(symbols_FC[frame_N, slot_N], frame_N, slot_N, chosen_NC, last_FC[frame_N, slot_N])
