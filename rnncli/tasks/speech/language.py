"""A language model of words in the search for labels: see :class:`rnncli.heads.beam.Scorer`."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from rnncli.data.ngram import END, Gram, NGram
from rnncli.heads.beam import beam_search

WEIGHTS, BONUSES = (0.2, 0.5, 0.8, 1.2, 1.7), (0.0, 1.0, 2.0, 3.0)
"""What is tried on dev."""
State = tuple[Gram, str]


@dataclass(frozen=True)
class Weights:
    """How much the log probability of a word counts, and what each word adds."""

    weight: float
    bonus: float


class WordScorer:
    """Weighs each word when it is complete; labels are characters, a space among them, or whole words.

    With ``lexicon`` nothing but its words can be written.
    """

    def __init__(
        self, labels: Sequence[str], whole: bool, model: NGram, weights: Weights, lexicon: Collection[str] = ()
    ) -> None:
        self.labels, self.whole, self.model, self.weights = labels, whole, model, weights
        self.lexicon = frozenset(lexicon)
        self.beginnings = frozenset(word[:end] for word in lexicon for end in range(1, len(word) + 1))

    def start(self) -> State:
        """Nothing said yet."""
        return self.model.start(), ""

    def extend(self, state: State, label: int) -> tuple[State, float] | None:
        """A character more of the word that is open, or a word complete; no space stands before a word is."""
        context, word = state
        piece = self.labels[label - 1]
        if self.whole:
            return self._complete(context, piece)
        if piece == " ":
            return self._complete(context, word) if word else None
        word += piece
        return None if self.lexicon and word not in self.beginnings else ((context, word), 0.0)

    def finish(self, state: State) -> float | None:
        """The last word, and the end of the sentence."""
        context, word = state
        added = 0.0
        if word:
            done = self._complete(context, word)
            if done is None:
                return None
            (context, _), added = done
        return added + self.weights.weight * self.model.log(END, context)

    def _complete(self, context: Gram, word: str) -> tuple[State, float] | None:
        if self.lexicon and word not in self.lexicon:
            return None
        score = self.weights.weight * self.model.log(word, context) + self.weights.bonus
        return (self.model.after(context, word), ""), score


def search(log_probs_RV: np.ndarray, scorer: WordScorer, beam: int) -> list[int] | None:
    """The best labels under the scorer; None where it lets nothing end."""
    found = beam_search(log_probs_RV, beam=beam, scorer=scorer)
    return list(found[0].labels) if found else None


def tune(wrong: Callable[[Weights], float]) -> Weights:
    """The weights with the lowest error rate ``wrong``, the smaller ones where several are alike."""
    return min(_grid(), key=lambda weights: (wrong(weights), weights.weight, weights.bonus))


def _grid() -> Iterator[Weights]:
    return (Weights(*pair) for pair in product(WEIGHTS, BONUSES))
