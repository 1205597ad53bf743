"""Units that are cells of two crossed factors: forecasts of many series from many origins in time.

The errors of one origin have their time in common and those of one series their series, and origins near in time see
the same steps. Resamples therefore draw blocks of consecutive origins, and whole series; a cell counts as often as its
origin times as often as its series (the pigeonhole bootstrap of Owen 2007, with the circular blocks of Politis and
Romano 1992). Shape letters: N units, O origins, S series, R resamples.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from rnncli.data import progress
from rnncli.metrics.diebold_mariano import mean_spread
from rnncli.metrics.paired import Parts, Spread
from rnncli.metrics.student import expanded

Array = NDArray[Any]
_CHUNK = 1 << 17


@dataclass(frozen=True, eq=False)
class Crossed:
    """The origin and the series of each unit; numbers of origins are in the order of time.

    ``overlap`` is how many consecutive origins forecast a step in common, 1 where none do.
    """

    origin_N: Array
    series_N: Array
    overlap: int = 1

    def __len__(self) -> int:
        return len(self.origin_N)

    def take(self, rows: Array) -> Self:
        """Some of the units."""
        return type(self)(self.origin_N[rows], self.series_N[rows], self.overlap)

    @cached_property
    def origins(self) -> tuple[int, Array]:
        """How many origins there are, and that of each unit, counted from 0, (N,)."""
        found, at_N = np.unique(self.origin_N, return_inverse=True)
        return len(found), at_N

    @cached_property
    def series(self) -> tuple[int, Array]:
        """How many series there are, and that of each unit, counted from 0, (N,)."""
        found, at_N = np.unique(self.series_N, return_inverse=True)
        return len(found), at_N

    @property
    def block(self) -> int:
        """Origins of a block: those that overlap at least; the cube root of all where that leaves ten blocks.

        The cube root is the rate of Hall, Horowitz and Jing (1995).
        """
        origins = self.origins[0]
        return max(self.overlap, min(round(origins ** (1 / 3)), origins // 10), 1)

    @property
    def in_time(self) -> bool:
        """Whether there are origins enough to draw: two blocks."""
        return self.origins[0] >= 2 * self.block

    @property
    def varies(self) -> bool:
        """Whether there is anything to draw: origins or series."""
        return self.in_time or self.series[0] > 1

    def weights(self, resamples: int, seed: int) -> Iterator[Array]:
        """How often each unit is drawn: float64 arrays (r, N), ``resamples`` rows in all."""
        (origins, origin_N), (series, series_N) = self.origins, self.series
        rows = max(1, _CHUNK // max(len(self), 1))
        random = np.random.default_rng(seed)
        for start in range(0, resamples, rows):
            some = min(rows, resamples - start)
            weights_RN = _drawn(series, 1, some, random)[:, series_N]
            if self.in_time:
                weights_RN *= _drawn(origins, self.block, some, random)[:, origin_N]
            yield weights_RN
            progress.tell("resamples", start + some, resamples)

    def confidence(self, confidence: float) -> float:
        """The share of resamples between the ends of an interval: more than ``confidence`` where little is drawn.

        The scarcer of blocks and series decides, by the expanded percentile interval of Hesterberg (2015).
        """
        drawn = [self.origins[0] / self.block] if self.in_time else []
        drawn += [self.series[0]] if self.series[0] > 1 else []
        return expanded(confidence, math.floor(min(drawn))) if drawn else confidence

    @property
    def words(self) -> str:
        """The test that :meth:`spread` makes, or that over series."""
        if self.by_origin:
            return f"Diebold-Mariano test, small-sample form, over {self.origins[0]:,} origins"
        return f"approximate randomisation over {self.series[0]:,} series"

    @property
    def by_origin(self) -> bool:
        """Whether origins are enough to test differences by: two that forecast no step in common."""
        return self.origins[0] >= max(2, 2 * self.overlap)

    def spread(self, first: Parts, second: Parts) -> Spread | None:
        """That of a difference by origins (:func:`mean_spread`), None where they are too few.

        What an origin adds is its pseudo-value of the jackknife (Tukey 1958): of a mean over origins of as many steps
        each that is the difference of their losses itself, as in Diebold and Mariano (1995).
        """
        if not self.by_origin:
            return None
        (origins, origin_N), gaps = self.origins, []
        for parts in (first, second):
            counts_OC = _summed(parts.counts_NC, origin_N, origins)
            whole_C = counts_OC.sum(0)
            gaps.append(origins * parts.score(whole_C) - (origins - 1) * parts.score(whole_C - counts_OC))
        return mean_spread(gaps[1] - gaps[0], self.overlap)

    def independent(self, parts: Parts) -> Parts:
        """The counts of whole series."""
        series, series_N = self.series
        design = Crossed(np.zeros(series, np.int64), np.arange(series))
        return replace(parts, counts_NC=_summed(parts.counts_NC, series_N, series), design=design)


def _summed(counts_NC: Array, group_N: Array, groups: int) -> Array:
    """The counts of each group, (G, C)."""
    columns = [np.bincount(group_N, counts_N, minlength=groups) for counts_N in counts_NC.T]
    return np.column_stack(columns)


def _drawn(of: int, block: int, resamples: int, random: np.random.Generator) -> Array:
    """How often each of ``of`` is drawn, (R, of): blocks that begin anywhere, go round at the end, cut to ``of``."""
    starts_RB = random.integers(0, of, (resamples, -(-of // block)))
    drawn_RD = (starts_RB[..., None] + np.arange(block)).reshape(resamples, -1)[:, :of] % of
    flat_RD = drawn_RD + of * np.arange(resamples)[:, None]
    return np.bincount(flat_RD.ravel(), minlength=resamples * of).reshape(resamples, of).astype(np.float64)
