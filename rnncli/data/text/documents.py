"""Texts that may be larger than memory: kept as utf-8 in a file that has no name, and read again piece by piece.

Shape letters: D documents.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol, Self, overload

import numpy as np

from rnncli.data.temporary import Spool, room_for

PIECE = 1 << 20
"""Bytes of a text that are read at once."""


class Origin(Protocol):
    """Where texts come from."""

    def place(self, i: int) -> str:
        """Where text ``i`` stands in the user's data."""
        ...

    def take(self, indices: np.ndarray) -> Self:
        """The same of some of the texts."""
        ...


class TextStore:
    """Texts one behind the other, as utf-8; a text is known by the bytes from its begin to its end.

    >>> store = TextStore("notes")
    >>> store.append("naïve"), store.append("!")
    ((0, 6), (6, 7))
    >>> store.characters(0, 6), store.behind(0, 3), "".join(store.pieces(0, 7))
    (5, 4, 'naïve!')
    """

    def __init__(self, name: str) -> None:
        self.name, self._ascii, self._spool = name, True, Spool()

    @property
    def size(self) -> int:
        """Bytes of all texts."""
        return self._spool.size

    def append(self, text: str) -> tuple[int, int]:
        """Where a text begins and ends that is put behind all others; raises DataError where the disk is full."""
        begin = self.size
        self._ascii = self._ascii and text.isascii()
        with room_for(self.name):
            self._spool.append(text.encode("utf-8", "replace"))
        return begin, self.size

    def read(self, begin: int, end: int) -> bytes:
        """The bytes of a text."""
        return self._spool.read(begin, end)

    def chunks(self, begin: int, end: int) -> Iterator[bytes]:
        """The bytes of a text, at most ``PIECE`` at once."""
        for at in range(begin, end, PIECE):
            yield self.read(at, min(at + PIECE, end))

    def pieces(self, begin: int, end: int) -> Iterator[str]:
        """A text in pieces of whole characters."""
        decoder = codecs.getincrementaldecoder("utf-8")()
        return (piece for chunk in self.chunks(begin, end) if (piece := decoder.decode(chunk)))

    def characters(self, begin: int, end: int) -> int:
        """How many characters a text has."""
        if self._ascii:
            return end - begin
        return sum(int(np.count_nonzero(_first_bytes(chunk))) for chunk in self.chunks(begin, end))

    def characters_before(self, places_P: np.ndarray) -> np.ndarray:
        """How many characters begin before each of these bytes of the store, (P,)."""
        if self._ascii:
            return places_P
        order_P = np.argsort(places_P, kind="stable")
        found_P, done, total = np.empty(len(places_P), dtype=np.int64), 0, 0
        for number, chunk in enumerate(self.chunks(0, self.size)):
            before = np.concatenate([[0], np.cumsum(_first_bytes(chunk))])
            end = int(np.searchsorted(places_P, number * PIECE + len(chunk), side="right", sorter=order_P))
            inside = order_P[done:end]
            found_P[inside] = total + before[places_P[inside] - number * PIECE]
            done, total = end, total + int(before[-1])
        return found_P

    def behind(self, begin: int, characters: int) -> int:
        """Where so many characters of the text that begins at ``begin`` have been read; the end of all if too many."""
        if self._ascii:
            return min(begin + characters, self.size)
        at = begin
        for chunk in self.chunks(begin, self.size):
            first = np.flatnonzero(_first_bytes(chunk))
            if characters < len(first):
                return at + int(first[characters])
            characters -= len(first)
            at += len(chunk)
        return self.size


@dataclass(frozen=True, eq=False)
class Document:
    """A text of ``store``, which is read only when asked for; ``place`` is where it stands in the user's data.

    >>> document = Document.of("to be or not", "book.txt")
    >>> document.characters, document.slice(6, 8).text()
    (12, 'or')
    """

    store: TextStore
    begin: int
    end: int
    place: str

    @classmethod
    def of(cls, text: str, place: str = "text") -> Self:
        """A text that is at hand."""
        store = TextStore(place)
        return cls(store, *store.append(text), place)

    @property
    def bytes(self) -> int:
        """Bytes of the text in utf-8."""
        return self.end - self.begin

    @cached_property
    def characters(self) -> int:
        """Characters of the text."""
        return self.store.characters(self.begin, self.end)

    def pieces(self) -> Iterator[str]:
        """The text in pieces of at most a million characters."""
        return self.store.pieces(self.begin, self.end)

    def text(self) -> str:
        """All of the text, of which there should not be too much."""
        return "".join(self.pieces())

    def slice(self, begin: int, end: int) -> Document:
        """The text from character ``begin`` up to ``end``."""
        first = self.store.behind(self.begin, begin)
        last = self.store.behind(first, end - begin)
        return Document(self.store, min(first, self.end), min(last, self.end), self.place)


