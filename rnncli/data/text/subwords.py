"""Pieces of words learnt from texts: byte pair encoding over characters (Sennrich, Haddow & Birch 2016).

A word is spelled with a mark before it, and the pair of neighbours that occurs most often in all words becomes one
piece, again and again. Pieces are texts; the mark says that a word begins.
"""

from __future__ import annotations

import heapq
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

MARK = "▁"
Pair = tuple[str, str]


@dataclass(frozen=True)
class Subwords:
    """The pairs that are joined, first ones first."""

    merges: tuple[Pair, ...]

    def cut(self, word: str) -> list[str]:
        """The pieces of a word, the mark in the first."""
        return self.join(MARK + word)

    def join(self, text: str) -> list[str]:
        """The pieces that the characters of a text are joined to."""
        pieces = list(text)
        while len(pieces) > 1:
            ranks = [self._rank.get(pair, len(self.merges)) for pair in pairwise(pieces)]
            best = min(ranks)
            if best == len(self.merges):
                break
            pieces = _joined(pieces, self.merges[best])
        return pieces

    def cut_text(self, text: str) -> list[str]:
        """The pieces of all words of a text."""
        return [piece for word in text.split() for piece in self.cut(word)]

    @cached_property
    def _rank(self) -> dict[Pair, int]:
        return {pair: rank for rank, pair in enumerate(self.merges)}


def learn(texts: Iterable[str], size: int) -> Subwords:
    """Join pairs until there are ``size`` pieces, characters counted, or no pair occurs twice.

    Of pairs that are as frequent as each other the first in alphabetical order is joined.
    """
    return learn_from_counts(Counter(MARK + word for text in texts for word in text.split()), size)


def learn_from_counts(counts: Mapping[str, int], size: int) -> Subwords:
    """The same of texts that stand there so many times each, no mark put before them."""
    spelled = {word: list(word) for word in counts}
    pairs, where = Counter[Pair](), defaultdict[Pair, set[str]](set)
    for word, pieces in spelled.items():
        for pair in pairwise(pieces):
            pairs[pair] += counts[word]
            where[pair].add(word)
    merges: list[Pair] = []
    known = {piece for pieces in spelled.values() for piece in pieces}
    heap = [(-count, pair) for pair, count in pairs.items()]
    heapq.heapify(heap)
    while len(known) < size and (best := _most_frequent(heap, pairs)) and pairs[best] >= 2:
        merges.append(best)
        known.add("".join(best))
        changed = set[Pair]()
        for word in where.pop(best):
            for pair in pairwise(spelled[word]):
                pairs[pair] -= counts[word]
            spelled[word] = _joined(spelled[word], best)
            for pair in pairwise(spelled[word]):
                pairs[pair] += counts[word]
                where[pair].add(word)
                changed.add(pair)
        del pairs[best]
        for pair in changed:
            heapq.heappush(heap, (-pairs[pair], pair))
    return Subwords(tuple(merges))


def _most_frequent(heap: list[tuple[int, Pair]], pairs: Mapping[Pair, int]) -> Pair | None:
    """The pair that occurs most often, taken from a heap some of whose counts are those of before; None for none."""
    while heap:
        negative, pair = heapq.heappop(heap)
        count = pairs.get(pair, 0)
        if count == -negative:
            return pair
        if 0 < count < -negative:
            heapq.heappush(heap, (-count, pair))
    return None


def _joined(pieces: list[str], pair: Pair) -> list[str]:
    """The pieces with each occurrence of the pair, from the left, made one."""
    found: list[str] = []
    at = 0
    while at < len(pieces):
        if tuple(pieces[at : at + 2]) == pair:
            found.append(pieces[at] + pieces[at + 1])
            at += 2
        else:
            found.append(pieces[at])
            at += 1
    return found
