"""What is known of words: numbers for the word, its look, its ends, its characters, its columns and its neighbours."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from rnncli.data.jsonfile import read_json, write_json
from rnncli.data.ragged import Ragged
from rnncli.data.text.distinct import Column, Pairs
from rnncli.data.text.neighbours import Sentence
from rnncli.data.text.vocabulary import Vocabulary
from rnncli.errors import RunError

if TYPE_CHECKING:
    from rnncli.tasks.tagging.schema import TaggingRecipe

KIND = "lexicon"
AFFIXES = {"suffix 2": -2, "suffix 3": -3, "suffix 4": -4, "prefix 2": 2, "prefix 3": 3}
AFFIX_COUNT = 3
EDGE = "\x02"  # beyond either end of a sentence
SHAPES = 11


@dataclass(frozen=True)
class Lexicon:
    """Vocabularies of the training part by name: ``word``, ``character``, affixes, ``column 0``, ``pair 0`` and so on.

    ``counts`` say how often each word and each pair was seen, 0 for the specials.
    """

    vocabularies: dict[str, Vocabulary]
    counts: dict[str, np.ndarray]
    lower: bool
    max_characters: int

    @classmethod
    def learn(cls, recipe: TaggingRecipe, sentences: Iterable[Sentence]) -> Lexicon:
        """Count everything in one pass over the training part."""
        data, model = recipe.data, recipe.model
        forms: Counter[str] = Counter()
        columns = [Counter[str]() for _ in data.feature_columns]
        pairs = [Counter[str]() for _ in range(1 + len(columns))]
        for tokens, features in sentences:
            forms.update(tokens)
            for counter, values in zip(columns, features, strict=True):
                counter.update(values)
            if model.pairs:
                for counter, values in zip(pairs, (_lowered(tokens, data.lower), *features), strict=True):
                    counter.update(_pairs(values))
        words: Counter[str] = Counter()
        for form, count in forms.items():
            words[form.lower() if data.lower else form] += count
        word = Vocabulary.from_counts(words, min_count=data.min_count, max_size=data.max_vocabulary or None)
        found = {"word": word}
        if model.characters:
            found["character"] = Vocabulary.from_counts(Counter(chain.from_iterable(forms)))
        if model.affixes:
            for name, size in AFFIXES.items():
                ends = Counter(end for form in forms if (end := _affix(form.lower(), size)))
                found[name] = Vocabulary.from_counts(ends, min_count=AFFIX_COUNT)
        found |= {f"column {i}": Vocabulary.from_counts(counter) for i, counter in enumerate(columns)}
        if model.pairs:
            least = model.pair_min_count
            found |= {f"pair {i}": Vocabulary.from_counts(counter, min_count=least) for i, counter in enumerate(pairs)}
        counted = {"word": words} | {f"pair {i}": counter for i, counter in enumerate(pairs) if model.pairs}
        counts = {
            name: np.array([0, 0, *map(counter.__getitem__, found[name].tokens)]) for name, counter in counted.items()
        }
        return cls(found, counts, data.lower, data.max_characters)

    def grown(self, further: Lexicon, most: int) -> Lexicon:
        """This lexicon with what is new in a ``further`` one behind what it has, at most ``most`` words, 0 for any.

        Counts are of both.
        """
        found, counts = {}, {}
        for name, vocabulary in self.vocabularies.items():
            tokens = further.vocabularies[name].tokens
            order = {token: len(tokens) - place for place, token in enumerate(tokens)}
            found[name] = vocabulary.grown(order, max_size=most or None if name == "word" else None)
        for name, counts_V in self.counts.items():
            own, theirs = found[name], further.vocabularies[name]
            counts[name] = np.zeros(len(own), np.int64)
            counts[name][: len(counts_V)] = counts_V
            counts[name][own.encode(theirs.tokens)] += further.counts[name][2:]
            counts[name][:2] = 0
        return Lexicon(found, counts, self.lower, self.max_characters)

    def cut(self, share: float) -> Lexicon:
        """This lexicon with that share of words and of pairs, the most frequent; what is known of any word stays."""
        found, counts = dict(self.vocabularies), {}
        for name, counts_V in self.counts.items():
            vocabulary = self.vocabularies[name]
            specials, most = len(vocabulary.specials), round(share * len(vocabulary.tokens))
            # A stable order leaves those that are as frequent in theirs.
            kept = specials + np.sort(np.argsort(-counts_V[specials:], kind="stable")[:most])
            found[name] = Vocabulary(tuple(vocabulary.names[i] for i in kept), vocabulary.specials)
            counts[name] = np.concatenate([counts_V[:specials], counts_V[kept]])
        return Lexicon(found, counts, self.lower, self.max_characters)

    @property
    def affixes(self) -> tuple[str, ...]:
        """The names of the affixes in use."""
        return tuple(name for name in AFFIXES if name in self.vocabularies)

    @property
    def positions(self) -> tuple[str, ...]:
        """What is known of a word at its place: columns, then pairs, each of these on the left and on the right."""
        columns = [name for name in self.vocabularies if name.startswith("column")]
        pairs = [name for name in self.vocabularies if name.startswith("pair")]
        return (*columns, *(name for name in pairs for _ in ("left", "right")))

    def forms(self, forms: Sequence[str]) -> np.ndarray:
        """Word, shape and affixes of each of U forms, (U, F) int64."""
        table = np.zeros((len(forms), 2 + len(self.affixes)), dtype=np.int64)
        lowered = [form.lower() for form in forms]
        table[:, 0] = self.vocabularies["word"].encode(lowered if self.lower else forms)
        table[:, 1] = [shape(form) for form in forms]
        for at, name in enumerate(self.affixes, start=2):
            table[:, at] = self.vocabularies[name].encode([_affix(form, AFFIXES[name]) for form in lowered])
        return table

    def knows(self, forms: Sequence[str]) -> list[bool]:
        """Whether each form is a word of the training part."""
        return [form in self.vocabularies["word"] for form in _lowered(forms, self.lower)]

    def characters(self, forms: Sequence[str]) -> Ragged:
        """The characters of each form; of long ones the two ends."""
        vocabulary, most = self.vocabularies.get("character"), self.max_characters
        if vocabulary is None:
            return Ragged.from_iterable([] for _ in forms)
        half = most // 2
        ends = (form if len(form) <= most else form[: most - half] + form[len(form) - half :] for form in forms)
        return Ragged.from_iterable(map(vocabulary.encode, ends))

    def places(self, words: Column, columns: Sequence[Column], offsets: np.ndarray) -> list[np.ndarray]:
        """The numbers of :attr:`positions` for each word, (P,) each; ``offsets`` are where sentences begin and end."""
        found = []
        for i, column in enumerate(columns):
            known = column.distinct.follows("column", self.vocabularies[f"column {i}"].encode)
            found.append(known[column.numbers])
        if "pair 0" in self.vocabularies:
            for pairs, column in zip(self._pairs, (words, *columns), strict=True):
                lower = self.lower and column is words
                halves = column.distinct.follows(
                    "half", lambda strings, p=pairs, low=lower: p.halves(_lowered(strings, low))
                )
                found += pairs.around(halves[column.numbers], offsets)
        return found

    @cached_property
    def _pairs(self) -> list[Pairs]:
        return [Pairs(self.vocabularies[f"pair {i}"], EDGE) for i in range(1 + self.columns)]

    @property
    def columns(self) -> int:
        """How many further columns are read."""
        return sum(name.startswith("column") for name in self.vocabularies)

    def save(self, folder: Path) -> None:
        """Write what :meth:`load` reads."""
        tokens = {name: list(vocabulary.tokens) for name, vocabulary in self.vocabularies.items()}
        counts = {name: counts_V.tolist() for name, counts_V in self.counts.items()}
        body = {"vocabularies": tokens, "counts": counts, "lower": self.lower}
        write_json(folder / "lexicon.json", KIND, body | {"max_characters": self.max_characters})

    @classmethod
    def load(cls, folder: Path) -> Lexicon:
        """What :meth:`save` wrote; raises RunError."""
        path = folder / "lexicon.json"
        body = read_json(path, KIND)
        try:
            vocabularies = {name: Vocabulary(tuple(tokens)) for name, tokens in body["vocabularies"].items()}
            counts = {name: np.array(values, dtype=np.int64) for name, values in body["counts"].items()}
            if "word" not in counts or any(len(values) != len(vocabularies[name]) for name, values in counts.items()):
                raise ValueError("as many counts as words and pairs are needed")
            return cls(vocabularies, counts, bool(body["lower"]), int(body["max_characters"]))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise RunError(
                f"{path}: no lexicon can be made of it: {error}", "take it from a copy of the run"
            ) from error


def shape(word: str) -> int:
    """The look of a word as a number from 1 below SHAPES: its case, digits, punctuation."""
    if word.isalpha():
        if word.islower():
            return 1
        if word.isupper():
            return 2 if len(word) > 1 else 3
        if word[0].isupper() and word[1:].islower():
            return 4
        return 5
    if word.isdigit():
        return 6
    if any(character.isdigit() for character in word):
        return 7 if any(character.isalpha() for character in word) else 8
    return 9 if any(character.isalpha() for character in word) else 10


def _affix(word: str, size: int) -> str:
    """The first ``size`` characters or, where it is negative, the last; nothing of a word that is not longer."""
    if len(word) <= abs(size):
        return ""
    return word[size:] if size < 0 else word[:size]


def _lowered(tokens: Sequence[str], lower: bool) -> Sequence[str]:
    return [token.lower() for token in tokens] if lower else tokens


def _pairs(values: Sequence[str]) -> list[str]:
    """Each value with the one before it: one more than there are values, the edges included."""
    return [f"{one}\t{other}" for one, other in pairwise((EDGE, *values, EDGE))]
