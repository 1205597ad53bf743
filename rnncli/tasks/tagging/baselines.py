"""The tag that a word has most often in training; the most frequent tag of all for a word that is new."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence


class MostFrequentTag:
    """Learns from pairs of words and tags, and tags word by word."""

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
