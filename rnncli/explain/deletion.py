"""Whether an explanation holds: delete the pieces it names and see the prediction fall, more than with random ones.

Shape letters: N questions, C counts of deleted pieces, R resamples.
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
"""Of fewer questions nothing can be said."""
RESAMPLES = 1000


@dataclass(frozen=True)
class Interval:
    """A figure and the middle 95 % of its bootstrap resamples over the questions."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Curve:
    """How far the probability falls when ``COUNTS`` pieces are deleted, (N, C): those that add most, and random ones.

    ``short`` questions of so few pieces that both are the same are not among the N.
    """

    named_NC: np.ndarray
    random_NC: np.ndarray
    short: int = 0

    @cached_property
    def ratio(self) -> Interval:
        """How many times as far it falls as with random ones, of ``TOLD_BY`` pieces; infinite where that is never."""
        return self._of(lambda sums: _divided(sums[..., self._at], sums[..., len(COUNTS) + self._at]))

    @cached_property
    def advantage(self) -> Interval:
        """By how much more of the probability it falls, of ``TOLD_BY`` pieces."""
        count = max(1, len(self.named_NC))
        return self._of(lambda sums: (sums[..., self._at] - sums[..., len(COUNTS) + self._at]) / count)

    @property
    def enough(self) -> bool:
        """Whether there are questions enough to tell anything."""
        return len(self.named_NC) >= FEWEST

    @property
    def beats_chance(self) -> bool:
        """Whether it falls further than with random pieces, beyond doubt."""
        return self.enough and self.advantage.low > 0

    def means(self, which: str) -> list[Interval]:
        """The mean fall for each count, of the pieces that are ``named`` or of ``random`` ones."""
        shift, count = {"named": 0, "random": len(COUNTS)}[which], max(1, len(self.named_NC))
        return [self._of(lambda sums, c=c: sums[..., shift + c] / count) for c in range(len(COUNTS))]

    @property
    def _at(self) -> int:
        return COUNTS.index(TOLD_BY)

    @cached_property
    def _both(self) -> np.ndarray:
        return np.concatenate([self.named_NC, self.random_NC], 1)

    @cached_property
    def _resampled(self) -> np.ndarray:
        return resampled_sums(self._both, RESAMPLES, 1)

    def _of(self, function: Callable[[np.ndarray], np.ndarray]) -> Interval:
        if not len(self.named_NC):
            return Interval(float("nan"), float("nan"), float("nan"))
        return Interval(float(function(self._both.sum(0))), *interval(function(self._resampled)))


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
    return Curve(before_N[:, None] - after_NC, before_N[:, None] - random_NDC.mean(1), len(questions) - len(both))


def _probability(log_odds: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-np.clip(log_odds, -700, 700)))


def _divided(over: np.ndarray, under: np.ndarray) -> np.ndarray:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(under > 0, over / under, np.inf)
