"""A column of a table as series are read from it, whatever the table comes from: numbers, or texts by their numbers.

>>> column = TableColumn.of_texts(["b", None, "a", "b"])
>>> column.value_N.tolist(), column.texts
([0, -1, 1, 0], ('b', 'a'))

Shape letters: N rows.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Self

import numpy as np

from rnncli.data.tables.cells import written
from rnncli.data.wording import did_you_mean
from rnncli.errors import DataError

Kind = Literal["text", "number", "whole", "truth", "stamp", "date", "clock", "nothing", "other"]


@dataclass(frozen=True, eq=False)
class TableColumn:
    """``value_N`` are the numbers of texts among the distinct ``texts``, in the order in which they first come, -1 for
    none; float64 of numbers and truths, NaN for none; int64 of whole numbers; nanoseconds since 1970 of stamps and
    dates, of UTC where there is a ``zone``. ``missing_N`` tells what is not there. ``words`` say what there is in
    errors.
    """

    kind: Kind
    value_N: np.ndarray
    missing_N: np.ndarray
    texts: tuple[str, ...] = ()
    zone: str = ""
    words: str = ""

    def __len__(self) -> int:
        return len(self.value_N)

    @classmethod
    def of_texts(cls, texts: Iterable[str | None]) -> Self:
        """A column of texts."""
        at: dict[str, int] = {}
        codes_N = np.array([-1 if text is None else at.setdefault(text, len(at)) for text in texts], np.int64)
        return cls("text", codes_N, codes_N < 0, tuple(at))

    @classmethod
    def of_codes(cls, codes_N: np.ndarray, texts: Sequence[str]) -> Self:
        """A column of texts by their numbers among some, -1 for none; those that do not come are left out."""
        seen, first = np.unique(codes_N[codes_N >= 0], return_index=True)
        order = np.argsort(first, kind="stable")
        renumbered = np.full(len(texts) + 1, -1)
        renumbered[seen[order]] = np.arange(len(seen))
        come: list[int] = seen[order].tolist()
        return cls("text", renumbered[codes_N], codes_N < 0, tuple(texts[at] for at in come))

    @classmethod
    def of_values(cls, values: Sequence[Any]) -> Self:
        """A column of values of JSON, of one kind where they agree; else they are texts, as JSON writes them."""
        missing_N = np.array([value is None for value in values], bool)
        kinds = {type(value) for value in values} - {type(None)}
        if not kinds:
            return cls.nothing(len(values))
        if kinds == {str}:
            return cls.of_texts(values)
        if kinds == {int} and all(value is None or abs(value) < 2**63 for value in values):
            return cls("whole", np.array([value or 0 for value in values], np.int64), missing_N)
        if kinds == {bool} or kinds <= {int, float}:
            kind = "truth" if kinds == {bool} else "number"
            return cls(kind, np.array([np.nan if value is None else value for value in values], np.float64), missing_N)
        if kinds == {list}:
            return cls("other", np.zeros(len(values)), missing_N, words="list")
        as_json = (json.dumps(value, ensure_ascii=False) for value in values)
        pairs = zip(values, as_json, strict=True)
        return cls.of_texts([value if value is None or isinstance(value, str) else text for value, text in pairs])

    @classmethod
    def nothing(cls, count: int) -> Self:
        """A column without any value."""
        return cls("nothing", np.full(count, np.nan), np.ones(count, bool))

    @classmethod
    def joined(cls, columns: Sequence[TableColumn]) -> TableColumn:
        """Columns one behind the other; texts where their kinds differ."""
        if len(columns) == 1:
            return columns[0]
        there = [one for one in columns if one.kind != "nothing"]
        if not there:
            return cls.nothing(sum(map(len, columns)))
        if any(one.kind == "text" or (one.kind, one.zone) != (there[0].kind, there[0].zone) for one in there):
            return cls._joined_texts([one.as_texts() for one in columns])
        blank = np.nan if there[0].value_N.dtype.kind == "f" else 0
        values = [np.full(len(one), blank) if one.kind == "nothing" else one.value_N for one in columns]
        value_N = np.concatenate(values).astype(there[0].value_N.dtype)
        return replace(there[0], value_N=value_N, missing_N=np.concatenate([one.missing_N for one in columns]))

    @classmethod
    def _joined_texts(cls, columns: Sequence[TableColumn]) -> TableColumn:
        at: dict[str, int] = {}
        codes = []
        for one in columns:
            own = np.array([*(at.setdefault(text, len(at)) for text in one.texts), -1], np.int64)
            codes.append(own[one.value_N])
        codes_N = np.concatenate(codes)
        return cls("text", codes_N, codes_N < 0, tuple(at))

    def take(self, rows: np.ndarray) -> TableColumn:
        """Some of the rows, in that order."""
        if self.kind == "text":
            return TableColumn.of_codes(self.value_N[rows], self.texts)
        return replace(self, value_N=self.value_N[rows], missing_N=self.missing_N[rows])

    def first(self, count: int) -> TableColumn:
        """The first rows."""
        return self if len(self) <= count else self.take(np.arange(count))

    def floats(self) -> np.ndarray:
        """Numbers as float64, NaN for none."""
        return np.where(self.missing_N, np.nan, self.value_N.astype(np.float64))

    def as_texts(self) -> TableColumn:
        """The column as texts, whole doubles as the integers that they are."""
        if self.kind == "text":
            return self
        distinct, codes_N = np.unique(self.value_N, return_inverse=True)
        texts = [self._text(value) for value in distinct]
        return TableColumn.of_codes(np.where(self.missing_N, -1, codes_N), texts)

    def written(self) -> list[str]:
        """The value of each row as text, empty for none."""
        texts = self.as_texts()
        known = ("", *texts.texts)
        return [known[code + 1] for code in texts.value_N.tolist()]

    def _text(self, value: Any) -> str:
        if self.kind in ("stamp", "date"):
            text = str(np.int64(value).view("datetime64[ns]")).replace("T", " ")
            return text[:10] if self.kind == "date" else text.rstrip("0").rstrip(".")
        return written(bool(value) if self.kind == "truth" else value.item())


@dataclass(frozen=True, eq=False)
class SeriesTable:
    """A table as series are read from it: columns by name, each made when it is first asked for.

    ``made`` makes a column, of the first rows alone where it is told how many. ``line`` is where a row stands: its
    number in the source, or the path of the file that holds it. ``notes`` are choices made on the way, ``dropped``
    counts rows left out by reason.
    """

    name: str
    count: int
    made: Mapping[str, Callable[[int | None], TableColumn]]
    line: Callable[[int], int | str]
    notes: tuple[str, ...] = ()
    dropped: Mapping[str, int] = field(default_factory=dict)
    _whole: dict[str, TableColumn] = field(default_factory=dict)

    @classmethod
    def of_columns(cls, name: str, columns: Mapping[str, TableColumn], line: Callable[[int], int | str]) -> Self:
        """A table of columns at hand."""
        count = len(next(iter(columns.values())))
        return cls(name, count, {key: _given(one) for key, one in columns.items()}, line)

    def __len__(self) -> int:
        return self.count

    @property
    def columns(self) -> list[str]:
        """Their names, in the order of the source."""
        return [*self.made]

    def place(self, row: int) -> str:
        """Where a row came from, as in ``sales.csv:17``."""
        line = self.line(row)
        return line if isinstance(line, str) else f"{self.name}:{line}"

    def require(self, column: str, key: str = "") -> None:
        """Raise DataError unless there is such a column; ``key`` is the recipe key that named it."""
        if column not in self.made:
            named = f" ({key})" if key else ""
            raise DataError(
                f'{self.name}: no column "{column}"{named}{did_you_mean(column, self.columns)}',
                hint="its columns are: " + ", ".join(self.columns),
            )

    def column(self, name: str) -> TableColumn:
        """All of a column."""
        if name not in self._whole:
            self._whole[name] = self.made[name](None)
        return self._whole[name]

    def first(self, name: str, count: int) -> TableColumn:
        """The first rows of a column."""
        return self.made[name](count) if name not in self._whole else self._whole[name].first(count)

    def having(self, columns: Mapping[str, TableColumn]) -> SeriesTable:
        """The table with columns that are new or stand for others."""
        made = {**self.made, **{name: _given(one) for name, one in columns.items()}}
        return replace(self, made=made, _whole={})

    def told(self, notes: tuple[str, ...], dropped: Mapping[str, int]) -> SeriesTable:
        """The table with what is to be said of how it was read."""
        return replace(self, notes=notes, dropped=dropped)

    def take(self, rows: np.ndarray) -> SeriesTable:
        """Some of the rows, in that order; one may come several times."""
        columns = {name: _given(self.column(name).take(rows)) for name in self.columns}
        at = rows.tolist()
        return replace(self, count=len(at), made=columns, line=lambda row: self.line(at[row]), _whole={})


def _given(column: TableColumn) -> Callable[[int | None], TableColumn]:
    return lambda count: column if count is None else column.first(count)
