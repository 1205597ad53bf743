"""Sentences with what stands around them in their document: up to so many words on either side."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from rnncli.data.tables.conll import Block

Sentence = tuple[Sequence[str], Sequence[Sequence[str]]]
"""Words and further columns."""


@dataclass(frozen=True)
class Given:
    """A sentence, and the lines or the JSON object that it came in.

    ``before`` and ``after`` are the whole sentences of its document that are read with it; ``column`` is the one of the
    lines that tags are written to.
    """

    tokens: list[str]
    features: tuple[list[str], ...] = ()
    block: Block | None = None
    row: dict[str, Any] = field(default_factory=dict)
    before: tuple[Sentence, ...] = ()
    after: tuple[Sentence, ...] = ()
    column: str = ""

    @property
    def sentence(self) -> Sentence:
        """Words and further columns."""
        return self.tokens, self.features


@dataclass(frozen=True)
class Laid:
    """Sentences one after the other, as :func:`laid_out` puts them.

    ``wanted`` are those of the examples, and ``documents`` says which of all stand in the same one.
    """

    sentences: list[Sentence]
    wanted: np.ndarray
    documents: np.ndarray


def reach(offsets: np.ndarray, documents: np.ndarray, words: int) -> tuple[np.ndarray, np.ndarray]:
    """Where that which is read with each sentence begins and ends, at most ``words`` beyond it, in its document.

    Sentence ``i`` stands at ``offsets[i]`` up to ``offsets[i + 1]``; neighbours of equal ``documents`` are together.
    """
    if not len(documents):
        return offsets[:-1], offsets[1:]
    new = np.concatenate([[True], documents[1:] != documents[:-1]])
    first = np.flatnonzero(new)
    number, last = np.cumsum(new) - 1, np.append(first[1:], len(documents))
    begins, ends = offsets[first][number], offsets[last][number]
    return np.maximum(begins, offsets[:-1] - words), np.minimum(ends, offsets[1:] + words)


def with_neighbours(stream: Iterable[tuple[Given, object]], words: int) -> Iterator[Given]:
    """The sentences with those around them, as soon as ``words`` behind them have come or their document is over.

    Each comes with something that is equal for neighbours of one document.
    """
    before: deque[Sentence] = deque()
    waiting: deque[Given] = deque()

    def leave() -> Given:
        first = waiting.popleft()
        found = replace(first, before=tuple(before), after=_enough(waiting, words))
        before.append(first.sentence)
        while sum(len(tokens) for tokens, _ in before) - len(before[0][0]) >= words:
            before.popleft()
        return found

    document: object = None
    behind = 0  # words that wait behind the first sentence
    for given, its in stream:
        if waiting and its == document:
            behind += len(given.tokens)
        else:
            while waiting:
                yield leave()
            before.clear()
            document, behind = its, 0
        waiting.append(given)
        while behind >= words:
            yield leave()
            behind -= len(waiting[0].tokens)
    while waiting:
        yield leave()


def laid_out(examples: Sequence[Given]) -> Laid:
    """The sentences of examples and those around them, each once where examples follow each other in a document."""
    sentences: list[Sentence] = []
    wanted: list[int] = []
    documents: list[int] = []
    rest: tuple[Sentence, ...] = ()  # what is behind the example before
    for number, given in enumerate(examples):
        follows = bool(rest) and rest[0][0] is given.tokens
        if not follows:
            sentences += [*rest, *given.before]
            documents += [documents[-1] if documents else 0] * len(rest) + [number] * len(given.before)
        wanted.append(len(sentences))
        sentences.append(given.sentence)
        documents.append(documents[-1] if follows else number)
        rest = given.after
    sentences += rest
    documents += documents[-1:] * len(rest)
    return Laid(sentences, np.array(wanted, dtype=np.int64), np.array(documents, dtype=np.int64))


def _enough(waiting: Iterable[Given], words: int) -> tuple[Sentence, ...]:
    found: list[Sentence] = []
    for given in waiting:
        if words <= 0:
            break
        found.append(given.sentence)
        words -= len(given.tokens)
    return tuple(found)
