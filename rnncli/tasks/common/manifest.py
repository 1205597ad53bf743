"""Tables whose rows name files: csv and the like, rows of ``datasets``, or a folder of files for each class."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa

from rnncli.data.splits import split_name
from rnncli.data.tables.sources import ALL, READERS, UNLABELLED, Source, read
from rnncli.data.tables.table import PLACE, Table, TableWriter, did_you_mean
from rnncli.errors import DataError
from rnncli.recipe.schema import FilesSection
from rnncli.tasks.common.gathering import is_repository, with_given_parts

FOLDER = "__folder__"
"""The column of the folder that a row's paths start from."""


def read_parts(data: FilesSection, suffixes: Collection[str], columns: tuple[str, str]) -> dict[str, Table]:
    """The tables of a recipe by part, ``all`` for one that is still to be split; raises DataError.

    A folder of classes is read as a table of ``columns``: the file and its class.
    """
    if is_repository(data):
        found = read(data.train, source="datasets", splits=data.splits or None, config=data.config or None)
    else:
        found = read_place(Path(data.root) / data.train, data, suffixes, columns)
    return with_given_parts(found, data, lambda path: read_place(path, data, suffixes, columns))


def read_place(path: Path, data: FilesSection, suffixes: Collection[str], columns: tuple[str, str]) -> dict[str, Table]:
    """The tables of one file or folder by part."""
    if path.is_dir() and not any(file.suffix in READERS for file in path.iterdir()):
        named = {name: sub for sub in sorted(path.iterdir()) if sub.is_dir() and (name := split_name(sub.name))}
        places = named or {ALL: path}
        found = {part: _classes(place, suffixes, columns) for part, place in places.items()}
        kept = {part: table for part, table in found.items() if table is not None}
        if kept:
            return kept
    source: Source = "auto" if data.source == "builtin" else data.source
    found = read(path, source=source, encoding=data.encoding, splits=data.splits or None, config=data.config or None)
    return {part: based(table, path) for part, table in found.items()}


def based(table: Table, path: Path) -> Table:
    """The table with the folder that its paths start from: ``path``, or the folder of that file."""
    base = str(path if path.is_dir() else path.parent)
    folder = pa.array([base] * table.store.num_rows, pa.string())
    return replace(table, store=table.store.append_column(FOLDER, folder))


def column(table: Table, given: str, names: Sequence[str], what: str, key: str) -> str:
    """The column that a recipe names or, if it names none, the first of ``names`` that is there; raises DataError."""
    if given:
        table.require(given, key)
        return given
    found = next((name for name in names if name in table.columns), None)
    if found is None:
        there = [name for name in table.columns if not name.startswith("__")]
        raise DataError(
            f"{table.name}: no column of {what}{did_you_mean(names[0], there)}",
            f"{key}=NAME, one of: {', '.join(there)}",
        )
    return found


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
    schema = pa.schema([(name, pa.string()) for name in rows])
    with TableWriter(str(path), schema) as writer:
        writer.write(pa.record_batch([pa.array(values) for values in rows.values()], schema=schema))
        return writer.finish()
