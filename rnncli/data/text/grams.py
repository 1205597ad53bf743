"""The n-grams of texts: which end at which unit, by their numbers, found with arrays rather than one at a time.

not bad  ->  1 not, 1 bad, 2 not bad, and of the letters  c <not, c not>, c <not>, c <bad, c bad>, c <bad>
"""

from __future__ import annotations

import itertools
from array import array
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from rnncli.data.ragged import ranges
from rnncli.data.sparse import Sparse
from rnncli.data.text.vocabulary import Vocabulary

SUBWORDS = (4, 5)
"""Lengths of the character n-grams of a word, its bounds counted."""
WORDS_KEPT = 1 << 15
"""Whose character n-grams are kept: a few hundred bytes each."""
TEXTS_AT_ONCE = 8192
"""Whose n-grams are gathered together: beyond these, copies would take more memory than the result."""


@dataclass(frozen=True, eq=False)
class Kinds:
    """The kinds of n-grams: up to ``order`` units, and the character n-grams of each unit if ``subwords``."""

    order: int
    subwords: bool

    @property
    def count(self) -> int:
        """How many kinds."""
        return self.order + self.subwords


@dataclass(frozen=True, eq=False)
class Located:
    """The n-grams of texts by the units at which they end, as numbers of a vocabulary; texts lie one after the other.

    ``numbers_OU`` are the n-grams of each of O orders, that of the unknown token where there is none; ``inside_WF``
    says how often each of W distinct units has which character n-gram inside, and ``word_U`` which of them a unit is;
    ``lengths_N`` are the units of each text.
    """

    numbers_OU: np.ndarray
    word_U: np.ndarray
    inside_WF: Sparse
    lengths_N: np.ndarray

    def parts(self, unknown: int) -> Iterator[Sparse]:
        """Which text has which n-gram: float32 ones (N, F), some texts at a time, the number ``unknown`` left out."""
        bounds_N = np.concatenate([[0], np.cumsum(self.lengths_N)])
        for start in range(0, max(len(self.lengths_N), 1), TEXTS_AT_ONCE):
            yield self._rows(bounds_N[start : start + TEXTS_AT_ONCE + 1], unknown)

    def beginnings(self, most: int) -> np.ndarray:
        """Where the units are that are among the first ``most`` of their text; 0 is no limit."""
        if not most:
            return np.arange(len(self.word_U))
        ends_N = np.cumsum(self.lengths_N)
        place_U = np.arange(len(self.word_U)) - np.repeat(ends_N - self.lengths_N, self.lengths_N)
        return np.flatnonzero(place_U < most)

    def _rows(self, bounds_N: np.ndarray, unknown: int) -> Sparse:
        units = slice(bounds_N[0], bounds_N[-1])
        text_U = np.repeat(np.arange(len(bounds_N) - 1, dtype=np.int32), np.diff(bounds_N))
        words, grams = self.inside_WF.shape
        has = Sparse.marked(text_U, self.word_U[units], (len(bounds_N) - 1, words))
        bounds_W = self.inside_WF.bounds_R
        starts, ends = bounds_W[has.columns_N], bounds_W[has.columns_N + 1]
        texts, numbers = [np.repeat(has.rows_N, ends - starts)], [self.inside_WF.columns_N[ranges(starts, ends)]]
        for number_U in self.numbers_OU[:, units]:
            known = number_U != unknown
            texts.append(text_U[known])
            numbers.append(number_U[known])
        return Sparse.marked(np.concatenate(texts), np.concatenate(numbers), (len(bounds_N) - 1, grams))


