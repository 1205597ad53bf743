"""Words of running text with all that is between them, so that the tokens of a text put together are the text.

A token is a word with the blank before it, a digit, a mark or a run of the same one, a line end, or the blanks that no
word takes; a character of a script without blanks stands alone::

    "It's 12 o'clock,  she said."  ->  It's| 1|2| o'clock|,| | she| said|.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Iterator

from rnncli.data.text.units import UNSPACED, marks

MOST_UNSPACED = 16
"""Characters of a script without blanks from which pieces are learnt together."""
LONGEST_WORD = 1 << 20
"""Characters of a word that are waited for."""
_SPACED = re.compile(r"\S+|\n")


def spaced(text: str) -> tuple[list[str], list[int]]:
    """Words between blanks, and line ends; each with where it begins."""
    found = [(match.group(), match.start()) for match in _SPACED.finditer(text)]
    return [token for token, _ in found], [start for _, start in found]


def words(text: str) -> list[str]:
    """The tokens of a text, without a loss."""
    return [match.group() for match in _pattern(1).finditer(text)]


def spans(text: str) -> list[str]:
    """The same, but several characters of a script without blanks in one."""
    return [match.group() for match in _pattern(MOST_UNSPACED).finditer(text)]


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
