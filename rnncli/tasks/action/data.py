"""Clips and their classes: which columns, which part each goes to, what is of no use."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from rnncli.data.sources import ALL
from rnncli.data.table import Table
from rnncli.errors import DataError
from rnncli.tasks import manifest
from rnncli.tasks.action.schema import ActionData, ActionRecipe
from rnncli.tasks.base import Corpus
from rnncli.tasks.classified import require_known
from rnncli.tasks.frames import clips, shapes
from rnncli.tasks.frames import reader as reading
from rnncli.tasks.frames.clips import FramePart
from rnncli.tasks.frames.reader import KNOWN, Reader
from rnncli.tasks.parting import Parting

LABEL_NAMES = ("label", "class", "action", "category", "target", "sign")
FOLDERS = ("frames", "label")
"""Columns of a folder of classes."""
MOST_LABELS, CLIPS = 1000, 600


def read_corpus(recipe: ActionRecipe) -> Corpus:
    """Read and split the clips of a recipe; raises DataError."""
    data, reader = recipe.data, Reader(recipe.data, recipe.points)
    dropped: Counter[str] = Counter()
    notes: list[str] = []
    if data.source == "builtin" or not data.train:
        if data.source not in ("builtin", "auto"):
            raise DataError(f"data.train names no {data.source}", "for example data.train=clips.csv")
        tables = {ALL: built_in(data)}
        notes.append("the videos are rendered and encoded here: figures say nothing about real ones")
    else:
        tables = manifest.read_parts(data, KNOWN, FOLDERS)
    parts = {name: _read(table, recipe, reader, dropped, notes) for name, table in tables.items()}
    for table in tables.values():
        dropped.update(table.dropped)
        notes += table.notes
    clips.require_alike(parts.values(), next(iter(parts.values())).clips[0].shape)
    cut, how = Parting(data, recipe.seed, lambda part: part.truths, lambda part: clips.groups(part, data))(parts)
    _require_classes(cut["train"])
    known = set(cut["train"].truths)
    for part in cut.values():
        require_known(part, part.truths, known)
    frames = sum(clip.frames for part in parts.values() for clip in part.clips)
    names = ", ".join(sorted({table.name for table in tables.values()}))
    headline = f"{names}: {sum(map(len, parts.values())):,} clips, {frames:,} frames, {len(known):,} classes"
    return Corpus(cut, headline, (*notes, how), +dropped)


def read_more(recipe: ActionRecipe, path: Path) -> Corpus:
    """A further labelled file or folder, all of it as the part ``test``."""
    tables = manifest.read_place(path, recipe.data, KNOWN, FOLDERS)
    table = tables.get("test") or next(iter(tables.values()))
    dropped: Counter[str] = Counter(table.dropped)
    notes: list[str] = list(table.notes)
    part = _read(table, recipe, Reader(recipe.data, recipe.points), dropped, notes)
    return Corpus({"test": part}, f"{path}: {len(part):,} clips", tuple(notes), +dropped)


def built_in(data: ActionData) -> Table:
    """The table of the built-in videos, which are files in the folder of caches unless nothing is kept."""
    scenes = shapes.actions(CLIPS)
    if data.cache == "none":
        rows = [({"bytes": scene.content, "path": None}, scene.movement) for scene in scenes]
    else:
        folder = reading.cache_folder(data.cache) / "shapes-actions"
        rows = [({"bytes": None, "path": str(path)}, scene.movement) for scene, path in shapes.written(scenes, folder)]
    return manifest.table_of("built-in videos", [FOLDERS[0], FOLDERS[1]], rows)


def _read(table: Table, recipe: ActionRecipe, reader: Reader, dropped: Counter[str], notes: list[str]) -> FramePart:
    label = manifest.column(table, recipe.data.label_column, LABEL_NAMES, "labels", "data.label_column")
    return clips.read_part(table, recipe.data, reader, label, dropped, notes)


def _require_classes(part: FramePart) -> None:
    found = set(part.truths)
    if not 2 <= len(found) <= MOST_LABELS:
        many = f"only the label {next(iter(found))}" if len(found) == 1 else f"{len(found):,} different labels"
        raise DataError(
            f"{part.table.name}: the training part has {many}; from 2 to {MOST_LABELS:,} can be told apart",
            "is this the right --label-column?",
        )
