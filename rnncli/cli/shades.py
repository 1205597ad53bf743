"""Texts whose pieces are shaded by a number each, and small pictures of a row of numbers, for a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise

from rich.style import Style
from rich.text import Text

from rnncli.report.layout import visible

BARS = "▁▂▃▄▅▆▇█"
HIGH, LOW = (214, 96, 77), (67, 147, 195)
"""What stands for positive and for negative numbers: red and blue, which nearly everybody tells apart."""
FAINT = 0.08
"""Of the scale, below which nothing is shaded."""


def shaded(names: Sequence[str], values: Sequence[float], gap: str, most: float) -> Text:
    """The names with ``gap`` between them, each on a ground as strong as its value is, of ``most`` at most."""
    text = Text()
    for name, value in zip(names, values, strict=True):
        text.append(visible(name), style=ground(value / most if most else 0.0))
        text.append(gap)
    text.rstrip()
    return text


def ground(share: float) -> Style:
    """The style of a value from -1 to 1."""
    strength = min(1.0, abs(share))
    if strength < FAINT:
        return Style()
    of = HIGH if share > 0 else LOW
    red, green, blue = (round(255 + strength * (part - 255)) for part in of)
    return Style(color="black", bgcolor=f"rgb({red},{green},{blue})")


def bars(values: Iterable[float], low: float, high: float, width: int) -> str:
    """A bar a value from ``low`` to ``high``; of more than ``width`` of them the mean of each so many."""
    found = list(values)
    if len(found) > width:
        cuts = [round(at * len(found) / width) for at in range(width + 1)]
        found = [sum(found[begin:end]) / max(1, end - begin) for begin, end in pairwise(cuts)]
    span = (high - low) or 1.0
    return "".join(BARS[min(len(BARS) - 1, max(0, int((value - low) / span * len(BARS))))] for value in found)
