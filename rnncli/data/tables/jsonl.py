"""JSON lines, or an array of objects, to a table."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow as pa

from rnncli.data.encodings import detect
from rnncli.data.tables.dialects import Header
from rnncli.data.tables.objects import Objects, encodable, object_batches
from rnncli.data.tables.records import PLACE
from rnncli.data.tables.table import Table, TableWriter, require_rows, with_place
from rnncli.errors import DataError


def read_jsonl(path: Path, encoding: str = "auto", header: Header = "auto") -> Table:
    """A JSON object on each line, or an array of them; a column keeps its type where all its values agree.

    Else it becomes text. A key that an object lacks is a missing value; objects inside are kept as JSON text; blank
    lines are dropped and counted. ``header`` is there for likeness with the other readers. Raises ``DataError`` with
    file and line.
    """
    found = detect(path, encoding)
    schema = pa.schema([])
    while True:  # again, with wider types, when a batch does not fit those of the ones before
        dropped: Counter[str] = Counter()
        with TableWriter(str(path), with_place(schema)) as writer:
            for lines, rows in object_batches(path, found, dropped):
                batch = _to_arrow(path, lines, rows, schema)
                wider = _widen(schema, batch.schema)
                if wider != schema:
                    schema = wider
                    break
                writer.write(batch.append_column(PLACE, pa.array(lines, pa.int64())))
            else:
                require_rows(writer, "no JSON objects")
                return writer.finish([found.note] if found.note else [], dropped)


def _to_arrow(path: Path, lines: list[int], rows: Objects, schema: pa.Schema) -> pa.RecordBatch:
    """The rows as columns, of the schema's types where they fit, and of their own where they do not."""
    names = dict.fromkeys(schema.names)
    for row in rows:
        names.update(dict.fromkeys(row))
    try:
        arrays = [_column([row.get(name) for row in rows], type_of(schema, name)) for name in names]
        return pa.record_batch(arrays, names=list(names))
    except UnicodeEncodeError as error:
        line = next(line for line, row in zip(lines, rows, strict=True) if not encodable(row))
        raise DataError(f"{path}:{line}: half a surrogate pair, which is no character") from error


def _column(values: list[Any], wanted: pa.DataType) -> pa.Array:
    if pa.types.is_string(wanted):
        return _as_text(values)
    try:
        found = pa.array(values)
        if _holds_objects(found.type):
            return _as_text(values)
        fits = found.type != wanted and _common(wanted, found.type) == wanted
        return pa.array(values, wanted) if fits else found
    except (pa.ArrowException, OverflowError):  # values of several kinds
        return _as_text(values)


def _as_text(values: list[Any]) -> pa.Array:
    texts = [v if v is None or isinstance(v, str) else json.dumps(v, ensure_ascii=False) for v in values]
    return pa.array(texts, pa.string())


def _widen(old: pa.Schema, new: pa.Schema) -> pa.Schema:
    """The schema that holds both; ``new`` has all the columns; types that do not meet become text."""
    return pa.schema([(field.name, _common(type_of(old, field.name), field.type)) for field in new])


def _common(one: pa.DataType, other: pa.DataType) -> pa.DataType:
    if one == other or pa.types.is_null(one) or pa.types.is_null(other):
        return one if pa.types.is_null(other) else other
    if pa.types.is_list(one) and pa.types.is_list(other):
        inner = _common(one.value_type, other.value_type)
        mixed = pa.types.is_string(inner) and one.value_type != other.value_type
        mixed = mixed and not pa.types.is_null(one.value_type) and not pa.types.is_null(other.value_type)
        return pa.string() if mixed else pa.list_(inner)
    numbers = {one, other} == {pa.int64(), pa.float64()}
    return pa.float64() if numbers else pa.string()


def type_of(schema: pa.Schema, name: str) -> pa.DataType:
    """The type of a column, null where there is none."""
    at = schema.get_field_index(name)
    return schema.field(at).type if at >= 0 else pa.null()


def _holds_objects(kind: pa.DataType) -> bool:
    return pa.types.is_struct(kind) or (pa.types.is_list(kind) and _holds_objects(kind.value_type))
