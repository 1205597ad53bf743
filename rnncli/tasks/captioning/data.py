"""Clips and their captions: which columns, which part each goes to, what is of no use.

Rows as they come, of a csv, two captions of one clip, and as they are learnt from, words by their numbers::

    image,caption                         ->  frames (T, F) or (T, C, H, W), words [4, 17, 9, 2]
    dog.jpg,a dog runs on the grass           frames the same, words [4, 17, 30, 2]
    dog.jpg,a brown dog plays outside
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rnncli.data.video import shapes
from rnncli.tasks.base import Corpus
from rnncli.tasks.captioning.schema import CaptionData, CaptionRecipe
from rnncli.tasks.common.splitting import Parting
from rnncli.tasks.frames import clips, corpus
from rnncli.tasks.frames.clips import FramePart
from rnncli.tasks.frames.corpus import Truth

CAPTION_NAMES = ("caption", "captions", "text", "sentence", "description")
CLIPS = 600
TRUTH = Truth("caption", CAPTION_NAMES, lambda: shapes.stories(CLIPS), lambda scene: scene.caption, "shapes-stories")


@dataclass(frozen=True, eq=False)
class Captioned:
    """Each clip of a part once: its first row, and all that is said of it."""

    part: FramePart
    references: list[list[str]]


def read_corpus(recipe: CaptionRecipe) -> Corpus:
    """Read and split the clips of a recipe; raises DataError."""
    data = recipe.data
    found = corpus.gather(recipe, TRUTH, data.caption_column)
    cut, how = Parting(data, recipe.seed, lambda part: None, lambda part: _groups(part, data))(found.parts)
    rows = sum(map(len, found.parts.values()))
    unique = sum(len({clip.name for clip in part.clips}) for part in found.parts.values())
    return Corpus(
        cut, f"{found.names}: {unique:,} clips, {rows:,} captions", (*found.notes, how), +found.dropped, found.chosen
    )


def read_more(recipe: CaptionRecipe, path: Path) -> Corpus:
    """A further file of clips and captions, all of it as the part ``test``."""
    return corpus.read_more(recipe, path, TRUTH, recipe.data.caption_column, "captions")


def once(part: FramePart) -> Captioned:
    """Each clip once."""
    rows: dict[str, list[int]] = {}
    for row, clip in enumerate(part.clips):
        rows.setdefault(clip.name, []).append(row)
    first = np.array([found[0] for found in rows.values()], dtype=np.int64)
    return Captioned(part.take(first), [[part.truths[row] for row in found] for found in rows.values()])


def _groups(part: FramePart, data: CaptionData) -> list[str] | None:
    """What stays in one part: the groups that the data names, else the captions of a clip."""
    names = [clip.name for clip in part.clips]
    return clips.groups(part, data) or (names if len(set(names)) < len(names) else None)
