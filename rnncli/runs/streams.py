"""What comes while it is read: stdin and pipes that are named, as lines of UTF-8 whatever the locale."""

from __future__ import annotations

import io
import queue
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from rnncli.data.regular import irregular, is_pipe
from rnncli.errors import DataError

STDIN = ("-", "/dev/stdin", "/dev/fd/0", "/proc/self/fd/0")
MAX_LINE = 1 << 24
"""Bytes of a line of a stream; what is longer is no text."""
PATIENCE = 5.0
"""Seconds in which another process must have opened a named pipe to write to it."""


def is_stream(text: str) -> bool:
    """Whether an argument names stdin, or a pipe such as a shell makes of ``<(...)``."""
    return text in STDIN or is_pipe(text)


def shown(text: str) -> str:
    """What a stream is called in messages."""
    return "stdin" if text in STDIN else text


def require_known(text: str) -> None:
    """DataError for an argument that leads to a device or a socket, which is neither text nor file."""
    try:
        kind, hint = irregular(text)
    except (OSError, ValueError):
        return
    if kind:
        raise DataError(f"{text}: {kind}, where a text, a file or a pipe is wanted", hint)


def opened(text: str, stdin: BinaryIO | None) -> BinaryIO:
    """The bytes of the stream that an argument names; raises DataError, also for a pipe to which nobody writes."""
    if text not in STDIN:
        return _opened_pipe(Path(text))
    if stdin is None:
        raise DataError("stdin is closed", "give texts or a file behind the run")
    return stdin


def lines_of(text: str, stdin: BinaryIO | None) -> Iterator[str]:
    """The lines of the stream that an argument names, as :func:`lines` gives them."""
    stream = opened(text, stdin)
    try:
        yield from lines(stream, shown(text))
    finally:
        if stream is not stdin:
            stream.close()


def lines(stream: BinaryIO, name: str) -> Iterator[str]:
    """The lines of a stream as they come, line ends included; raises DataError with the line's number.

    A byte order mark is left out.
    """
    number = 0
    while line := _line(stream, name):
        number += 1
        if b"\0" in line or len(line) == MAX_LINE:
            what = "a NUL byte" if b"\0" in line else f"a line of more than {MAX_LINE:,} bytes"
            raise DataError(f"{name}:{number}: {what}: this is no text", "the stream must be lines of UTF-8")
        try:
            text = line.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError as error:
            raise DataError(f"{name}:{number}: not UTF-8: {error.reason}", "the stream must be UTF-8") from None
        yield from io.StringIO(text, newline="")  # a lone carriage return ends a line, too


def waiting(examples: Iterator[Any], together: int) -> Iterator[list[Any]]:
    """The examples that wait, as many as there are at the time, but one at least; those before an error as well."""
    held: queue.Queue[Any] = queue.Queue(together)

    def read() -> None:
        try:
            for example in examples:
                held.put(example)
            held.put(_End())
        except BaseException as error:  # what it is, the thread that waits is to hear
            held.put(_End(error))

    threading.Thread(target=read, daemon=True).start()
    end: _End | None = None
    while end is None:
        found = [held.get()]
        while len(found) < together and not isinstance(found[-1], _End) and not held.empty():
            found.append(held.get())
        if isinstance(found[-1], _End):
            end = found.pop()
        if found:
            yield found
    if end.error is not None:
        raise end.error


def _line(stream: BinaryIO, name: str) -> bytes:
    try:
        return stream.readline(MAX_LINE)
    except OSError as error:
        raise DataError(f"{name}: cannot be read: {error.strerror or error}", "name a file instead") from error


def _opened_pipe(path: Path) -> BinaryIO:
    """The pipe as soon as somebody writes to it: opening it waits for that, so a thread does it."""
    found: queue.Queue[Any] = queue.Queue()

    def open_it() -> None:
        try:
            found.put(path.open("rb"))
        except OSError as error:
            found.put(error)

    threading.Thread(target=open_it, daemon=True).start()
    try:
        pipe = found.get(timeout=PATIENCE)
    except queue.Empty:
        raise DataError(f"{path}: a pipe to which nobody writes", "begin to write first, or use stdin: -") from None
    if isinstance(pipe, OSError):
        raise DataError(f"{path}: cannot be read: {pipe.strerror or pipe}") from pipe
    return pipe


@dataclass(frozen=True)
class _End:
    """What comes behind the last example of a stream; ``error`` is why it ended early."""

    error: BaseException | None = None
