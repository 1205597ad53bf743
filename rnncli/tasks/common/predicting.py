"""What predictors have in common: arguments that name files, rows as lines of JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from rnncli.errors import DataError

TABLES = (".csv", ".tsv", ".tab", ".parquet", ".xlsx", ".conll", ".conllu", ".bmes", ".bio", ".iob", ".iob2")
"""Endings of files whose lines are rows and columns."""
ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False)


def files_of(text: str, suffixes: Sequence[str], what: str) -> list[str]:
    """The file that an argument names, or all of these ``suffixes`` below a folder; DataError for one without any."""
    folder = Path(text)
    if not folder.is_dir():
        return [text]
    files = sorted(str(file) for file in folder.rglob("*") if file.suffix.lower() in suffixes)
    if not files:
        raise DataError(f"{text}: no {what} in this folder", f"known are {', '.join(suffixes)}")
    return files


def require_path(text: str, what: str, example: str) -> None:
    """DataError for an empty argument where the path of ``what`` is wanted."""
    if not text.strip():
        raise DataError(f"an empty path of a {what}", f"rnncli predict RUN {example}")


def require_characters(text: str, place: str) -> None:
    """DataError for a text with bytes that are not UTF-8, or half a surrogate pair, which is no character."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        said = f"{place} {text[:60]!a}: bytes that are not UTF-8, or half a surrogate pair"
        raise DataError(said, "write it as UTF-8") from error


def lines_of(path: Path) -> Iterator[str]:
    """The lines of a file with an example a line; DataError for one that is a table by its name."""
    if any(suffix.lower() in TABLES for suffix in path.suffixes):
        said = f"{path}: a table by its name, where a file with an example a line is read"
        raise DataError(said, "write it as plain lines, or as a JSON object a line (.jsonl)")
    with path.open(encoding="utf-8-sig", errors="surrogateescape") as lines:
        for line in lines:
            yield line.rstrip("\r\n")


def json_line(row: Mapping[str, Any]) -> str:
    """A row as a JSON object on a line."""
    return ENCODER.encode(row) + "\n"
