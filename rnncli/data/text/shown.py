"""Units of a text as they stood in it."""

from __future__ import annotations

from collections.abc import Sequence

from rnncli.data.text.units import normalise

LOW_BAR = "▁"
"""Begins the first piece of a word."""


def shown_units(text: str, units: Sequence[str]) -> tuple[list[str], list[str]]:
    """Each unit as it is written in ``text``, and what stands behind it: a space, or nothing.

    >>> shown_units("It's  GOOD!", ["it", "'s", "good", "!"])
    (['It', "'s", 'GOOD', '!'], ['', ' ', '', ''])
    """
    written = " ".join(normalise(text).split())
    lowered = normalise(written, True)
    if len(lowered) != len(written):  # İ is two characters in lower case
        written = lowered
    shown, gaps, at = [], [], 0
    for unit in units:
        bare = normalise(unit.replace(LOW_BAR, " ").strip(" ") or unit.replace(LOW_BAR, ""), True)
        found = lowered.find(bare, at)
        if found < 0:  # a unit that is not what is written, such as that of an unknown character
            shown.append(unit)
            gaps.append(" ")
            continue
        if gaps:
            gaps[-1] = written[at:found] or ("" if at else gaps[-1])
        shown.append(written[found : found + len(bare)])
        gaps.append("")
        at = found + len(bare)
    return shown, gaps
