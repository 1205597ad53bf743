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

MOST_SILENCE_KEPT = 0.25
"""Seconds of silence before and after a piece."""
SHORTEST_BREAK = 0.5
"""Seconds of silence that part lines at least."""
LEAST_BREAK_RATIO = 1.5
"""How many times as long as any silence within a line such a break must be."""
SHORTEST_SPEECH = 0.05
"""Seconds of sound between silences; less is a click."""


@dataclass(frozen=True)
class Segment:
    """Some words and when they are said, in seconds from the beginning of the recording."""

    text: str
    start: float
    end: float


def pieces(segments: Sequence[Segment], seconds: float, longest: float) -> tuple[list[Segment], int]:
    """Neighbours put together to pieces of at most ``longest`` seconds, and how many ``segments`` are longer than that.

    Each piece ends at the longest silence in the second half of what it could hold. What is longer alone is left out.
    ``seconds`` is the length of the recording.
    """
    edges = [(0.0, 0.0), *((one.start, one.end) for one in segments), (seconds, seconds)]
    gaps = [after[0] - before[1] for before, after in pairwise(edges)]
    begins = [one.start - min(MOST_SILENCE_KEPT, max(0.0, gap) / 2) for one, gap in zip(segments, gaps, strict=False)]
    ends = [one.end + min(MOST_SILENCE_KEPT, max(0.0, gap) / 2) for one, gap in zip(segments, gaps[1:], strict=True)]
    found: list[Segment] = []
    first = lost = 0
    while first < len(segments):
        fits = first
        while fits < len(segments) and ends[fits] - begins[first] <= longest:
            fits += 1
        if fits == first:
            lost += 1
            first += 1
            continue
        last = fits - 1
        if fits < len(segments):
            late = [i for i in range(first, fits) if ends[i] - begins[first] >= longest / 2] or range(first, fits)
            last = max(late, key=lambda i: (gaps[i + 1], i))
        text = " ".join(one.text for one in segments[first : last + 1])
        found.append(Segment(text, begins[first], ends[last]))
        first = last + 1
    return found, lost


def lines_in(sound: Sound, lines: Sequence[str]) -> list[Segment] | None:
    """When each line is said; None unless the recording has as many stretches between long silences as lines."""
    stretches = _stretches(_levels(sound))
    silences = [after[0] - before[1] for before, after in pairwise(stretches)]
    ranked = sorted(silences, reverse=True)
    parting = len(lines) - 1
    if not 0 < parting <= len(silences):
        return None
    shortest, within = ranked[parting - 1], ranked[parting] if parting < len(ranked) else 0
    if shortest * FRAME < SHORTEST_BREAK or shortest < LEAST_BREAK_RATIO * within:
        return None
    starts = [0, *(i + 1 for i, silence in enumerate(silences) if silence >= shortest)]
    ends = [*(start - 1 for start in starts[1:]), len(stretches) - 1]
    return [
        Segment(line, stretches[start][0] * FRAME, stretches[end][1] * FRAME)
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
    return [(start, end) for start, end in edges if (end - start) * FRAME >= SHORTEST_SPEECH]
