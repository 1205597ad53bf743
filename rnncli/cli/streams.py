"""The three streams of the process, whatever became of them: full, closed, or left by their reader.

Results that cannot be written end the command; what is said on stderr and cannot be is let go.
"""

from __future__ import annotations

import errno
import io
import os
import sys
from typing import Any

from rnncli.errors import UserError

LACKING = "backslashreplace"
"""A terminal that lacks a character gets its number, not an error."""


class OutputError(UserError):
    """Results that could not be written to stdout."""


class ReaderLeft(OutputError):  # noqa: N818 - it is an ending, not an error
    """Who read stdout wants no more of it, as ``head`` does; nothing went wrong."""

    exit_code = 0


def open_streams() -> None:
    """Make stdin, stdout and stderr of this process such that their failing is told apart from every other error.

    One that is closed is opened on nothing, the wrong way round: to use it fails, and no other file takes its number,
    where what belongs on the stream would get into it.
    """
    if sys.stdin is None:
        sys.stdin = os.fdopen(os.open(os.devnull, os.O_WRONLY), "r", encoding="utf-8")
    sys.stdout = _opened(sys.stdout, Results, os.O_RDONLY)
    sys.stderr = _opened(sys.stderr, Sayings, os.O_RDWR)


class Results(io.FileIO):
    """Where results go: raises OutputError or ReaderLeft once, and takes all that is left in buffers after it."""

    lost = False

    def write(self, data: Any, /) -> int | None:  # pyright: ignore[reportIncompatibleMethodOverride]
        """As of the base."""
        if self.lost:
            return len(data)
        try:
            return super().write(data)
        except OSError as error:
            self.lost = True
            if error.errno in (errno.EPIPE, errno.ECONNRESET):
                raise ReaderLeft("") from error
            why = "it is closed" if error.errno == errno.EBADF else error.strerror or str(error)
            raise OutputError(
                f"stdout: the result cannot be written: {why}", "free some space, or send it elsewhere"
            ) from error


class Sayings(io.FileIO):
    """Where all else goes; what cannot be said there cannot be said at all."""

    def write(self, data: Any, /) -> int | None:  # pyright: ignore[reportIncompatibleMethodOverride]
        """As of the base."""
        try:
            return super().write(data)
        except OSError:
            return len(data)


def _opened(stream: Any, kind: type[io.FileIO], mode: int) -> Any:
    """``stream`` with its file as ``kind``, a new one where there is none; itself where it is no plain file."""
    if stream is None:
        return _text(kind(os.open(os.devnull, mode), "w"), "utf-8", by_line=True)
    if not isinstance(stream, io.TextIOWrapper):
        return stream
    stream.reconfigure(errors=LACKING)
    if not isinstance(getattr(stream.buffer, "raw", stream.buffer), io.FileIO):  # a console, written to otherwise
        return stream
    file = kind(stream.fileno(), "w", closefd=False)
    return _text(file, stream.encoding, by_line=stream.line_buffering)


def _text(file: io.FileIO, encoding: str, *, by_line: bool) -> io.TextIOWrapper:
    return io.TextIOWrapper(io.BufferedWriter(file), encoding=encoding, errors=LACKING, line_buffering=by_line)
