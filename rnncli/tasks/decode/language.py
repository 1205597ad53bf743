"""What is known of the texts to be written: a language model with its weights, a list of words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from rnncli.data.encodings import detect, open_text
from rnncli.data.text.ngram import NGram, learn, read_arpa
from rnncli.data.text.scorer import TextScorer, Weights, characters
from rnncli.errors import DataError

if TYPE_CHECKING:
    from rnncli.tasks.decode.sections import LanguageSection

ARPA = "language.arpa"
SEVERAL_TEXTS = 5
"""Texts that each word of a closed vocabulary is in, at least."""
UNTUNED = Weights(0.5, 1.0)


@dataclass(frozen=True)
class Language:
    """What is known of the texts to be written: a model with its weights, and the only words, none for all.

    ``by_character`` says that the model is one of characters.

    >>> scorer = Language(lexicon=("go", "on")).scorer(["g", "o", "n", " "])
    >>> state, _ = scorer.extend(scorer.start(), 1)
    >>> scorer.extend(state, 3) is None
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

    def keep(self, folder: Path) -> dict[str, Any]:
        """Write the model into ``folder``; returns all else as plain values for JSON, for :meth:`kept`."""
        return self.save(folder) | {"by_character": self.by_character}

    @classmethod
    def kept(cls, folder: Path, body: Mapping[str, Any]) -> Self:
        """What :meth:`keep` gave, without the recipe."""
        model = read_arpa(folder / ARPA) if (folder / ARPA).exists() else None
        return cls(model, tuple(body["lexicon"]), Weights(*body["weights"]), body["by_character"])

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


def lexicon_used(settings: LanguageSection, texts: Iterable[str]) -> tuple[str, str]:
    """What ``decoding.lexicon`` of ``auto`` comes to, and why where that needs saying.

    ``texts`` are those of training, none where labels are whole words, which need no list.
    """
    if settings.lexicon != "auto" or settings.lm:
        return ("train" if settings.lexicon == "auto" else settings.lexicon), ""
    if not (words := closed_vocabulary(texts)):
        return "none", ""
    why = f"only the {words:,} words of train are written, each of which is in many texts (decoding.lexicon=none: any)"
    return "train", why


def closed_vocabulary(texts: Iterable[str]) -> int:
    """How many words there are where no other is to be expected, because each is in several texts; else 0.

    That no word is rare says that hardly any was missed (Good 1953); the same text again says nothing.
    """
    counts = Counter(word for text in set(texts) for word in set(text.split()))
    return len(counts) if counts and min(counts.values()) >= SEVERAL_TEXTS else 0


def _model(settings: LanguageSection, texts: Iterable[str]) -> NGram | None:
    if settings.lm == "train":
        cut = characters if settings.lm_unit == "character" else str.split
        return learn((cut(text) for text in texts), settings.order)
    return read_arpa(Path(settings.lm)) if settings.lm else None


def _lexicon(settings: LanguageSection, texts: Iterable[str], clean: Callable[[str], str]) -> tuple[str, ...]:
    """The words that may be written, none for all."""
    wanted = settings.lexicon
    if wanted == "none" or (wanted == "auto" and not settings.lm):
        return ()
    if wanted in ("auto", "train"):
        return tuple(sorted({word for text in texts for word in text.split()}))
    path = Path(wanted)
    with open_text(path, detect(path, "auto")) as lines:
        words = {word for line in lines for word in clean(line).split()}
    if not words:
        raise DataError(f"{path}: no words", "decoding.lexicon wants a file of words, or auto, train, none")
    return tuple(sorted(words))
