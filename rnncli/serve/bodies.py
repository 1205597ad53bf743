"""What a request says: its body as a question to a model."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from rnncli.errors import DataError
from rnncli.serve.model_thread import Question
from rnncli.serve.served import MAX_CHARACTERS, Served, suffix_of

INPUTS = "inputs"
OF_HISTORIES = ("future", "quantiles")
"""What may stand beside the inputs of a forecaster."""


class TooMuchError(DataError):
    """More than a request may hold."""


@dataclass(frozen=True)
class Body:
    """The body of a request, what it says of its form, and the ending of the file that it is."""

    content: bytes
    media: str = ""
    suffix: str = ""

    @property
    def is_json(self) -> bool:
        """As it says, or where it does not say, or says what curl always does, as it begins."""
        if "json" in self.media and "lines" not in self.media and "ndjson" not in self.media:
            return True
        unsaid = self.media in ("", "application/x-www-form-urlencoded", "application/octet-stream")
        return unsaid and self.content.lstrip()[:1] in (b"{", b"[", b'"')


def question(model: Served, body: Body, most_inputs: int) -> tuple[Question, bool]:
    """A question to a model, and whether it is to be answered as JSON, else as lines of it.

    Raises DataError, TooMuchError for more than ``most_inputs`` or an input that is too long.
    """
    if not body.content.strip():
        raise DataError("the body is empty", f"send {EXAMPLES[model.kind]}")
    return ASKING[model.kind](model, body, most_inputs)


def _ask_texts(model: Served, body: Body, most_inputs: int) -> tuple[Question, bool]:
    texts = _texts(_json(body.content)) if body.is_json else _lines(body.content)
    _require_few(len(texts), most_inputs)
    longest = max(map(len, texts), default=0)
    if longest > MAX_CHARACTERS:
        raise TooMuchError(f"an input of {longest:,} characters", f"send at most {MAX_CHARACTERS:,} an input")
    place = "input {}" if body.is_json else "line {}"
    return Question(model, partial(model.texts, texts, place), len(texts)), body.is_json


def _ask_rows(model: Served, body: Body, most_inputs: int) -> tuple[Question, bool]:
    if not body.is_json:
        _require_few(body.content.count(b"\n"), most_inputs * 100)
        return Question(model, partial(model.behind_table, body.content), 1, alone=True), False
    value = _json(body.content)
    asked = value if isinstance(value, Mapping) and INPUTS in value else {INPUTS: value}
    _require_keys(asked, OF_HISTORIES)
    rows, future = _rows(asked[INPUTS], INPUTS), asked.get("future")
    known = None if future is None else _rows(future, "future")
    levels = asked.get("quantiles") or []
    if not isinstance(levels, list) or not all(type(one) in (int, float) for one in levels):
        raise DataError("quantiles: a list of numbers is wanted", "such as [0.1, 0.5, 0.9]")
    _require_few(len(rows) + len(known or ()), most_inputs * 100)
    return Question(model, partial(model.behind, rows, known, levels), 1, alone=True), True


def _ask_file(model: Served, body: Body, most_inputs: int) -> tuple[Question, bool]:
    if body.is_json or body.media.startswith("text/"):
        hint = f"curl -H 'content-type: application/octet-stream' --data-binary @{model.predictor.example} ..."
        raise DataError("the content of a file is wanted: none is opened here by its name", hint)
    suffix = suffix_of(body.suffix) if body.suffix else Path(model.predictor.example).suffix
    return Question(model, partial(model.file, body.content, suffix), 1, alone=True), True


ASKING: dict[str, Callable[[Served, Body, int], tuple[Question, bool]]] = {
    "texts": _ask_texts,
    "rows": _ask_rows,
    "file": _ask_file,
}
EXAMPLES = {
    "texts": 'JSON such as {"inputs": ["a text", "another"]}, or as text/plain a text a line',
    "rows": 'JSON such as {"inputs": [{"ds": "2025-01-01", "y": 3}, ...]}, or a table as text/csv',
    "file": "the content of a file",
}


def _json(content: bytes) -> Any:
    try:
        return json.loads(content.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise DataError(f"the body is not UTF-8: {error.reason} at byte {error.start}", "send JSON as UTF-8") from None
    except (ValueError, RecursionError) as error:
        why = "nested too deeply" if isinstance(error, RecursionError) else error
        raise DataError(f"the body is no JSON: {why}", f"send {EXAMPLES['texts']}") from None


def _texts(value: Any) -> list[str]:
    """Texts of JSON: a string, an object, a list of them, or such under "inputs"; objects as lines of JSON."""
    if isinstance(value, Mapping) and INPUTS in value:
        _require_keys(value, ())
        value = value[INPUTS]
    listed = value if isinstance(value, list) else [value]
    for number, one in enumerate(listed, start=1):
        if not isinstance(one, str | Mapping):
            where = f"input {number}" if isinstance(value, list) else INPUTS
            raise DataError(f"{where}: {_kind(one)}, where a text is wanted", f"send {EXAMPLES['texts']}")
    return [one if isinstance(one, str) else json.dumps(one, ensure_ascii=False) for one in listed]


def _lines(content: bytes) -> list[str]:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(f"the body is not UTF-8: {error.reason} at byte {error.start}", "send UTF-8") from None
    if "\0" in text:
        raise DataError("the body holds a NUL byte: this is no text", f"send {EXAMPLES['texts']}")
    lines = text.split("\n")
    return [line.removesuffix("\r") for line in (lines if lines[-1] else lines[:-1])]


def _rows(value: Any, name: str) -> Sequence[Mapping[str, Any]]:
    if not isinstance(value, list) or not all(isinstance(one, Mapping) for one in value):
        raise DataError(f"{name}: a list of rows as objects is wanted", f"send {EXAMPLES['rows']}")
    return value


def _require_keys(asked: Mapping[str, Any], more: Sequence[str]) -> None:
    if unknown := [key for key in asked if key not in (INPUTS, *more)]:
        known = ", ".join(f'"{one}"' for one in (INPUTS, *more))
        raise DataError(f'"{unknown[0][:40]}": there is no such key beside "{INPUTS}"', f"there are: {known}")


def _require_few(inputs: int, most: int) -> None:
    if inputs > most:
        raise TooMuchError(f"{inputs:,} inputs in a request", f"send at most {most:,} at once")


def _kind(value: Any) -> str:
    if value is None:
        return "null"
    kinds = {bool: "true or false", int: "a number", float: "a number", list: "a list"}
    return kinds.get(type(value), "an object")
