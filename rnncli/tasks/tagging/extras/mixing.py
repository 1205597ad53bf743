"""More to learn from: copies of sentences in which spans are exchanged for others of their type (Dai & Adel 2020)."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import NamedTuple

import numpy as np

from rnncli.data.text.neighbours import Sentence
from rnncli.data.text.tagschemes import INTERNAL, Span, read_spans
from rnncli.tasks.tagging.data import SentencePart


class Tagged(NamedTuple):
    """Words, further columns, and tags in the internal scheme."""

    tokens: Sequence[str]
    features: Sequence[Sequence[str]]
    tags: Sequence[str]

    def cut(self, start: int, end: int) -> Sentence:
        """Words and columns from one place up to another."""
        return self.tokens[start:end], [values[start:end] for values in self.features]


class MixedPart:
    """The sentences of a part, then ``copies`` of them all, in which each span is exchanged with chance ``share``.

    What takes its place is drawn from all spans of its type in the part, as often as they stand there.
    """

    def __init__(self, part: SentencePart, copies: int, share: float, seed: int) -> None:
        self.part, self.copies, self.share, self.seed = part, copies, share, seed
        self._known: defaultdict[str, list[Sentence]] = defaultdict(list)
        for tagged in self._own() if copies else ():
            for span in _spans(tagged):
                self._known[span.kind].append(tagged.cut(span.start, span.end))

    def __len__(self) -> int:
        return len(self.part) * (1 + self.copies)

    def sentences(self) -> Iterator[Sentence]:
        """Words and further columns of each sentence."""
        return ((tagged.tokens, tagged.features) for tagged in self._all())

    def tags(self) -> Iterator[Sequence[str]]:
        """The tags of each sentence in the internal scheme."""
        return (tagged.tags for tagged in self._all())

    def documents(self) -> np.ndarray:
        """The number of each sentence's document; those of a copy are its own."""
        own = self.part.documents()
        return np.concatenate([own + copy * (own.max(initial=0) + 1) for copy in range(1 + self.copies)])

    def place(self, row: int) -> str:
        """File and line of a sentence, of one in a copy that of its model."""
        return self.part.place(row % len(self.part))

    def _own(self) -> Iterator[Tagged]:
        return (Tagged(*sentence, tags) for sentence, tags in zip(self.part.sentences(), self.part.tags(), strict=True))

    def _all(self) -> Iterator[Tagged]:
        """All sentences, the same whenever they are asked for."""
        return chain(self._own(), chain.from_iterable(map(self._copy, range(self.copies))))

    def _copy(self, number: int) -> Iterator[Tagged]:
        draw = random.Random(f"{self.seed} {number}")
        return (self._exchanged(tagged, draw) for tagged in self._own())

    def _exchanged(self, tagged: Tagged, draw: random.Random) -> Tagged:
        tokens: list[str] = []
        features: list[list[str]] = [[] for _ in tagged.features]
        spans: list[Span] = []

        def add(sentence: Sentence) -> None:
            tokens.extend(sentence[0])
            for values, more in zip(features, sentence[1], strict=True):
                values.extend(more)

        done = 0
        for span in _spans(tagged):
            add(tagged.cut(done, span.start))
            start, done = len(tokens), span.end
            other = draw.random() < self.share
            add(draw.choice(self._known[span.kind]) if other else tagged.cut(span.start, span.end))
            spans.append(Span(span.kind, start, len(tokens)))
        add(tagged.cut(done, len(tagged.tokens)))
        return Tagged(tokens, features, INTERNAL.write(spans, len(tokens)))


def _spans(tagged: Tagged) -> list[Span]:
    return read_spans(tagged.tags, INTERNAL)[0]
