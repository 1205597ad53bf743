"""Texts that may be larger than memory: kept as utf-8 in a file that has no name, and read again piece by piece.

Shape letters: D documents.
"""

from __future__ import annotations

import codecs
from collections.abc import Callable, Iterator, Sequence
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
        bounds = zip(self.begin_D.tolist(), self.end_D.tolist(), strict=True)
        return np.fromiter((self.store.characters(begin, end) for begin, end in bounds), np.int64, len(self))

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
        return (document.text() for document in self)

    def kept(self, of_use: Callable[[Document], bool]) -> Documents:
        """Those that are ``of_use``."""
        keep = np.fromiter(map(of_use, self), bool, len(self))
        return self if keep.all() else self.take(np.flatnonzero(keep))


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


def _first_bytes(content: bytes) -> np.ndarray:
    """Which bytes of utf-8 begin a character; the others lie from 0x80 to 0xbf, as signed ones below -64."""
    return np.frombuffer(content, dtype=np.int8) >= -64
