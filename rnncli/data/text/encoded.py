"""Texts as symbols, one document behind the other, in a mapped file where they are many."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from rnncli.data import progress
from rnncli.data.steps import Steps
from rnncli.data.temporary import IN_MEMORY, room_for, spooled
from rnncli.data.text.codec import Codec
from rnncli.data.text.documents import Document, Documents


@dataclass(frozen=True, eq=False)
class Encoded:
    """Documents as symbols: the values of ``steps`` are numbers of a codec.

    ``characters_N`` and ``bytes_N`` are how much of the text each symbol stands for, blanks behind it that are not
    kept counted, so that they add up to the text; None where each stands for one.

    >>> encode(Codec("whitespace", ("to", "be")), [Document.of("to be  or")]).characters_N
    array([3, 4, 2], dtype=uint8)
    """

    steps: Steps
    characters_N: np.ndarray | None = None
    bytes_N: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.steps)


def encode(codec: Codec, documents: Iterable[Document]) -> Encoded:
    """The symbols of documents in the order given; raises DataError where there is no room for a large text."""
    name, total = _extent(documents)
    numbers, characters, sizes = (_Column(dtype) for dtype in (codec.dtype, np.uint8, np.uint8))
    bounds, done = [0], 0
    with room_for(name):
        for document in documents:
            for coded in codec.coded(document):
                numbers.append(coded.numbers_N)
                for column, values_N in ((characters, coded.characters_N), (sizes, coded.bytes_N)):
                    column.append(np.ones(len(coded.numbers_N), np.uint8) if values_N is None else values_N)
            bounds.append(numbers.count)
            done += document.bytes
            progress.tell("MB of text", done // progress.MEGABYTE, total)
        steps = Steps(numbers.finish(), np.array(bounds, dtype=np.int64))
        return Encoded(steps, characters.finish_unless_ones(), sizes.finish_unless_ones())


def _extent(documents: Iterable[Document]) -> tuple[str, int]:
    """What a person calls the documents, and their megabytes, 0 where that is not known."""
    if isinstance(documents, Documents):
        return documents.store.name, documents.bytes // progress.MEGABYTE
    return "the text", 0


class _Column:
    """Whole numbers that come piece by piece, in the smallest type that holds them."""

    def __init__(self, dtype: np.dtype | type[np.unsignedinteger]) -> None:
        self.count, self._dtype, self._ones = 0, np.dtype(dtype), True
        self._file = spooled()

    def append(self, values_N: np.ndarray) -> None:
        most = int(values_N.max(initial=0))
        if most > np.iinfo(self._dtype).max:
            self._widen(np.min_scalar_type(most))
        self._ones = self._ones and bool((values_N == 1).all())
        self._file.write(values_N.astype(self._dtype, copy=False).tobytes())
        self.count += len(values_N)

    def finish_unless_ones(self) -> np.ndarray | None:
        """All values; None where each is 1."""
        return None if self._ones else self.finish()

    def finish(self) -> np.ndarray:
        """All values, mapped from a file without a name where they are many."""
        if self.count * self._dtype.itemsize <= IN_MEMORY:
            self._file.seek(0)
            return np.frombuffer(self._file.read(), dtype=self._dtype)
        self._file.fileno()  # which has all of it written to the file
        self._file.flush()
        return np.memmap(self._file, dtype=self._dtype, mode="r", shape=(self.count,))

    def _widen(self, dtype: np.dtype) -> None:
        narrow, self._file = self._file, spooled()
        narrow.seek(0)
        while content := narrow.read(IN_MEMORY):
            self._file.write(np.frombuffer(content, dtype=self._dtype).astype(dtype).tobytes())
        self._dtype = dtype