def count(
    texts: Iterable[Sequence[str]], kinds: Kinds, most: int, known: Vocabulary | None = None
) -> tuple[Vocabulary, int, Located]:
    """The n-grams of training texts: at most ``most``, those seen at least so many times as the second result says.

    They come behind those ``known``, if any.
    """
    levels, letters = _levels(texts, kinds.order), _Letters([], _nothing())
    seen = [level.counts() for level in levels.orders]
    if kinds.subwords:
        letters = _letters(levels.words)
        inside = letters.inside
        times = inside.values_N * seen[0][inside.rows_N].astype(np.float64)
        seen.append(np.bincount(inside.columns_N, times, len(letters.names)).astype(np.int64))
    least = _least(np.concatenate(seen), most)
    kept = [np.flatnonzero(times >= least) for times in seen]
    counted: dict[str, int] = {}
    for order in range(1, kinds.order + 1):
        which = kept[order - 1]
        counted |= zip(levels.names(order, which), seen[order - 1][which].tolist(), strict=True)
    if kinds.subwords:
        counted |= {name: n for name, n in zip(letters.names, seen[-1].tolist(), strict=True) if n >= least}
    if known is None:
        grams = Vocabulary.from_counts(counted)
        return grams, least, _located(levels, letters, kept, grams)
    grams = known.grown(counted)  # of which some may be rarer here
    return grams, least, _located(levels, letters, [np.arange(len(level.last)) for level in levels.orders], grams)


class InnerGrams:
    """The character n-grams of a vocabulary that are inside of words; those of words asked lately are kept."""

    def __init__(self, grams: Vocabulary) -> None:
        self.grams = grams
        self._of = lru_cache(WORDS_KEPT)(self._look_up)

    def rows(self, words: Sequence[str]) -> Sparse:
        """How often each word has which n-gram inside."""
        found = [self._of(word) for word in words]
        bounds = np.cumsum([0, *(len(columns) for columns, _ in found)])
        columns, times = ([*parts] for parts in zip(*found, strict=True)) if found else ([], [])
        shape = (len(words), len(self.grams))
        return Sparse(bounds, _joined(columns, np.int32), _joined(times, np.float32), shape)

    def _look_up(self, word: str) -> tuple[np.ndarray, np.ndarray]:
        times = Counter(map(self.grams.number, map(_letters_name, _pieces(word))))
        del times[self.grams.unknown]
        columns = sorted(times)
        return np.array(columns, np.int32), np.array([times[one] for one in columns], np.float32)


def locate(texts: Iterable[Sequence[str]], kinds: Kinds, inner: InnerGrams) -> Located:
    """The n-grams of any texts that are in the vocabulary."""
    levels, grams = _levels(texts, kinds.order), inner.grams
    words = len(levels.words)
    inside_WF = inner.rows(levels.words) if kinds.subwords else _nothing((words, len(grams)))
    numbers_OU = _numbered(levels, [np.arange(len(level.last)) for level in levels.orders], grams)
    return Located(numbers_OU, levels.orders[0].which_U, inside_WF, levels.lengths_N)


@dataclass(frozen=True, eq=False)
class _Level:
    """The distinct n-grams of one order: each by the one without its last unit and that unit; which ends at each unit.

    ``which_U`` is -1 where a text has not so many units yet.
    """

    prefix: np.ndarray
    last: np.ndarray
    which_U: np.ndarray

    def counts(self) -> np.ndarray:
        return np.bincount(self.which_U[self.which_U >= 0], minlength=len(self.last))


@dataclass(frozen=True, eq=False)
class _Levels:
    words: list[str]
    orders: list[_Level]
    lengths_N: np.ndarray

    def names(self, order: int, which: np.ndarray) -> Iterator[str]:
        """Names of n-grams, each unlike that of any other kind's."""
        return (f"{order} {name}" for name in self._plain(order, which))

    def _plain(self, order: int, which: np.ndarray) -> list[str]:
        level = self.orders[order - 1]
        ends = [self.words[word] for word in level.last[which].tolist()]
        if order == 1:
            return ends
        begins = self._plain(order - 1, level.prefix[which])
        return [f"{begin} {end}" for begin, end in zip(begins, ends, strict=True)]


@dataclass(frozen=True, eq=False)
class _Letters:
    """Names of character n-grams, and how often each distinct unit has which inside: sparse (words, names)."""

    names: Sequence[str]
    inside: Sparse


