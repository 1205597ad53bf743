"""Strings by number, so that what follows from a string is computed once however often it stands in a text."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Sequence
from itertools import islice

import numpy as np

from rnncli.data.text.vocabulary import Vocabulary


class Distinct:
    """Different strings, numbered from 0 as they come; ``follows`` keeps what was computed of each."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self._known: dict[str, np.ndarray] = {}

    def __len__(self) -> int:
        return len(self._numbers)

    def number(self, strings: Iterable[str]) -> list[int]:
        """The numbers of some strings, new ones given the next."""
        numbers = self._numbers
        return [numbers.setdefault(string, len(numbers)) for string in strings]

    def strings(self, start: int = 0) -> list[str]:
        """The strings in the order of their numbers, from ``start`` on."""
        return list(islice(self._numbers, start, None))

    def follows(self, name: str, compute: Callable[[list[str]], np.ndarray]) -> np.ndarray:
        """A row for each string; ``compute`` is asked for those that came since the last call with this name."""
        known = self._known.get(name)
        begin = 0 if known is None else len(known)
        if known is None or begin < len(self):
            new = compute(self.strings(begin))
            self._known[name] = known = new if known is None else np.concatenate([known, new])
        return known


class Column:
    """The strings of sentences one after the other, as numbers of ``distinct``."""

    def __init__(self, distinct: Distinct | None = None) -> None:
        self.distinct = Distinct() if distinct is None else distinct
        self._numbers = array("i")

    def add(self, strings: Sequence[str]) -> None:
        """The strings of the next sentence."""
        self._numbers.extend(self.distinct.number(strings))

    @property
    def numbers(self) -> np.ndarray:
        """All numbers, (P,) int32."""
        return np.array(self._numbers, dtype=np.int32)


class Pairs:
    """The numbers of pairs in a vocabulary of tokens ``one<tab>other``, found by the numbers of their halves."""

    def __init__(self, vocabulary: Vocabulary, edge: str) -> None:
        halves = [token.partition("\t")[::2] for token in vocabulary.tokens]
        known = dict.fromkeys(half for pair in halves for half in pair)
        self._halves = {half: number for number, half in enumerate(known)}
        self._edge = self._halves.get(edge, -1)
        keys = np.array([self._key(*map(self._halves.__getitem__, pair)) for pair in halves], dtype=np.int64)
        order = np.argsort(keys)
        self._keys, self._numbers = keys[order], (order + len(vocabulary.specials)).astype(np.int32)

    def halves(self, strings: Iterable[str]) -> np.ndarray:
        """The number of each string as a half, -1 for one that is in no pair, int64."""
        find = self._halves.get
        return np.array([find(string, -1) for string in strings], dtype=np.int64)

    def around(self, halves_P: np.ndarray, offsets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The number of each word's pair with its left neighbour and with its right one, 1 where it is unknown.

        ``halves_P`` are the words of sentences one after the other, which begin and end at ``offsets``.
        """
        begins, ends = offsets[:-1], offsets[1:]
        full = begins < ends
        left_P, right_P = np.roll(halves_P, 1), np.roll(halves_P, -1)
        left_P[begins[full]] = right_P[ends[full] - 1] = self._edge
        return self._find(left_P, halves_P), self._find(halves_P, right_P)

    def _key(self, one: int, other: int) -> int:
        return one << 32 | other

    def _find(self, one_P: np.ndarray, other_P: np.ndarray) -> np.ndarray:
        if not len(self._keys):
            return np.ones(len(one_P), dtype=np.int32)
        wanted_P = one_P << 32 | np.maximum(other_P, 0)
        at_P = np.minimum(np.searchsorted(self._keys, wanted_P), len(self._keys) - 1)
        found_P = (self._keys[at_P] == wanted_P) & (one_P >= 0) & (other_P >= 0)
        return np.where(found_P, self._numbers[at_P], 1).astype(np.int32)
