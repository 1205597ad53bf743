"""How much of what a model wrote stands in its training part, against how much of held-out documents does.

Shape letters: J steps of samples, D documents of them, N steps of the training part, P runs of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rnncli.data.steps import Steps

CHUNK = 1 << 20
"""Steps of the training part that are looked at together."""
MAX_TABLE = 1 << 22
"""Entries of a table of which run a run and a symbol make; where there were more, runs are found by bisection."""


@dataclass(frozen=True)
class Copied:
    """Of documents: their ``longest`` run that stands in the training part, and the ``share`` of n-grams that do.

    The share is not a number where no document is long enough for an n-gram.
    """

    longest: int
    share: float


def copied(groups: Sequence[Steps], train: Steps, length: int) -> list[Copied]:
    """What of each group of documents stands in ``train``, where shares are of runs of ``length`` symbols.

    >>> train = Steps.of([np.array([1, 2, 3, 4]), np.array([5])])
    >>> copied([Steps.of([np.array([9, 2, 3, 4, 5])])], train, 2)
    [Copied(longest=3, share=0.5)]
    """
    joined = Steps.of([document for group in groups for document in group])
    match_J, room_J = matches(joined, train), _room(joined)
    found, begin = [], 0
    for group in groups:
        rows = slice(begin, begin + len(group.values))
        whole_J = match_J[rows][room_J[rows] >= length]
        share = float((whole_J >= length).mean()) if len(whole_J) else float("nan")
        found.append(Copied(int(match_J[rows].max(initial=0)), share))
        begin = rows.stop
    return found


def excerpts(steps: Steps, count: int, length: int) -> Steps:
    """``count`` excerpts of ``length`` steps from documents, as far apart as can be.

    Where no document is as long, there are more of the longest ones, so that there are as many steps.
    """
    lengths_D = steps.lengths
    taken = min(length, int(lengths_D.max()))
    places_D = np.maximum(lengths_D - taken + 1, 0)
    ends_D = np.cumsum(places_D)
    count = min(-(-count * length // taken), int(ends_D[-1]))
    wanted = ((np.arange(count) + 0.5) * ends_D[-1] / count).astype(np.int64)
    document = np.searchsorted(ends_D, wanted, "right")
    begins = steps.bounds_D1[document] + wanted - (ends_D - places_D)[document]
    return Steps.of([np.asarray(steps.values[begin : begin + taken]) for begin in begins.tolist()])


def shares(steps: Steps, train: Steps, length: int) -> np.ndarray:
    """The share of runs of ``length`` symbols that stand in ``train``, by document, (D,); of those without any, 0."""
    whole_J = _room(steps) >= length
    held_J = (matches(steps, train, length) >= length) & whole_J
    document_J = np.repeat(np.arange(len(steps)), steps.lengths)
    held_D, whole_D = (np.bincount(document_J[one], minlength=len(steps)) for one in (held_J, whole_J))
    return held_D / np.maximum(whole_D, 1)


def matches(samples: Steps, train: Steps, most: int | None = None) -> np.ndarray:
    """How many symbols from each of the samples' on stand in ``train`` in a row, (J,), inside of a document each.

    Longer runs than ``most`` are not looked for.
    """
    found_J = np.zeros(len(samples.values), np.int64)
    runs = _Runs(samples)
    longest = int(samples.lengths.max(initial=0))
    most = longest if most is None else min(most, longest)
    for start in range(0, len(train.values) if most else 0, CHUNK):
        _lengthen(found_J, runs, _apart(train, start, start + CHUNK + most, runs), most)
    return found_J


class _Runs:
    """The runs of samples of each length, numbered: of one symbol by the symbols that the samples have, K kinds."""

    def __init__(self, samples: Steps) -> None:
        kinds, symbol_J = np.unique(samples.values, return_inverse=True)
        self.kinds = len(kinds)
        self.symbol_J = symbol_J.astype(np.int32)
        self.own = np.full(int(kinds.max(initial=0)) + 2, self.kinds, np.int32)
        self.own[kinds] = np.arange(self.kinds)
        self.room_J = _room(samples)
        self.at = [self.symbol_J]
        self.keys = [np.arange(self.kinds, dtype=np.int32)]

    def symbols(self, values: np.ndarray) -> np.ndarray:
        """Symbols as the samples number them, K for those that they do not have."""
        return self.own[np.minimum(values.astype(np.int64), len(self.own) - 1)]

    def grow(self) -> None:
        """Number the runs that are longer by one; none begins, -1, where the sample ends before."""
        length, number_J = len(self.at), self.at[-1]
        whole_J = np.flatnonzero(self.room_J > length)
        key_J = number_J[whole_J] * np.int64(self.kinds + 1) + self.symbol_J[whole_J + length]
        keys, found_J = np.unique(key_J, return_inverse=True)
        number_J = np.full(len(number_J), -1, np.int32)
        number_J[whole_J] = found_J
        self.at.append(number_J)
        self.keys.append(keys)

    def longer(self, length: int, number_P: np.ndarray, symbol_P: np.ndarray) -> np.ndarray:
        """The runs that those of ``length`` make with another symbol each, (P,), -1 where they make none."""
        if len(self.keys) == length:
            self.grow()
        keys, entries = self.keys[length], len(self.keys[length - 1]) * (self.kinds + 1)
        if entries <= MAX_TABLE:
            table = np.full(entries, -1, np.int32)
            table[keys] = np.arange(len(keys), dtype=np.int32)
            return table[number_P * np.int32(self.kinds + 1) + symbol_P]
        key_P = number_P * np.int64(self.kinds + 1) + symbol_P
        at_P = np.searchsorted(keys, key_P)
        return np.where(np.append(keys, -1)[at_P] == key_P, at_P, -1)


def _room(steps: Steps) -> np.ndarray:
    """How many symbols of its document there are from each on, (J,)."""
    return np.repeat(steps.bounds_D1[1:], steps.lengths) - np.arange(len(steps.values))


def _apart(train: Steps, begin: int, end: int, runs: _Runs) -> np.ndarray:
    """The symbols of a chunk, between any two documents one that no sample has."""
    first, last = np.searchsorted(train.bounds_D1, (begin, end), "right")
    return np.insert(runs.symbols(train.values[begin:end]), train.bounds_D1[first:last] - begin, runs.kinds)


def _lengthen(found_J: np.ndarray, runs: _Runs, symbol_N: np.ndarray, most: int) -> None:
    """Lengthen what was found to the runs that stand in ``symbol_N``."""
    place_P = np.flatnonzero(symbol_N < runs.kinds).astype(np.int32)
    number_P, length = symbol_N[place_P], 1
    while len(place_P):
        hit = np.zeros(len(runs.keys[length - 1]) + 1, bool)
        hit[number_P] = True
        hit_J = hit[runs.at[length - 1]]
        found_J[hit_J] = np.maximum(found_J[hit_J], length)
        if length == most:
            return
        place_P = place_P[: np.searchsorted(place_P, len(symbol_N) - length)]
        number_P = runs.longer(length, number_P[: len(place_P)], symbol_N[place_P + length])
        kept_P = np.flatnonzero(number_P >= 0)
        place_P, number_P, length = place_P[kept_P], number_P[kept_P], length + 1
