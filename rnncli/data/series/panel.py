"""Many series on one grid of time, end to end in flat arrays.

Shape letters: S series, N steps of all series together, K columns known ahead, P known until now, C static ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Self

import numpy as np

from rnncli.data.series.grid import Grid
from rnncli.errors import DataError


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
    categories: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """The texts that a column of the data has, by its name: each is a column here, such as ``weather=rain``."""

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

    @property
    def number_N(self) -> np.ndarray:
        """The number on the grid of every step."""
        length_S = np.diff(self.offset)
        return np.arange(len(self.y_N)) + np.repeat(self.first_S - self.start_S, length_S)

    def only(self, keep_S: np.ndarray) -> Panel:
        """The series of a mask (S,)."""
        if keep_S.all():
            return self
        length_S = np.diff(self.offset)
        keep_N = np.repeat(keep_S, length_S)
        offset = np.r_[0, np.cumsum(length_S[keep_S])]
        return replace(
            self,
            names=tuple(name for name, keep in zip(self.names, keep_S.tolist(), strict=True) if keep),
            offset=offset,
            end_S=(self.end_S - self.start_S)[keep_S] + offset[:-1],
            first_S=self.first_S[keep_S],
            y_N=self.y_N[keep_N],
            observed_N=self.observed_N[keep_N],
            known_NK=self.known_NK[keep_N],
            past_NP=self.past_NP[keep_N],
            static_SC=self.static_SC[keep_S],
        )

    def having(self, known: tuple[str, ...], past: tuple[str, ...], static: tuple[str, ...]) -> Panel:
        """The panel with those columns, in that order; raises DataError for one that it lacks."""
        if (known, past, static) == (self.known, self.past, self.static):
            return self
        return replace(
            self,
            known=known,
            past=past,
            static=static,
            known_NK=_columns(self.source, known, self.known, self.known_NK),
            past_NP=_columns(self.source, past, self.past, self.past_NP),
            static_SC=_columns(self.source, static, self.static, self.static_SC),
        )


@dataclass(frozen=True)
class PanelForm:
    """What a model trained on a panel must find again in another: the grid, the columns in their order, their texts."""

    grid: Grid
    known: tuple[str, ...] = ()
    past: tuple[str, ...] = ()
    static: tuple[str, ...] = ()
    categories: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @classmethod
    def of(cls, panel: Panel) -> Self:
        """The form of a panel."""
        return cls(panel.grid, panel.known, panel.past, panel.static, panel.categories)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """The form of plain values."""
        columns = {key: tuple(values[key]) for key in ("known", "past", "static")}
        categories = {name: tuple(texts) for name, texts in values["categories"].items()}
        return cls(Grid.from_dict(values["grid"]), **columns, categories=categories)


def _columns(source: str, wanted: tuple[str, ...], names: tuple[str, ...], values: np.ndarray) -> np.ndarray:
    if wanted == names:
        return values
    if absent := [name for name in wanted if name not in names]:
        raise DataError(
            f'{source}: no column "{absent[0]}", which training had', f"it has {', '.join(names) or 'none'}"
        )
    return values[:, [names.index(name) for name in wanted]]