@dataclass(frozen=True, eq=False)
class Documents(Sequence[Document]):
    """The documents between ``begin_D`` and ``end_D`` of ``store``, made when they are asked for."""

    store: TextStore
    begin_D: np.ndarray
    end_D: np.ndarray
    origin: Origin

    def __len__(self) -> int:
        return len(self.begin_D)

    @overload
    def __getitem__(self, index: int) -> Document: ...
    @overload
    def __getitem__(self, index: slice) -> Documents: ...
    def __getitem__(self, index: int | slice) -> Document | Documents:
        if isinstance(index, slice):
            return self.take(np.arange(len(self))[index])
        if not -len(self) <= index < len(self):
            raise IndexError(f"document {index} of {len(self)}")
        index %= len(self)
        return Document(self.store, int(self.begin_D[index]), int(self.end_D[index]), self.origin.place(index))

    @property
    def bytes(self) -> int:
        """Bytes of all in utf-8."""
        return int((self.end_D - self.begin_D).sum())

    @cached_property
    def characters_D(self) -> np.ndarray:
        """The characters of each document."""
        before = self.store.characters_before(np.concatenate([self.begin_D, self.end_D]))
        return before[len(self) :] - before[: len(self)]

    @property
    def characters(self) -> int:
        """Characters of all."""
        return int(self.characters_D.sum())

    def take(self, indices: np.ndarray) -> Documents:
        """Some of them."""
        indices = np.asarray(indices, dtype=np.int64)
        return Documents(self.store, self.begin_D[indices], self.end_D[indices], self.origin.take(indices))

    def texts(self) -> Iterator[str]:
        """The text of each."""
        bounds = zip(self.begin_D.tolist(), self.end_D.tolist(), strict=True)
        return ("".join(self.store.pieces(begin, end)) for begin, end in bounds)

    def runs(self) -> Iterator[tuple[int, int]]:
        """Where documents begin and end that stand one behind the other in the store."""
        apart = np.flatnonzero(self.begin_D[1:] != self.end_D[:-1])
        begin_R = self.begin_D[np.append(0, apart + 1)].tolist() if len(self) else []
        end_R = self.end_D[np.append(apart, len(self) - 1)].tolist() if len(self) else []
        return zip(begin_R, end_R, strict=True)


@dataclass(frozen=True, eq=False)
class FilePlaces:
    """Places in files: text ``i`` begins on line ``line_D[i]`` of ``names[file_D[i]]``, 0 for the file as a whole."""

    names: Sequence[str]
    file_D: np.ndarray
    line_D: np.ndarray

    def place(self, i: int) -> str:
        """The file, and the line where that is of use."""
        name, line = self.names[int(self.file_D[i])], int(self.line_D[i])
        return f"{name}:{line}" if line else name

    def take(self, indices: np.ndarray) -> FilePlaces:
        """The same of some of the texts."""
        return FilePlaces(self.names, self.file_D[indices], self.line_D[indices])


def running(documents: Iterable[Document]) -> Iterator[str]:
    """The text of all documents one behind the other, in pieces of about a million characters."""
    if isinstance(documents, Documents):
        pieces = (piece for run in documents.runs() for piece in documents.store.pieces(*run))
    else:
        pieces = (piece for document in documents for piece in document.pieces())
    held: list[str] = []
    room = PIECE
    for piece in pieces:
        held.append(piece)
        room -= len(piece)
        if room <= 0:
            yield "".join(held)
            held, room = [], PIECE
    if held:
        yield "".join(held)


def _first_bytes(content: bytes) -> np.ndarray:
    """Which bytes of utf-8 begin a character; the others lie from 0x80 to 0xbf, as signed ones below -64."""
    return np.frombuffer(content, dtype=np.int8) >= -64
