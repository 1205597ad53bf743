"""Numbers as people write them, to float64: 1,234.5 and 1.234,5, 12 %, $3, and what tables write for none."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute

from rnncli.data.series.stamps import MISSING, Place
from rnncli.errors import DataError

pc: Any = pyarrow.compute  # its functions are made when it is imported, which no type checker sees

_PLAIN = r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$"
_COMMA = r"^[+-]?(\d+|\d{1,3}(\.\d{3})+),\d+$"
_GROUPED = r"^[+-]?\d{1,3}(,\d{3})+(\.\d+)?$"
_DOTTED = r"^[+-]?\d{1,3}(\.\d{3})+$"
_AROUND = r"^\s*([+-]?)\s*[$€£¥]?\s*|\s*[$€£¥%]?\s*$"
_BETWEEN = r"(\d)[ \x{00A0}\x{202F}\x{2009}'’_](\d{3})"
_INFINITE = r"^[+-]?inf(inity)?$"


def read_numbers(column: pa.ChunkedArray, what: str, place: Place) -> tuple[np.ndarray, tuple[str, ...]]:
    """The numbers of a column, (N,) float64, NaN for none, and what is to be said of how they were read.

    ``what`` names the column in errors. Raises DataError for a value that is no number, with its row.
    """
    kind = column.type
    if pa.types.is_null(kind):
        return np.full(len(column), np.nan), ()
    if pa.types.is_boolean(kind):
        column = column.cast(pa.int8())
    if pa.types.is_list(kind) or pa.types.is_temporal(kind) or pa.types.is_struct(kind):
        raise DataError(f"{place(0)}: {what} holds {kind} values, and no numbers")
    if pa.types.is_string(kind):
        return _texts(column, what, place)
    value_N = column.cast(pa.float64()).to_numpy()
    _refuse(np.isinf(value_N), column, what, place, "is infinite")
    return value_N, ()


def are_numbers(texts: list[str]) -> bool:
    """Whether texts read as numbers, all those that say anything."""
    column = pa.chunked_array([pa.array(texts, pa.string())])
    try:
        value_N, _ = read_numbers(column, "", str)
    except DataError as error:
        return "may be" in error.message
    return bool(np.isfinite(value_N).any())


def _texts(column: pa.ChunkedArray, what: str, place: Place) -> tuple[np.ndarray, tuple[str, ...]]:
    try:
        value_N = column.cast(pa.float64()).to_numpy()
        _refuse(np.isinf(value_N), column, what, place, "is infinite")
        return value_N, ()
    except pa.ArrowInvalid:
        pass
    bare = pc.utf8_trim_whitespace(column)
    bare = pc.if_else(pc.is_in(pc.utf8_lower(bare), MISSING), pa.scalar(None, pa.string()), bare)
    notes = []
    if not _all(bare, _PLAIN):
        cleaned = pc.replace_substring_regex(bare, _AROUND, r"\1")
        for _ in range(4):  # groups of three digits overlap, so each pass joins every other one at least
            cleaned = pc.replace_substring_regex(cleaned, _BETWEEN, r"\1\2")
        if _any_unequal(cleaned, bare):
            row = int(np.argmax(_mask(pc.not_equal(cleaned, bare))))
            notes.append(f'{what}: signs around and blanks within numbers left out, as in "{bare[row]}"')
        bare, told = _points(cleaned, what, place)
        notes += told
    _refuse(_mask(pc.match_substring_regex(bare, _INFINITE, ignore_case=True)), column, what, place, "is infinite")
    _refuse(~_mask(pc.match_substring_regex(bare, _PLAIN), True), column, what, place, "is no number")
    return bare.cast(pa.float64()).to_numpy(), tuple(notes)


def _points(texts: pa.ChunkedArray, what: str, place: Place) -> tuple[pa.ChunkedArray, list[str]]:
    """The texts with decimal points and without separators of thousands; DataError where 1,234 may be either."""
    comma_N, grouped_N = (_mask(pc.match_substring_regex(texts, form)) for form in (_COMMA, _GROUPED))
    if not (comma_N | grouped_N).any():
        return texts, []
    decimal, thousands = comma_N & ~grouped_N, grouped_N & ~comma_N
    if decimal.any() and thousands.any():
        one, other = int(np.argmax(decimal)), int(np.argmax(thousands))
        raise DataError(
            f'{place(one)}: {what}: "{texts[one]}" has a decimal comma, and "{texts[other]}" ({place(other)}) a comma '
            "between thousands",
            "write numbers with a decimal point and nothing between thousands",
        )
    if not decimal.any() and not thousands.any() and not _mask(pc.match_substring(texts, ".")).any():
        row = int(np.argmax(comma_N))
        raise DataError(
            f'{place(row)}: {what}: "{texts[row]}" may be a decimal comma or one between thousands',
            "write numbers with a decimal point and nothing between thousands",
        )
    if decimal.any():
        dotted = pc.match_substring_regex(texts, r"^[+-]?\d{1,3}(\.\d{3})+(,\d+)?$")
        plain = pc.if_else(dotted, pc.replace_substring(texts, ".", ""), texts)
        row = int(np.argmax(decimal))
        return pc.replace_substring(plain, ",", "."), [f'{what}: decimal commas, as in "{texts[row]}"']
    row = int(np.argmax(grouped_N))
    plain = pc.if_else(pc.match_substring_regex(texts, _GROUPED), pc.replace_substring(texts, ",", ""), texts)
    return plain, [f'{what}: commas between thousands, as in "{texts[row]}"']


def _mask(found: pa.ChunkedArray, default: bool = False) -> np.ndarray:
    return found.fill_null(default).to_numpy()


def _all(texts: pa.ChunkedArray, form: str) -> bool:
    return bool(_mask(pc.match_substring_regex(texts, form), True).all())


def _any_unequal(one: pa.ChunkedArray, other: pa.ChunkedArray) -> bool:
    return bool(_mask(pc.not_equal(one, other)).any())


def _refuse(bad_N: np.ndarray, column: pa.ChunkedArray, what: str, place: Callable[[int], str], why: str) -> None:
    """Raise DataError for the first row that is bad."""
    if bad_N.any():
        row, count = int(np.argmax(bad_N)), int(bad_N.sum())
        shown = str(column[row])[:40]
        more = f", nor are {count - 1:,} more" if count > 1 and why == "is no number" else ""
        raise DataError(f'{place(row)}: {what}: "{shown}" {why}{more}', "leave the cell empty where there is no value")
