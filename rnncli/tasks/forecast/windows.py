"""Windows of series: from which step on what is forecast, and which steps a training part holds.

Shape letters: S series, W windows, L steps back, H steps ahead.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from rnncli.data.series.panel import Panel
from rnncli.errors import DataError


@dataclass(frozen=True, eq=False)
class WindowPart:
    """Windows of a panel: ``origin_W`` is the flat index of the last step that a forecast knows, its cutoff.

    The steps ahead are ``origin + gap + 1 .. origin + gap + horizon``. ``begin_S`` and ``end_S`` bound the steps of
    each series that fitting may look at, flat indices, the end not among them; all parts of a corpus have the same. No
    window looks back behind the begin. ``measured`` are such bounds of the steps that errors are measured by, where
    those are not the same.
    """

    panel: Panel
    series_W: np.ndarray
    origin_W: np.ndarray
    horizon: int
    gap: int
    begin_S: np.ndarray
    end_S: np.ndarray
    measured: tuple[np.ndarray, np.ndarray] | None = None

    def __len__(self) -> int:
        return len(self.series_W)

    def take(self, rows: np.ndarray) -> Self:
        """Some of the windows."""
        return replace(self, series_W=self.series_W[rows], origin_W=self.origin_W[rows])

    def place(self, row: int) -> str:
        """The series and the last stamp that is known, such as ``sales.csv: north, 2025-06-30``."""
        series = int(self.series_W[row])
        return self.place_at(series, self.panel.stamp(series, int(self.origin_W[row])))

    def place_at(self, series: int, stamp: str) -> str:
        """The same of a series and a stamp."""
        name = self.panel.names[series]
        return f"{self.panel.source}: {name + ', ' if name else ''}{stamp}"

    def column(self, name: str, key: str) -> Iterator[str]:
        """The series of each window, which is all that there is to group by; DataError for another name."""
        if name != "series":
            raise DataError(f'{self.panel.source}: no column "{name}" ({key}) of windows', f"{key}=series")
        return (self.panel.names[series] for series in self.series_W)

    @property
    def start_W(self) -> np.ndarray:
        """The flat index of the first step that each window may look back on."""
        return self.begin_S[self.series_W]

    @property
    def cutoff_W(self) -> np.ndarray:
        """The number on the grid of each origin."""
        return self.panel.number(self.series_W, self.origin_W)

    def ahead_WH(self) -> tuple[np.ndarray, np.ndarray]:
        """The flat indices of the steps ahead, and which of them lie within the series and were observed."""
        steps_H = np.arange(1, self.horizon + 1) + self.gap
        at_WH = self.origin_W[:, None] + steps_H
        inside_WH = at_WH < self.panel.end_S[self.series_W][:, None]
        at_WH = np.where(inside_WH, at_WH, self.origin_W[:, None])
        return at_WH, inside_WH & self.panel.observed_N[at_WH]

    def truth_WH(self) -> tuple[np.ndarray, np.ndarray]:
        """The values ahead, float64, NaN where there is none to be scored; and where there is one."""
        at_WH, scored_WH = self.ahead_WH()
        return np.where(scored_WH, self.panel.y_N[at_WH], np.nan), scored_WH

    def back_WL(self, steps: int) -> tuple[np.ndarray, np.ndarray]:
        """The flat indices of the last ``steps`` up to each origin, the oldest first, and which lie in the series."""
        at_WL = self.origin_W[:, None] + np.arange(1 - steps, 1)
        inside_WL = at_WL >= self.start_W[:, None]
        return np.where(inside_WL, at_WL, self.origin_W[:, None]), inside_WL
