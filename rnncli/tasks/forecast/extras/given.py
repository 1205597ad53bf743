"""A history of rows at hand, and what one looks like."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from rnncli.data.series.grid import Grid
from rnncli.data.tables.records import PLACE
from rnncli.data.tables.table import Table
from rnncli.errors import DataError
from rnncli.tasks.forecast.extras.learnt import LearntSeries
from rnncli.tasks.forecast.schema import SeriesData
from rnncli.tasks.predictors import Records

STEPS_SHOWN = 8
SERIES_SHOWN = 3


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
