"""An explanation as a strip of time for a terminal: what speaks for the label above, what speaks against it below."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from rich.text import Text

from rnncli.cli.shades import BARS

if TYPE_CHECKING:
    from rnncli.explain.answer import Explanation
    from rnncli.tasks.explaining import TimeLine

FOR, AGAINST = "green", "red"
NAMED = 10
"""StripColumns of the names of rows."""
WIDEST_PIECE = 4
LEAST = 1 / 16
"""Of the largest amount, below which nothing is drawn."""
STEPS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600)
"""From one tick to the next."""


@dataclass(frozen=True)
class StripColumns:
    """Which of the P pieces each column of a strip shows: several, or of few pieces several columns one."""

    pieces: int
    width: int

    @classmethod
    def within(cls, pieces: int, room: int) -> StripColumns:
        """The columns of a strip of at most ``room``."""
        return cls(pieces, min(room, pieces * max(1, min(WIDEST_PIECE, room // max(1, pieces)))))

    def sums(self, values_P: Sequence[float] | np.ndarray) -> list[float]:
        """What the pieces of each column come to together."""
        ends = [round(at * self.pieces / self.width) for at in range(self.width + 1)]
        if self.width >= self.pieces:
            return [float(values_P[at * self.pieces // self.width]) for at in range(self.width)]
        return [float(np.sum(values_P[begin:end])) for begin, end in pairwise(ends)]

    def at(self, edge: float) -> int:
        """The column where the piece ``edge`` begins."""
        return round(edge * self.width / max(1, self.pieces))


def strip(answer: Explanation, width: int) -> Iterator[Text]:
    """The lines of a strip of at most ``width`` columns."""
    line, amounts_P = answer.pieces.line, answer.attribution.amounts_P
    assert line is not None
    columns = StripColumns.within(len(amounts_P), max(1, width - NAMED))
    sums = columns.sums(amounts_P)
    most = max(map(abs, sums), default=0.0)
    yield _row("for", _bars([max(0.0, one) for one in sums], most), FOR)
    yield _row("against", _bars([max(0.0, -one) for one in sums], most), AGAINST)
    if answer.question.looked:
        looked = columns.sums(answer.question.looked)
        yield _row("looked at", _bars(looked, max(looked, default=0.0)), "dim")
    if answer.question.at is not None:
        begin, end = map(columns.at, answer.question.at)
        yield _row("", " " * begin + "━" * max(1, end - begin), "bold")
    yield _row("seconds" if line.in_seconds else "frame", _ticks(line, columns), "dim")


def _row(name: str, drawn: str, style: str) -> Text:
    return Text(name.ljust(NAMED)).append(drawn.rstrip(), style=style)


def _bars(values: Sequence[float], most: float) -> str:
    shares = [value / most if most else 0.0 for value in values]
    heights = [max(1, round(share * len(BARS))) if share >= LEAST else 0 for share in shares]
    return "".join(f" {BARS}"[height] for height in heights)


def _ticks(line: TimeLine, columns: StripColumns) -> str:
    """Times below the columns where they are, as many as have room."""
    edges = np.asarray(line.edges, dtype=float)
    if len(edges) < 2:
        return ""
    span = float(edges[-1] - edges[0])
    for step in STEPS:
        times = np.arange(np.ceil(edges[0] / step), np.floor(edges[-1] / step) + 1) * step
        if not line.in_seconds:
            times = np.unique(np.maximum(times.round(), edges[0]))
        labels = [f"{time:g}" for time in times.round(6)]
        places = [columns.at(float(np.interp(time, edges, np.arange(len(edges))))) for time in times]
        if all(place + len(label) < after for (place, after), label in zip(pairwise(places), labels, strict=False)):
            return _placed(places, labels, columns.width)
    return f"{span:g}"


def _placed(places: Sequence[int], labels: Sequence[str], width: int) -> str:
    drawn = ""
    for place, label in zip(places, labels, strict=True):
        if place + len(label) <= width:
            drawn = drawn.ljust(place) + label
    return drawn
