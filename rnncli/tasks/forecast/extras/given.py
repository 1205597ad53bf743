"""Histories as a predictor is given them: lines of a stream, rows at hand; and what one looks like."""

from __future__ import annotations

import csv
import io
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from rnncli.data.series.grid import Grid
from rnncli.data.tables.sources import READERS
from rnncli.data.tables.table import PLACE, Table
from rnncli.errors import DataError
from rnncli.tasks.forecast.extras.fitting import LearntSeries
from rnncli.tasks.forecast.schema import SeriesData
from rnncli.tasks.predictors import Records

STEPS_SHOWN = 8
SERIES_SHOWN = 3


def streamed(lines: Iterable[str], name: str, form: str, data: SeriesData) -> Table:
    """The table of a stream, csv or JSON lines as its first line tells; raises DataError."""
    lines = iter(lines)
    first = next((line for line in lines if line.strip()), "")
    suffix = f".{form}" if form else ".jsonl" if first.lstrip().startswith(("{", "[")) else ".csv"
    with tempfile.TemporaryDirectory(prefix="rnncli-") as folder:
        path = Path(folder) / f"stream{suffix}"
        with path.open("w", encoding="utf-8", newline="") as file:
            file.writelines(chain([first], lines))
        try:
            table = read_as(path, suffix, data)
        except DataError as error:
            raise DataError(error.message.replace(str(path), name), error.hint) from None
    return replace(table, name=name, notes=tuple(note.replace(str(path), name) for note in table.notes))


def read_as(path: Path, suffix: str, data: SeriesData) -> Table:
    """A file read as one of that suffix; raises DataError."""
    reader: Any = READERS[suffix]
    return reader(path, data.encoding, data.header) if suffix in (".csv", ".tsv") else reader(path, data.encoding)


def at_hand(rows: Records, name: str) -> Table:
    """The table of rows; what a row lacks is not known. Raises DataError for values that are no column together."""
    if not rows:
        raise DataError(f"{name}: no rows", "give a row for each step that is known")
    columns = dict.fromkeys(str(column) for row in rows for column in row)
    arrays = []
    for column in columns:
        try:
            arrays.append(pa.array([row.get(column) for row in rows], from_pandas=True))
        except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
            raise DataError(f'{name}: "{column}" holds values of different kinds: {error}') from error
    store = pa.table([*arrays, pa.array(range(1, len(rows) + 1))], names=[*columns, PLACE])
    return Table(name, store)


def example_history(learnt: LearntSeries, data: SeriesData, ahead: int) -> str:
    """A short history as csv, and the ``ahead`` steps behind it where columns are known for them."""
    columns, form = learnt.columns, learnt.form
    series, target = _several(columns["series_column"]), _several(columns["target_column"])
    is_wide = not series and "" not in learnt.names
    target = learnt.names[:SERIES_SHOWN] if is_wide else target or ("y",)
    others = (*data.known, *data.past, *data.static)
    cells = learnt.names[:1] if len(series) == 1 else ("a",) * len(series)
    rows: list[Sequence[Any]] = [(*series, columns["time_column"] or "ds", *target, *others)]
    for turn, stamp in enumerate(_stamps(form.grid, STEPS_SHOWN + (ahead if data.known else 0))):
        value = [str(turn + 1)] if turn < STEPS_SHOWN else [""]
        rows.append((*cells, stamp, *value * len(target), *(_usual(name, form.categories) for name in others)))
    return _csv(rows).rstrip("\n")


def _several(given: str | Sequence[str]) -> tuple[str, ...]:
    return (given,) * bool(given) if isinstance(given, str) else tuple(given)


def _stamps(grid: Grid, count: int) -> list[str]:
    first = 1 if grid.is_whole else int(grid.number(np.array(["2025-01-01"], "datetime64[ns]"))[0])
    return grid.texts(first + np.arange(count))


def _usual(name: str, categories: Mapping[str, Sequence[str]]) -> str:
    return categories[name][0] if name in categories else "0"


def _csv(rows: Iterable[Iterable[Any]]) -> str:
    """Rows as csv, with quotes where they are needed."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()
