"""Edits that turn what was found into the truth, counted by utterance: word and character error rates.

The distance is that of Levenshtein (1966), each edit counted as one; of the shortest alignments the one is taken that,
from the end, prefers a pair to a deletion and a deletion to an insertion. Shape letters: N utterances, G groups.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from typing import NamedTuple

import numpy as np

from rnncli.metrics.statistics import Sums, shares

Pair = tuple[str | None, str | None]
KINDS = ("substitutions", "deletions", "insertions")


def align(truth: Sequence[str], found: Sequence[str]) -> list[Pair]:
    """Pairs of (true, found) in order; None where a true one was left out, or one was put in."""
    codes: dict[Hashable, int] = {}
    truth_S, found_M = (np.array([codes.setdefault(x, len(codes)) for x in part]) for part in (truth, found))
    rows = _distances(truth_S, found_M)
    pairs: list[Pair] = []
    i, j = len(truth), len(found)
    while i or j:
        here = rows[i][j]
        if i and j and here == rows[i - 1][j - 1] + (truth_S[i - 1] != found_M[j - 1]):
            i, j = i - 1, j - 1
            pairs.append((truth[i], found[j]))
        elif i and here == rows[i - 1][j] + 1:
            i -= 1
            pairs.append((truth[i], None))
        else:
            j -= 1
            pairs.append((None, found[j]))
    return pairs[::-1]


class Edits(NamedTuple):
    """What turns what was found into the truth: edits by their kinds, true units, and the alignment."""

    substitutions: int
    deletions: int
    insertions: int
    true: int
    pairs: tuple[Pair, ...] = ()

    @property
    def errors(self) -> int:
        """Edits of all kinds."""
        return self.substitutions + self.deletions + self.insertions


def edits(truth: Sequence[str], found: Sequence[str]) -> Edits:
    """The edits of one utterance.

    >>> edits("go home".split(), "no home now".split())[:4]
    (1, 0, 1, 2)
    """
    pairs = align(truth, found)
    wrong = [pair for pair in pairs if pair[0] != pair[1]]
    missing, extra = (sum(pair[at] is None for pair in wrong) for at in (1, 0))
    return Edits(len(wrong) - missing - extra, missing, extra, len(truth), tuple(pairs))


def error_rate(truths: Iterable[Sequence[str]], founds: Iterable[Sequence[str]]) -> float:
    """Edits by true units over pairs of utterances, without alignments."""
    edits = units = 0
    for truth, found in zip(truths, founds, strict=True):
        edits += distance(truth, found)
        units += len(truth)
    return edits / units if units else float("nan")


def edit_rates(name: str, truths: Iterable[Sequence[str]], founds: Iterable[Sequence[str]]) -> Sums:
    """The metric ``name``: edits by true units over utterances, whose counts are kept."""
    counts = [(distance(truth, found), len(truth)) for truth, found in zip(truths, founds, strict=True)]
    (family,) = shares([name], [np.array(counts, dtype=np.float64).reshape(-1, 2)])
    return family


def distance(truth: Sequence[str], found: Sequence[str]) -> int:
    """The least number of edits between two sequences."""
    codes: dict[Hashable, int] = {}
    truth_S, found_M = (np.array([codes.setdefault(x, len(codes)) for x in part]) for part in (truth, found))
    return int(_distances(truth_S, found_M)[-1][-1])


def _distances(truth_S: np.ndarray, found_M: np.ndarray) -> list[np.ndarray]:
    """Row i holds the distances of the first i true units from each beginning of what was found, (S + 1, M + 1).

    Within a row d_j = min(c_j, d_(j-1) + 1), where c_j comes from the row above, is j + min over k <= j of (c_k - k).
    """
    steps = np.arange(len(found_M) + 1)
    rows = [steps]
    for unit in truth_S:
        above = rows[-1]
        candidates = above + 1
        np.minimum(candidates[1:], above[:-1] + (found_M != unit), out=candidates[1:])
        rows.append(np.minimum.accumulate(candidates - steps) + steps)
    return rows
