"""Word vectors of a text file, GloVe's or word2vec's ``.vec``, for the words of a vocabulary."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rnncli.data.encodings import open_bytes, readable
from rnncli.data.text.vocabulary import Vocabulary
from rnncli.errors import DataError

MAX_LINE = 1 << 22
"""Bytes of a line; what is longer is no word with its numbers, and is not read to its end."""


@dataclass(frozen=True, eq=False)
class Vectors:
    """``matrix`` (V, I) float32, a row for each token's number; ``found`` (V,) says which the file had."""

    matrix: np.ndarray
    found: np.ndarray


def read_vectors(
    path: Path, vocabulary: Vocabulary, *, dimension: int | None = None, seed: int = 1, scale: float = 0.1
) -> Vectors:
    """Read the vectors of the vocabulary's tokens, a line at a time; a ``.gz`` file is unpacked on the way.

    The first line may be the header ``COUNT DIMENSION``. Every line's number of fields is checked, the
    numbers of those lines that are used. Rows that the file lacks are drawn from a normal distribution of
    deviation ``scale``; that of the padding is zero. ``dimension`` is what the model expects. Raises
    ``DataError`` with file and line.
    """
    wanted = {token.encode(): number for number, token in enumerate(vocabulary.tokens, start=len(vocabulary.specials))}
    matrix = found = None
    width = 0
    for line, content in _lines(path):
        if matrix is None or found is None:
            width = len(content.split()) - 1
            _check_width(path, line, width, dimension)
            matrix = np.random.default_rng(seed).normal(0, scale, (len(vocabulary), width)).astype(np.float32)
            matrix[vocabulary.pad] = 0
            found = np.zeros(len(vocabulary), dtype=bool)
            _numbers(path, line, content.split()[1:])
        parts = content.rsplit(None, width)  # from the right: some words hold spaces
        if len(parts) != width + 1 or _is_number(parts[0].split()[-1:], len(content.split()) > width + 1):
            raise DataError(f"{path}:{line}: {len(content.split()) - 1} numbers where the first line has {width}")
        number = wanted.get(parts[0])
        if number is not None and not found[number]:
            matrix[number] = _numbers(path, line, parts[1:])
            found[number] = True
    if matrix is None or found is None:
        raise DataError(f"{path}: the file holds no vectors")
    return Vectors(matrix, found)


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """The lines that hold vectors, with their numbers; checks the header's count where there is one."""
    count = rows = 0
    with readable(str(path)), open_bytes(path) as stream:
        for line, content in enumerate(iter(lambda: stream.readline(MAX_LINE), b""), start=1):
            fields = content.split(None, 2)
            if line == 1 and len(fields) == 2 and fields[0].isdigit() and fields[1].isdigit():
                count = int(fields[0])
            elif fields:
                rows += 1
                yield line, content.rstrip()
    if rows < count:
        raise DataError(f"{path}: {rows} vectors where its first line says {count}: cut short", "fetch the file again")


def _check_width(path: Path, line: int, width: int, dimension: int | None) -> None:
    if width < 1:
        raise DataError(
            f"{path}:{line}: no numbers behind the word",
            "each line holds a word and its numbers, with spaces",
        )
    if dimension is not None and width != dimension:
        raise DataError(
            f"{path}:{line}: vectors of {width} numbers, but the model's embedding has {dimension}",
            hint=f"model.embedding={width} fits the file",
        )


def _numbers(path: Path, line: int, parts: list[bytes]) -> list[float]:
    try:
        numbers = [float(part) for part in parts]
    except ValueError:
        bad = next(part for part in parts if not _is_number([part]))
        raise DataError(f'{path}:{line}: "{bad[:40].decode(errors="replace")}" is not a number') from None
    if not all(map(math.isfinite, numbers)):
        raise DataError(
            f"{path}:{line}: a vector with {'nan' if any(map(math.isnan, numbers)) else 'infinite'} numbers"
        )
    return numbers


def _is_number(parts: list[bytes], asked: bool = True) -> bool:
    try:
        return asked and bool([float(part) for part in parts])
    except ValueError:
        return False
