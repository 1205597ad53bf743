"""Whether one system is better than another on the same examples, and by how much.

A metric is a function of sums over *units*, the examples that are drawn independently of each other: texts, sentences,
utterances. Counts are kept by unit (:class:`Parts`), so that two systems can be compared unit by unit. Shape letters: N
units, C counts, R rounds, U distinct differences.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from statistics import fmean, stdev, variance
from typing import Any, NamedTuple, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from rnncli.data import progress
from rnncli.metrics.bootstrap import affordable, interval, resampled_sums
from rnncli.metrics.student import student_quantile, student_share

Array = NDArray[Any]
ROUNDS = 10_000
"""Of a randomisation at most: the smallest p that it can give is 1 / 10,001."""
RANDOMISED = "approximate randomisation over test examples"


class Spread(NamedTuple):
    """The variance of an estimate, and the degrees of freedom that it is known with."""

    variance: float
    freedom: float


class Design(Protocol):
    """How units are drawn and held against each other that are not independent, such as forecasts of one time."""

    @property
    def varies(self) -> bool:
        """Whether there is anything to draw."""
        ...

    @property
    def words(self) -> str:
        """The test that ``spread`` makes, and what the units are that ``independent`` makes."""
        ...

    def take(self, rows: Array) -> Self:
        """Some of the units."""
        ...

    def weights(self, resamples: int, seed: int) -> Iterator[Array]:
        """How often each unit is drawn: float64 arrays (r, N), ``resamples`` rows in all."""
        ...

    def confidence(self, confidence: float) -> float:
        """The share of the resamples between the ends of an interval that is to have ``confidence``."""
        ...

    def spread(self, first: Parts, second: Parts) -> Spread | None:
        """That of the difference between two systems; None where such a test has too little to go by."""
        ...

    def independent(self, parts: Parts) -> Parts:
        """The counts of units that are as good as independent of each other."""
        ...


@dataclass(frozen=True)
class Parts:
    """What each unit adds to a metric: ``score`` makes the metric, (...), of summed counts, (..., C).

    ``design`` is there where units are not independent of each other.
    """

    counts_NC: Array
    score: Callable[[Array], Array]
    design: Design | None = None

    def value(self) -> float:
        """The metric over all units."""
        return float(self.score(self.counts_NC.sum(0)))

    def take(self, rows: Array) -> Parts:
        """Some of the units."""
        design = self.design.take(rows) if self.design else None
        return replace(self, counts_NC=self.counts_NC[rows], design=design)

    def interval(self, *, resamples: int, confidence: float, seed: int) -> tuple[float, float]:
        """Percentile bootstrap over units."""
        resamples = affordable(resamples, self.counts_NC.size)
        return interval(self.score(resampled_sums(self.counts_NC, resamples, seed)), confidence)


@dataclass(frozen=True)
class Difference:
    """``value`` is that of the second system less that of the first, with its interval and p.

    ``seeds`` says that interval and p also hold what other seeds would have given, ``test`` how p was come by.
    """

    value: float
    low: float
    high: float
    p: float
    seeds: bool
    test: str = ""


def together(parts: Sequence[Parts]) -> Parts:
    """The runs of one setting as one system: the mean of what they count of each unit."""
    return replace(parts[0], counts_NC=np.mean([one.counts_NC for one in parts], axis=0))


def difference(
    first: Sequence[Parts],
    second: Sequence[Parts],
    *,
    confidence: float = 0.95,
    resamples: int = 1000,
    rounds: int = ROUNDS,
    seed: int = 1,
) -> Difference:
    """How the runs of one setting differ from those of another on the same units, in the same order.

    Of single runs: p by approximate randomisation (Noreen 1989), the interval by the paired bootstrap (Efron 1979),
    both over units; or by the test of their design where units depend on each other. They hold for these two models.
    Where both settings have several runs, of other seeds, their variance is added to that of the units, and the
    difference by its error is held against Student's distribution with the degrees of freedom of Welch and
    Satterthwaite.
    """
    a, b = together(first), together(second)
    values = [[one.value() for one in runs] for runs in (first, second)]
    gap = fmean(values[1]) - fmean(values[0])
    of_seeds = [Spread(variance(found) / len(found), len(found) - 1) for found in values if len(found) > 1]
    of_seeds = of_seeds if len(of_seeds) == 2 else []
    of_units = a.design.spread(a, b) if a.design else None
    if of_units is None:
        a, b = (one.design.independent(one) if one.design else one for one in (a, b))
        if a.design and not a.design.varies and not of_seeds:
            return Difference(gap, math.nan, math.nan, 1.0, seeds=False, test=_said(a))
        gaps_R = _resampled_gaps(a, b, resamples, seed)
        if not of_seeds:
            low, high = interval(gaps_R, confidence)
            return Difference(gap, low, high, randomisation(a, b, rounds=rounds, seed=seed), seeds=False, test=_said(a))
        of_units = Spread(float(np.nanvar(gaps_R, ddof=1)), math.inf)
    return _against_student(gap, [of_units, *of_seeds], confidence, seeds=bool(of_seeds), test=_said(a))


def difference_by_seed(pairs: Sequence[tuple[Parts, Parts]], *, confidence: float = 0.95) -> Difference:
    """How two settings differ where each seed draws test examples of its own, the same for both settings.

    ``pairs`` are two runs or more of either setting with one seed each. Their differences are held against Student's
    distribution: they vary by test examples and by seed, so that both are considered.
    """
    gaps = [second.value() - first.value() for first, second in pairs]
    gap, error = fmean(gaps), math.sqrt(variance(gaps) / len(gaps))
    if error == 0:
        return Difference(gap, gap, gap, 1.0 if gap == 0 else 0.0, seeds=True)
    half = student_quantile(confidence, len(gaps) - 1) * error
    return Difference(gap, gap - half, gap + half, 1.0 - student_share(abs(gap) / error, len(gaps) - 1), seeds=True)


def randomisation(a: Parts, b: Parts, *, rounds: int = ROUNDS, seed: int = 1) -> float:
    """The share of rounds, each swapping the systems at half the units at random, that part them at least as far.

    Two-sided, the observed difference counted among the rounds. Units that differ alike are drawn together, by their
    number, so that the cost is that of the distinct differences; of more than 20,000 of them there are fewer rounds.
    """
    delta_UC, count_U = np.unique(b.counts_NC - a.counts_NC, axis=0, return_counts=True)
    moved = delta_UC.any(axis=1)
    delta_UC, count_U = delta_UC[moved], count_U[moved]
    sums_a, sums_b = a.counts_NC.sum(0), b.counts_NC.sum(0)
    observed = abs(float(b.score(sums_b) - a.score(sums_a)))
    if not len(delta_UC) or math.isnan(observed):
        return 1.0
    random = np.random.default_rng(seed)
    rounds = affordable(rounds, len(delta_UC))
    rows = max(1, (1 << 20) // len(delta_UC))
    reached = 0
    for start in range(0, rounds, rows):
        swapped_RU = random.binomial(count_U, 0.5, size=(min(rows, rounds - start), len(delta_UC)))
        moved_RC = swapped_RU @ delta_UC
        gaps_R = np.abs(b.score(sums_b - moved_RC) - a.score(sums_a + moved_RC))
        reached += int((gaps_R >= observed - 1e-12).sum())
        progress.tell("rounds", min(start + rows, rounds), rounds)
    return (1 + reached) / (1 + rounds)


def holm(ps: Sequence[float]) -> list[float]:
    """Each p adjusted for there being several of them (Holm 1979)."""
    found = [0.0] * len(ps)
    largest = 0.0
    for rank, i in enumerate(sorted(range(len(ps)), key=lambda i: ps[i])):
        largest = max(largest, min(1.0, (len(ps) - rank) * ps[i]))
        found[i] = largest
    return found


def mean_and_deviation(values: Sequence[float]) -> tuple[float, float | None]:
    """The mean and, of two values or more, the sample deviation."""
    return fmean(values), stdev(values) if len(values) > 1 else None


def _said(parts: Parts) -> str:
    return parts.design.words if parts.design else RANDOMISED


def _against_student(gap: float, spreads: Sequence[Spread], confidence: float, *, seeds: bool, test: str) -> Difference:
    """A difference whose variance is the sum of several, by the degrees of freedom of Welch and Satterthwaite."""
    whole = sum(one.variance for one in spreads)
    if whole <= 0:
        return Difference(gap, gap, gap, 1.0 if gap == 0 else 0.0, seeds, test)
    below = sum(one.variance**2 / one.freedom for one in spreads)
    # What rounding takes from a whole number is no degree of freedom.
    freedom = max(1, int(min(whole**2 / below, 1000.0) + 1e-9)) if below else 1000
    error = math.sqrt(whole)
    half = student_quantile(confidence, freedom) * error
    return Difference(gap, gap - half, gap + half, 1.0 - student_share(abs(gap) / error, freedom), seeds, test)


def _resampled_gaps(a: Parts, b: Parts, resamples: int, seed: int) -> Array:
    """The difference in each resample of the units, which are drawn for both systems at once."""
    both_NC = np.concatenate([a.counts_NC, b.counts_NC], axis=1)
    sums_RC = resampled_sums(both_NC, affordable(resamples, both_NC.size), seed)
    width = a.counts_NC.shape[1]
    return b.score(sums_RC[:, width:]) - a.score(sums_RC[:, :width])


def share(sums: Array) -> Array:
    """The metric of two counts: the first by the second, NaN where there is nothing."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(sums[..., 1] > 0, sums[..., 0] / sums[..., 1], np.nan)
