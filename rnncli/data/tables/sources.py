"""Where examples come from: a file, a folder of files or of classes, a ``datasets`` repository."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

import pyarrow as pa

from rnncli.data import progress
from rnncli.data.encodings import read_text
from rnncli.data.regular import require_regular
from rnncli.data.splits import split_name
from rnncli.data.tables.arrow import load_repository, read_parquet
from rnncli.data.tables.delimited import read_csv, read_tsv, read_txt
from rnncli.data.tables.dialects import Header
from rnncli.data.tables.jsonl import read_jsonl
from rnncli.data.tables.records import BATCH_CHARACTERS, BATCH_ROWS, EMPTY, PLACE, suffix_of
from rnncli.data.tables.table import Table, TableWriter
from rnncli.data.wording import did_you_mean
from rnncli.errors import DataError

Source = Literal["auto", "file", "folder", "datasets"]
ALL = "all"
READERS = {
    ".csv": read_csv,
    ".tsv": read_tsv,
    ".tab": read_tsv,
    ".jsonl": read_jsonl,
    ".ndjson": read_jsonl,
    ".json": read_jsonl,
    ".parquet": read_parquet,
}
TEXT = ".txt"
"""Tables may have this name too, which in folders is that of texts."""
UNLABELLED = ("unsup", "unsupervised", "unlabelled", "unlabeled")
HUB_NAME = re.compile(r"[\w-][\w.-]*/[\w-][\w.-]*")


def read(
    path: str | Path,
    *,
    source: Source = "auto",
    encoding: str = "auto",
    header: Header = "auto",
    columns: Sequence[str] | None = None,
    splits: Mapping[str, str] | None = None,
    config: str | None = None,
) -> dict[str, Table]:
    """The tables of a source by split; a source without splits gives one table called ``all``.

    ``source`` says what ``path`` is; ``auto`` decides by this rule:

    - a file is a ``file``: csv, tsv, jsonl, json or parquet by its suffix, txt with columns;
    - a folder with such files named after splits (``train.csv``, ``dev.jsonl``) is read as those ``file`` s;
    - a folder whose subfolders hold ``.txt`` files, directly or one split level down, is a ``folder`` per
      class: columns ``text`` and ``label``;
    - any other folder, and a name like ``owner/name`` where there is no folder ``owner``, is a ``datasets``
      repository.

    ``splits`` maps the names wanted here to the source's own: a file or subfolder of the folder, a split or
    slice of the repository (``train[:1000]``). Without it the splits whose names mean train, dev or test are
    taken, others are left out and noted. ``columns`` must all be there. ``config`` is a repository's
    configuration. ``header`` says whether the first row of separated text names its columns.

    Raises ``DataError`` naming file and line for anything that is missing or cannot be read.
    """
    place = Path(path)
    require_regular(place)
    kind = _kind(str(path), place) if source == "auto" else source
    if kind == "datasets":
        tables = _read_repository(str(path), place, splits, config)
    elif kind == "folder":
        tables = _read_classes(existing(place, folder=True), encoding, splits)
    elif place.is_dir():
        tables = {name: read_file(file, encoding, header) for name, file in _split_files(place, splits).items()}
    else:
        tables = {ALL: read_file(existing(place), encoding, header)}
    for table in tables.values():
        for column in columns or ():
            table.require(column)
    return tables


def read_file(path: Path, encoding: str = "auto", header: Header = "auto") -> Table:
    """One file by its suffix; raises ``DataError`` naming file and line for whatever is wrong with it."""
    suffix = suffix_of(path)
    if suffix == TEXT:
        return read_txt(path, encoding, header)
    if suffix not in READERS:
        raise DataError(
            f'{path}: no reader for files that end in "{suffix or path.name}"',
            hint="known are " + ", ".join((*READERS, TEXT)) + "; text files also with .gz behind",
        )
    return READERS[suffix](path, encoding, header)


def shortened(notes: list[str]) -> list[str]:
    """The first notes, and how many more there are."""
    return notes if len(notes) <= 3 else [*notes[:3], f"and the like for {len(notes) - 3} more files"]


def existing(path: Path, folder: bool = False) -> Path:
    """The path, if it is there and of that sort; raises DataError that says what is there instead."""
    if folder and not path.is_dir() and path.exists():
        raise DataError(f"{path}: a file where a folder is expected", "data.source=file reads it")
    if path.exists():
        return path
    if path.is_symlink():
        raise DataError(f"{path}: a link to {path.readlink()}, which is not there", "mend the link, or name the file")
    parent = path.parent
    while not parent.is_dir() and parent != parent.parent:
        parent = parent.parent
    missing = path.relative_to(parent).parts[0]
    there = sorted(other.name for other in parent.iterdir() if not other.name.startswith("."))
    near = did_you_mean(missing, there)
    hint = f"{parent} holds " + (", ".join(there[:12]) + (", ..." if len(there) > 12 else "") if there else "nothing")
    raise DataError(f"{path}: no such file or folder{near}", hint)


def _kind(name: str, path: Path) -> Source:
    if path.is_dir():
        if any(split_name(file) for file in _data_files(path)):
            return "file"
        return "folder" if next(path.glob("*/*.txt"), None) or next(path.glob("*/*/*.txt"), None) else "datasets"
    if not path.exists() and HUB_NAME.fullmatch(name) and not path.parent.exists() and suffix_of(path) not in READERS:
        return "datasets"
    return "file"


def _data_files(folder: Path) -> dict[str, Path]:
    """The data files of a folder by their names without suffix."""
    files = sorted(file for file in folder.iterdir() if suffix_of(file) in READERS and not file.name.startswith("."))
    return {file.name.split(".")[0]: file for file in files}


def _split_files(folder: Path, splits: Mapping[str, str] | None) -> dict[str, Path]:
    files = _data_files(folder)
    if splits is not None:
        return {name: files.get(own) or existing(folder / own) for name, own in splits.items()}
    named = [(split_name(stem), file) for stem, file in files.items()]
    _refuse_two_of_a_kind(folder, [name for name, _ in named if name])
    found = {name: file for name, file in named if name}
    if not found:
        raise DataError(
            f"{folder}: no file here is named after a split",
            "name the file itself, or data.splits={train: FILE}",
        )
    return found


def _read_classes(folder: Path, encoding: str, splits: Mapping[str, str] | None) -> dict[str, Table]:
    if splits is not None:
        return {name: _read_class_folder(existing(folder / own, folder=True), encoding) for name, own in splits.items()}
    named = [(split_name(sub.name), sub) for sub in sorted(folder.iterdir()) if sub.is_dir()]
    _refuse_two_of_a_kind(folder, [name for name, _ in named if name])
    found = {name: _read_class_folder(sub, encoding) for name, sub in named if name}
    return found or {ALL: _read_class_folder(folder, encoding)}


def _read_class_folder(folder: Path, encoding: str) -> Table:
    """One example a file, ``CLASS/*.txt``; an example's place is its file."""
    classes = [sub for sub in sorted(folder.iterdir()) if sub.is_dir() and next(sub.glob("*.txt"), None)]
    notes = [f"{sub}: left out, as without labels" for sub in classes if sub.name.lower() in UNLABELLED]
    files = [
        (sub.name, file) for sub in classes if sub.name.lower() not in UNLABELLED for file in sorted(sub.glob("*.txt"))
    ]
    if not files:
        raise DataError(f"{folder}: no folder here holds .txt files", "one folder for each class: pos/*.txt, neg/*.txt")
    schema = pa.schema([("text", pa.string()), ("label", pa.string()), (PLACE, pa.string())])
    rows: list[tuple[str, str, str]] = []
    dropped: Counter[str] = Counter()
    room = BATCH_CHARACTERS
    with TableWriter(str(folder), schema) as writer:
        for number, (label, file) in enumerate(progress.counted("files", files, len(files)), start=1):
            text, note = read_text(file, encoding)
            notes += [note] if note else []
            rows += [(text, label, str(file))] if text else []
            dropped[EMPTY] += not text
            room -= len(text)
            if rows and (number == len(files) or len(rows) == BATCH_ROWS or room < 0):
                writer.write(pa.record_batch([pa.array(column) for column in zip(*rows, strict=True)], schema=schema))
                rows, room = [], BATCH_CHARACTERS
        if not writer.rows:
            raise DataError(f"{folder}: all {len(files)} files are empty")
        return writer.finish(shortened(notes), +dropped)


def _read_repository(name: str, place: Path, splits: Mapping[str, str] | None, config: str | None) -> dict[str, Table]:
    name = str(place) if place.is_dir() else name
    if not place.is_dir() and not HUB_NAME.fullmatch(name):
        existing(place)
    own = load_repository(name, config, list(splits.values()) if splits else None)
    tables = {split: Table(f"{name}[{split}]", store) for split, store in own.items()}
    if splits is not None:
        return {wanted: tables[split] for wanted, split in splits.items()}
    named = {split_name(split): split for split in tables}
    _refuse_two_of_a_kind(name, [split_name(split) for split in tables if split_name(split)])
    found = {wanted: tables[split] for wanted, split in named.items() if wanted}
    left = [split for split in tables if not split_name(split)]
    if not found and len(left) == 1:
        return {ALL: tables[left[0]]}
    if not found:
        raise DataError(f"{name}: splits {', '.join(left)}, none of them train", "name one: data.splits={train: NAME}")
    first = next(iter(found))
    if left:
        found[first] = replace(found[first], notes=(f"{name}: splits left out: {', '.join(left)}",))
    return found


def _refuse_two_of_a_kind(where: str | Path, names: Sequence[str | None]) -> None:
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise DataError(
            f"{where}: two sources for the split {twice[0]}", f"say which: data.splits={{{twice[0]}: NAME}}"
        )
