"""Clips and their classes: which columns, which part each goes to, what is of no use.

A row as it comes, of a csv, and as it is learnt from, the frames of the file and the class by its number::

    frames,label,subject          ->  frames (T, 60) float32, T = 57
    clips/s01_e01_walk.npy,walk,1     truth 3
"""

from __future__ import annotations

from pathlib import Path

from rnncli.data.tables.cells import label_text
from rnncli.data.video import shapes
from rnncli.errors import DataError
from rnncli.tasks.action.schema import ActionRecipe
from rnncli.tasks.base import Corpus
from rnncli.tasks.classify.labels import require_known
from rnncli.tasks.common.splitting import Parting
from rnncli.tasks.frames import clips, corpus
from rnncli.tasks.frames.clips import FramePart
from rnncli.tasks.frames.corpus import Truth

LABEL_NAMES = ("label", "class", "action", "category", "target", "sign")
MOST_LABELS, CLIPS = 1000, 600
TRUTH = Truth(
    "label", LABEL_NAMES, lambda: shapes.actions(CLIPS), lambda scene: scene.movement, "shapes-actions", label_text
)


def read_corpus(recipe: ActionRecipe) -> Corpus:
    """Read and split the clips of a recipe; raises DataError."""
    data = recipe.data
    found = corpus.gather(recipe, TRUTH, data.label_column)
    parts = found.parts
    cut, how = Parting(data, recipe.seed, lambda part: part.truths, lambda part: clips.groups(part, data))(parts)
    _require_classes(cut["train"])
    known = set(cut["train"].truths)
    for part in cut.values():
        require_known(part, part.labels(), known)
    frames = sum(clip.frames for part in parts.values() for clip in part.clips)
    headline = f"{found.names}: {sum(map(len, parts.values())):,} clips, {frames:,} frames, {len(known):,} classes"
    return Corpus(cut, headline, (*found.notes, how), +found.dropped, found.chosen)


def read_more(recipe: ActionRecipe, path: Path) -> Corpus:
    """A further labelled file or folder, all of it as the part ``test``."""
    return corpus.read_more(recipe, path, TRUTH, recipe.data.label_column)


def _require_classes(part: FramePart) -> None:
    found = set(part.truths)
    if not 2 <= len(found) <= MOST_LABELS:
        many = f"only the label {next(iter(found))}" if len(found) == 1 else f"{len(found):,} different labels"
        raise DataError(
            f"{part.table.name}: the training part has {many}; from 2 to {MOST_LABELS:,} can be told apart",
            "is this the right --label-column?",
        )
