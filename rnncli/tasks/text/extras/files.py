"""Where the texts of a recipe lie: a file, files by a pattern, a folder of texts or of splits, tables."""

from __future__ import annotations

import glob
import os
from collections import Counter
from dataclasses import replace
from pathlib import Path

from rnncli.data.regular import require_regular
from rnncli.data.splits import split_in
from rnncli.data.tables.sources import ALL, READERS, read
from rnncli.data.tables.table import Table
from rnncli.errors import DataError
from rnncli.recipe.schema import FilesSection
from rnncli.tasks.common.tables import is_repository, source_of

TEXTS = (".txt", ".text", ".md")
"""Endings of the files of a folder that are texts; a file that is named may have any."""
Found = list[Path] | Table
"""Text files, or a table."""


def parts(data: FilesSection) -> tuple[dict[str, Found], list[str]]:
    """What a recipe names by part, ``all`` for what is still to be cut, and what is to be said of it."""
    notes: list[str] = []
    if not has_pattern(data.train) and not _ends_as_text(data.train) and is_repository(data):
        found: dict[str, Found] = {**read(data.train, source="datasets", splits=_splits(data), config=_config(data))}
    else:
        found = at_place(Path(data.root) / data.train, data, notes)
    for name, place in (("dev", data.dev), ("test", data.test)):
        if place:
            more = at_place(Path(data.root) / place, data, notes)
            found[name] = more.get(name) or next(iter(more.values()))
    if ALL in found and len(found) > 1:
        found = {"train": found.pop(ALL)} | found
    return {name: _named(found[name], data) for name in (ALL, "train", "dev", "test") if name in found}, notes


def at_place(path: Path, data: FilesSection, notes: list[str]) -> dict[str, Found]:
    """What a file, a pattern or a folder holds by part; raises DataError for nothing of use."""
    if has_pattern(str(path)) and not path.exists():
        return {ALL: _matching(path)}
    require_regular(path)
    if path.is_dir() and data.source != "datasets":
        named = _split_places(path, data, notes)
        if named:
            return {name: _texts_or_table(place, data) for name, place in named.items()}
        files = _texts_in(path)
        if files:
            return {ALL: files}
        _require_other(path)
    elif path.is_file() and not is_table(path):
        return {ALL: [path]}
    form = {"encoding": data.encoding, "header": data.header}
    source = "file" if not path.exists() else source_of(data)
    return {**read(path, source=source, splits=_splits(data), config=_config(data), **form)}


def is_table(path: Path) -> bool:
    """Whether a file is a table by its name."""
    name = path.name.lower().removesuffix(".gz")
    return Path(name).suffix in READERS or path.suffix.lower() in READERS


def has_pattern(name: str) -> bool:
    """Whether a name stands for all files that match it."""
    return any(mark in name for mark in "*?[")


def shown(path: Path | str, data: FilesSection) -> str:
    """What a person calls a file: its name from the folder that the recipe names."""
    return str(path).removeprefix(f"{Path(data.root)}{os.sep}")


def _named(found: Found, data: FilesSection) -> Found:
    """A table with the name that a person calls it by."""
    return replace(found, name=shown(found.name, data)) if isinstance(found, Table) else found


def _texts_or_table(place: Path, data: FilesSection) -> Found:
    if place.is_dir():
        files = _texts_in(place)
        if not files:
            raise DataError(f"{place}: no text in this folder", f"texts end in {', '.join(TEXTS)}")
        return files
    if not is_table(place):
        return [place]
    return next(iter(read(place, encoding=data.encoding, header=data.header).values()))


def _split_places(folder: Path, data: FilesSection, notes: list[str]) -> dict[str, Path]:
    """The files or folders of a folder that are named after splits, where there are two of them."""
    if data.splits:
        return {name: folder / own for name, own in data.splits.items()}
    there = [place for place in sorted(folder.iterdir()) if not place.name.startswith(".")]
    named = [(name, place) for place in there if (name := split_in(place.name))]
    counts = Counter(name for name, _ in named)
    if len(counts) < 2:
        return {}
    if twice := [name for name, count in counts.items() if count > 1]:
        raise DataError(
            f"{folder}: two sources for the split {twice[0]}", f"say which: data.splits={{{twice[0]}: NAME}}"
        )
    if left := [place.name for place in there if not split_in(place.name)]:
        notes.append(f"{folder}: left out: {', '.join(left[:3])}{' and more' if left[3:] else ''}")
    return dict(named)


def _texts_in(folder: Path) -> list[Path]:
    """All texts in a folder and those in it, hidden ones apart, by name."""
    found = (Path(place) / name for place, _, names in os.walk(folder) for name in names)
    own = [path for path in found if not any(part.startswith(".") for part in path.relative_to(folder).parts)]
    return sorted(path for path in own if _ends_as_text(path.name))


def _require_other(folder: Path) -> None:
    """DataError for a folder with files of which none is a text or a table, or with nothing."""
    files = [path for path in folder.rglob("*") if path.is_file() and not path.name.startswith(".")]
    if any(is_table(path) or path.suffix in (".arrow", ".json") for path in files):
        return
    if not files:
        raise DataError(f"{folder}: the folder holds no file", f"texts end in {', '.join(TEXTS)}")
    endings = Counter(path.suffix or path.name for path in files)
    most = endings.most_common(1)[0][0]
    raise DataError(
        f"{folder}: no text in this folder, only {', '.join(sorted(endings)[:5])}",
        f'texts end in {", ".join(TEXTS)}; a pattern names others: --data "{folder}/**/*{most}"',
    )


def _matching(path: Path) -> list[Path]:
    files = sorted(Path(name) for name in glob.glob(str(path), recursive=True) if Path(name).is_file())
    if not files:
        raise DataError(f"{path}: no file matches this pattern", "* stands for any name, ** for any folders")
    if tables := [file for file in files if is_table(file)]:
        raise DataError(f"{tables[0]}: a table among the files of a pattern", "name a table by itself, or only texts")
    return files


def _ends_as_text(name: str) -> bool:
    return name.lower().removesuffix(".gz").endswith(TEXTS)


def _splits(data: FilesSection) -> dict[str, str] | None:
    return data.splits or None


def _config(data: FilesSection) -> str | None:
    return data.config or None
