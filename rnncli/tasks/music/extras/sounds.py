"""Music as sound, for a page."""

from __future__ import annotations

from collections.abc import Sequence

from rnncli.report.figures import Media

MAX_SECONDS = 12.0
"""That a page plays of a piece."""


def sound(frames: Sequence[Sequence[int]], seconds: float) -> Media | None:
    """The first frames as sound, ``seconds`` each; None for silence."""
    return None
