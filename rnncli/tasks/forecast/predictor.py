"""SeriesAhead behind a user's own histories, or behind the data of a run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from rnncli.data.tables.sources import READERS, read
from rnncli.data.tables.table import Table
from rnncli.errors import DataError
from rnncli.tasks.common.predicting import json_line
from rnncli.tasks.common.tables import is_builtin
from rnncli.tasks.forecast.builtin import builtin, builtin_ahead
from rnncli.tasks.forecast.data import read_tables
from rnncli.tasks.forecast.extras.forecasts import CUTOFF, SeriesAhead
from rnncli.tasks.forecast.extras.given import at_hand, example_history, read_as, streamed
from rnncli.tasks.forecast.fitted import FittedForecast
from rnncli.tasks.forecast.history import History, read_history
from rnncli.tasks.forecast.model import Forecaster
from rnncli.tasks.forecast.schema import SeriesData
from rnncli.tasks.predictors import Records

USUAL_LEVELS = (0.025, 0.1, 0.5, 0.9, 0.975)
"""The median, and the ends of the intervals of 80 and 95 %."""
SHOWN_DIGITS = 5
"""Digits of the largest number of a table on a terminal."""


@dataclass(frozen=True, eq=False)
class StepAhead:
    """A step to be forecast: of a series by its number in the history, and how far ahead it is, from 0."""

    forecasts: SeriesAhead
    series: int
    step: int


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
        self.future, self.levels = future, tuple(levels) or USUAL_LEVELS
        data, gap = fitted.recipe.data, fitted.recipe.evaluation.gap
        self.example = example_history(fitted.learnt, data, gap + fitted.learnt.horizon)
        self._notes: list[str] = []

    def given(self, future: Path | Records | None, levels: Sequence[float]) -> SeriesPredictor:
        """The same told what is known of the steps ahead, a file or rows, and which quantiles to give."""
        return SeriesPredictor(self.fitted, self.model, self.device, future, levels)

    def parse(self, text: str) -> StepAhead:
        """No text is a history; raises DataError."""
        raise DataError(
            f"{text[:60]!r}: no such file, and a forecast goes on behind a table",
            "name a file of the history, or none to go on behind the data of the run",
        )

    def read(self, path: Path, form: str = "") -> Iterator[StepAhead]:
        """The steps behind the history in a file."""
        data = self.fitted.recipe.data
        if form and not any(suffix.lower() in READERS for suffix in path.suffixes):
            table = read_as(path, f".{form}", data)
        else:
            table = _read_file(path, data)
        yield from self._steps([table])

    def listen(self, lines: Iterable[str], name: str, form: str = "") -> Iterator[StepAhead]:
        """The steps behind the history of a stream, csv or JSON lines, when all of it has come."""
        yield from self._steps([streamed(lines, name, form, self.fitted.recipe.data)])

    def behind(self, rows: Records | None = None) -> Iterator[StepAhead]:
        """The steps behind rows at hand, or behind the data of the run."""
        data = self.fitted.recipe.data
        if rows is not None:
            yield from self._steps([at_hand(rows, "the history")])
            return
        try:
            tables = read_tables(data, builtin)
        except DataError as error:
            more = f"{error.hint}; or " if error.hint else ""
            raise DataError(error.message, f"{more}name a history: rnncli predict RUN FILE") from error
        yield from self._steps(list(tables.values()), is_builtin(data, "sales.csv"), data.until)

    def predict(self, examples: Sequence[StepAhead]) -> list[dict[str, Any]]:
        """A row a step, in order; batch mates do not matter."""
        return [one.forecasts.row(one.series, one.step) for one in examples]

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

    def _steps(self, tables: list[Table], is_builtin: bool = False, until: str = "") -> Iterator[StepAhead]:
        """The steps behind tables, series by series."""
        history = self._history(
            tables, builtin_ahead() if is_builtin and self.future is None else self._future(), until
        )
        forecasts = SeriesAhead(self.fitted, self.model, self.device, self.levels, history)
        self._notes += [] if is_builtin else [*history.notes, *forecasts.notes()]
        for series in range(len(forecasts.part)):
            for step in range(forecasts.part.horizon):
                yield StepAhead(forecasts, series, step)

    def _history(self, tables: list[Table], future: Table | None, until: str) -> History:
        """The series of tables, by the columns of training where they are there, and else as the recipe asked."""
        recipe, learnt = self.fitted.recipe, self.fitted.learnt
        columns = _columns_of(tables[0], recipe.data, learnt.columns, learnt.names)
        data = recipe.data.model_copy(update={"until": until, "horizon": learnt.horizon, **columns})
        history = read_history(recipe.model_copy(update={"data": data}), tables, learnt.form, future)
        if history.panel.names == ("",) and "" not in learnt.names:  # one column of a wide table, perhaps
            history = replace(history, panel=replace(history.panel, names=history.layout.target))
        return history

    def _future(self) -> Table | None:
        """What is known of the steps ahead."""
        if self.future is None or isinstance(self.future, Path):
            return None if self.future is None else _read_file(self.future, self.fitted.recipe.data)
        return at_hand(self.future, "the future")


def _shown(value: Any, decimals: int) -> str:
    if isinstance(value, float):
        return f"{value:,.{decimals}f}"
    return "-" if value is None else str(value)


def _read_file(path: Path, data: SeriesData) -> Table:
    """The one table of a file; raises DataError."""
    if path.is_dir():
        raise DataError(f"{path}: a folder, where a file is wanted", "name one of its files")
    return next(iter(read(path, source="file", encoding=data.encoding, header=data.header).values()))


def _columns_of(table: Table, data: SeriesData, learnt: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    """The columns by which to read a history: those of training that it has, where the recipe leaves them open.

    Of a wide table, whose columns are series, it need not have all.
    """
    found: dict[str, Any] = {"day_first": learnt["day_first"]}
    for key in ("time_column", "series_column"):
        column = learnt[key]
        wanted = [column] if isinstance(column, str) else column
        if all(one in table.columns for one in wanted):
            found[key] = column
    target = learnt["target_column"]
    if isinstance(target, str):
        return found | ({"target_column": target} if target in table.columns else {})
    there = tuple(name for name in target if name in table.columns)
    asked = bool(data.target_column)
    return found | ({"target_column": there} if there and asked else {})
