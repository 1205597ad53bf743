"""Rows of examples that live on disk and know the place they came from.

A ``Table`` is a view of columns in an Arrow file that is mapped into memory, so that a file of a million rows
costs no more of it than the pages being read; selecting rows copies row numbers, never text.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Self

import numpy as np
import pyarrow as pa

from rnncli.data import progress
from rnncli.data.tables.cells import written
from rnncli.data.tables.records import BATCH_ROWS, PLACE, no_rows
from rnncli.data.temporary import room_for
from rnncli.data.wording import did_you_mean
from rnncli.errors import DataError

DOCUMENT = "__document__"  # the number of the document that a row belongs to, where the source marks documents


@dataclass(frozen=True, eq=False)
class Table:
    """Rows of ``store``, all of them or those that ``rows`` lists.

    ``name`` is the source as the user wrote it, ``notes`` are choices made on the way that the user should
    hear of, ``dropped`` counts the rows left out by reason. ``word_lines`` says that a row is a sentence whose words
    stand on as many lines.
    """

    name: str
    store: pa.Table
    rows: np.ndarray | None = None
    notes: tuple[str, ...] = ()
    dropped: Mapping[str, int] = field(default_factory=dict)
    word_lines: bool = False

    def __len__(self) -> int:
        return self.store.num_rows if self.rows is None else len(self.rows)

    @property
    def columns(self) -> list[str]:
        """The names of the columns, in the order of the source."""
        return [name for name in self.store.column_names if name not in (PLACE, DOCUMENT)]

    def require(self, column: str, key: str = "") -> None:
        """Raise ``DataError`` unless there is such a column; ``key`` is the recipe key that named it."""
        if column in self.columns:
            return
        named = f" ({key})" if key else ""
        where = self.place(0) if self.word_lines else self.name
        raise DataError(
            f'{where}: no column "{column}"{named}{did_you_mean(column, self.columns)}',
            hint="its columns are: " + ", ".join(self.columns),
        )

    def place(self, i: int) -> str:
        """Where row ``i`` of this view came from, as in ``reviews.csv:17`` or ``reviews/pos/3.txt``."""
        line = self.line(i)
        return line if isinstance(line, str) else f"{self.name}:{line}"

    def line(self, i: int) -> int | str:
        """The number of row ``i`` of this view in its source, or the path of the file that holds it."""
        return self.store.column(PLACE)[self._row(i)].as_py()

    def place_of_word(self, i: int, word: int) -> str:
        """Where a word of row ``i`` stands: its own line where words stand on lines of their own, else the row's."""
        place = self.store.column(PLACE)[self._row(i)].as_py()
        return f"{self.name}:{place + word}" if self.word_lines else self.place(i)

    def row(self, i: int) -> dict[str, Any]:
        """Row ``i`` of this view as a dictionary of its columns."""
        number = self._row(i)
        return {name: self.store.column(name)[number].as_py() for name in self.columns}

    def values(self, column: str) -> Iterator[Any]:
        """The values of one column as Python objects, a few thousand of them in memory at a time."""
        self.require(column)
        data = self.store.column(column)
        done = 0
        if self.rows is None:
            for chunk in data.chunks:
                for start in range(0, len(chunk), BATCH_ROWS):
                    values = chunk.slice(start, BATCH_ROWS).to_pylist()
                    yield from values
                    done += len(values)
                    progress.tell("rows", done, len(self))
            return
        starts = np.cumsum([0] + [len(chunk) for chunk in data.chunks])
        for start in range(0, len(self.rows), BATCH_ROWS):
            values = _gather(data, starts, self.rows[start : start + BATCH_ROWS])
            yield from values
            progress.tell("rows", start + len(values), len(self))

    def documents(self) -> np.ndarray:
        """The number of each row's document, int64; all 0 where the source marks none."""
        if DOCUMENT not in self.store.column_names:
            return np.zeros(len(self), dtype=np.int64)
        numbers = self.store.column(DOCUMENT).to_numpy()
        return numbers if self.rows is None else numbers[self.rows]

    def texts(self, column: str) -> Iterator[str]:
        """The values of one column as strings: a missing value is the empty string, a whole double an integer."""
        for value in self.values(column):
            yield value if type(value) is str else written(value)

    def take(self, indices: np.ndarray | Sequence[int]) -> Table:
        """Those rows of this view, in that order; notes and counts of dropped rows stay behind."""
        indices = np.asarray(indices, dtype=np.int64)
        rows = indices if self.rows is None else self.rows[indices]
        return replace(self, rows=rows, notes=(), dropped={})

    def _row(self, i: int) -> int:
        if not 0 <= i < len(self):
            raise IndexError(f"row {i} of {len(self)}")
        return i if self.rows is None else int(self.rows[i])


class TableWriter:
    """Writes rows to a temporary Arrow file and hands them back mapped; a context manager.

    The file loses its name as soon as it is mapped, so that nothing is left behind even by a kill; where the
    system does not allow that, it is removed at exit.
    """

    def __init__(self, name: str, schema: pa.Schema) -> None:
        self.name = name
        self.schema = schema
        self.rows = 0
        self._path = ""
        self._writer: pa.RecordBatchFileWriter | None = None

    def __enter__(self) -> Self:
        with room_for(self.name):
            handle, self._path = tempfile.mkstemp(prefix="rnncli-", suffix=".arrow")
            os.close(handle)
            self._writer = pa.ipc.new_file(self._path, self.schema)
        return self

    def __exit__(self, *_: object) -> None:
        if self._writer is not None:
            with contextlib.suppress(OSError):
                self._writer.close()
            self._writer = None
        _remove(self._path)

    def write(self, batch: pa.RecordBatch) -> None:
        """Append a batch of the writer's schema."""
        assert self._writer is not None
        self.rows += batch.num_rows
        with room_for(self.name):
            self._writer.write_batch(batch)

    def finish(self, notes: Iterable[str] = (), dropped: Mapping[str, int] | None = None) -> Table:
        """End the file and return its rows."""
        assert self._writer is not None
        with room_for(self.name):
            self._writer.close()
        self._writer = None
        store = pa.ipc.open_file(pa.memory_map(self._path)).read_all()
        return Table(self.name, store, notes=tuple(notes), dropped=dict(dropped or {}))


def with_place(schema: pa.Schema) -> pa.Schema:
    """A reader's schema and the column of line or row numbers."""
    return schema.append(pa.field(PLACE, pa.int64()))


def require_rows(writer: TableWriter, what: str) -> None:
    """Raise ``DataError`` for a source that holds ``what`` instead of rows."""
    if not writer.rows:
        raise no_rows(writer.name, what)


def _gather(data: pa.ChunkedArray, starts: np.ndarray, rows: np.ndarray) -> list[Any]:
    """The values at ``rows``, in their order, one ``take`` for each chunk that they touch."""
    order = np.argsort(rows, kind="stable")
    ordered = rows[order]
    found: list[Any] = [None] * len(rows)
    bounds = np.searchsorted(ordered, starts)
    done = 0
    for chunk in np.flatnonzero(np.diff(bounds)):
        local = ordered[bounds[chunk] : bounds[chunk + 1]] - starts[chunk]
        for value in data.chunk(int(chunk)).take(pa.array(local)).to_pylist():
            found[order[done]] = value
            done += 1
    return found


def _remove(path: str) -> None:
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass
    except OSError:  # a mapped file keeps its name on Windows until it is let go
        atexit.register(_remove_quietly, path)


def _remove_quietly(path: str) -> None:
    with contextlib.suppress(OSError):
        os.unlink(path)
