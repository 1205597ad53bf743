"""The columns of a text, and how several become one text."""

from __future__ import annotations

from collections.abc import Sequence


def as_columns(given: str | Sequence[str]) -> tuple[str, ...]:
    """The columns that a recipe names, of which there may be none."""
    return (given,) * bool(given) if isinstance(given, str) else tuple(given)


def joined_texts(texts: Sequence[str]) -> str:
    """Several texts of a row as one."""
    return texts[0] if len(texts) == 1 else " ".join(part for text in texts if (part := text.strip()))
