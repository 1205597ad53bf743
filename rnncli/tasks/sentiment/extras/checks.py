"""Tables that let a person judge labelled texts before training on them."""

from __future__ import annotations

from collections import Counter

import numpy as np

from rnncli.data import splits
from rnncli.data.text.units import Units
from rnncli.data.text.vocabulary import Vocabulary
from rnncli.report.build import ReportTable
from rnncli.tasks.base import Corpus
from rnncli.tasks.common.checks import overlaps
from rnncli.tasks.sentiment.data import TextPart, count_labels
from rnncli.tasks.sentiment.schema import SentimentRecipe


def tables(recipe: SentimentRecipe, corpus: Corpus, units: Units) -> list[ReportTable]:
    """Sizes and lengths, labels, vocabulary and its coverage, texts that stand in several parts."""
    data = recipe.data
    measured = {name: _measure(part, units) for name, part in corpus.parts.items()}
    words = measured["train"][1]
    vocabulary = Vocabulary.from_counts(words, min_count=data.min_count, max_size=data.max_vocabulary or None)
    return [
        _lengths({name: lengths for name, (lengths, _) in measured.items()}, data.max_length),
        _labels({name: count_labels(part) for name, part in corpus.parts.items()}),
        _coverage({name: counts for name, (_, counts) in measured.items()}, vocabulary),
        _overlaps(corpus.parts),
    ]


def _measure(part: TextPart, units: Units) -> tuple[np.ndarray, Counter[str]]:
    counts: Counter[str] = Counter()
    lengths = np.zeros(len(part), dtype=np.int64)
    for row, text in enumerate(part.texts()):
        found = units.split(text)
        lengths[row] = len(found)
        counts.update(found)
    return lengths, counts


def _lengths(lengths: dict[str, np.ndarray], limit: int) -> ReportTable:
    rows = []
    for name, found in lengths.items():
        quantiles = [f"{q:,.0f}" for q in np.quantile(found, [0, 0.5, 0.95, 1])]
        cut = int((found > limit).sum()) if limit else 0
        rows.append((name, f"{len(found):,}", *quantiles, f"{found.mean():.1f}", f"{cut:,}"))
    columns = ("split", "texts", "least", "median", "95 %", "most", "mean", "cut")
    return ReportTable("sizes and lengths in units", columns, tuple(rows))


def _labels(counts: dict[str, Counter[str]]) -> ReportTable:
    labels = sorted({label for found in counts.values() for label in found})
    rows = []
    for label in labels:
        cells = [f"{found[label]:,}  {100 * found[label] / max(1, found.total()):.1f} %" for found in counts.values()]
        rows.append((label, *cells))
    return ReportTable("labels", ("label", *counts), tuple(rows))


def _coverage(counts: dict[str, Counter[str]], vocabulary: Vocabulary) -> ReportTable:
    rows = []
    for name, found in counts.items():
        known = sum(unit in vocabulary for unit in found)
        share = f"{100 * known / max(1, len(found)):.1f} %"
        rows.append((name, f"{len(found):,}", f"{100 * vocabulary.coverage(found):.2f} %", share))
    title = f"vocabulary of {len(vocabulary):,} units from train"
    columns = ("split", "distinct units", "running units known", "distinct units known")
    return ReportTable(title, columns, tuple(rows))


def _overlaps(parts: dict[str, TextPart] | object) -> ReportTable:
    assert isinstance(parts, dict)
    prints = {name: splits.fingerprints(text.strip() for text in part.texts()) for name, part in parts.items()}
    return overlaps("texts", prints)
