"""Words for numbers and names in messages."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence

FEW = 3
"""Names that a sentence has at most."""


def counted(count: int, noun: str) -> str:
    """Such as 1 stamp, 1,234 stamps."""
    return f"{count:,} {noun}{'s'[: count != 1]}"


def few(names: Sequence[str]) -> str:
    """The first of some names."""
    return ", ".join(names[:FEW]) + (", ..." if len(names) > FEW else "")


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """``' (did you mean "x"?)'`` for the nearest of the known names, or nothing."""
    lowered = {other.lower(): other for other in known}
    near = difflib.get_close_matches(name.lower(), lowered, n=1, cutoff=0.6)
    return f' (did you mean "{lowered[near[0]]}"?)' if near else ""
