"""Edits that turn what was found into the truth, counted by utterance: word and character error rates.

The distance is that of Levenshtein (1966), each edit counted as one; of the shortest alignments the one is taken that,
from the end, prefers a pair to a deletion and a deletion to an insertion. Shape letters: N utterances, G groups.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from rnncli.metrics.bootstrap import interval, resampled_sums
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


@dataclass
class EditCounts:
    """Substitutions, deletions, insertions and true units of each utterance; counts of two parts can be added."""

    rows: list[tuple[int, int, int, int]] = field(default_factory=list)
    confusions: Counter[Pair] = field(default_factory=Counter)

    def add(self, truth: Sequence[str], found: Sequence[str]) -> list[Pair]:
        """Count an utterance; returns its alignment."""
        pairs = align(truth, found)
        wrong = [pair for pair in pairs if pair[0] != pair[1]]
        missing, extra = (sum(pair[at] is None for pair in wrong) for at in (1, 0))
        self.rows.append((len(wrong) - missing - extra, missing, extra, len(truth)))
        self.confusions.update(wrong)
        return pairs

    def __add__(self, other: EditCounts) -> EditCounts:
        return EditCounts(self.rows + other.rows, self.confusions + other.confusions)

    def counts(self) -> np.ndarray:
        """The rows as an array, (N, 4) int64."""
        return np.array(self.rows, dtype=np.int64).reshape(-1, 4)

    def errors(self) -> np.ndarray:
        """Edits of each utterance, (N,)."""
        return self.counts()[:, :3].sum(1)

    def rate(self) -> float:
        """Edits by true units over all utterances; may be above 1, NaN where there is nothing to find."""
        return float(_rate(self.counts().sum(0)[None])[0])

    def parts(self) -> dict[str, int]:
        """How many edits there are of each kind."""
        return dict(zip(KINDS, map(int, self.counts().sum(0)), strict=False))

    def interval(
        self, *, resamples: int, confidence: float, seed: int, groups: Iterable[Hashable] | None = None
    ) -> tuple[float, float]:
        """Percentile bootstrap of the rate over utterances, or over whole ``groups`` of them, such as speakers."""
        rows = self.counts() if groups is None else _by_group(self.counts(), groups)
        return interval(_rate(resampled_sums(rows, resamples, seed)), confidence)


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


def _rate(sums_R4: np.ndarray) -> np.ndarray:
    with np.errstate(invalid="ignore", divide="ignore"):
        rates = sums_R4[:, :3].sum(1) / sums_R4[:, 3]
    return np.where(sums_R4[:, 3] > 0, rates, np.nan)


def _by_group(rows_N4: np.ndarray, groups: Iterable[Hashable]) -> np.ndarray:
    numbers: dict[Hashable, int] = {}
    group_N = np.array([numbers.setdefault(group, len(numbers)) for group in groups], dtype=np.int64)
    sums_G4 = np.zeros((len(numbers), 4), dtype=np.int64)
    np.add.at(sums_G4, group_N, rows_N4)
    return sums_G4
