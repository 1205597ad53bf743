"""Sequences and their answers, made up or from a table.

A row as it comes, of either problem, and as it is learnt from::

    sequence,answer,lag
    0.41* 0.87 0.12* 0.55,0.53,3        ->  x_TI [[.41, 1], [.87, 0], [.12, 1], [.55, 0]]   truth 0.53
    c - = . ?,c,4                       ->  x_TI 1 for each step's symbol                   truth the number of c
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from rnncli.data.tables.sources import ALL
from rnncli.data.tables.table import Table
from rnncli.tasks.base import Corpus
from rnncli.tasks.common.columns import column
from rnncli.tasks.common.splitting import Parting
from rnncli.tasks.common.tables import TablePart, is_builtin, read_file, read_sources, table_of
from rnncli.tasks.memory import builtin
from rnncli.tasks.memory.schema import MemoryData, MemoryRecipe

LAG = "lag"
COLUMNS = ("sequence", "answer", LAG)
SEQUENCE_NAMES, ANSWER_NAMES = ("sequence", "input", "steps", "text"), ("answer", "target", "label", "sum")


@dataclass(frozen=True)
class MemoryPart(TablePart):
    """Rows of a table, and the columns that matter."""

    sequence_column: str
    answer_column: str

    def sequences(self) -> Iterator[str]:
        """The sequences as they are written."""
        return self.table.texts(self.sequence_column)

    def answers(self) -> Iterator[str]:
        """The answer to each."""
        return (answer.strip() for answer in self.table.texts(self.answer_column))

    def lags(self) -> list[str] | None:
        """How far back the answer of each lies, None where nothing tells."""
        return list(self.table.texts(LAG)) if LAG in self.table.columns else None


def read_corpus(recipe: MemoryRecipe) -> Corpus:
    """Sequences made up, or those of a user; raises DataError."""
    data = recipe.data
    if own := is_builtin(data, "sequences.csv"):
        rows = builtin.generate(data.problem, data.lags, data.examples, recipe.seed)
        tables = {ALL: table_of(f"made-up {data.problem} sequences", COLUMNS, rows)}
    else:
        tables = read_sources(data, lambda path: read_file(path, data))
    parts = {name: _part(table, data) for name, table in tables.items()}
    cut, how = Parting(data, recipe.seed, MemoryPart.lags)(parts)
    first = next(iter(parts.values()))
    count = sum(len(part) for part in parts.values())
    headline = f"{first.table.name}: {count:,} sequences"
    headline += f", lags {', '.join(map(str, data.lags))}" if own else ""
    return Corpus(cut, headline, (*first.table.notes, how), dict(first.table.dropped))


def read_part(recipe: MemoryRecipe, path: Path) -> Corpus:
    """A further table of sequences and answers, all of it as the part ``test``."""
    found = read_file(path, recipe.data)
    table = found.get("test") or next(iter(found.values()))
    part = _part(table, recipe.data)
    return Corpus({"test": part}, f"{path}: {len(table):,} sequences", table.notes, dict(table.dropped))


def _part(table: Table, data: MemoryData) -> MemoryPart:
    sequence = column(table, data.sequence_column, SEQUENCE_NAMES, "sequences", "data.sequence_column")
    answer = column(table, data.answer_column, ANSWER_NAMES, "answers", "data.answer_column")
    return MemoryPart(table, sequence, answer)
