"""Regular files told from what only has a path: pipes, which cannot be read twice, and devices, which may never end."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from rnncli.errors import DataError

KINDS = (
    (stat.S_ISFIFO, "a pipe", "write what comes through it to a file first, and name that"),
    (stat.S_ISCHR, "a device", "name a file"),
    (stat.S_ISBLK, "a device", "name a file"),
    (stat.S_ISSOCK, "a socket", "name a file"),
)


def irregular(path: str | Path) -> tuple[str, str]:
    """What a path leads to that is neither file nor folder, such as ``a pipe``, and what to do; else empty texts.

    Nothing is opened, so that nobody waits. Raises OSError or ValueError where there is nothing to be seen.
    """
    mode = os.stat(path).st_mode
    return next(((kind, hint) for holds, kind, hint in KINDS if holds(mode)), ("", ""))


def is_pipe(path: str | Path) -> bool:
    """Whether what comes from ``path`` is written by another process meanwhile."""
    try:
        return irregular(path)[0] == "a pipe"
    except (OSError, ValueError):  # a text too long or too odd to be a path
        return False


def require_regular(path: str | Path, shown: str = "") -> None:
    """DataError for a pipe, a device or a socket, and for what can be no path; ``shown`` is its name for messages.

    Where there is nothing, whoever opens it may say so.
    """
    try:
        kind, hint = irregular(path)
    except (FileNotFoundError, NotADirectoryError):
        return
    except (OSError, ValueError) as error:
        raise DataError(f"{shown or path}: cannot be read: {getattr(error, 'strerror', None) or error}") from error
    if kind:
        raise DataError(f"{shown or path}: {kind}, where a file is wanted", hint)
