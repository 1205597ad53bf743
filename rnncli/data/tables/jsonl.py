"""JSON lines, or an array of objects, to a table."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import pyarrow as pa

from rnncli.data.encodings import Encoding, detect, open_text
from rnncli.data.tables.dialects import Header
from rnncli.data.tables.table import (
    BATCH_CHARACTERS,
    BATCH_ROWS,
    EMPTY,
    PLACE,
    Table,
    TableWriter,
    require_rows,
    with_place,
)
from rnncli.errors import DataError

ARRAY = "each line holds one whole JSON object, or the file one array of them: [{...}, {...}]"
Objects = list[dict[str, Any]]
_PLAIN = re.compile(r"[^ \t\r\n]")
_NEXT = re.compile(r"[ \t\r\n]*([,\]])")


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
            for lines, rows in _batches(path, found, dropped):
                batch = _to_arrow(path, lines, rows, schema)
                wider = _widen(schema, batch.schema)
                if wider != schema:
                    schema = wider
                    break
                writer.write(batch.append_column(PLACE, pa.array(lines, pa.int64())))
            else:
                require_rows(writer, "no JSON objects")
                return writer.finish([found.note] if found.note else [], dropped)


def objects(path: Path, stream: IO[str], dropped: Counter[str]) -> Iterator[tuple[int, int, dict[str, Any]]]:
    """Each object with the line that it begins on and the length of its text."""
    for line, text in enumerate(stream, start=1):
        if not text.strip():
            dropped[EMPTY] += 1
            continue
        if line == dropped[EMPTY] + 1 and text.lstrip().startswith("["):
            dropped.clear()
            yield from _array(path, "\n" * (line - 1) + text + stream.read())
            return
        try:
            value = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise _no_json(f"{path}:{line}", error) from error
        yield line, len(text), _checked(f"{path}:{line}", value)


def encodable(row: dict[str, Any]) -> bool:
    """Whether an object holds no half of a surrogate pair, which is no character."""
    try:
        json.dumps(row, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True


def refuse_wrapped(path: Path, only: dict[str, Any]) -> None:
    """Raise DataError for an only object that holds the rows, or the columns of them as pandas writes them."""
    columns = [name for name, value in only.items() if isinstance(value, dict) and set(value) >= {"0", "1"}]
    inside = [name for name, value in only.items() if isinstance(value, list) and _are_objects(value)]
    texts = [value for value in only.values() if isinstance(value, str) and " " in value]
    if columns:
        raise DataError(
            f'{path}: a JSON object of columns, "{columns[0]}" the first, where each row is an object',
            "pandas writes such rows: to_json(FILE, orient='records')",
        )
    if inside and not texts:
        raise DataError(
            f'{path}: a JSON object whose "{inside[0]}" holds the rows', f"jq -c '.{inside[0]}[]' takes them out"
        )


def _batches(path: Path, found: Encoding, dropped: Counter[str]) -> Iterator[tuple[list[int], Objects]]:
    lines: list[int] = []
    rows: Objects = []
    room, first = BATCH_CHARACTERS, True
    with open_text(path, found) as stream:
        for line, length, value in objects(path, stream, dropped):
            lines.append(line)
            rows.append(value)
            room -= length
            if len(rows) == BATCH_ROWS or room < 0:
                yield lines, rows
                lines, rows, room, first = [], [], BATCH_CHARACTERS, False
    if rows:
        if first and len(rows) == 1:
            refuse_wrapped(path, rows[0])
        yield lines, rows


def _are_objects(values: list[Any]) -> bool:
    return len(values) > 1 and all(isinstance(one, dict) for one in values)


def _array(path: Path, text: str) -> Iterator[tuple[int, int, dict[str, Any]]]:
    """The objects of an array, one after the other."""
    decode = json.JSONDecoder().raw_decode
    at = text.index("[") + 1
    line, counted = 1, 0
    while True:
        start = _PLAIN.search(text, at)
        if start is None:
            raise DataError(f"{path}:{text.count(chr(10)) + 1}: not JSON: the array is never closed", ARRAY)
        at = start.start()
        line, counted = line + text.count("\n", counted, at), at
        if text[at] == "]":
            break
        try:
            value, end = decode(text, at)
        except (ValueError, RecursionError) as error:
            raise _no_json(f"{path}:{line}", error) from error
        yield line, end - at, _checked(f"{path}:{line}", value)
        follows = _NEXT.match(text, end)
        if follows is None:
            raise DataError(f"{path}:{line}: not JSON: no comma, nor the array's end, behind what begins here", ARRAY)
        at = follows.end() if follows[1] == "," else follows.end() - 1
    if rest := text[at + 1 :].strip():
        line += text.count("\n", counted, text.index(rest, at + 1))
        raise DataError(f"{path}:{line}: not JSON: text goes on behind the array", ARRAY)


def _no_json(place: str, error: Exception) -> DataError:
    reason = error.msg if isinstance(error, json.JSONDecodeError) else "nested too deep, or a number too long"
    return DataError(f"{place}: not JSON: {reason}", ARRAY)


def _checked(place: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise DataError(
            f"{place}: a JSON {type(value).__name__} where an object is expected",
            hint='each object is such as {"text": "...", "label": "..."}',
        )
    if PLACE in value:
        raise DataError(f'{place}: the key "{PLACE}" is taken', "rename the key")
    return value


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
