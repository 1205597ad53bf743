"""Many series on one grid of time, end to end in flat arrays.

Shape letters: S series, N steps of all series together, K columns known ahead, P columns known until now, C static ones.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rnncli.data.series.grid import Grid


@dataclass(frozen=True, eq=False)
class Panel:
    """Series s is the steps ``offset[s] .. offset[s + 1] - 1`` of the flat arrays; its first step is ``first_S[s]``.

    ``y_N`` holds the target, gaps already filled; ``observed_N`` tells which steps the user's data have: only these are
    scored. A series may go on behind its last value where columns are known ahead: there y is NaN, and
    ``end_S[s]`` is the flat index behind the last step that has a value.
    """

    source: str
    grid: Grid
    names: tuple[str, ...]
    offset: np.ndarray
    """(S + 1,) int64."""
    end_S: np.ndarray
    first_S: np.ndarray
    """The number on the grid of each series' first step, int64."""
    y_N: np.ndarray
    observed_N: np.ndarray
    known: tuple[str, ...]
    known_NK: np.ndarray
    """float32; the columns of ``known``, such as a promotion or the hour of the day, for every step."""
    past: tuple[str, ...]
    past_NP: np.ndarray
    """float32; the columns of ``past``, of which nothing is known behind an origin."""
    static: tuple[str, ...]
    static_SC: np.ndarray
    """float32."""

    @property
    def start_S(self) -> np.ndarray:
        """The flat index of each series' first step."""
        return self.offset[:-1]

    def number(self, series: np.ndarray | int, at: np.ndarray | int) -> np.ndarray:
        """The numbers on the grid of flat indices ``at`` of ``series``."""
        return self.first_S[series] + at - self.offset[series]

    def stamp(self, series: int, at: int) -> str:
        """The stamp of a step as a person writes it."""
        return self.grid.stamp(int(self.number(series, at)))
