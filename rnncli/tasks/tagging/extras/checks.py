"""Tables that let a person judge tagged sentences before training on them."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping

import numpy as np

from rnncli.data import splits
from rnncli.data.text.tagschemes import OUTSIDE
from rnncli.report.build import Advice, ReportTable
from rnncli.tasks.base import Corpus
from rnncli.tasks.common import findings as common
from rnncli.tasks.common.checks import QUANTILES, by_split, counted, overlaps, quantiles
from rnncli.tasks.tagging.data import SentencePart
from rnncli.tasks.tagging.schema import TaggingRecipe

MOST_NAMED = 10
"""Words with several tags that are named."""
SHORT = 3
"""Words of a sentence, up to which it may well stand in two parts."""


def tables(recipe: TaggingRecipe, corpus: Corpus) -> list[ReportTable]:
    """Sizes, tags or types of spans, words known, words with several tags, sentences that stand in several parts."""
    parts: dict[str, SentencePart] = dict(corpus.parts)
    lower = recipe.data.lower
    prints = {name: splits.fingerprints(map(" ".join, part.tokens())) for name, part in parts.items()}
    words = {name: _words(part, lower) for name, part in parts.items()}
    counts = {name: _count(part) for name, part in parts.items()}
    spans = parts["train"].scheme is not None
    return [
        by_split("sizes, and lengths in words", ("sentences", "words", *QUANTILES, "repaired tags"), parts, _sizes),
        counted(*(("spans", "type") if spans else ("tags", "tag")), counts, shares=True, lacking=True),
        _coverage(words, recipe.data.min_count),
        _several(parts["train"]),
        overlaps("sentences", prints),
    ]


def findings(parts: Mapping[str, SentencePart]) -> Iterator[Advice]:
    """What is odd in the sentences of all parts; the shortest are equal by nature."""
    prints = {name: (hash(tuple(tokens)) for tokens in part.tokens()) for name, part in parts.items()}
    tags = {name: (hash(tuple(one)) for one in part.tags()) for name, part in parts.items()}
    yield from common.two_truths(parts, prints, tags, "sentences", "tags")
    long = {
        name: [hash(tuple(tokens)) for tokens in part.tokens() if len(tokens) > SHORT] for name, part in parts.items()
    }
    yield from common.leaks(long, long, "sentences")


def _words(part: SentencePart, lower: bool) -> Counter[str]:
    return Counter(word.lower() if lower else word for tokens in part.tokens() for word in tokens)


def _sizes(part: SentencePart) -> list[str]:
    lengths = np.array([len(tokens) for tokens in part.tokens()])
    return [f"{len(part):,}", f"{lengths.sum():,}", *quantiles(lengths), f"{part.repaired():,}"]


def _count(part: SentencePart) -> Counter[str]:
    if part.scheme is None:
        return Counter(tag for tags in part.tags() for tag in tags)
    return Counter(tag[2:] for tags in part.tags() for tag in tags if tag[0] in "BS")


def _coverage(words: dict[str, Counter[str]], min_count: int) -> ReportTable:
    known = {word for word, count in words["train"].items() if count >= min_count}
    rows = []
    for name, found in words.items():
        running = sum(count for word, count in found.items() if word in known)
        rows.append((name, f"{len(found):,}", f"{100 * running / max(1, found.total()):.2f} %"))
    title = f"vocabulary of {len(known):,} words from train"
    return ReportTable(title, ("split", "distinct words", "running words known"), tuple(rows))


def _several(train: SentencePart) -> ReportTable:
    """Words that have several tags, by how often they have another than their most frequent one."""
    found: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for tokens, tags in zip(train.tokens(), train.tags(), strict=True):
        for word, tag in zip(tokens, tags, strict=True):
            found[word][tag if train.scheme is None else tag[2:] or OUTSIDE] += 1
    odd = {word: tags.total() - max(tags.values()) for word, tags in found.items() if len(tags) > 1}
    worst = sorted(odd, key=lambda word: (-odd[word], word))[:MOST_NAMED]
    rows = tuple((word, ", ".join(f"{tag} {n:,}" for tag, n in found[word].most_common(5))) for word in worst)
    return ReportTable(f"words of train with several tags: {len(odd):,}", ("word", "tags"), rows)
