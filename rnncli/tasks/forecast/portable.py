"""Forecasts behind a history, where numpy and ONNX Runtime are all that there is.

Shape letters: B windows, H steps ahead, Q levels of quantiles.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from rnncli.data.jsonfile import read_json, write_json
from rnncli.data.series.column import SeriesTable
from rnncli.data.series.plain import read_plain
from rnncli.heads.counts import count_quantiles
from rnncli.metrics.conformal import Conformal
from rnncli.metrics.forecasts import LEVELS
from rnncli.tasks.forecast.extras.forecasts import Outlook, StepAhead
from rnncli.tasks.forecast.extras.learnt import LearntSeries, from_plain, plain_of, restored
from rnncli.tasks.forecast.extras.streams import no_text, streamed
from rnncli.tasks.forecast.history import HistorySettings
from rnncli.tasks.forecast.inputs import single
from rnncli.tasks.portable import Arrays, Run

FILE, TABLES, KIND = "forecaster.json", "forecaster.npz", "forecaster"
POINT, QUANTILES = "point", "quantiles"
MEAN, DISPERSION = "mean", "dispersion"
"""What graphs give: points (B, H) and quantiles (B, H, Q) in units of windows, or the parameters of counts."""
INPUTS = {"x": "x_BLI", "static": "static_BC", "known": "known_BHK", "base": "base_BH"}
UNITS = {"level": "level_B", "scale": "scale_B"}
"""What graphs are told, and what windows call it."""
LENGTHS, SERIES = "lengths", "series"
USUAL_HEAD, MEDIAN_OF_COUNTS, MEAN_OF_COUNTS = "", "median", "mean"
"""What remains to be done with what a graph gives: nothing, or the quantiles of counts, whose point is one of these."""


@dataclass(frozen=True, eq=False)
class ForecastTables:
    """All but the weights: what was learnt before the network, how histories are read, what the graph is told."""

    learnt: LearntSeries
    conformal: Conformal | None
    settings: HistorySettings
    linear: bool
    inputs: tuple[str, ...]
    counts: str = USUAL_HEAD

    def save(self, folder: Path) -> None:
        """Write what :meth:`load` reads, with numpy alone."""
        body, arrays = plain_of(self.learnt, self.conformal, 1.0)
        own = {"settings": asdict(self.settings), "linear": self.linear, "inputs": self.inputs, "counts": self.counts}
        write_json(folder / FILE, KIND, body | own)
        np.savez(folder / TABLES, **arrays)  # pyright: ignore[reportArgumentType]

    @classmethod
    def load(cls, folder: Path) -> ForecastTables:
        """What :meth:`save` wrote; raises RunError."""
        body = read_json(folder / FILE, KIND)
        with np.load(folder / TABLES) as arrays:
            learnt, conformal, _ = from_plain(body, dict(arrays))
        found = body["settings"].items()
        settings: dict[str, Any] = {key: tuple(one) if isinstance(one, list) else one for key, one in found}
        inputs = tuple(body["inputs"])
        return cls(learnt, conformal, HistorySettings(**settings), body["linear"], inputs, body["counts"])


class PortableSeries:
    """See :class:`rnncli.tasks.portable.Portable`; an example is a step behind a history, which a file holds."""

    together = 4096

    def __init__(
        self, tables: ForecastTables, run: Run, future: Path | None = None, levels: Sequence[float] = ()
    ) -> None:
        self.tables, self.run, self.future, self.levels = tables, run, future, tuple(levels)
        self.outlook = Outlook(tables.learnt, tables.settings, tables.linear, self._network)
        self._notes: list[str] = []

    def given(self, future: Path | None, levels: Sequence[float]) -> PortableSeries:
        """The same told what is known of the steps ahead, and which quantiles to give."""
        return PortableSeries(self.tables, self.run, future, levels)

    def parse(self, text: str) -> StepAhead:
        """No text is a history; raises DataError."""
        raise no_text(text, "name a file of the history, or - for a stream")

    def read(self, path: Path) -> Iterator[StepAhead]:
        """The steps behind the history in a file."""
        yield from self._steps(self._read(path))

    def listen(self, lines: Iterable[str]) -> Iterator[StepAhead]:
        """The steps behind the history of a stream, when all of it has come."""
        yield from self._steps(streamed(lines, "stdin", "", self._read))

    def predict(self, examples: Sequence[StepAhead]) -> list[dict[str, Any]]:
        """A row a step, in order."""
        return [one.row() for one in examples]

    def closing(self) -> str:
        """What was guessed, filled and left out of the history, a sentence a line."""
        said, self._notes = "\n".join(dict.fromkeys(self._notes)), []
        return said

    def _read(self, path: Path, suffix: str = "") -> SeriesTable:
        return read_plain(path, self.tables.settings.encoding, self.tables.settings.header, suffix)

    def _steps(self, table: SeriesTable) -> Iterator[StepAhead]:
        future = None if self.future is None else self._read(self.future)
        forecasts = self.outlook.behind([table], future, self.levels)
        self._notes += forecasts.notes()
        yield from forecasts.steps()

    def _network(self, numbers: Mapping[str, np.ndarray], series_B: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """See :data:`rnncli.tasks.forecast.extras.forecasts.Network`."""
        learnt, told = self.tables.learnt, single(numbers)
        lengths_B = np.full(len(series_B), learnt.segments, np.int64)
        given = {name: told[own] for name, own in (INPUTS | UNITS).items()} | {LENGTHS: lengths_B, SERIES: series_B}
        found = self.run("model", {name: given[name] for name in self.tables.inputs})
        units = told["level_B"], told["scale_B"]
        point_BH, quantile_BHQ = (
            self._of_counts(found, *units) if self.tables.counts else (found[POINT], found[QUANTILES])
        )
        learnt_BHQ = restored(quantile_BHQ, *units)
        return learnt.points(point_BH, *units), learnt.quantiles(learnt_BHQ, told["spread_B"], self.tables.conformal)

    def _of_counts(self, found: Arrays, level_B: np.ndarray, scale_B: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Point and quantiles of counts, in units of the windows."""
        mean_BH, dispersion_BH = found[MEAN], found[DISPERSION]
        levels = np.array([*LEVELS, 0.5])
        count_NQ = count_quantiles(mean_BH.ravel(), dispersion_BH.ravel(), levels)
        level, scale = level_B.astype(np.float64)[:, None, None], scale_B.astype(np.float64)[:, None, None]
        scaled_BHQ = ((count_NQ.reshape(*mean_BH.shape, -1) - level) / scale).astype(np.float32)
        point_BH = scaled_BHQ[..., -1]
        if self.tables.counts == MEAN_OF_COUNTS:
            point_BH = ((mean_BH - level[..., 0]) / scale[..., 0]).astype(np.float32)
        return point_BH, scaled_BHQ[..., :-1]


def open_model(folder: Path, run: Run) -> PortableSeries:
    """The forecaster whose tables lie in ``folder``."""
    return PortableSeries(ForecastTables.load(folder), run)
