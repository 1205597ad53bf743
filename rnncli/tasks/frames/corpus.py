"""From a recipe to clips with what is true of each: tables, folders or built-in videos, read and judged alike."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from rnncli.data.audio.features import FeatureCache
from rnncli.data.tables.sources import ALL
from rnncli.data.tables.table import Table
from rnncli.data.video.shapes import Scene, kept
from rnncli.tasks.base import Corpus
from rnncli.tasks.common import columns
from rnncli.tasks.common.tables import is_builtin, read_parts, read_place, source_used, table_of
from rnncli.tasks.frames import clips
from rnncli.tasks.frames.clips import FramePart
from rnncli.tasks.frames.reader import KNOWN, Reader
from rnncli.tasks.frames.schema import FramesRecipe


@dataclass(frozen=True)
class Truth:
    """What is true of a clip: what it is called, and the ``names`` that a column of it may have.

    ``scenes`` are the built-in videos, ``said`` what is true of one, ``folder`` where they are kept. ``clean`` makes
    what a table says ready.
    """

    name: str
    names: tuple[str, ...]
    scenes: Callable[[], Iterator[Scene]]
    said: Callable[[Scene], str]
    folder: str
    clean: Callable[[str], str] = str.strip

    @property
    def columns(self) -> tuple[str, str]:
        """Columns of a folder of classes."""
        return "frames", self.name


@dataclass
class Gathered:
    """Parts before they are cut, the names of their tables, what is to be said of them, lost rows by reason.

    ``chosen`` is what the keys of the recipe that are left open come to.
    """

    parts: dict[str, FramePart]
    names: str
    notes: list[str] = field(default_factory=list)
    dropped: Counter[str] = field(default_factory=Counter)
    chosen: dict[str, str] = field(default_factory=dict)


def gather(recipe: FramesRecipe, truth: Truth, column: str) -> Gathered:
    """The clips of a recipe by part, ``all`` for one that is still to be cut; raises DataError.

    ``column`` is that of what is true, empty to guess it.
    """
    data = recipe.data
    notes: list[str] = []
    if is_builtin(data, "clips.csv"):
        tables = {ALL: _built_in(recipe, truth)}
        notes.append("the videos are rendered and encoded here: figures say nothing about real ones")
    else:
        tables = read_parts(data, KNOWN, truth.columns)
    found = _judged(recipe, tables, truth, column)
    parts = found.parts.values()
    clips.require_alike(parts, next(iter(parts)).clips[0].shape)
    found.notes[:0] = notes
    every = tables.values()
    found.chosen = {
        "data.source": source_used(data),
        "data.frames_column": columns.agreed(every, data.frames_column, clips.FRAME_NAMES),
        f"data.{truth.name}_column": columns.agreed(every, column, truth.names),
    }
    return found


def read_more(recipe: FramesRecipe, path: Path, truth: Truth, column: str, what: str = "clips") -> Corpus:
    """A further labelled file or folder, all of it as the part ``test``; raises DataError."""
    tables = read_place(path, recipe.data, KNOWN, truth.columns)
    found = _judged(recipe, {"test": tables.get("test") or next(iter(tables.values()))}, truth, column)
    headline = f"{path}: {len(found.parts['test']):,} {what}"
    return Corpus(found.parts, headline, tuple(found.notes), +found.dropped)


def _judged(recipe: FramesRecipe, tables: dict[str, Table], truth: Truth, column: str) -> Gathered:
    reader = Reader(recipe.data, recipe.points)
    found = Gathered({}, ", ".join(sorted({table.name for table in tables.values()})))
    for name, table in tables.items():
        its = columns.column(table, column, truth.names, f"{truth.name}s", f"data.{truth.name}_column")
        found.parts[name] = clips.read_part(table, recipe.data, reader, its, found.dropped, found.notes, truth.clean)
    for table in tables.values():
        found.dropped.update(table.dropped)
        found.notes += table.notes
    return found


def _built_in(recipe: FramesRecipe, truth: Truth) -> Table:
    """The table of the built-in videos, which are files in the folder of caches unless nothing is kept."""
    cache = FeatureCache.named(recipe.data.cache)
    if cache is None:
        rows = [({"bytes": scene.content, "path": None}, truth.said(scene)) for scene in truth.scenes()]
    else:
        files = kept(truth.scenes, cache.folder / truth.folder)
        rows = [({"bytes": None, "path": str(path)}, truth.said(scene)) for scene, path in files]
    return table_of("built-in videos", truth.columns, rows)
