"""Look at the data of a recipe without training on it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from rnncli import tasks
from rnncli.errors import UserError
from rnncli.recipe.schema import Recipe
from rnncli.report.build import ReportTable
from rnncli.tasks.base import Advising, Corpus, Task


@dataclass(frozen=True)
class DataCheck:
    """What was found: sentences, tables, and what is odd with what to do about it."""

    headline: str
    notes: tuple[str, ...]
    dropped: dict[str, int]
    tables: list[ReportTable]
    advice: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """The same, ready for JSON."""
        tables = [
            {"title": table.title, "rows": [dict(zip(table.columns, row, strict=True)) for row in table.rows]}
            for table in self.tables
        ]
        return {
            "headline": self.headline,
            "notes": list(self.notes),
            "dropped": self.dropped,
            "tables": tables,
            "advice": list(self.advice),
        }


def check_data(recipe: Recipe) -> DataCheck:
    """Read the data as a run would and describe it; raises DataError."""
    task = tasks.load(recipe.task)
    if recipe.folds:
        recipe = recipe.of_fold(0)
    corpus = task.read(recipe)
    tables = task.check(recipe, corpus)
    tables += _training(task, recipe, corpus)
    dropped = dict(corpus.dropped)
    counted = tuple((reason, f"{n:,}") for reason, n in dropped.items()) or (("none", "0"),)
    tables.append(ReportTable("dropped rows", ("reason", "rows"), counted))
    found = sorted(task.findings(corpus), key=lambda one: one.rank) if isinstance(task, Advising) else []
    return DataCheck(corpus.headline, corpus.notes, dropped, tables, tuple(one.line for one in found))


def _training(task: Task, recipe: Recipe, corpus: Corpus) -> list[ReportTable]:
    """How many steps training would take; nothing where these data cannot be trained on."""
    from rnncli.runs.prepare import foretold

    try:
        extent, each = foretold(task, recipe, corpus)
    except UserError:
        return []
    columns = ("examples in a batch, at most", "steps an epoch", "epochs, at most", "steps in all")
    row = (extent.batch_size, each, extent.epochs, each * extent.epochs)
    return [ReportTable("steps of training", columns, (tuple(f"{count:,}" for count in row),))]
