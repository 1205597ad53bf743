"""Where long recordings are cut, and what is said in each piece: at silences between words, segments or lines.

Nothing is cut by guess: it must be known when things are said, or the silences must tell lines apart beyond doubt.
Shape letters: N samples, T frames of 10 ms.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from rnncli.data.audio.features import FRAME
from rnncli.data.audio.sound import Sound

AROUND = 0.25
"""Seconds of silence that are kept before and after a piece, at most."""
BETWEEN_LINES, LONGER = 0.5, 1.5
"""Seconds of silence that part lines at least, and how many times as long as any within a line they must be."""
CLICK = 0.05
"""Seconds of sound between silences that are none of speech."""


@dataclass(frozen=True)
class Said:
    """Some words and when they are said, in seconds from the beginning of the recording."""

    text: str
    start: float
    end: float


def pieces(said: Sequence[Said], seconds: float, longest: float) -> tuple[list[Said], int]:
    """Neighbours put together to pieces of at most ``longest`` seconds, and how many of ``said`` are longer than that.

    Each piece ends at the longest silence in the second half of what it could hold. What is longer alone is left out.
    ``seconds`` is the length of the recording.
    """
    edges = [(0.0, 0.0), *((one.start, one.end) for one in said), (seconds, seconds)]
    gaps = [after[0] - before[1] for before, after in pairwise(edges)]
    begins = [one.start - min(AROUND, max(0.0, gap) / 2) for one, gap in zip(said, gaps, strict=False)]
    ends = [one.end + min(AROUND, max(0.0, gap) / 2) for one, gap in zip(said, gaps[1:], strict=True)]
    found: list[Said] = []
    first = lost = 0
    while first < len(said):
        fits = first
        while fits < len(said) and ends[fits] - begins[first] <= longest:
            fits += 1
        late = [i for i in range(first, fits) if ends[i] - begins[first] >= longest / 2] or range(first, fits)
        last = first if fits == first else fits - 1 if fits == len(said) else max(late, key=lambda i: (gaps[i + 1], i))
        if fits == first:
            lost += 1
        else:
            text = " ".join(one.text for one in said[first : last + 1])
            found.append(Said(text, begins[first], ends[last]))
        first = last + 1
    return found, lost


def lines_in(sound: Sound, lines: Sequence[str]) -> list[Said] | None:
    """When each line is said; None unless the recording has as many stretches between long silences as lines."""
    stretches = _stretches(_levels(sound))
    silences = [after[0] - before[1] for before, after in pairwise(stretches)]
    ranked = sorted(silences, reverse=True)
    parting = len(lines) - 1
    if not 0 < parting <= len(silences):
        return None
    shortest, within = ranked[parting - 1], ranked[parting] if parting < len(ranked) else 0
    if shortest * FRAME < BETWEEN_LINES or shortest < LONGER * within:
        return None
    starts = [0, *(i + 1 for i, silence in enumerate(silences) if silence >= shortest)]
    ends = [*(start - 1 for start in starts[1:]), len(stretches) - 1]
    return [
        Said(line, stretches[start][0] * FRAME, stretches[end][1] * FRAME)
        for line, start, end in zip(lines, starts, ends, strict=True)
    ]


def _levels(sound: Sound) -> np.ndarray:
    """Decibels of full scale of each frame, (T,)."""
    size = max(1, round(sound.rate * FRAME))
    power_T = (sound.samples[: len(sound.samples) // size * size].reshape(-1, size) ** 2).mean(1)
    return 10 * np.log10(power_T + 1e-10)


def _stretches(levels_T: np.ndarray) -> list[tuple[int, int]]:
    """Frames, half open, that are louder than midway between the quietest and the loudest twentieth."""
    if not len(levels_T):
        return []
    loud_T = levels_T > np.quantile(levels_T, [0.05, 0.95]).mean()
    edges = np.flatnonzero(np.diff(loud_T, prepend=False, append=False)).reshape(-1, 2).tolist()
    return [(start, end) for start, end in edges if (end - start) * FRAME >= CLICK]
