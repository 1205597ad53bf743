"""Simple rivals of a tagger, so that a person sees what recurrence buys.

The tag that a word has most often in training; and a linear-chain CRF over features of a word and its neighbours (Sha &
Pereira 2003), trained by CRFsuite where it is installed.
"""

from __future__ import annotations

import importlib
import importlib.util
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from rnncli.data.text.neighbours import Sentence
from rnncli.tasks.tagging.extras.lexicon import EDGE, shape

MOST_WORDS = 400_000
"""The linear CRF learns from as many words at most."""
ITERATIONS = 50


class MostFrequentTag:
    """Learns from pairs of words and tags, and tags word by word; the most frequent tag of all for a new word."""

    def __init__(self, words: Iterable[Sequence[str]], tags: Iterable[Sequence[str]]) -> None:
        counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
        for sentence, its_tags in zip(words, tags, strict=True):
            for word, tag in zip(sentence, its_tags, strict=True):
                counts[word][tag] += 1
        every = sum(counts.values(), Counter[str]())
        self._default = every.most_common(1)[0][0]
        self._best = {word: found.most_common(1)[0][0] for word, found in counts.items()}

    def tag(self, words: Iterable[Sequence[str]]) -> Iterator[list[str]]:
        """The tags of each sentence."""
        for sentence in words:
            yield [self._best.get(word, self._default) for word in sentence]


def has_crfsuite() -> bool:
    """Whether a linear CRF can be trained."""
    return importlib.util.find_spec("pycrfsuite") is not None


def linear_crf(
    train: Iterable[tuple[Sentence, Sequence[str]]], test: Iterable[Sentence]
) -> tuple[list[list[str]], str]:
    """The tags of each sentence of ``test`` by a linear CRF learnt from ``train``, and what is to be said of it."""
    pycrfsuite: Any = importlib.import_module("pycrfsuite")
    options = {"c1": 0.1, "c2": 0.01, "max_iterations": ITERATIONS}
    trainer = pycrfsuite.Trainer(algorithm="lbfgs", params=options, verbose=False)
    words, note = 0, ""
    for sentence, tags in train:
        if words > MOST_WORDS:
            note = f"the linear CRF learnt from the first {words:,} words of the training part"
            break
        trainer.append(features(*sentence), list(tags))
        words += len(tags)
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "model")
        trainer.train(path)
        tagger = pycrfsuite.Tagger()
        tagger.open(path)
        return [tagger.tag(features(*sentence)) for sentence in test], note


def features(tokens: Sequence[str], columns: Sequence[Sequence[str]]) -> list[list[str]]:
    """What a linear CRF reads of each word: its look and its ends, and words and columns two to either side."""
    found = [_own(token) for token in tokens]
    for name, values in zip("w123456789", ([token.lower() for token in tokens], *columns), strict=False):
        padded = [EDGE, EDGE, *values, EDGE, EDGE]
        for at, mine in enumerate(found):
            before2, before, here, after, after2 = padded[at : at + 5]
            mine += [f"{name}={here}", f"{name}-1={before}", f"{name}+1={after}", f"{name}-2={before2}"]
            mine += [f"{name}+2={after2}", f"{name}-1,0={before}|{here}", f"{name}0,1={here}|{after}"]
            if name != "w":
                mine.append(f"{name}-1,0,1={before}|{here}|{after}")
    return found


def _own(token: str) -> list[str]:
    word = token.lower()
    ends = [f"begins {word[:size]}" for size in (1, 2, 3)] + [f"ends {word[-size:]}" for size in (1, 2, 3, 4)]
    return [f"shape {shape(token)}", *(ends if len(word) > 1 else [])]
