"""A language model, a list of words, or both in the search for labels: see :class:`rnncli.heads.beam.Scorer`."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple, Self

from rnncli.data.encodings import detect, open_text
from rnncli.data.text.ngram import END, Gram, NGram, learn, read_arpa
from rnncli.errors import DataError
from rnncli.tasks.decode.sections import LanguageSection

WEIGHTS, BONUSES = (0.2, 0.5, 0.8, 1.2, 1.7), (0.0, 1.0, 2.0, 3.0)
"""What is tried on dev."""
SPACE = "▁"
"""What a space is called in a language model of characters."""
ARPA = "language.arpa"


@dataclass(frozen=True)
class Weights:
    """How much a log probability of the language model counts, and what each word adds."""

    weight: float
    bonus: float

    @property
    def chosen(self) -> str:
        """A sentence that tells them once they are chosen."""
        return f"language model weighs {self.weight:g}, a word adds {self.bonus:g}: chosen on dev"


UNTUNED = Weights(0.5, 1.0)


class State(NamedTuple):
    """What the language model remembers, the word that is open, and whether there was one before it."""

    context: Gram
    word: str
    begun: bool


class TextScorer:
    """Weighs texts as they are written; ``pieces`` are what the labels add to them, spaces among them.

    The language model is of words, or with ``by_character`` of characters and ``SPACE``. With ``lexicon`` nothing but
    its words can be written.
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


@dataclass(frozen=True)
class Language:
    """What is known of the texts to be written: a model with its weights, and the only words, none for all.

    ``by_character`` says that the model is one of characters.

    >>> Language(lexicon=("go", "on")).scorer(["g", "o", "n", " "]).extend(State((), "g", False), 3) is None
    True
    """

    model: NGram | None = None
    lexicon: tuple[str, ...] = ()
    weights: Weights = UNTUNED
    by_character: bool = False

    @classmethod
    def of(cls, settings: LanguageSection, texts: Sequence[str], clean: Callable[[str], str]) -> Self:
        """What a recipe asks for, learnt from the training ``texts`` or read; raises DataError.

        ``clean`` brings a line of a file of words to what texts are like.
        """
        lexicon = _lexicon(settings, texts, clean)
        return cls(_model(settings, texts), lexicon, by_character=settings.lm_unit == "character")

    @classmethod
    def load(cls, settings: LanguageSection, folder: Path, body: Mapping[str, Any]) -> Self:
        """What was saved; KeyError, TypeError, ValueError or DataError where it is damaged."""
        weights = Weights(*map(float, body["weights"]))
        model = read_arpa(folder / ARPA) if settings.lm else None
        return cls(model, tuple(map(str, body["lexicon"])), weights, settings.lm_unit == "character")

    def save(self, folder: Path) -> dict[str, Any]:
        """Write the model into ``folder``; returns the rest as plain values for JSON."""
        if self.model is not None:
            self.model.write(folder / ARPA)
        return {"lexicon": list(self.lexicon), "weights": [self.weights.weight, self.weights.bonus]}

    @property
    def known(self) -> bool:
        """Whether there is anything to search by."""
        return bool(self.model or self.lexicon)

    def weighed(self, weights: Weights) -> Self:
        """The same with other weights."""
        return replace(self, weights=weights)

    def scorer(self, pieces: Sequence[str]) -> TextScorer:
        """A scorer of labels that add ``pieces`` to a text."""
        weights = self.weights if self.model else Weights(0.0, 0.0)
        return TextScorer(pieces, self.model, weights, by_character=self.by_character, lexicon=self.lexicon)


def _model(settings: LanguageSection, texts: Iterable[str]) -> NGram | None:
    if settings.lm == "train":
        cut = characters if settings.lm_unit == "character" else str.split
        return learn((cut(text) for text in texts), settings.order)
    return read_arpa(Path(settings.lm).expanduser()) if settings.lm else None


def _lexicon(settings: LanguageSection, texts: Iterable[str], clean: Callable[[str], str]) -> tuple[str, ...]:
    """The words that may be written, none for all."""
    wanted = settings.lexicon
    if wanted == "none" or (wanted == "auto" and not settings.lm):
        return ()
    if wanted in ("auto", "train"):
        return tuple(sorted({word for text in texts for word in text.split()}))
    path = Path(wanted).expanduser()
    with open_text(path, detect(path, "auto")) as lines:
        words = {word for line in lines for word in clean(line).split()}
    if not words:
        raise DataError(f"{path}: no words", "decoding.lexicon wants a file of words, or auto, train, none")
    return tuple(sorted(words))


def characters(text: str) -> list[str]:
    """A text as a language model of characters reads it."""
    return [SPACE if character == " " else character for character in text]


def tune(wrong: Callable[[Weights], float]) -> Weights:
    """The weights with the lowest error rate ``wrong``, the smaller ones where several are alike."""
    return min(_grid(), key=lambda weights: (wrong(weights), weights.weight, weights.bonus))


def _grid() -> Iterator[Weights]:
    return (Weights(*pair) for pair in product(WEIGHTS, BONUSES))
