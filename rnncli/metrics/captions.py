"""Captions against one or several references: BLEU, ROUGE-L, CIDEr-D, exact matches, and how varied they are.

All take captions as lists of words that are alike in how they were cut. BLEU (Papineni et al. 2002) is that of the
corpus with the reference length nearest to each caption's, unsmoothed; ROUGE-L (Lin 2004) the F-measure with beta 1.2
of the best recall and the best precision over the references; CIDEr-D (Vedantam et al. 2015) has n-grams up to four,
sigma 6 and documents counted over all references given. Shape letters: N captions, R resamples.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from functools import partial, reduce
from typing import Any

import numpy as np
from scipy.sparse import coo_array

from rnncli.metrics.edits import edit_rates
from rnncli.metrics.statistics import Statistics, Sums

Words = Sequence[str]
References = Sequence[Sequence[Words]]
ORDER = 4
BETA = 1.2
SIGMA = 6.0
SCALE = 10.0
"""CIDEr-D is given ten times as large."""


def n_grams(words: Words, order: int) -> Counter[tuple[str, ...]]:
    """How often each n-gram of this order occurs."""
    return Counter(tuple(words[i : i + order]) for i in range(len(words) - order + 1))


def bleu_counts(founds: Sequence[Words], references: References) -> np.ndarray:
    """Of each caption: clipped hits and n-grams of each order, its length, the nearest reference length, (N, 10)."""
    rows = []
    for found, truths in zip(founds, references, strict=True):
        row: list[float] = []
        for order in range(1, ORDER + 1):
            own = n_grams(found, order)
            most: Counter[tuple[str, ...]] = reduce(lambda a, b: a | b, (n_grams(t, order) for t in truths), Counter())
            row += [sum((own & most).values()), max(0, len(found) - order + 1)]
        nearest = min((len(truth) for truth in truths), key=lambda length: (abs(length - len(found)), length))
        rows.append([*row, len(found), nearest])
    return np.array(rows, dtype=np.float64).reshape(len(rows), 2 * ORDER + 2)


def bleu(sums: np.ndarray, order: int = ORDER) -> np.ndarray:
    """BLEU of summed counts (..., 10): 0 where an order has no hit."""
    sums = np.asarray(sums, dtype=np.float64)
    hits, totals = sums[..., 0 : 2 * order : 2], sums[..., 1 : 2 * order : 2]
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.log(np.where(totals > 0, hits / np.where(totals > 0, totals, 1), 0)).mean(-1)
        short = np.minimum(0.0, 1 - sums[..., -1] / sums[..., -2])
    return np.nan_to_num(np.exp(logs + short), nan=0.0)


def rouge_l(found: Words, truths: Sequence[Words]) -> float:
    """ROUGE-L of one caption."""
    if not found:
        return 0.0
    common = [_longest_common(found, truth) for truth in truths]
    precision = max(length / len(found) for length in common)
    recall = max(length / max(1, len(truth)) for length, truth in zip(common, truths, strict=True))
    if not precision or not recall:
        return 0.0
    return (1 + BETA**2) * precision * recall / (recall + BETA**2 * precision)


def cider_d(founds: Sequence[Words], references: References) -> np.ndarray:
    """CIDEr-D of each caption, (N,); its mean is that of the corpus."""
    documents: Counter[tuple[str, ...]] = Counter()
    for truths in references:
        documents.update({gram for truth in truths for order in range(1, ORDER + 1) for gram in n_grams(truth, order)})
    log_items = math.log(max(1, len(references)))
    scores = []
    for found, truths in zip(founds, references, strict=True):
        total = 0.0
        for order in range(1, ORDER + 1):
            own = _weights(found, order, documents, log_items)
            for truth in truths:
                other = _weights(truth, order, documents, log_items)
                gap = math.exp(-((len(found) - len(truth)) ** 2) / (2 * SIGMA**2))
                total += gap * _clipped_cosine(own, other) / len(truths)
        scores.append(SCALE * total / ORDER)
    return np.array(scores)


def rated(founds: Sequence[Words], references: References) -> dict[str, tuple[Sequence[Words], Sequence[Words]]]:
    """The truths and captions that ``wer`` and ``cer`` are the error rates of.

    None where clips have several references; no ``wer`` where all words are characters.
    """
    if any(len(truths) > 1 for truths in references):
        return {}
    first = [truths[0] for truths in references]
    if all(len(word) == 1 for truth in first for word in truth):
        return {"cer": (first, founds)}
    return {"wer": (first, founds), "cer": ([" ".join(one) for one in first], [" ".join(one) for one in founds])}


def caption_statistics(founds: Sequence[Words], references: References) -> Statistics:
    """``bleu_1`` to ``bleu_4``, ``rouge_l``, ``cider``, ``exact``, ``distinct``, ``distinct_2``, error rates (`rated`).

    ValueError where there are no captions, or not as many as lists of references.
    """
    if len(founds) != len(references) or not founds or not all(references):
        raise ValueError(f"{len(founds)} captions for {len(references)} lists of references")
    exact = [float(any(list(f) == list(t) for t in truths)) for f, truths in zip(founds, references, strict=True)]
    rouge_N, ones_N = rouge_ls(founds, references), np.ones(len(founds))
    means_NC = np.column_stack([rouge_N, cider_d(founds, references), exact, ones_N])
    families = [Sums(bleu_counts(founds, references), _bleus), Sums(means_NC, _means), *_diversity(founds)]
    for name, (truths, captions) in rated(founds, references).items():
        families.append(edit_rates(name, truths, captions))
    return Statistics(tuple(families))


def rouge_ls(founds: Sequence[Words], references: References) -> np.ndarray:
    """ROUGE-L of each caption, (N,)."""
    return np.array([rouge_l(found, truths) for found, truths in zip(founds, references, strict=True)])


def _bleus(sums: np.ndarray) -> dict[str, np.ndarray]:
    return {f"bleu_{order}": bleu(sums, order) for order in range(1, ORDER + 1)}


def _means(sums: np.ndarray) -> dict[str, np.ndarray]:
    return {name: sums[..., at] / sums[..., -1] for at, name in enumerate(("rouge_l", "cider", "exact"))}


def _diversity(founds: Sequence[Words]) -> list[Sums]:
    """``distinct``: different captions by captions; ``distinct_2``: different pairs of words by pairs."""
    whole = [Counter([tuple(found)]) for found in founds]
    pairs = [n_grams(found, 2) for found in founds]
    named = (("distinct", whole), ("distinct_2", pairs))
    return [Sums(_counted(counts), partial(_distinct, name), resampled=False) for name, counts in named]


def _counted(counts: Sequence[Counter[tuple[str, ...]]]) -> Any:
    """How often each row has each of all items, sparse (N, items)."""
    numbers: dict[tuple[str, ...], int] = {}
    cells = [(i, numbers.setdefault(item, len(numbers)), n) for i, row in enumerate(counts) for item, n in row.items()]
    rows, columns, times = zip(*cells, strict=True) if cells else ((), (), ())
    return coo_array((np.array(times, float), (rows, columns)), shape=(len(counts), max(1, len(numbers)))).tocsr()


def _distinct(name: str, sums: np.ndarray) -> dict[str, np.ndarray]:
    return {name: (sums > 0).sum(-1) / np.maximum(sums.sum(-1), 1)}


def _longest_common(one: Words, other: Words) -> int:
    """The length of the longest common subsequence."""
    row = [0] * (len(other) + 1)
    for word in one:
        before = 0
        for j, theirs in enumerate(other, start=1):
            before, row[j] = row[j], before + 1 if word == theirs else max(row[j], row[j - 1])
    return row[-1]


def _weights(
    words: Words, order: int, documents: Counter[tuple[str, ...]], log_items: float
) -> dict[tuple[str, ...], float]:
    """Term frequency by inverse document frequency of each n-gram."""
    return {
        gram: count * (log_items - math.log(max(1, documents[gram]))) for gram, count in n_grams(words, order).items()
    }


def _clipped_cosine(own: dict[tuple[str, ...], float], other: dict[tuple[str, ...], float]) -> float:
    norms = math.sqrt(sum(x * x for x in own.values()) * sum(x * x for x in other.values()))
    if not norms:
        return 0.0
    return sum(min(weight, other[gram]) * other[gram] for gram, weight in own.items() if gram in other) / norms
