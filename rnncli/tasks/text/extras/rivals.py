"""What texts cost simple models: n-grams of their symbols, and xz, which codes bytes."""

from __future__ import annotations

import lzma
from collections.abc import Iterable

import numpy as np

from rnncli.data.steps import Steps
from rnncli.data.text.documents import Document, Documents
from rnncli.data.text.kneser_ney import KneserNey
from rnncli.tasks.base import Metrics

SHORT_UNITS = ("character", "byte")
"""Units of which a longer n-gram is of use: seven of them are about a word."""
MAX_STEPS = 20_000_000
"""Of a training part, its last ones, that n-grams are learnt from: they take about 100 bytes each."""
MAX_BYTES = 8 << 20
"""Of each part that xz is given, the last of training and the first of what is coded: half a million take a second."""


def ngram_orders(unit: str) -> tuple[int, ...]:
    """Of the n-gram models that a model of such symbols is held against; the last is the best one."""
    return (3, 5, 7) if unit in SHORT_UNITS else (3, 5)


def learn_ngrams(train: Steps, size: int, orders: Iterable[int]) -> dict[int, KneserNey]:
    """Kneser-Ney models of the training part, of its last 20 million symbols where there are more."""
    last = train.last(MAX_STEPS)
    return KneserNey.learn_orders(last.values, last.bounds_D1, orders, size)


def limited(train: Steps) -> str:
    """A sentence where n-grams are not learnt from all of the training part, else nothing."""
    steps = len(train.values)
    return f"n-grams are learnt from the last {MAX_STEPS:,} of {steps:,} symbols" if steps > MAX_STEPS else ""


def xz_limited(train: Documents, test: Documents) -> str:
    """A sentence where xz is not given all of a part, else nothing."""
    long = max(train.bytes, test.bytes) > MAX_BYTES
    return f"xz is given {MAX_BYTES >> 20} MB of a part at most: the last of train, the first of test" if long else ""


def xz(train: Iterable[Document], test: Iterable[Document]) -> Metrics:
    """What a text costs where xz has coded the training part before it: how many bytes more both take than that alone.

    Of long parts only 8 MB each count, those nearest to each other.
    """
    before, content = _last(list(train)), _first(test)
    characters = np.count_nonzero(np.frombuffer(content, np.int8) >= -64)
    bits = 8 * (_coded(before + content) - _coded(before))
    return {"bits_per_character": bits / characters, "bits_per_byte": bits / len(content)}


def _last(documents: list[Document]) -> bytes:
    """The last bytes of documents one behind the other."""
    found, room = [], MAX_BYTES
    for document in reversed(documents):
        found.append(document.store.read(max(document.begin, document.end - room), document.end))
        room -= len(found[-1])
        if not room:
            break
    return b"".join(reversed(found))


def _first(documents: Iterable[Document]) -> bytes:
    """The first bytes of documents one behind the other."""
    found, room = [], MAX_BYTES
    for document in documents:
        found.append(document.store.read(document.begin, min(document.end, document.begin + room)))
        room -= len(found[-1])
        if not room:
            break
    return b"".join(found)


def _coded(content: bytes) -> int:
    """The bytes that xz takes, with a dictionary that holds all."""
    filters = [{"id": lzma.FILTER_LZMA2, "preset": 9}]
    return len(lzma.compress(content, format=lzma.FORMAT_RAW, filters=filters))
