"""Whether an explanation holds: delete the pieces it names and see the prediction fall, more than with random ones.

Shape letters: N questions, C counts of deleted pieces, E examples, R resamples.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from rnncli.explain.attribution import Attribution, scores
from rnncli.metrics.bootstrap import interval, resampled_sums
from rnncli.tasks.explaining import Explainer, LabelQuestion

COUNTS = (1, 2, 3, 4, 5)
"""How many pieces are deleted."""
TOLD_BY = 3
"""The count by which an explanation is judged."""
DRAWS = 5
"""Random choices of pieces for each question and count."""
FEWEST = 10
"""Of fewer examples nothing can be said."""
RESAMPLES = 1000


@dataclass(frozen=True)
class Interval:
    """A figure and the middle 95 % of its bootstrap resamples over the examples, each with all its questions."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Curve:
    """How far the probability falls when ``COUNTS`` pieces are deleted, (N, C): those that add most, and random ones.

    ``example_N`` is of which example each is. ``short`` questions of so few pieces that both are the same are not among
    the N.
    """

    named_NC: np.ndarray
    random_NC: np.ndarray
    example_N: np.ndarray
    short: int = 0

    @cached_property
    def ratio(self) -> Interval:
        """How many times as far it falls as with random ones, of ``TOLD_BY`` pieces; infinite where that is never."""
        return self._of(lambda sums: _divided(sums[..., self._at], sums[..., len(COUNTS) + self._at]))

    @cached_property
    def advantage(self) -> Interval:
        """By how much more of the probability it falls, of ``TOLD_BY`` pieces."""
        return self._of(lambda sums: (sums[..., self._at] - sums[..., len(COUNTS) + self._at]) / sums[..., -1])

    @property
    def examples(self) -> int:
        """E."""
        return len(np.unique(self.example_N))

    @property
    def enough(self) -> bool:
        """Whether there are examples enough to tell anything."""
        return self.examples >= FEWEST

    @property
    def beats_chance(self) -> bool:
        """Whether it falls further than with random pieces, beyond doubt."""
        return self.enough and self.advantage.low > 0

    def means(self, which: str) -> list[Interval]:
        """The mean fall for each count, of the pieces that are ``named`` or of ``random`` ones."""
        shift = {"named": 0, "random": len(COUNTS)}[which]
        return [self._of(lambda sums, c=c: sums[..., shift + c] / sums[..., -1]) for c in range(len(COUNTS))]

    def exceeds(self, other: Curve) -> bool:
        """Whether of the same questions it falls further than there, over all counts, beyond doubt."""
        more_N1 = (self.named_NC - other.named_NC).mean(1, keepdims=True)
        return interval(resampled_sums(_by_example(more_N1, self.example_N), RESAMPLES, 1)[:, 0])[0] > 0

    @property
    def _at(self) -> int:
        return COUNTS.index(TOLD_BY)

    @cached_property
    def _both(self) -> np.ndarray:
        """Sums over the questions of each example, and their number, (E, 2 C + 1)."""
        ones_N1 = np.ones((len(self.named_NC), 1))
        return _by_example(np.concatenate([self.named_NC, self.random_NC, ones_N1], 1), self.example_N)

    @cached_property
    def _resampled(self) -> np.ndarray:
        return resampled_sums(self._both, RESAMPLES, 1)

    def _of(self, function: Callable[[np.ndarray], np.ndarray]) -> Interval:
        if not len(self.named_NC):
            return Interval(float("nan"), float("nan"), float("nan"))
        values_R = function(self._resampled)
        if np.isinf(values_R).any():  # between which nothing can be interpolated
            values_R = np.sort(values_R)
            ends = (float(values_R[round(share * (len(values_R) - 1))]) for share in (0.025, 0.975))
        else:
            ends = interval(values_R)
        return Interval(float(function(self._both.sum(0))), *ends)


def curve(explainer: Explainer, questions: Sequence[LabelQuestion], answers: Sequence[Attribution]) -> Curve:
    """The deletion curve of explanations; what is deleted at random is the same for the same questions."""
    both = [(q, a) for q, a in zip(questions, answers, strict=True) if len(a.amounts_P) > COUNTS[-1]]
    draw = np.random.default_rng(1)
    named, random = [], []
    for question, answer in both:
        order = np.argsort(-answer.amounts_P, kind="stable")
        named += [explainer.without(question, order[:count]) for count in COUNTS]
        for _ in range(DRAWS):
            order = draw.permutation(len(order))
            random += [explainer.without(question, order[:count]) for count in COUNTS]
    before_N = _probability(np.array([answer.end for _, answer in both]))
    after_NC = _probability(scores(explainer, named)).reshape(-1, len(COUNTS))
    random_NDC = _probability(scores(explainer, random)).reshape(-1, DRAWS, len(COUNTS))
    example_N = np.array([question.number for question, _ in both], dtype=np.int64)
    falls_NC, random_NC = before_N[:, None] - after_NC, before_N[:, None] - random_NDC.mean(1)
    return Curve(falls_NC, random_NC, example_N, len(questions) - len(both))


def _by_example(parts_NX: np.ndarray, example_N: np.ndarray) -> np.ndarray:
    """The sums over the questions of each example, (E, X)."""
    names_E, at_N = np.unique(example_N, return_inverse=True)
    sums_EX = np.zeros((len(names_E), parts_NX.shape[1]))
    np.add.at(sums_EX, at_N, parts_NX)
    return sums_EX


def _probability(log_odds: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-np.clip(log_odds, -700, 700)))


def _divided(over: np.ndarray, under: np.ndarray) -> np.ndarray:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(under > 0, over / under, np.inf)