def _levels(texts: Iterable[Sequence[str]], order: int) -> _Levels:
    numbers: defaultdict[str, int] = defaultdict(itertools.count().__next__)
    words, lengths = array("i"), array("q")
    for units in texts:
        words.extend(map(numbers.__getitem__, units))
        lengths.append(len(units))
    word_U, lengths_N = np.array(words, np.int32), np.array(lengths, np.int64)
    place_U = np.arange(len(word_U)) - np.repeat(np.cumsum(lengths_N) - lengths_N, lengths_N)
    each = np.arange(len(numbers))
    orders = [_Level(each, each, word_U)]
    for size in range(2, order + 1):
        long = np.flatnonzero(place_U >= size - 1)
        pairs = orders[-1].which_U[long - 1].astype(np.int64) * max(len(numbers), 1) + word_U[long]
        distinct, inverse = np.unique(pairs, return_inverse=True)
        which_U = np.full(len(word_U), -1, np.int32)
        which_U[long] = inverse
        orders.append(_Level(distinct // max(len(numbers), 1), distinct % max(len(numbers), 1), which_U))
    return _Levels(list(numbers), orders, lengths_N)


def _letters(words: Sequence[str]) -> _Letters:
    names: defaultdict[str, int] = defaultdict(itertools.count().__next__)
    inside, columns = array("i"), array("i")
    for word in words:
        found = _pieces(word)
        columns.extend(map(names.__getitem__, found))
        inside.append(len(found))
    row = np.repeat(np.arange(len(words), dtype=np.int32), np.array(inside, np.int64))
    found = Sparse.counted(row, np.array(columns, np.int32), (len(words), len(names)))
    return _Letters(list(map(_letters_name, names)), found)


def _pieces(word: str) -> list[str]:
    """The character n-grams of a word, as often as they are in it."""
    bounded = f"<{word}>"
    return [bounded[at : at + size] for size in SUBWORDS for at in range(len(bounded) - size + 1)]


def _letters_name(piece: str) -> str:
    return f"c {piece}"


def _located(levels: _Levels, letters: _Letters, kept: Sequence[np.ndarray], grams: Vocabulary) -> Located:
    """``kept`` are the n-grams of each order that may be in the vocabulary."""
    inside_WF = _renumbered(letters, grams, len(levels.words))
    return Located(_numbered(levels, kept, grams), levels.orders[0].which_U, inside_WF, levels.lengths_N)


def _numbered(levels: _Levels, kept: Sequence[np.ndarray], grams: Vocabulary) -> np.ndarray:
    """The number of the n-gram of each order that ends at each unit, (O, U)."""
    numbers_OU = np.full((len(levels.orders), len(levels.orders[0].which_U)), grams.unknown, np.int32)
    for order, level in enumerate(levels.orders, start=1):
        number = np.full(len(level.last), grams.unknown, np.int32)
        number[kept[order - 1]] = grams.encode(levels.names(order, kept[order - 1]))
        there = level.which_U >= 0
        numbers_OU[order - 1, there] = number[level.which_U[there]]
    return numbers_OU


def _renumbered(letters: _Letters, grams: Vocabulary, words: int) -> Sparse:
    """How often each word has which n-gram of the vocabulary inside."""
    number, inside = grams.encode(letters.names), letters.inside
    column = number[inside.columns_N] if len(number) else inside.columns_N
    known = column != grams.unknown if len(number) else np.zeros(0, bool)
    row, column, values = inside.rows_N[known], column[known], inside.values_N[known]
    order = np.lexsort((column, row))
    bounds = np.concatenate([[0], np.cumsum(np.bincount(row, minlength=words))])
    return Sparse(bounds, column[order], values[order], (words, len(grams)))


def _nothing(shape: tuple[int, int] = (0, 0)) -> Sparse:
    return Sparse(np.zeros(shape[0] + 1, np.int64), np.zeros(0, np.int32), np.zeros(0, np.float32), shape)


def _joined(parts: Sequence[np.ndarray], kind: type) -> np.ndarray:
    return np.concatenate([np.zeros(0, kind), *parts])


def _least(seen: np.ndarray, most: int) -> int:
    """The least count of which no more than ``most`` have so many or more."""
    if len(seen) <= most:
        return 1
    return int(np.partition(seen, len(seen) - most - 1)[len(seen) - most - 1]) + 1
