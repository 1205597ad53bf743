"""The tables of a recipe, part by part: csv and the like, rows of ``datasets``, folders; the place of each row."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import numpy as np
import pyarrow as pa

from rnncli.data.regular import require_regular
from rnncli.data.splits import split_name
from rnncli.data.tables.records import PLACE
from rnncli.data.tables.sources import ALL, READERS, UNLABELLED, Source, read
from rnncli.data.tables.table import Table
from rnncli.errors import DataError, RecipeError
from rnncli.recipe.schema import DataSection, FilesSection

Tables = dict[str, Table]
FOLDER = "__folder__"
"""The column of the folder that a row's paths start from."""


@dataclass(frozen=True)
class TablePart:
    """One part of a corpus: rows of a table, of which a task knows more."""

    table: Table

    def __len__(self) -> int:
        return len(self.table)

    def take(self, rows: np.ndarray) -> Self:
        """Some of the rows."""
        return replace(self, table=self.table.take(rows))

    def column(self, name: str, key: str) -> Iterator[str]:
        """The values of a further column that the recipe's ``key`` names; raises DataError where there is none."""
        self.table.require(name, key)
        return self.table.texts(name)

    def place(self, row: int) -> str:
        """Where a row stands in the user's data."""
        return self.table.place(row)


def is_builtin(data: DataSection, example: str) -> bool:
    """Whether a recipe wants the built-in corpus; DataError where it wants another source and names none.

    ``example`` is a file such as one might name. Raises RecipeError for a recipe for one's own data without any.
    """
    if data.source == "own" and not data.train:
        raise RecipeError(
            "data.train: names no data, and this recipe is for data of one's own",
            f"data.train={example}, or data.source=builtin to learn from the built-in corpus",
        )
    if data.source != "builtin" and data.train:
        return False
    if data.source not in ("builtin", "auto"):
        raise DataError(f"data.train names no {data.source}", f"for example data.train={example}")
    if others := [key for key in ("dev", "test") if getattr(data, key)]:
        raise RecipeError(
            f"data.{others[0]} names {getattr(data, others[0])}, and what to train on is not named: "
            "the built-in corpus has parts of its own",
            f"data.train={example}, on the command line of a task --data {example}",
        )
    return True


def source_of(data: DataSection) -> Source:
    """How to read what is not built in."""
    return "auto" if data.source in ("builtin", "own") else data.source


def source_used(data: DataSection) -> str:
    """What ``data.source`` of ``auto`` comes to, ``auto`` where that is a folder, of which there are many kinds."""
    if data.source != "auto":
        return data.source
    if not data.train:
        return "builtin"
    if is_repository(data):
        return "datasets"
    named = (Path(data.root) / name for name in (data.train, data.dev, data.test) if name)
    return "file" if all(path.is_file() for path in named) else "auto"


def is_repository(data: DataSection) -> bool:
    """Whether ``data.train`` names a repository of datasets rather than something on disk: owner/name, say."""
    place = Path(data.root) / data.train
    require_regular(place)
    if place.exists():
        return False
    a_name = data.train.count("/") == 1 and place.suffix not in READERS and not place.parent.exists()
    return data.source == "datasets" or (data.source in ("auto", "own") and a_name)


def with_given_parts(found: Tables, data: DataSection, read_file: Callable[[Path], Tables]) -> Tables:
    """What ``data.train`` holds by part, and the parts that ``data.dev`` and ``data.test`` name beside it.

    The part ``all``, which is still to be cut, is ``train`` where there are others. Tables are named from the folder
    that the recipe names: a row's place is shorter so, and no less clear.
    """
    root = Path(data.root)
    for name, file in (("dev", data.dev), ("test", data.test)):
        if file:
            require_regular(root / file)
            more = read_file(root / file)
            found[name] = more.get(name) or next(iter(more.values()))
    if ALL in found and len(found) > 1:
        found = {"train": found.pop(ALL)} | found
    below = f"{root}{os.sep}"
    return {part: replace(table, name=table.name.removeprefix(below)) for part, table in found.items()}


def read_parts(data: FilesSection, suffixes: Collection[str], columns: tuple[str, str]) -> dict[str, Table]:
    """The tables of a recipe by part, ``all`` for one that is still to be split; raises DataError.

    A folder of classes is read as a table of ``columns``: the file and its class.
    """
    return read_sources(data, lambda path: read_place(path, data, suffixes, columns))


def read_sources(data: FilesSection, read_local: Callable[[Path], Tables]) -> Tables:
    """The tables of a recipe by part: of a repository, or of what ``read_local`` makes of files and folders."""
    if is_repository(data):
        found = read(data.train, source="datasets", splits=data.splits or None, config=data.config or None)
    else:
        found = read_local(Path(data.root) / data.train)
    return with_given_parts(found, data, read_local)


def read_place(path: Path, data: FilesSection, suffixes: Collection[str], columns: tuple[str, str]) -> dict[str, Table]:
    """The tables of one file or folder by part."""
    if path.is_dir() and not any(file.suffix in READERS for file in path.iterdir()):
        named = {name: sub for sub in sorted(path.iterdir()) if sub.is_dir() and (name := split_name(sub.name))}
        places = named or {ALL: path}
        found = {part: _classes(place, suffixes, columns) for part, place in places.items()}
        kept = {part: table for part, table in found.items() if table is not None}
        if kept:
            return kept
    return read_file(path, data)


def read_file(path: Path, data: FilesSection) -> Tables:
    """The tables of a file, or of a folder of such, by part, with the folder that their paths start from."""
    found = read(
        path,
        source=source_of(data),
        encoding=data.encoding,
        header=data.header,
        splits=data.splits or None,
        config=data.config or None,
    )
    return {part: based(table, path) for part, table in found.items()}


def based(table: Table, path: Path) -> Table:
    """The table with the folder that its paths start from: ``path``, or the folder of that file."""
    base = str(path if path.is_dir() else path.parent)
    folder = pa.array([base] * table.store.num_rows, pa.string())
    return replace(table, store=table.store.append_column(FOLDER, folder))


def places(table: Table, name: str) -> Iterator[tuple[Path, Any]]:
    """The folder that each row's paths start from, and the value of column ``name``."""
    folders = table.texts(FOLDER) if FOLDER in table.columns else iter([""] * len(table))
    return ((Path(folder), value) for folder, value in zip(folders, table.values(name), strict=True))


def table_of(name: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> Table:
    """A table of values at hand, its places numbered from 1."""
    arrays = [pa.array(list(values)) for values in zip(*rows, strict=True)]
    store = pa.table([*arrays, pa.array(range(1, len(rows) + 1))], names=[*columns, PLACE])
    return Table(name, store)


def _classes(path: Path, suffixes: Collection[str], columns: tuple[str, str]) -> Table | None:
    """One row a file of ``CLASS/*``; None where no folder holds such files."""
    classes = [sub for sub in sorted(path.iterdir()) if sub.is_dir() and sub.name.lower() not in UNLABELLED]
    files = [(sub, file) for sub in classes for file in sorted(sub.rglob("*")) if file.suffix.lower() in suffixes]
    if not files:
        return None
    rows = {
        columns[0]: [str(file.resolve()) for _, file in files],
        columns[1]: [sub.name for sub, _ in files],
        PLACE: [str(file) for _, file in files],
    }
    return Table(str(path), pa.table(rows))
