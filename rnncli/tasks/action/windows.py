"""Long clips in windows, and the row of a clip; with numpy alone, as exported models have it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from rnncli.tasks.classify.answers import row

SHOWN = "file"
"""What stands for a clip in a row."""
LONG = 1.5
"""A clip so many times as long as the longest of training is looked at in windows."""
Window = tuple[int, int]
"""Where one begins and ends, in frames."""


def windows(frames: int, longest: int) -> list[Window]:
    """Where windows as long as the longest clip of training begin and end, each half over the next.

    The last one ends with the clip; a clip that is not much longer than that is one window.
    """
    if frames <= LONG * longest:
        return [(0, frames)]
    starts = [*range(0, frames - longest, max(1, longest // 2)), frames - longest]
    return [(start, start + longest) for start in starts]


def windowed_row(
    name: str, step: float, spans: Sequence[Window], found: Sequence[np.ndarray], labels: Sequence[str]
) -> dict[str, Any]:
    """The row of a clip by the probabilities (K,) of its windows; ``step`` are the seconds between frames, or 0."""
    whole = row(name, np.mean(found, axis=0), labels, several=False, shown=SHOWN)
    if len(spans) == 1:
        return whole
    each = [
        {
            "start": round(start * (step or 1), 3),
            "end": round(end * (step or 1), 3),
            "label": labels[int(shares_K.argmax())],
            "probability": round(float(shares_K.max()), 6),
        }
        for (start, end), shares_K in zip(spans, found, strict=True)
    ]
    return whole | {"unit": "seconds" if step else "frames", "windows": each}
