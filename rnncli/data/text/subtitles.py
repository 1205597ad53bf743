"""Words with their times as subtitles (SubRip)."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count
from typing import Any

MOST_WORDS = 10
"""Of a subtitle."""
LONGEST_GAP = 1.0
"""Seconds of silence within a subtitle."""


class Subtitles:
    """Numbers subtitles through, however often words come."""

    def __init__(self) -> None:
        self._numbers = count(1)

    def blocks(self, words: Sequence[dict[str, Any]]) -> str:
        """The subtitles of some words with ``word``, ``start`` and ``end``."""
        groups: list[list[dict[str, Any]]] = []
        for word in words:
            follows = groups and len(groups[-1]) < MOST_WORDS and word["start"] - groups[-1][-1]["end"] <= LONGEST_GAP
            if follows:
                groups[-1].append(word)
            else:
                groups.append([word])
        return "".join(self._block(group) for group in groups)

    def _block(self, group: Sequence[dict[str, Any]]) -> str:
        text = " ".join(word["word"] for word in group)
        return f"{next(self._numbers)}\n{_clock(group[0]['start'])} --> {_clock(group[-1]['end'])}\n{text}\n\n"


def _clock(seconds: float) -> str:
    thousandths = round(1000 * seconds)
    minutes, rest = divmod(thousandths, 60_000)
    return f"{minutes // 60:02}:{minutes % 60:02}:{rest // 1000:02},{rest % 1000:03}"
