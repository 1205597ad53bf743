"""Which characters the bytes of a file mean: checked over the whole file before anything is made of it."""

from __future__ import annotations

import codecs
import contextlib
import gzip
import io
import os
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from rnncli.data import progress
from rnncli.data.regular import require_regular
from rnncli.data.wording import did_you_mean
from rnncli.errors import DataError

CHUNK = 1 << 20
MAX_UNPACKED = 1 << 28
"""Bytes of a .gz file that are read whatever its size is."""
MAX_COMPRESSION = 200
"""Bytes beyond those that a packed byte may stand for: texts reach 4 to 20, a line said over and over 1,000."""
MARKS = (  # byte order marks; the longer ones first, because the mark of utf-16 begins that of utf-32
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
COMMON = (
    "utf-8",
    "utf-8-sig",
    "utf-16",
    "utf-32",
    "gb18030",
    "gbk",
    "big5",
    "shift_jis",
    "euc-kr",
    "latin-1",
    "cp1252",
)
_BETWEEN_LETTERS = re.compile(r"(?<=[A-Za-z])[^\x00-\x7f](?=[A-Za-z])")
NAME_IT = "name the encoding of the file: data.encoding=gb18030 (or latin-1, cp1252, utf-16, ...)"
_FOREIGN = re.compile(rb"[\x80-\xff]+")
LOOKED_AT = 1000
"""Runs of bytes beyond ASCII by which an encoding is suggested."""


@dataclass(frozen=True)
class Encoding:
    """A codec's name, and what to tell the user about the choice (nothing where it was plain)."""

    name: str
    note: str = ""


def open_bytes(path: Path) -> io.BufferedReader:
    """The bytes of a regular file, unpacked where its name ends in ``.gz``; raises DataError, on reading as well."""
    require_regular(path)
    packed = progress.open_counted(path)
    return io.BufferedReader(_Unpacked(packed), CHUNK) if path.suffix == ".gz" else packed


class _Unpacked(io.RawIOBase):
    """What a .gz file holds, as far as that is in a measure to its size; DataError on reading further."""

    def __init__(self, packed: io.BufferedReader) -> None:
        self._packed, self._stream = packed, gzip.GzipFile(fileobj=packed)
        self._size, self._read = os.fstat(packed.fileno()).st_size, 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        content = self._stream.read(len(buffer))
        buffer[: len(content)] = content
        self._read += len(content)
        if self._read > MAX_UNPACKED + MAX_COMPRESSION * self._size:
            raise DataError(
                f"{self._packed.name}: its {self._size:,} bytes unpack to more than {self._read - 1:,}: hardly data",
                "unpack it and look at what it holds",
            )
        return len(content)

    def close(self) -> None:
        self._stream.close()
        self._packed.close()
        super().close()


@contextlib.contextmanager
def open_text(path: Path, encoding: Encoding, newline: str | None = "") -> Iterator[TextIO]:
    """The text of a file that ``detect`` has seen, its line ends as they are, or as ``newline`` has them for open."""
    with open_bytes(path) as raw, io.TextIOWrapper(raw, encoding=encoding.name, newline=newline) as stream:
        yield stream


def read_text(path: Path, encoding: str = "auto") -> tuple[str, str]:
    """The text of a small file without blanks around it, and what to tell the user of its encoding, or nothing.

    A file without a byte is an empty text. Raises DataError as ``detect`` does.
    """
    with readable(str(path)):
        if not path.stat().st_size:
            return "", ""
        found = detect(path, encoding)
        with open_text(path, found) as stream:
            return stream.read().strip(), found.note


def detect(path: Path, encoding: str = "auto", shown: str = "") -> Encoding:
    """Find or check the encoding of a whole file.

    ``auto`` takes a byte order mark at its word, then utf-8 if every byte agrees, then gb18030 if every byte
    agrees and the characters are such as people write. ``shown`` is the file's name for messages. Raises
    ``DataError`` naming the first line that does not fit, for a file that is empty, binary, or of mixed
    encodings.
    """
    shown = shown or str(path)
    with readable(shown):
        with open_bytes(path) as stream:
            head = stream.read(4)
        if not head:
            raise DataError(f"{shown}: the file is empty")
        if encoding != "auto":
            return _check_named(path, encoding, shown, head)
        marked = next((name for mark, name in MARKS if head.startswith(mark)), "utf-8")
        line, _ = _first_misfit(path, marked, shown)
        if not line:
            return Encoding(marked)
        if marked != "utf-8":
            raise DataError(f"{shown}:{line}: not {marked}, though the file begins with its mark", NAME_IT)
        return _detect_gb18030(path, shown, line)


def _check_named(path: Path, encoding: str, shown: str, head: bytes) -> Encoding:
    try:
        name = codecs.lookup(encoding).name
        "".encode(name)
    except LookupError:
        near = did_you_mean(encoding, COMMON)
        raise DataError(
            f'{shown}: there is no encoding called "{encoding}"{near}', "data.encoding=auto finds out"
        ) from None
    name = "utf-8-sig" if name == "utf-8" else name  # which also reads files without the mark
    if name[:-3] in ("utf-16", "utf-32") and head.startswith("\ufeff".encode(name)):
        name = name[:-3]  # the order of bytes by name, utf-16-le, would take the mark for a character
    line, reason = _first_misfit(path, name, shown)
    if line:
        raise DataError(f"{shown}:{line}: not {encoding} ({reason})", "data.encoding=auto finds out the encoding")
    return Encoding(name)


def _first_misfit(path: Path, name: str, shown: str) -> tuple[int, str]:
    """The first line that the codec cannot read and why, or ``(0, "")``."""
    decoder = codecs.getincrementaldecoder(name)()
    lines = 1
    with open_bytes(path) as stream:
        while True:
            chunk = stream.read(CHUNK)
            try:
                text = decoder.decode(chunk, final=not chunk)
            except UnicodeDecodeError as error:
                before = error.object[: error.start].decode(name, errors="ignore")
                if name in ("utf-8", "utf-8-sig"):  # whose bytes hold no zeros
                    _refuse_binary(chunk.decode("latin-1"), shown, lines)
                return lines + before.count("\n"), error.reason
            _refuse_binary(text, shown, lines)
            lines += text.count("\n")
            if not chunk:
                return 0, ""


def _refuse_binary(text: str, shown: str, lines: int) -> None:
    at = text.find("\0")
    if at >= 0:
        raise DataError(
            f"{shown}:{lines + text.count(chr(10), 0, at)}: a NUL byte: this is a binary file, not text",
            hint="save a spreadsheet as CSV; for utf-16 text without its mark say data.encoding=utf-16-le",
        )


def _detect_gb18030(path: Path, shown: str, misfit: int) -> Encoding:
    """gb18030, or a ``DataError`` for ``misfit``, the first line that is not utf-8.

    Nearly any bytes pass for gb18030 now and then, so three more things are asked: that no longer line is utf-8
    (which would be a file of two encodings), that most characters are of the simplified core set, gb2312, and that most
    do not stand alone between Latin letters, as the two accented ones of a word in latin-1 would.
    """
    core = wide = alone = 0
    mixed = False
    with open_bytes(path) as stream:
        for line in stream:
            if line.isascii():
                continue
            foreign = sum(byte > 127 for byte in line[:4096])
            mixed = mixed or (foreign >= 9 and _fits(line, "utf-8"))
            if mixed or not _fits(line, "gb18030"):
                break
            text = line.decode("gb18030")[:4096]
            alone += len(_BETWEEN_LETTERS.findall(text))
            for character in text:
                if not character.isascii():
                    wide += 1
                    core += _fits_back(character)
        else:
            if core >= 0.7 * wide and 2 * alone <= wide:
                return Encoding("gb18030", f"{shown}: read as gb18030, because line {misfit} is not utf-8")
    what = (
        "lines in utf-8 and lines that are not: the first of these"
        if mixed
        else "not utf-8, and no other encoding fits"
    )
    raise DataError(f"{shown}:{misfit}: {what}", _suggested(path))


def _suggested(path: Path) -> str:
    """What to type for a file that is not utf-8: latin letters stand mostly alone between others, in one byte each."""
    runs: list[bytes] = []
    with open_bytes(path) as stream:
        for line in stream:
            if not _fits(line, "utf-8"):
                runs += _FOREIGN.findall(line)
            if len(runs) >= LOOKED_AT:
                break
    if 2 * sum(len(run) == 1 for run in runs) <= len(runs):
        return NAME_IT
    # Latin-1 has control characters there, cp1252 quotation marks and dashes.
    likelier = ["latin-1", "cp1252"]
    if any(byte < 0xA0 for run in runs for byte in run):
        likelier.reverse()
    return f"name the encoding of the file: data.encoding={likelier[0]} (or {likelier[1]}, gb18030, utf-16, ...)"


def _fits(line: bytes, name: str) -> bool:
    try:
        line.decode(name)
    except UnicodeDecodeError:
        return False
    return True


def _fits_back(character: str) -> bool:
    try:
        character.encode("gb2312")
    except UnicodeEncodeError:
        return False
    return True


@contextlib.contextmanager
def readable(shown: str) -> Iterator[None]:
    """Turn the system's reasons for not reading a file into a ``DataError``."""
    try:
        yield
    except (OSError, EOFError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or error
        raise DataError(f"{shown}: cannot be read: {reason}") from error
