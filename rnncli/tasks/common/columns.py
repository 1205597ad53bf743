"""Which column holds what: the one that a recipe names or, if it names none, one whose name tells."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Protocol

from rnncli.data.wording import did_you_mean
from rnncli.errors import DataError


class WithColumns(Protocol):
    """A table, as far as its columns have names."""

    @property
    def name(self) -> str:
        """The source as the user wrote it."""
        ...

    @property
    def columns(self) -> list[str]:
        """The names of its columns."""
        ...

    def require(self, column: str, key: str = "") -> None:
        """Raise DataError unless there is such a column."""
        ...


def column(table: WithColumns, given: str, names: Sequence[str], what: str, key: str) -> str:
    """The column ``given`` or the first of ``names`` that is there; ``key`` is the recipe's. Raises DataError."""
    if given:
        return named(table, given, key)
    return guess(table, names, what, f"{key}=NAME", first=True)


def agreed(tables: Iterable[WithColumns], given: str, names: Sequence[str]) -> str:
    """The column ``given``, or that which is guessed among ``names`` in each of ``tables``; empty where they differ."""
    found = {column(table, given, names, "", "") for table in tables}
    return found.pop() if len(found) == 1 else ""


def named(table: WithColumns, name: str, key: str) -> str:
    """The column of that name, in lower case, or of that number from 1; raises DataError. ``key`` is the recipe's."""
    own = own_columns(table)
    if name.lower() in own and name not in own:
        return name.lower()
    if name not in own and name.isdecimal() and 1 <= int(name) <= len(own):
        return own[int(name) - 1]
    table.require(name, key)
    return name


def is_numbered(table: WithColumns) -> bool:
    """Whether the columns have no names but their numbers."""
    own = own_columns(table)
    return own == [str(n) for n in range(1, len(own) + 1)]


def own_columns(table: WithColumns) -> list[str]:
    """The columns that the source has itself."""
    return [name for name in table.columns if not name.startswith("__")]


def guess(
    table: WithColumns,
    names: Sequence[str],
    what: str,
    how: str,
    *,
    among: Sequence[str] | None = None,
    first: bool = False,
) -> str:
    """The column that holds ``what``, one of ``names`` in any case; ``how`` says what to type where none is clear.

    Of several the ``first`` of ``names`` where that is good enough, else DataError. ``among`` are the columns that come
    into question, a single one of which needs no name.
    """
    columns = own_columns(table)
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
    data = not is_numbered(table) and any(map(_reads_as_data, columns))
    unnamed = "; if these are data: data.header=false, with columns by number" if data else ""
    raise DataError(f"{table.name}: {why}", f"{how}, one of: {', '.join(among or columns)}{unnamed}")


def _reads_as_data(name: str) -> bool:
    """Whether the name of a column is rather a value: a number, a sentence, a file."""
    return bool(re.fullmatch(r"[+-]?\d+(\.\d+)?|(\S+\s+){4,}.*|.*\.\w{3,4}|.{60,}", name, re.DOTALL))
