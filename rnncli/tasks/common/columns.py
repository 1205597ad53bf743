"""Which column holds what: the one that a recipe names or, if it names none, one whose name tells."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rnncli.data.tables.table import Table, did_you_mean
from rnncli.errors import DataError


def column(table: Table, given: str, names: Sequence[str], what: str, key: str) -> str:
    """The column ``given`` or the first of ``names`` that is there; ``key`` is the recipe's. Raises DataError."""
    if given:
        table.require(given, key)
        return given
    return guess(table, names, what, f"{key}=NAME", first=True)


def agreed(tables: Iterable[Table], given: str, names: Sequence[str]) -> str:
    """The column ``given``, or that which is guessed among ``names`` in each of ``tables``; empty where they differ."""
    found = {column(table, given, names, "", "") for table in tables}
    return found.pop() if len(found) == 1 else ""


def guess(
    table: Table, names: Sequence[str], what: str, how: str, *, among: Sequence[str] | None = None, first: bool = False
) -> str:
    """The column that holds ``what``, one of ``names`` in any case; ``how`` says what to type where none is clear.

    Of several the ``first`` of ``names`` where that is good enough, else DataError. ``among`` are the columns that come
    into question, a single one of which needs no name.
    """
    columns = [name for name in table.columns if not name.startswith("__")]
    known = {name.strip().lower(): name for name in reversed(columns if among is None else among)}
    found = [known[name] for name in names if name in known]
    if len(found) == 1 or (found and first):
        return found[0]
    if not found and among is not None and len(among) == 1:
        return among[0]
    if found:
        why = f"which column holds the {what}? several may be it: {', '.join(found)}"
    else:
        why = f"no column of {what} by its name: which column holds the {what}?{did_you_mean(names[0], columns)}"
    raise DataError(f"{table.name}: {why}", f"{how}, one of: {', '.join(columns)}")
