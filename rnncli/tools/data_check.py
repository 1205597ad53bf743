"""Look at the data of a recipe without training on it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from rnncli import tasks
from rnncli.recipe.schema import Recipe

Table = tuple[str, list[str], list[list[str]]]


@dataclass(frozen=True)
class DataCheck:
    """What was found: sentences, and tables of title, columns and cells."""

    headline: str
    notes: tuple[str, ...]
    dropped: dict[str, int]
    tables: list[Table]

    def to_dict(self) -> dict[str, Any]:
        """The same, ready for JSON."""
        tables = [
            {"title": title, "rows": [dict(zip(columns, row, strict=True)) for row in rows]}
            for title, columns, rows in self.tables
        ]
        return {
            "headline": self.headline,
            "notes": list(self.notes),
            "dropped": self.dropped,
            "tables": tables,
        }


def check_data(recipe: Recipe) -> DataCheck:
    """Read the data as a run would and describe it; raises DataError."""
    task = tasks.load(recipe.task)
    if recipe.data.folds and recipe.data.fold is None:
        recipe = recipe.model_copy(update={"data": recipe.data.model_copy(update={"fold": 0})})
    corpus = task.read(recipe)
    tables = task.check(recipe, corpus)
    dropped = dict(corpus.dropped)
    tables.append(
        (
            "dropped rows",
            ["reason", "rows"],
            [[reason, f"{n:,}"] for reason, n in dropped.items()] or [["none", "0"]],
        )
    )
    return DataCheck(corpus.headline, corpus.notes, dropped, tables)
