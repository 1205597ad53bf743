"""A language model, a list of words, or both in a search for labels that add to a text, one by one."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from rnncli.data.text.ngram import END, Gram, NGram

SPACE = "▁"
"""What a space is called in a language model of characters."""


@dataclass(frozen=True)
class Weights:
    """How much a log probability of the language model counts, and what each word adds."""

    weight: float
    bonus: float


class State(NamedTuple):
    """What the language model remembers, the word that is open, and whether there was one before it."""

    context: Gram
    word: str
    begun: bool


class TextScorer:
    """Weighs texts as they are written: see :class:`rnncli.heads.beam.Scorer`.

    ``pieces`` are what the labels add to them, spaces among them. The language model is of words, or with
    ``by_character`` of characters and ``SPACE``. With ``lexicon`` nothing but its words can be written.
    """

    def __init__(
        self,
        pieces: Sequence[str],
        model: NGram | None,
        weights: Weights,
        *,
        by_character: bool = False,
        lexicon: Collection[str] = (),
    ) -> None:
        self.pieces, self.model, self.weights, self.by_character = pieces, model, weights, by_character
        self.lexicon = frozenset(lexicon)
        self.beginnings = frozenset(word[:end] for word in lexicon for end in range(1, len(word) + 1))

    def start(self) -> State:
        """Nothing said yet."""
        return State(self.model.start() if self.model else (), "", False)

    def extend(self, state: State, label: int) -> tuple[State, float] | None:
        """A label more; None for a space where no word is open, and for what the lexicon does not have."""
        piece, total = self.pieces[label - 1], 0.0
        if piece == " " and not state.word:
            return None
        for character in piece:
            found = self._space(state) if character == " " else self._letter(state, character)
            if found is None:
                return None
            state, added = found
            total += added
        return state, total

    def finish(self, state: State) -> float | None:
        """The last word, and the end of the sentence."""
        found = self._space(state)
        if found is None:
            return None
        (context, _, _), added = found
        return added + (self.weights.weight * self.model.log(END, context) if self.model else 0.0)

    def _letter(self, state: State, letter: str) -> tuple[State, float] | None:
        context, word, begun = state
        tokens = () if not self.by_character else (letter,) if word or not begun else (SPACE, letter)
        if self.lexicon and word + letter not in self.beginnings:
            return None
        context, added = self._say(context, tokens)
        return State(context, word + letter, begun), added

    def _space(self, state: State) -> tuple[State, float] | None:
        """The open word, if there is one, is complete."""
        context, word, _ = state
        if not word:
            return state, 0.0
        if self.lexicon and word not in self.lexicon:
            return None
        context, added = self._say(context, () if self.by_character else (word,))
        return State(context, "", True), added + self.weights.bonus

    def _say(self, context: Gram, tokens: Sequence[str]) -> tuple[Gram, float]:
        total = 0.0
        if self.model:
            for token in tokens:
                total += self.weights.weight * self.model.log(token, context)
                context = self.model.after(context, token)
        return context, total


def characters(text: str) -> list[str]:
    """A text as a language model of characters reads it."""
    return [SPACE if character == " " else character for character in text]
