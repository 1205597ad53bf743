"""Numbers as people write them, to float64: 1,234.5 and 1.234,5, 12 %, $3, and what tables write for none."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import numpy as np

from rnncli.data.series.column import TableColumn
from rnncli.data.series.stamps import MISSING, Place
from rnncli.errors import DataError

_PLAIN = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_COMMA = re.compile(r"[+-]?(\d+|\d{1,3}(\.\d{3})+),\d+", re.ASCII)
_GROUPED = re.compile(r"[+-]?\d{1,3}(,\d{3})+(\.\d+)?", re.ASCII)
_DOTTED = re.compile(r"[+-]?\d{1,3}(\.\d{3})+(,\d+)?", re.ASCII)
_AROUND = re.compile(r"^\s*([+-]?)\s*[$€£¥]?\s*|\s*[$€£¥%]?\s*$")
_BETWEEN = re.compile("(\\d)[ \u00a0\u202f\u2009'\u2019_](\\d{3})", re.ASCII)
_INFINITE = re.compile(r"[+-]?inf(inity)?", re.IGNORECASE)
_LEAVE_EMPTY = "leave the cell empty where there is no value"
_NUMBERS = ("number", "whole", "truth")
Where = Callable[[int], str]
"""The place of the first row that has a text, by the text's number."""


def read_numbers(column: TableColumn, what: str, place: Place) -> tuple[np.ndarray, tuple[str, ...]]:
    """The numbers of a column, (N,) float64, NaN for none, and what is to be said of how they were read.

    ``what`` names the column in errors. Raises DataError for a value that is no number, with its row.
    """
    if column.kind == "nothing":
        return np.full(len(column), np.nan), ()
    if column.kind == "text":
        return _texts(column, what, place)
    if column.kind not in _NUMBERS:
        raise DataError(f"{place(0)}: {what} holds {column.words} values, and no numbers")
    value_N = column.floats()
    if np.isinf(value_N).any():
        row = int(np.argmax(np.isinf(value_N)))
        raise _infinite(place(row), what, str(value_N[row]))
    return value_N, ()


def are_numbers(texts: Sequence[str]) -> bool:
    """Whether texts read as numbers, all those that say anything."""
    try:
        value_N, _ = read_numbers(TableColumn.of_texts(texts), "", str)
    except DataError as error:
        return "may be" in error.message
    return bool(np.isfinite(value_N).any())


def _texts(column: TableColumn, what: str, place: Place) -> tuple[np.ndarray, tuple[str, ...]]:
    """Those of texts, each read once."""
    codes_N = column.value_N

    def where(code: int) -> str:
        return place(int(np.argmax(codes_N == code)))

    bare = [text.strip() for text in column.texts]
    told = [code for code, text in enumerate(bare) if text.lower() not in MISSING]
    bare, notes = [bare[code] for code in told], []
    if not all(map(_PLAIN.fullmatch, bare)):
        bare, notes = _cleaned(bare, what, lambda at: where(told[at]))
        _refuse(column, told, bare, what, where)
    value_C = np.full(len(column.texts) + 1, np.nan)
    value_C[told] = [float(text) for text in bare]
    if np.isinf(value_C).any():
        code = int(np.argmax(np.isinf(value_C)))
        raise _infinite(where(code), what, column.texts[code][:40])
    return value_C[codes_N], tuple(notes)


def _refuse(column: TableColumn, told: Sequence[int], bare: Sequence[str], what: str, where: Where) -> None:
    """Raise DataError for the first text that is no plain number; ``told`` are the numbers of those that are left."""
    for code, text in zip(told, bare, strict=True):
        if _INFINITE.fullmatch(text):
            raise _infinite(where(code), what, column.texts[code][:40])
    odd = [code for code, text in zip(told, bare, strict=True) if not _PLAIN.fullmatch(text)]
    if odd:
        count = int(np.isin(column.value_N, odd).sum())
        more = f", nor are {count - 1:,} more" if count > 1 else ""
        raise DataError(f'{where(odd[0])}: {what}: "{column.texts[odd[0]][:40]}" is no number{more}', _LEAVE_EMPTY)


def _cleaned(bare: Sequence[str], what: str, where: Where) -> tuple[list[str], list[str]]:
    """Texts as plain numbers have them, where they are such, and what is to be said of it."""
    cleaned, notes = [_AROUND.sub(r"\1", text) for text in bare], []
    for _ in range(4):  # groups of three digits overlap, so each pass joins every other one at least
        cleaned = [_BETWEEN.sub(r"\1\2", text) for text in cleaned]
    if changed := [before for before, after in zip(bare, cleaned, strict=True) if before != after]:
        notes.append(f'{what}: signs around and blanks within numbers left out, as in "{changed[0]}"')
    found, told = _points(cleaned, what, where)
    return found, [*notes, *told]


def _points(texts: list[str], what: str, where: Where) -> tuple[list[str], list[str]]:
    """The texts with decimal points and without separators of thousands; DataError where 1,234 may be either."""
    comma, grouped = ([at for at, text in enumerate(texts) if form.fullmatch(text)] for form in (_COMMA, _GROUPED))
    decimal, thousands = sorted({*comma} - {*grouped}), sorted({*grouped} - {*comma})
    if not comma and not grouped:
        return texts, []
    if decimal and thousands:
        one, other = decimal[0], thousands[0]
        raise DataError(
            f'{where(one)}: {what}: "{texts[one]}" has a decimal comma, and "{texts[other]}" ({where(other)}) a comma '
            "between thousands",
            "write numbers with a decimal point and nothing between thousands",
        )
    if not decimal and not thousands and not any("." in text for text in texts):
        raise DataError(
            f'{where(comma[0])}: {what}: "{texts[comma[0]]}" may be a decimal comma or one between thousands',
            "write numbers with a decimal point and nothing between thousands",
        )
    if decimal:
        plain = [text.replace(".", "") if _DOTTED.fullmatch(text) else text for text in texts]
        return [text.replace(",", ".") for text in plain], [f'{what}: decimal commas, as in "{texts[decimal[0]]}"']
    plain = [text.replace(",", "") if _GROUPED.fullmatch(text) else text for text in texts]
    return plain, [f'{what}: commas between thousands, as in "{texts[grouped[0]]}"']


def _infinite(place: str, what: str, shown: str) -> DataError:
    return DataError(f'{place}: {what}: "{shown}" is infinite', _LEAVE_EMPTY)
