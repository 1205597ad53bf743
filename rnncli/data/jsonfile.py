"""Small JSON files of a run directory: whole or not there, and of the kind that they say they are."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from rnncli.errors import RunError


def write_json(path: Path, kind: str, body: dict[str, Any]) -> None:
    """Write a dictionary under a temporary name, flush it, and rename it into place."""
    temporary = path.with_name(path.name + ".partial")
    try:
        with temporary.open("w", encoding="utf-8", newline="\n") as stream:
            json.dump({"kind": kind, **body}, stream, ensure_ascii=False, indent=0)
            stream.write("\n")
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(path)
    except OSError as error:
        raise RunError(f"{path}: cannot be written: {error.strerror}") from error


def read_json(path: Path, kind: str) -> dict[str, Any]:
    """The dictionary of a file of this kind; raises ``RunError`` for any other file."""
    try:
        body = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise RunError(f"{path}: cannot be read: {error.strerror}") from error
    except json.JSONDecodeError as error:
        raise RunError(
            f"{path}:{error.lineno}: damaged or cut short: {error.msg}", "take it from a copy of the run"
        ) from error
    except (ValueError, RecursionError) as error:
        raise RunError(f"{path}: not a text file", "take it from a copy of the run") from error
    if not isinstance(body, dict) or body.get("kind") != kind:
        found = body.get("kind") if isinstance(body, dict) else type(body).__name__
        raise RunError(f"{path}: holds {found or 'something else'}, not {kind}", "take it from a copy of the run")
    return body
