"""Words of running text with all that is between them, so that the tokens of a text put together are the text.

A token is a word with the blank before it, a digit, a mark or a run of the same one, a line end, or the blanks that no
word takes; a character of a script without blanks stands alone::

    "It's 12 o'clock,  she said."  ->  It's| 1|2| o'clock|,| | she| said|.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Iterator

import numpy as np

from rnncli.data.text.units import UNSPACED, marks

MOST_UNSPACED = 16
"""Characters of a script without blanks from which pieces are learnt together."""
LONGEST_WORD = 1 << 20
"""Characters of a word that are waited for."""
_CHUNKS = re.compile(r"\n| ?\S+|[^\S\n]+(?= \S)|[^\S\n]+")
_SPACED = re.compile(r"\S+|\n")


def spaced(text: str) -> list[str]:
    """Words between blanks, and line ends."""
    return _SPACED.findall(text)


def starts(codes_N: np.ndarray) -> np.ndarray:
    """Where each of these begins, by the code points of the characters."""
    blank_N1 = np.append(True, _blanks()[codes_N])
    return np.flatnonzero((blank_N1[:-1] & ~blank_N1[1:]) | (codes_N == ord("\n")))


def chunks(text: str) -> list[str]:
    """Words with the blank and the marks at them, line ends, and other blanks: no token is in two of them."""
    return _CHUNKS.findall(text)


def words(text: str) -> list[str]:
    """The tokens of a text, without a loss."""
    return [token for chunk in chunks(text) for token in _cut(chunk, 1)]


def spans(text: str) -> list[str]:
    """The same, but several characters of a script without blanks in one."""
    return [token for chunk in chunks(text) for token in _cut(chunk, MOST_UNSPACED)]


def whole(pieces: Iterable[str], *, with_blanks: bool) -> Iterator[str]:
    """A text in other pieces, between which no token is, ``with_blanks`` behind the words that they come after.

    A word longer than ``LONGEST_WORD`` may be cut all the same, so that a text without blanks does not fill the memory.
    """
    rest = ""
    for piece in pieces:
        text = rest + piece
        end = _begin_of_last_word(text) if with_blanks else _end_of_last_word(text)
        end = end or (len(text) if len(text) > LONGEST_WORD else 0)
        if end:
            yield text[:end]
        rest = text[end:]
    if rest:
        yield rest


def _begin_of_last_word(text: str) -> int:
    """Where the last word between blanks begins, 0 where no token is before it."""
    bare = text.rstrip()
    begin = len(bare) - len(bare.rsplit(None, 1)[-1]) if bare else 0
    return begin if _SPACED.search(text, 0, begin) else 0


def _end_of_last_word(text: str) -> int:
    """Where the last word ends that has a blank behind it."""
    bare = text.rstrip()
    if len(bare) == len(text):
        bare = text[: len(text) - len(text.rsplit(None, 1)[-1])].rstrip() if text else ""
    return len(bare)


def _cut(chunk: str, unspaced: int) -> tuple[str, ...]:
    # Most chunks come again and again; long ones, of scripts without blanks, hardly ever.
    return _find(chunk, unspaced) if len(chunk) <= 32 else _find.__wrapped__(chunk, unspaced)


@functools.lru_cache(maxsize=1 << 17)
def _find(chunk: str, unspaced: int) -> tuple[str, ...]:
    return tuple(match.group() for match in _pattern(unspaced).finditer(chunk))


@functools.cache
def _blanks() -> np.ndarray:
    """Which code points are blanks, those of line ends among them."""
    table = np.zeros(0x110000, dtype=bool)
    table[[code for code in range(0x3001) if chr(code).isspace()]] = True
    return table


@functools.cache
def _pattern(unspaced: int) -> re.Pattern[str]:
    letter = f"(?:[^\\W\\d_{UNSPACED}]|[{marks()}])"
    return re.compile(
        r"\n"
        rf"| ?{letter}+(?:['’]{letter}+)*"
        r"| ?\d"
        rf"| ?[{UNSPACED}]{{1,{unspaced}}}"
        r"| ?(_|[^\w\s])\1*"
        r"|[^\S\n]+(?= \S)|[^\S\n]+"
    )
