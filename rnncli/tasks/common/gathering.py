"""Tables of a recipe's files, part by part."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from rnncli.data.tables.sources import ALL, READERS
from rnncli.data.tables.table import Table
from rnncli.recipe.schema import DataSection

Tables = dict[str, Table]


def is_repository(data: DataSection) -> bool:
    """Whether ``data.train`` names a repository of datasets rather than something on disk: owner/name, say."""
    place = Path(data.root) / data.train
    if place.exists():
        return False
    a_name = data.train.count("/") == 1 and place.suffix not in READERS and not place.parent.exists()
    return data.source == "datasets" or (data.source == "auto" and a_name)


def with_given_parts(found: Tables, data: DataSection, read_file: Callable[[Path], Tables]) -> Tables:
    """What ``data.train`` holds by part, and the parts that ``data.dev`` and ``data.test`` name beside it.

    The part ``all``, which is still to be cut, is ``train`` where there are others. Tables are named from the folder
    that the recipe names: a row's place is shorter so, and no less clear.
    """
    root = Path(data.root)
    for name, file in (("dev", data.dev), ("test", data.test)):
        if file:
            more = read_file(root / file)
            found[name] = more.get(name) or next(iter(more.values()))
    if ALL in found and len(found) > 1:
        found = {"train": found.pop(ALL)} | found
    below = f"{root}{os.sep}"
    return {part: replace(table, name=table.name.removeprefix(below)) for part, table in found.items()}
