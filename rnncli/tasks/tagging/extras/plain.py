"""Plain text to words that are slices of it: where each begins is kept, so that a span is a slice, too.

>>> words("Ms Noma, of Wenback", by_character=False, knows=lambda parts: [part == "Ms" for part in parts])
(['Ms', 'Noma', ',', 'of', 'Wenback'], [0, 3, 7, 9, 12])
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

WORD = re.compile(r"\w+(?:[-.,:/'’]\w+)*|\.\.\.|[^\w\s]")
_PART = re.compile(r"\S+")


def words(
    text: str, *, by_character: bool, knows: Callable[[Sequence[str]], Sequence[bool]]
) -> tuple[list[str], list[int]]:
    """The words of a sentence and where each begins in it.

    They are what stands between spaces, cut at punctuation where it is no known word; or all characters but blanks.
    """
    if by_character:
        starts = [at for at, one in enumerate(text) if not one.isspace()]
        return [text[at] for at in starts], starts
    parts = list(_PART.finditer(text))
    known = knows([part.group() for part in parts])
    found = [
        (word.group(), part.start() + word.start())
        for part, whole in zip(parts, known, strict=True)
        for word in (_PART if whole else WORD).finditer(part.group())
    ]
    return [word for word, _ in found], [start for _, start in found]


def placed(spans: Sequence[Mapping[str, Any]], text: str, tokens: Sequence[str], starts: Sequence[int]) -> list[Any]:
    """Spans of words with where they stand in the text, in characters, and what stands there."""
    found = []
    for span in spans:
        last = span["end"] - 1
        begin, end = starts[span["start"]], starts[last] + len(tokens[last])
        place = {"start_char": begin, "end_char": end}
        found.append({**{name: span[name] for name in ("type", "start", "end")}, **place, "text": text[begin:end]})
        found[-1]["probability"] = span["probability"]
    return found
