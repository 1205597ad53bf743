"""Tables that let a person judge clips before training on them."""

from __future__ import annotations

from collections import Counter

import numpy as np

from rnncli.data import splits
from rnncli.report.build import ReportTable
from rnncli.tasks.action.schema import ActionRecipe
from rnncli.tasks.base import Corpus
from rnncli.tasks.common.checks import overlaps, shared_groups
from rnncli.tasks.frames.clips import FramePart


def tables(recipe: ActionRecipe, corpus: Corpus) -> list[ReportTable]:
    """Lengths, classes, groups and what parts share."""
    parts: dict[str, FramePart] = dict(corpus.parts)
    prints = {name: splits.fingerprints(clip.load().tobytes() for clip in part.clips) for name, part in parts.items()}
    found = [_lengths(parts), _classes(parts), overlaps("clips", prints)]
    if any(any(part.groups) for part in parts.values()):
        found.append(shared_groups("groups", {name: part.groups for name, part in parts.items()}))
    return found


def _lengths(parts: dict[str, FramePart]) -> ReportTable:
    rows = []
    for name, part in parts.items():
        frames = np.array([clip.frames for clip in part.clips])
        quantiles = [f"{q:,.0f}" for q in np.quantile(frames, [0, 0.5, 0.95, 1])]
        shape = " x ".join(map(str, part.clips[0].shape))
        rows.append((name, f"{len(part):,}", f"{frames.sum():,}", *quantiles, shape))
    columns = ("split", "clips", "frames", "least", "median", "95 %", "most", "frame")
    return ReportTable("clips, and their lengths in frames", columns, tuple(rows))


def _classes(parts: dict[str, FramePart]) -> ReportTable:
    counts = {name: Counter(part.truths) for name, part in parts.items()}
    every = sorted(set().union(*counts.values()))
    rows = tuple((label, *(f"{found[label]:,}" for found in counts.values())) for label in every)
    return ReportTable("classes", ("class", *counts), rows)
