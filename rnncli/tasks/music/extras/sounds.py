"""Music as sound, for a page."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from rnncli.data.music.pieces import KEYS, LOWEST, SILENT, MusicPiece
from rnncli.data.music.synth import wav
from rnncli.report.figures import Media

MAX_SECONDS = 12.0
"""That a page plays of a piece."""


def sound(frames: Sequence[Sequence[int]], seconds: float, *, voices: bool) -> Media | None:
    """The first frames of MIDI numbers as sound, ``seconds`` each; None for silence.

    Of ``voices`` a frame has a number for each, -1 for silence.
    """
    shown = frames[: max(1, int(MAX_SECONDS / seconds))]
    if not any(midi >= 0 for frame in shown for midi in frame):
        return None
    silence = KEYS if voices else SILENT
    keys_TS = np.full((len(shown), max(map(len, shown))), silence, np.int16)
    for t, frame in enumerate(shown):
        keys_TS[t, : len(frame)] = [midi - LOWEST if midi >= 0 else silence for midi in frame]
    piece = MusicPiece("", keys_TS, beat=1, tempo=60 / seconds)
    more = f" of {len(frames) * seconds:.0f} s" if len(frames) > len(shown) else ""
    return Media("audio/wav", wav(piece, "voices" if voices else "rolls"), f"{len(shown) * seconds:.1f} s{more}")
