"""Tables that let a person judge clips before training on them."""

from __future__ import annotations

from collections import Counter

import numpy as np

from rnncli.data import splits
from rnncli.report.build import ReportTable
from rnncli.tasks.action.schema import ActionRecipe
from rnncli.tasks.base import Corpus
from rnncli.tasks.common.checks import QUANTILES, by_split, counted, overlaps, quantiles, shared_groups
from rnncli.tasks.frames.clips import FramePart, by


def tables(recipe: ActionRecipe, corpus: Corpus) -> list[ReportTable]:
    """Lengths, classes, groups and what parts share."""
    parts: dict[str, FramePart] = dict(corpus.parts)
    prints = {name: splits.fingerprints(clip.load().tobytes() for clip in part.clips) for name, part in parts.items()}
    columns = ("clips", "frames", *QUANTILES, "frame")
    found = [
        by_split("clips, and their lengths in frames", columns, parts, _lengths),
        counted("classes", "class", {name: Counter(part.truths) for name, part in parts.items()}),
        overlaps("clips", prints),
    ]
    if any(any(part.groups) for part in parts.values()):
        found.append(shared_groups("groups", {name: part.groups for name, part in parts.items()}))
    return found


def _lengths(part: FramePart) -> list[str]:
    frames = np.array([clip.frames for clip in part.clips])
    return [f"{len(part):,}", f"{frames.sum():,}", *quantiles(frames), by(part.clips[0].shape)]
