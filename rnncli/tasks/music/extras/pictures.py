"""Music as a piano roll: in characters for a terminal, as a picture for a page.

Frames are lists of MIDI numbers; of voices each has its place in the list, -1 for silence. Shape letters: T frames, R
rows of keys, P pixels, C channels.
"""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np

from rnncli.report.figures import Media

Frames = Sequence[Sequence[int]]
NAMES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
COLUMNS = 72
"""Frames that a roll in characters shows."""
MAX_FRAMES = 400
"""That a picture shows."""
WIDTH, KEY_PIXELS = 960, 5
"""Pixels of a picture from left to right, about, and of a key."""
PAPER, BLACK_KEYS, BEATS = 255, 242, 215
"""Greys: of white keys, of black ones, of the begin of a beat."""
COLOURS = np.array([[31, 87, 150], [176, 84, 24], [30, 120, 84], [122, 60, 138]], np.uint8)
"""Of voices, from the first; rolls have the first alone."""
BLACK = (1, 3, 6, 8, 10)
_HALVES = {(False, False): " ", (True, False): "▀", (False, True): "▄", (True, True): "█"}


def note_name(midi: int) -> str:
    """The name of a MIDI number, of which 60 is C4.

    >>> note_name(61), note_name(21)
    ('C#4', 'A0')
    """
    return f"{NAMES[midi % 12]}{midi // 12 - 1}"


def roll_text(frames: Frames) -> str:
    """The first frames in half blocks: time goes to the right, two keys a line, those of C named; empty for silence."""
    sounding_TR, lowest = _sounding(frames[:COLUMNS])
    if not sounding_TR.any():
        return ""
    # Pairs begin with C, so that each line that has a name begins an octave.
    pad = lowest % 2
    sounding_TR = np.pad(sounding_TR, ((0, 0), (pad, (sounding_TR.shape[1] + pad) % 2)))
    lines = []
    for row in range(sounding_TR.shape[1] - 2, -1, -2):
        midi = lowest - pad + row
        pairs = zip(sounding_TR[:, row + 1].tolist(), sounding_TR[:, row].tolist(), strict=True)
        named = note_name(midi) if midi % 12 == 0 else ""
        lines.append(f"{named:<3} {''.join(_HALVES[pair] for pair in pairs)}".rstrip())
    return "\n".join(lines)


def roll_picture(frames: Frames, *, beat: float, voices: bool) -> Media | None:
    """A picture of the first frames, ``beat`` of them a beat, voices in colours of their own; None for silence."""
    from matplotlib.image import imsave

    shown = frames[:MAX_FRAMES]
    sounding_TR, lowest = _sounding(shown)
    if not sounding_TR.any():
        return None
    size = sounding_TR.shape[1] + 2
    pixels_RTC = np.full((size, len(shown), 3), PAPER, np.uint8)
    pixels_RTC[[row for row in range(size) if (lowest - 1 + row) % 12 in BLACK]] = BLACK_KEYS
    for t, frame in enumerate(shown):
        for voice, midi in enumerate(frame):
            if midi >= 0:
                pixels_RTC[midi - lowest + 1, t] = COLOURS[voice % len(COLOURS) if voices else 0]
    wide = max(2, WIDTH // max(len(shown), 1) // 2 * 2)
    large = np.repeat(np.repeat(pixels_RTC, KEY_PIXELS, 0), min(wide, 12), 1)
    _draw_beats(large, min(wide, 12), beat)
    content = io.BytesIO()
    imsave(content, large[::-1], format="png")
    more = f" of {len(frames):,}" if len(frames) > len(shown) else ""
    return Media("image/png", content.getvalue(), f"piano roll of {len(shown):,}{more} frames")


def _sounding(frames: Frames) -> tuple[np.ndarray, int]:
    """Which keys sound, (T, R) bool, from the lowest that does to the highest, and the MIDI number of the lowest."""
    every = [midi for frame in frames for midi in frame if midi >= 0]
    lowest, highest = min(every, default=0), max(every, default=0)
    sounding_TR = np.zeros((len(frames), highest - lowest + 1), bool)
    for t, frame in enumerate(frames):
        sounding_TR[t, [midi - lowest for midi in frame if midi >= 0]] = True
    return sounding_TR, lowest


def _draw_beats(pixels_RPC: np.ndarray, wide: int, beat: float) -> None:
    """A thin line where each beat begins, behind the notes."""
    starts = np.arange(0, pixels_RPC.shape[1] / wide, max(beat, 1)).round().astype(int) * wide
    columns_RSC = pixels_RPC[:, starts]
    pixels_RPC[:, starts] = np.where(columns_RSC.min(2, keepdims=True) >= BLACK_KEYS, BEATS, columns_RSC)
