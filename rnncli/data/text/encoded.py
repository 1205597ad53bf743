"""Texts as symbols, one document behind the other, in a mapped file where they are many."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from rnncli.data.steps import Steps
from rnncli.data.temporary import Spool, room_for
from rnncli.data.text.codec import Codec, Coded
from rnncli.data.text.documents import Document, Documents, running

BLOCK = 1 << 22
"""Bytes of a column that are widened at once."""


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
    name = documents.store.name if isinstance(documents, Documents) else "the text"
    columns = [_Column(np.dtype(dtype)) for dtype in (codec.dtype, np.uint8, np.uint8)]
    bounds = [0]
    with room_for(name):
        if codec.unit in ("character", "byte"):
            for piece in running(documents):
                _append(columns, codec.coded_piece(piece))
            bounds = np.cumsum([0, *_sizes(codec, documents)])
        else:
            for document in documents:
                for coded in codec.coded(document):
                    _append(columns, coded)
                bounds.append(len(columns[0]))
        steps = Steps(columns[0].finish(), np.array(bounds, dtype=np.int64))
        return Encoded(steps, columns[1].finish_unless_ones(), columns[2].finish_unless_ones())


def _sizes(codec: Codec, documents: Iterable[Document]) -> Iterable[int]:
    """How many characters or bytes each document has, each of which is a symbol."""
    if codec.unit == "byte":
        return [document.bytes for document in documents]
    return documents.characters_D if isinstance(documents, Documents) else [one.characters for one in documents]


def _append(columns: Sequence[_Column], coded: Coded) -> None:
    ones = np.ones(len(coded.numbers_N), np.uint8)
    for column, values_N in zip(columns, coded, strict=True):
        column.append(ones if values_N is None else values_N)


class _Column:
    """Whole numbers that come piece by piece, in the smallest type that holds them."""

    def __init__(self, dtype: np.dtype) -> None:
        self._dtype, self._spool, self._ones = dtype, Spool(), True

    def __len__(self) -> int:
        return self._spool.size // self._dtype.itemsize

    def append(self, values_N: np.ndarray) -> None:
        most = int(values_N.max(initial=0))
        if most > np.iinfo(self._dtype).max:
            self._widen(np.min_scalar_type(most))
        self._ones = self._ones and bool((values_N == 1).all())
        self._spool.append(values_N.astype(self._dtype, copy=False).tobytes())

    def finish(self) -> np.ndarray:
        """All values, mapped from a file without a name where they are many."""
        return self._spool.array(self._dtype)

    def finish_unless_ones(self) -> np.ndarray | None:
        """All values; None where each is 1."""
        return None if self._ones else self.finish()

    def _widen(self, dtype: np.dtype) -> None:
        narrow, self._spool = self._spool, Spool()
        for at in range(0, narrow.size, BLOCK):
            values = np.frombuffer(narrow.read(at, min(at + BLOCK, narrow.size)), dtype=self._dtype)
            self._spool.append(values.astype(dtype).tobytes())
        self._dtype = dtype
