"""Words for numbers in messages."""

from __future__ import annotations


def counted(count: int, noun: str) -> str:
    """Such as 1 stamp, 1,234 stamps."""
    return f"{count:,} {noun}{'s'[: count != 1]}"
