"""Cutting running text by place: the first of it to train on, the last of it to test on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from rnncli.data.text.documents import Documents, FilePlaces
from rnncli.errors import DataError

LEAST = 10
"""Characters that a part has."""
MOST_MOVED = 1 << 16
"""Bytes by which a cut may move to be at the end of a line, and a share of the part: ``1 / MOVED_SHARE``."""
MOVED_SHARE = 20
Cut = tuple[int, int]
"""A document, and a byte of the store in it."""


def by_place(documents: Documents, shares: Mapping[str, float], *, exactly: bool) -> dict[str, Documents]:
    """The parts of these shares, in their order; the shares add up to 1.

    A cut lies ``exactly`` at the share of characters, rounded down, or near to it at the end of a line, else at a
    blank. Raises DataError where a part would have no text.
    """
    total = documents.characters
    reach = int(min(MOST_MOVED, min(shares.values()) * documents.bytes / MOVED_SHARE))
    at = [_locate(documents, int(total * share + 1e-6)) for share in np.cumsum([0.0, *shares.values()])[:-1]]
    cuts = [cut if exactly or not number else _at_line_end(documents, cut, reach) for number, cut in enumerate(at)]
    ends = [*cuts[1:], (len(documents) - 1, int(documents.end_D[-1]))]
    parts = {}
    for name, begin, end in zip(shares, cuts, ends, strict=True):
        part = _between(documents, begin, end)
        if part is None or part.characters < LEAST or not any(piece.strip() for one in part for piece in one.pieces()):
            raise DataError(
                f"{documents.store.name}: {total:,} characters are too few to cut {', '.join(shares)} from",
                "more text, or files of their own: --dev FILE --test FILE",
            )
        parts[name] = part
    return parts


def _locate(documents: Documents, characters: int) -> Cut:
    """Where so many characters of all documents have been read."""
    done_D = np.cumsum(documents.characters_D)
    index = min(int(np.searchsorted(done_D, characters, side="right")), len(documents) - 1)
    before = int(done_D[index - 1]) if index else 0
    return index, documents.store.behind(int(documents.begin_D[index]), characters - before)


def _at_line_end(documents: Documents, cut: Cut, reach: int) -> Cut:
    """The cut, moved behind the nearest line end in reach, else behind the nearest blank, if there is any."""
    index, at = cut
    begin, end = max(int(documents.begin_D[index]), at - reach), min(int(documents.end_D[index]), at + reach)
    before, behind = documents.store.read(begin, at), documents.store.read(at, end)
    for mark in (b"\n", b" "):
        places = [at - len(before) + before.rfind(mark) + 1] if mark in before else []
        places += [at + behind.find(mark) + 1] if mark in behind else []
        if places:
            return index, min(places, key=lambda place: abs(place - at))
    return cut


def _between(documents: Documents, begin: Cut, end: Cut) -> Documents | None:
    """The documents from one cut to another; None for no text."""
    begin_D, end_D = documents.begin_D.copy(), documents.end_D.copy()
    begin_D[begin[0]], end_D[end[0]] = begin[1], end[1]
    rows = np.arange(begin[0], end[0] + 1)
    rows = rows[begin_D[rows] < end_D[rows]]
    if not len(rows):
        return None
    origin = documents.origin.take(rows)
    first = int(documents.begin_D[rows[0]])
    if isinstance(origin, FilePlaces) and first < begin_D[rows[0]]:
        lines = sum(chunk.count(b"\n") for chunk in documents.store.chunks(first, int(begin_D[rows[0]])))
        line_D = origin.line_D.copy()
        line_D[0] = max(1, line_D[0]) + lines if lines else line_D[0]
        origin = replace(origin, line_D=line_D)
    return Documents(documents.store, begin_D[rows], end_D[rows], origin)
