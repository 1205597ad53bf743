"""Clips and their classes: which columns, which part each goes to, what is of no use."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from rnncli.data.frames import SUFFIXES
from rnncli.data.table import Table
from rnncli.errors import DataError
from rnncli.tasks import manifest
from rnncli.tasks.action.schema import ActionRecipe
from rnncli.tasks.base import Corpus
from rnncli.tasks.classified import require_known
from rnncli.tasks.frames import clips
from rnncli.tasks.frames.clips import FramePart
from rnncli.tasks.parting import Parting

LABEL_NAMES = ("label", "class", "action", "category", "target", "sign")
FOLDERS = ("frames", "label")
"""Columns of a folder of classes."""
MOST_LABELS = 1000


def read_corpus(recipe: ActionRecipe) -> Corpus:
    """Read and split the clips of a recipe; raises DataError."""
    data = recipe.data
    if not data.train:
        raise DataError("data.train names no clips", "for example data.train=clips.csv")
    tables = manifest.read_parts(data, SUFFIXES, FOLDERS)
    dropped: Counter[str] = Counter()
    notes: list[str] = []
    parts = {name: _read(table, recipe, dropped, notes) for name, table in tables.items()}
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
    tables = manifest.read_place(path, recipe.data, SUFFIXES, FOLDERS)
    table = tables.get("test") or next(iter(tables.values()))
    dropped: Counter[str] = Counter(table.dropped)
    notes: list[str] = list(table.notes)
    part = _read(table, recipe, dropped, notes)
    return Corpus({"test": part}, f"{path}: {len(part):,} clips", tuple(notes), +dropped)


def _read(table: Table, recipe: ActionRecipe, dropped: Counter[str], notes: list[str]) -> FramePart:
    label = manifest.column(table, recipe.data.label_column, LABEL_NAMES, "labels", "data.label_column")
    return clips.read_part(table, recipe.data, recipe.points, label, dropped, notes)


def _require_classes(part: FramePart) -> None:
    found = set(part.truths)
    if not 2 <= len(found) <= MOST_LABELS:
        many = f"only the label {next(iter(found))}" if len(found) == 1 else f"{len(found):,} different labels"
        raise DataError(
            f"{part.table.name}: the training part has {many}; from 2 to {MOST_LABELS:,} can be told apart",
            "is this the right --label-column?",
        )
