"""Where sentences end in running text, by their marks: whole slices of it, nothing between words changed.

>>> [text for _, text in cut("He met Dr. Noma (at 3.5 p.m.). Did she?  Yes!", lambda word: word == "Dr.")]
['He met Dr. Noma (at 3.5 p.m.).', 'Did she?', 'Yes!']
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

CLOSING = "\"'”’»)\\]」』）"
_END = re.compile(rf"[.!?…]+[{CLOSING}]*(?=\s)|[。！？]+[{CLOSING}]*|\n[^\S\n]*\n")
"""Marks behind which a sentence may end: those of Latin scripts before a blank, Chinese ones anywhere, a blank line."""
_BEHIND = re.compile(r"\s*[\"'“‘«(\[¿¡—-]*(?P<first>\S)")
_SHORT = re.compile(
    r"(\w\.)+|\d+\.|(Mr|Mrs|Ms|Dr|Prof|St|Jr|Sr|vs|etc|No|Nr|Fig|cf|ca|approx|Inc|Ltd|Co|Corp|Gen|Sen|Rep)\."
)


def cut(text: str, is_word: Callable[[str], bool] = lambda word: False) -> Iterator[tuple[int, str]]:
    """The sentences of a text and where each begins in it.

    A full stop ends none behind a number, an initial or an abbreviation: a usual one, or what ``is_word`` knows with
    its stop; nor where a small letter follows.
    """
    begin = 0
    for mark in _END.finditer(text):
        if _ends(text, begin, mark, is_word):
            yield from _stripped(text, begin, mark.end())
            begin = mark.end()
    yield from _stripped(text, begin, len(text))


def paragraphs(lines: Iterable[str]) -> Iterator[tuple[int, str]]:
    """What blank lines part, line ends included, and where each begins in the whole, in characters."""
    at, begin, held = 0, 0, list[str]()
    for line in lines:
        if line.strip():
            begin = begin if held else at
            held.append(line)
        elif held:
            yield begin, "".join(held)
            held = []
        at += len(line)
    if held:
        yield begin, "".join(held)


def _ends(text: str, begin: int, mark: re.Match[str], is_word: Callable[[str], bool]) -> bool:
    if not mark.group().startswith("."):
        return True
    behind = _BEHIND.match(text, mark.end())
    if behind is None or mark.group().startswith(".."):
        return behind is None or not behind["first"].islower()
    word = text[begin : mark.end()].split()[-1].lstrip("\"'“‘«([")
    stopped = word[: word.rindex(".") + 1] if mark.group() == "." else ""
    if len(stopped) > 1 and (_SHORT.fullmatch(stopped) or is_word(stopped)):
        return False
    return not behind["first"].islower()


def _stripped(text: str, begin: int, end: int) -> Iterator[tuple[int, str]]:
    found = text[begin:end]
    if found.strip():
        yield begin + len(found) - len(found.lstrip()), found.strip()
