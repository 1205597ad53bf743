"""SeriesAhead behind a user's own histories, or behind the data of a run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from rnncli.core.device import placed
from rnncli.data.series.arrow import series_table
from rnncli.data.series.column import SeriesTable
from rnncli.data.tables.sources import READERS, read
from rnncli.errors import DataError
from rnncli.tasks.common.predicting import json_line
from rnncli.tasks.common.tables import is_builtin
from rnncli.tasks.forecast.builtin import builtin, builtin_ahead
from rnncli.tasks.forecast.data import read_tables
from rnncli.tasks.forecast.examples import ForecastBatch
from rnncli.tasks.forecast.extras.forecasts import CUTOFF, Outlook, StepAhead
from rnncli.tasks.forecast.extras.given import at_hand, example_history
from rnncli.tasks.forecast.extras.streams import no_text, streamed
from rnncli.tasks.forecast.fitted import FittedForecast
from rnncli.tasks.forecast.model import Forecaster
from rnncli.tasks.predictors import Records

SHOWN_DIGITS = 5
"""Digits of the largest number of a table on a terminal."""


class SeriesPredictor:
    """A table of a history in, a row a step ahead out: series, stamp, ``cutoff``, ``mean``, ``q0.1`` and so on.

    A history's columns are those of training. Each series goes on behind its own last value, its cutoff.
    """

    formats = ("csv", "jsonl")
    together = 4096

    def __init__(
        self,
        fitted: FittedForecast,
        model: Forecaster,
        device: torch.device,
        future: Path | Records | None = None,
        levels: Sequence[float] = (),
    ) -> None:
        self.fitted, self.model, self.device = fitted, model, device
        self.future, self.levels = future, tuple(levels)
        recipe, learnt = fitted.recipe, fitted.learnt
        self.outlook = Outlook(learnt, fitted.history_settings, recipe.model.linear, self._network)
        self.example = example_history(learnt, recipe.data, recipe.evaluation.gap + learnt.horizon)
        self._notes: list[str] = []

    def given(self, future: Path | Records | None, levels: Sequence[float]) -> SeriesPredictor:
        """The same told what is known of the steps ahead, a file or rows, and which quantiles to give."""
        return SeriesPredictor(self.fitted, self.model, self.device, future, levels)

    def parse(self, text: str) -> StepAhead:
        """No text is a history; raises DataError."""
        raise no_text(text, "name a file of the history, or none to go on behind the data of the run")

    def read(self, path: Path, form: str = "") -> Iterator[StepAhead]:
        """The steps behind the history in a file."""
        named = form and not any(suffix.lower() in READERS for suffix in path.suffixes)
        yield from self._steps([self._read_as(path, f".{form}") if named else self._read(path)])

    def listen(self, lines: Iterable[str], name: str, form: str = "") -> Iterator[StepAhead]:
        """The steps behind the history of a stream, csv or JSON lines, when all of it has come."""
        yield from self._steps([streamed(lines, name, form, self._read_as)])

    def behind(self, rows: Records | None = None) -> Iterator[StepAhead]:
        """The steps behind rows at hand, or behind the data of the run."""
        data = self.fitted.recipe.data
        if rows is not None:
            yield from self._steps([series_table(at_hand(rows, "the history"))])
            return
        try:
            tables = read_tables(data, builtin)
        except DataError as error:
            more = f"{error.hint}; or " if error.hint else ""
            raise DataError(error.message, f"{more}name a history: rnncli predict RUN FILE") from error
        given, ours = [series_table(table) for table in tables.values()], is_builtin(data, "sales.csv")
        future = series_table(builtin_ahead()) if ours and self.future is None else self._future()
        forecasts = self.outlook.behind(given, future, self.levels, data.until)
        self._notes += [] if ours else forecasts.notes()
        yield from forecasts.steps()

    def predict(self, examples: Sequence[StepAhead]) -> list[dict[str, Any]]:
        """A row a step, in order; batch mates do not matter."""
        return [one.row() for one in examples]

    def text(self, example: StepAhead, row: dict[str, Any], form: str = "") -> str:
        """A JSON object on a line."""
        return json_line(row)

    def table(self, rows: Sequence[dict[str, Any]]) -> tuple[list[str], list[list[str]]]:
        """Series, stamp and what is forecast, the numbers with as many decimals as the largest has use for."""
        titles = [name for name in (rows[0] if rows else ()) if name != CUTOFF]
        numbers = [value for row in rows for value in row.values() if isinstance(value, float)]
        largest = max((abs(number) for number in numbers), default=0.0)
        decimals = max(0, SHOWN_DIGITS - len(f"{largest:.0f}"))
        cells = [[_shown(row[name], decimals) for name in titles] for row in rows]
        return titles, cells

    def closing(self) -> str:
        """What was guessed, filled and left out of the histories since it was last asked, a sentence a line."""
        said, self._notes = "\n".join(dict.fromkeys(self._notes)), []
        return said

    def _steps(self, tables: list[SeriesTable]) -> Iterator[StepAhead]:
        """The steps behind tables, series by series."""
        forecasts = self.outlook.behind(tables, self._future(), self.levels)
        self._notes += forecasts.notes()
        yield from forecasts.steps()

    def _future(self) -> SeriesTable | None:
        """What is known of the steps ahead."""
        if self.future is None or isinstance(self.future, Path):
            return None if self.future is None else self._read(self.future)
        return series_table(at_hand(self.future, "the future"))

    def _read(self, path: Path) -> SeriesTable:
        """The one table of a file; raises DataError."""
        if path.is_dir():
            raise DataError(f"{path}: a folder, where a file is wanted", "name one of its files")
        data = self.fitted.recipe.data
        return series_table(next(iter(read(path, source="file", encoding=data.encoding, header=data.header).values())))

    def _read_as(self, path: Path, suffix: str) -> SeriesTable:
        """A file read as one of that suffix; raises DataError."""
        data, reader = self.fitted.recipe.data, READERS[suffix]
        return series_table(reader(path, data.encoding, data.header))

    @torch.no_grad()
    def _network(self, numbers: Mapping[str, np.ndarray], series_B: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        lengths_B = np.full(len(series_B), self.fitted.learnt.segments, np.int64)
        return self.fitted.forecast(self.model, placed(ForecastBatch.of(numbers, series_B, lengths_B), self.device))


def _shown(value: Any, decimals: int) -> str:
    if isinstance(value, float):
        return f"{value:,.{decimals}f}"
    return "-" if value is None else str(value)
