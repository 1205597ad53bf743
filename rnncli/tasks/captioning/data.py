"""Clips and their captions: which columns, which part each goes to, what is of no use."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rnncli.data.sources import ALL
from rnncli.data.table import Table
from rnncli.errors import DataError
from rnncli.tasks import manifest
from rnncli.tasks.base import Corpus
from rnncli.tasks.captioning.schema import CaptionData, CaptionRecipe
from rnncli.tasks.frames import clips, shapes
from rnncli.tasks.frames.clips import FramePart
from rnncli.tasks.frames.reader import KNOWN, Reader, cache_folder
from rnncli.tasks.parting import Parting

CAPTION_NAMES = ("caption", "captions", "text", "sentence", "description")
FOLDERS = ("frames", "caption")
CLIPS = 600


@dataclass(frozen=True, eq=False)
class Captioned:
    """Each clip of a part once: its first row, and all that is said of it."""

    part: FramePart
    references: list[list[str]]


def read_corpus(recipe: CaptionRecipe) -> Corpus:
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
    cut, how = Parting(data, recipe.seed, lambda part: None, lambda part: _groups(part, data))(parts)
    names = ", ".join(sorted({table.name for table in tables.values()}))
    rows = sum(map(len, parts.values()))
    unique = sum(len({clip.name for clip in part.clips}) for part in parts.values())
    headline = f"{names}: {unique:,} clips, {rows:,} captions"
    return Corpus(cut, headline, (*notes, how), +dropped)


def read_more(recipe: CaptionRecipe, path: Path) -> Corpus:
    """A further file of clips and captions, all of it as the part ``test``."""
    tables = manifest.read_place(path, recipe.data, KNOWN, FOLDERS)
    table = tables.get("test") or next(iter(tables.values()))
    dropped: Counter[str] = Counter(table.dropped)
    notes: list[str] = list(table.notes)
    part = _read(table, recipe, Reader(recipe.data, recipe.points), dropped, notes)
    return Corpus({"test": part}, f"{path}: {len(part):,} captions", tuple(notes), +dropped)


def once(part: FramePart) -> Captioned:
    """Each clip once."""
    rows: dict[str, list[int]] = {}
    for row, clip in enumerate(part.clips):
        rows.setdefault(clip.name, []).append(row)
    first = np.array([found[0] for found in rows.values()], dtype=np.int64)
    return Captioned(part.take(first), [[part.truths[row] for row in found] for found in rows.values()])


def built_in(data: CaptionData) -> Table:
    """The table of the built-in videos, which are files in the folder of caches unless nothing is kept."""
    scenes = shapes.stories(CLIPS)
    if data.cache == "none":
        rows = [({"bytes": scene.content, "path": None}, scene.caption) for scene in scenes]
    else:
        folder = cache_folder(data.cache) / "shapes-stories"
        rows = [({"bytes": None, "path": str(path)}, scene.caption) for scene, path in shapes.written(scenes, folder)]
    return manifest.table_of("built-in videos", FOLDERS, rows)


def _read(table: Table, recipe: CaptionRecipe, reader: Reader, dropped: Counter[str], notes: list[str]) -> FramePart:
    caption = manifest.column(table, recipe.data.caption_column, CAPTION_NAMES, "captions", "data.caption_column")
    return clips.read_part(table, recipe.data, reader, caption, dropped, notes)


def _groups(part: FramePart, data: CaptionData) -> list[str] | None:
    """What stays in one part: the groups that the data names, else the captions of a clip."""
    names = [clip.name for clip in part.clips]
    return clips.groups(part, data) or (names if len(set(names)) < len(names) else None)
