"""How much each unit of a text has to do with what evidence says of the whole of it.

The scores of a text are a bias and the weights of its different n-grams, shrunk. The weight of each is shared out
evenly among the places at which it occurs, and at each place among the units it spans. Shape letters: B texts, U units
of all texts, P units of the longest text, C columns, N occurrences.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from rnncli.data.ragged import ranges
from rnncli.data.text.evidence import Evidence
from rnncli.data.text.grams import Located, locate
from rnncli.data.text.regression import shrink


def unit_shares(evidence: Evidence, texts: Sequence[Sequence[str]]) -> np.ndarray:
    """What each unit adds to each score of its text, (B, P, C): the sum of a text is its scores without the bias."""
    found = locate(texts, evidence.kinds, evidence.inner)
    longest, columns = max(1, int(found.lengths_N.max(initial=0))), evidence.weights.shape[1]
    unit, number, span = _occurrences(found, evidence.grams.unknown)
    text_U = np.repeat(np.arange(len(texts)), found.lengths_N)
    start_N = np.cumsum(found.lengths_N) - found.lengths_N
    text = text_U[unit]
    grams = len(evidence.grams)
    pairs, which, times = np.unique(text * np.int64(grams) + number, return_inverse=True, return_counts=True)
    distinct_B = np.bincount(pairs // grams, minlength=len(texts))
    weight_NC = evidence.weights[number] / (times[which] * span)[:, None] * shrink(distinct_B)[text]
    shares_BPC = np.zeros((len(texts), longest, columns), np.float64)
    for back in range(int(span.max(initial=0))):
        some = span > back
        np.add.at(shares_BPC, (text[some], unit[some] - start_N[text[some]] - back), weight_NC[some])
    return shares_BPC


def _occurrences(found: Located, unknown: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Where each n-gram ends, its number, and how many units it spans, (N,) each."""
    inside = found.inside_WF
    starts, ends = inside.bounds_R[found.word_U], inside.bounds_R[found.word_U + 1]
    units = [np.repeat(np.arange(len(found.word_U)), ends - starts)]
    numbers, spans = [inside.columns_N[ranges(starts, ends)]], [np.ones(len(units[0]), np.int64)]
    for order, number_U in enumerate(found.numbers_OU, start=1):
        at = np.flatnonzero(number_U != unknown)
        units.append(at)
        numbers.append(number_U[at])
        spans.append(np.full(len(at), order))
    return np.concatenate(units), np.concatenate(numbers).astype(np.int64), np.concatenate(spans)
