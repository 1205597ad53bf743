"""Metrics of some rows of predictions, each defined once: its value, its interval and its parts come from one function.

A metric is a function of sums over *units*, the examples that are drawn independently of each other (:class:`Sums`),
or of their order by a score (:class:`Areas`); both are functions of how often each unit is drawn. Shape letters: N
units, U kinds of units, C counts, K labels, R resamples; ``...`` stands for any further axes.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse

from rnncli.metrics.bootstrap import affordable, centred_interval, interval, resample_weights, resampled_counts
from rnncli.metrics.paired import Design, Parts
from rnncli.metrics.ranking import Ranking, defined_mean

Array = NDArray[Any]
Interval = tuple[float, float]
Scores = dict[str, Array]

MOST_DRAWN = 20_000_000
"""Numbers drawn for the resamples of kinds of units: beyond, there are fewer resamples."""
MOST_PAIRED = 20_000_000
"""Units times counts that a paired test holds in memory: beyond, there is none."""


@dataclass(frozen=True, eq=False)
class Sums:
    """Metrics of summed counts: ``score`` makes them, (...), of (..., C); a unit of kind u counts ``counts_UC[u]``.

    The counts are dense or sparse; ``kind_N`` is the kind of each unit, None where each is a kind of its own.
    ``design`` says how units are drawn that are not independent of each other.
    ``centred`` are metrics that resampling inflates (:func:`rnncli.metrics.bootstrap.centred_interval`); of those that
    are not ``resampled`` drawing units again says nothing, such as how many different captions there are.
    """

    counts_UC: Any
    score: Callable[[Array], Scores]
    kind_N: Array | None = None
    centred: frozenset[str] = frozenset()
    resampled: bool = True
    design: Design | None = None

    @property
    def kinds(self) -> int:
        """How many kinds of units there are."""
        return self.counts_UC.shape[0]

    @property
    def cost(self) -> int:
        """Numbers looked at for each resample."""
        return self.kinds

    def drawn(self, times: Array) -> Scores:
        """Each metric (...) where each kind is drawn so many times, (..., U)."""
        return self.score(times @ self.counts_UC)

    def take(self, rows: Array) -> Sums:
        """The same of some of the units."""
        if self.kind_N is None:
            design = self.design.take(rows) if self.design else None
            return replace(self, counts_UC=self.counts_UC[rows], design=design)
        return replace(self, kind_N=self.kind_N[rows])

    def names(self) -> set[str]:
        """The metrics."""
        return set(self.score(np.ones((1, self.counts_UC.shape[1]))))

    @property
    def units(self) -> int:
        """How many units there are."""
        return self.kinds if self.kind_N is None else len(self.kind_N)


@dataclass(frozen=True, eq=False)
class Areas:
    """``roc_auc`` and ``average_precision``, means over labels: who has each label, and the scores for it."""

    truth_NK: Array
    score_NK: Array
    centred: frozenset[str] = frozenset()
    kind_N: None = None
    design: None = None
    rankings: list[Ranking] = field(init=False)

    def __post_init__(self) -> None:
        columns = range(self.truth_NK.shape[1])
        object.__setattr__(self, "rankings", [Ranking(self.truth_NK[:, k], self.score_NK[:, k]) for k in columns])

    @property
    def kinds(self) -> int:
        """Each unit is a kind of its own."""
        return len(self.truth_NK)

    @property
    def cost(self) -> int:
        """Numbers looked at for each resample."""
        return self.truth_NK.size

    def drawn(self, times: Array) -> Scores:
        """Both areas (...) where each unit is drawn so many times, (..., N)."""
        areas = [ranking.areas(times) for ranking in self.rankings]
        roc, precise = (np.stack([one[which] for one in areas], -1) for which in (0, 1))
        return {"roc_auc": defined_mean(roc), "average_precision": defined_mean(precise)}

    def take(self, rows: Array) -> Areas:
        """The same of some of the units."""
        return Areas(self.truth_NK[rows], self.score_NK[rows])


@dataclass(frozen=True, eq=False)
class Statistics:
    """All metrics of some rows, in the order of their families."""

    families: tuple[Sums | Areas, ...]

    def values(self) -> dict[str, float]:
        """Each metric; NaN where it is not defined."""
        found: dict[str, float] = {}
        for one in self.families:
            times_U = np.ones(one.kinds) if one.kind_N is None else np.bincount(one.kind_N, minlength=one.kinds)
            found |= {name: float(value[0]) for name, value in one.drawn(times_U[None]).items()}
        return found

    def intervals(self, *, resamples: int, confidence: float, seed: int) -> dict[str, Interval]:
        """The percentile bootstrap of each metric over units; empty for no resamples.

        Where units are of few kinds, drawing them is one multinomial draw. Beyond 200,000,000 numbers there are fewer
        than ``resamples``, 100 at least.
        """
        if not resamples:
            return {}
        found: dict[str, Interval] = {}
        values = self.values()
        for families in self._drawn_together():
            design = families[0].design
            if design and not design.varies:
                continue
            share = design.confidence(confidence) if design else confidence
            scores = self._resampled(families, resamples, seed)
            for name, value_R in scores.items():
                if any(name in one.centred for one in families):
                    found[name] = centred_interval(value_R, values[name], share)
                else:
                    found[name] = interval(value_R, share)
        return {name: found[name] for name in values if name in found}

    def take(self, rows: Array) -> Statistics:
        """The same of some of the rows."""
        return Statistics(tuple(one.take(rows) for one in self.families))

    def sums(self) -> tuple[Sums, ...]:
        """The families that are functions of sums over units, and can be drawn again."""
        return tuple(one for one in self.families if isinstance(one, Sums) and one.resampled)

    def parts(self, wanted: Collection[str] | None = None) -> dict[str, Parts]:
        """What each unit adds to each metric that is a function of sums, for paired tests.

        ``wanted`` leaves out what has none of these metrics; it may hold others beside them.
        """
        found: dict[str, Parts] = {}
        for one in self.sums():
            if wanted is not None and not one.names() & set(wanted):
                continue
            if one.units * one.counts_UC.shape[1] <= MOST_PAIRED:
                counts: Any = one.counts_UC
                counts_UC = np.asarray(counts.toarray() if issparse(counts) else counts, dtype=np.float64)
                counts_NC = counts_UC if one.kind_N is None else counts_UC[one.kind_N]
                names = one.score(counts_UC[:1])
                found |= {name: Parts(counts_NC, partial(_single, one.score, name), one.design) for name in names}
        return found

    def _drawn_together(self) -> Iterator[list[Sums | Areas]]:
        """Families whose units are of the same kinds, so that one draw serves all."""
        groups: dict[tuple[int, int], list[Sums | Areas]] = {}
        for one in (*self.sums(), *(one for one in self.families if isinstance(one, Areas))):
            groups.setdefault((id(one.kind_N), id(one.design)), []).append(one)
        return iter(groups.values())

    def _resampled(self, families: Sequence[Sums | Areas], resamples: int, seed: int) -> Scores:
        """Each metric in each resample, (R,)."""
        first = families[0]
        if first.kind_N is None:
            resamples = affordable(resamples, max(one.cost for one in families))
            draws = (first.design.weights if first.design else partial(resample_weights, first.kinds))(resamples, seed)
        else:
            count_U = np.bincount(first.kind_N, minlength=first.kinds)
            draws = resampled_counts(count_U, affordable(resamples, first.kinds, MOST_DRAWN), seed)
        chunks: dict[str, list[Array]] = {}
        for times_RU in draws:
            for one in families:
                for name, value_R in one.drawn(times_RU).items():
                    chunks.setdefault(name, []).append(value_R)
        return {name: np.concatenate(parts) for name, parts in chunks.items()}


def shares(names: Sequence[str], parts_N2: Sequence[Array]) -> tuple[Sums, ...]:
    """Metrics that are shares: of each the hits and the whole of every unit, (N, 2)."""
    found = zip(names, parts_N2, strict=True)
    return tuple(Sums(np.asarray(one_N2, dtype=np.float64), partial(_share, name)) for name, one_N2 in found)


def _share(name: str, sums: Array) -> Scores:
    with np.errstate(invalid="ignore", divide="ignore"):
        return {name: np.where(sums[..., 1] > 0, sums[..., 0] / sums[..., 1], np.nan)}


def _single(score: Callable[[Array], Scores], name: str, sums: Array) -> Array:
    return score(sums)[name]
