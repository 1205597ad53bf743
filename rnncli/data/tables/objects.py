"""JSON lines, or an array of objects, one after the other."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from rnncli.data.encodings import Encoding, open_text
from rnncli.data.tables.records import BATCH_CHARACTERS, BATCH_ROWS, EMPTY, PLACE
from rnncli.errors import DataError

ARRAY = "each line holds one whole JSON object, or the file one array of them: [{...}, {...}]"
Objects = list[dict[str, Any]]
_PLAIN = re.compile(r"[^ \t\r\n]")
_NEXT = re.compile(r"[ \t\r\n]*([,\]])")


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


def object_batches(path: Path, found: Encoding, dropped: Counter[str]) -> Iterator[tuple[list[int], Objects]]:
    """Some lines with their objects at a time; what is blank is counted. Raises DataError."""
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
