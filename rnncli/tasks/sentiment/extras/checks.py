"""Tables that let a person judge labelled texts before training on them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

import numpy as np

from rnncli.data import splits
from rnncli.data.text.units import Units
from rnncli.data.text.vocabulary import Vocabulary
from rnncli.report.build import Advice, ReportTable
from rnncli.tasks.base import Corpus
from rnncli.tasks.common import findings as common
from rnncli.tasks.common.checks import QUANTILES, by_split, counted, overlaps, quantiles
from rnncli.tasks.sentiment.data import TextPart, count_labels
from rnncli.tasks.sentiment.schema import SentimentRecipe


def tables(recipe: SentimentRecipe, corpus: Corpus, units: Units) -> list[ReportTable]:
    """Sizes and lengths, labels, vocabulary and its coverage, texts that stand in several parts."""
    data, parts = recipe.data, corpus.parts
    prints = {name: splits.fingerprints(text.strip() for text in part.texts()) for name, part in parts.items()}
    measured = {name: _measure(part, units) for name, part in parts.items()}
    words = measured["train"][1]
    vocabulary = Vocabulary.from_counts(words, min_count=data.min_count, max_size=data.max_vocabulary or None)
    return [
        by_split(
            "sizes and lengths in units",
            ("texts", *QUANTILES, "mean", "cut"),
            {name: lengths for name, (lengths, _) in measured.items()},
            lambda lengths: _lengths(lengths, data.max_length),
        ),
        counted("labels", "label", {name: count_labels(part) for name, part in parts.items()}, shares=True),
        _coverage({name: counts for name, (_, counts) in measured.items()}, vocabulary),
        overlaps("texts", prints),
    ]


def findings(parts: Mapping[str, TextPart]) -> Iterator[Advice]:
    """What is odd in the texts and labels of all parts."""
    texts = {name: [text.strip() for text in part.texts()] for name, part in parts.items()}
    yield from common.two_truths(
        parts, texts, {name: part.written() for name, part in parts.items()}, "texts", "labels"
    )
    yield from common.no_texts(parts, texts)
    yield from common.no_labels(count_labels(parts["train"]))
    yield from common.leaks(parts, texts, "texts")


def _measure(part: TextPart, units: Units) -> tuple[np.ndarray, Counter[str]]:
    counts: Counter[str] = Counter()
    lengths = np.zeros(len(part), dtype=np.int64)
    for row, text in enumerate(part.texts()):
        found = units.split(text)
        lengths[row] = len(found)
        counts.update(found)
    return lengths, counts


def _lengths(found: np.ndarray, limit: int) -> list[str]:
    cut = int((found > limit).sum()) if limit else 0
    return [f"{len(found):,}", *quantiles(found), f"{found.mean():.1f}", f"{cut:,}"]


def _coverage(counts: dict[str, Counter[str]], vocabulary: Vocabulary) -> ReportTable:
    rows = []
    for name, found in counts.items():
        known = sum(unit in vocabulary for unit in found)
        share = f"{100 * known / max(1, len(found)):.1f} %"
        rows.append((name, f"{len(found):,}", f"{100 * vocabulary.coverage(found):.2f} %", share))
    title = f"vocabulary of {len(vocabulary):,} units from train"
    columns = ("split", "distinct units", "running units known", "distinct units known")
    return ReportTable(title, columns, tuple(rows))
