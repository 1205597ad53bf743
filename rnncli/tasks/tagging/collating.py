"""Words of sentences side by side, as a tagger reads them; with numpy alone, as exported models have it.

Shape letters: B sentences, S words that are read, P places, N sentences of all.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from rnncli.data.ragged import Ragged, ranges
from rnncli.data.text.distinct import Column, Distinct
from rnncli.data.text.neighbours import Sentence

Reach = tuple[np.ndarray, np.ndarray]
"""Where that which is read with each sentence begins and ends, (N,) each."""


class Collated(NamedTuple):
    """Sentences padded with 0: the number of each word that is read, and what is known of it at its place, (B, S, P).

    Of the ``read_lengths_B`` words that are read ``before_B``, unless that is None, come before the sentence itself.
    """

    word_BS: np.ndarray
    lengths_B: np.ndarray
    read_lengths_B: np.ndarray
    before_B: np.ndarray | None
    places_BSP: np.ndarray


def gather(
    sentences: Iterable[Sentence], columns: int, words: Distinct | None = None
) -> tuple[Column, list[Column], np.ndarray]:
    """Words and further columns as they come, without a list of them, and the offsets of the sentences."""
    found, further = Column(words), [Column() for _ in range(columns)]
    offsets = array("q", [0])
    for tokens, features in sentences:
        found.add(tokens)
        for column, values in zip(further, features, strict=True):
            column.add(values)
        offsets.append(offsets[-1] + len(tokens))
    return found, further, np.array(offsets, dtype=np.int64)


def read_at(words: Ragged, reach: Reach | None, indices: np.ndarray) -> np.ndarray:
    """Where the words are that are read of the sentences at ``indices``."""
    if reach is None:
        return words.positions(indices)[0]
    return ranges(reach[0][indices], reach[1][indices])


def collated(
    words: Ragged, numbers: np.ndarray, places: Sequence[np.ndarray], reach: Reach | None, indices: np.ndarray
) -> Collated:
    """The sentences at ``indices``; ``numbers`` are those of the words that :func:`read_at` gives."""
    at, lengths_B = read_at(words, reach, indices), words.lengths[indices]
    read_B = lengths_B if reach is None else reach[1][indices] - reach[0][indices]
    before_B = None if reach is None else words.offsets[indices] - reach[0][indices]
    inside_BS = inside(read_B)
    known = [padded(place[at], inside_BS) for place in places]
    places_BSP = np.stack(known, -1) if known else np.zeros((*inside_BS.shape, 0), np.int64)
    return Collated(padded(numbers, inside_BS), lengths_B, read_B, before_B, places_BSP)


def inside(lengths_B: np.ndarray) -> np.ndarray:
    """Which steps are within the lengths, (B, T); T is at least 1."""
    return np.arange(max(1, int(lengths_B.max(initial=0)))) < lengths_B[:, None]


def padded(values: np.ndarray | int, inside_BT: np.ndarray) -> np.ndarray:
    """Values one after the other to those steps, 0 elsewhere, int64."""
    found_BT = np.zeros(inside_BT.shape, dtype=np.int64)
    found_BT[inside_BT] = values
    return found_BT
