"""Rows written as a table: csv, tab-separated text, JSON lines, Parquet; values as they came.

>>> rows = [{"id": "007", "label": "up", "spans": []}, {"id": "008", "label": None, "spans": None}]
>>> print(*lines("csv", ["id", "label", "spans"], [rows]), sep="", end="")
id,label,spans
007,up,[]
008,,
"""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, count
from typing import Any, BinaryIO

import pyarrow as pa

Rows = Sequence[Mapping[str, Any]]
SEPARATORS = {"csv": ",", "tsv": "\t"}
ARROW = {str: pa.string(), int: pa.int64(), float: pa.float64()}
"""Types of columns in Parquet; all else is written as JSON."""


def lines(form: str, columns: Sequence[str], chunks: Iterable[Rows]) -> Iterator[str]:
    """Rows as text, in pieces as they come: ``csv`` or ``tsv`` behind a line of names, or ``jsonl``.

    A missing value is an empty field; of lines of JSON each has the keys that its row has. Lists and objects in a field
    are JSON. Fields that hold a separator, a quote or the end of a line stand in quotes.
    """
    if form == "jsonl":
        for rows in chunks:
            yield "".join(map(_object, rows))
        return
    sink = _Sink()
    writer = csv.writer(sink, delimiter=SEPARATORS[form])
    writer.writerow(columns)
    yield sink.taken()
    for rows in chunks:
        writer.writerows([[_cell(row.get(name)) for name in columns] for row in rows])
        yield sink.taken()


def write_parquet(file: BinaryIO, types: Mapping[str, Any], chunks: Iterable[Rows]) -> None:
    """Rows as Parquet; ``types`` are those of the columns, of Arrow or of Python, such as ``float``."""
    import pyarrow.parquet as pq

    kinds = {
        name: kind if isinstance(kind, pa.DataType) else ARROW.get(kind, pa.string()) for name, kind in types.items()
    }
    schema = pa.schema(list(kinds.items()))
    with pq.ParquetWriter(file, schema) as writer:
        for rows in chunks:
            arrays = [_array([row.get(name) for row in rows], kind) for name, kind in kinds.items()]
            writer.write_batch(pa.record_batch(arrays, schema=schema))


def free_names(wanted: Iterable[str], taken: Iterable[str]) -> dict[str, str]:
    """A name for each new column that none of those ``taken`` has, in whichever case.

    >>> free_names(["label", "probability"], ["Label", "predicted_label"])
    {'label': 'predicted_label_2', 'probability': 'probability'}
    """
    used = {name.casefold() for name in taken}
    found: dict[str, str] = {}
    for name in wanted:
        choices = chain([name, f"predicted_{name}"], (f"predicted_{name}_{number}" for number in count(2)))
        found[name] = next(choice for choice in choices if choice.casefold() not in used)
        used.add(found[name].casefold())
    return found


class _Sink:
    """Collects what a csv writer writes, which quotes lone carriage returns only where a line ends in one."""

    def __init__(self) -> None:
        self._lines: list[str] = []

    def write(self, line: str) -> None:
        self._lines.append(line.removesuffix("\r\n") + "\n")

    def taken(self) -> str:
        text, self._lines = "".join(self._lines), []
        return text


def _cell(value: Any) -> str:
    if type(value) is str:
        return value
    if value is None or value != value:  # NaN alone differs from itself
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return _json(value) if isinstance(value, list | tuple | dict) else str(value)


def _array(values: Sequence[Any], kind: pa.DataType) -> pa.Array:
    if pa.types.is_string(kind):
        values = [value if value is None or isinstance(value, str) else _cell(value) for value in values]
    return pa.array(values, kind, from_pandas=pa.types.is_floating(kind))


def _arrow(kind: Any) -> pa.DataType:
    return kind if isinstance(kind, pa.DataType) else ARROW.get(kind, pa.string())


def _object(row: Mapping[str, Any]) -> str:
    return _json({name: None if _is_no_number(value) else value for name, value in row.items()}) + "\n"


def _is_no_number(value: Any) -> bool:
    return isinstance(value, float) and not math.isfinite(value)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)
