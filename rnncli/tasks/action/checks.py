"""Tables that let a person judge clips before training on them."""

from __future__ import annotations

from collections import Counter

import numpy as np

from rnncli.data import splits
from rnncli.tasks.base import Corpus
from rnncli.tasks.common.shared import Table, overlaps
from rnncli.tasks.frames.clips import FramePart


def tables(corpus: Corpus) -> list[Table]:
    """Lengths, classes, groups and what parts share."""
    parts: dict[str, FramePart] = dict(corpus.parts)
    prints = {name: splits.fingerprints(clip.load().tobytes() for clip in part.clips) for name, part in parts.items()}
    found = [_lengths(parts), _classes(parts), overlaps("clips", prints)]
    return [*found, _groups(parts)] if any(any(part.groups) for part in parts.values()) else found


def _lengths(parts: dict[str, FramePart]) -> Table:
    rows = []
    for name, part in parts.items():
        frames = np.array([clip.frames for clip in part.clips])
        quantiles = [f"{q:,.0f}" for q in np.quantile(frames, [0, 0.5, 0.95, 1])]
        shape = " x ".join(map(str, part.clips[0].shape))
        rows.append([name, f"{len(part):,}", f"{frames.sum():,}", *quantiles, shape])
    return (
        "clips, and their lengths in frames",
        ["split", "clips", "frames", "least", "median", "95 %", "most", "frame"],
        rows,
    )


def _classes(parts: dict[str, FramePart]) -> Table:
    counts = {name: Counter(part.truths) for name, part in parts.items()}
    every = sorted(set().union(*counts.values()))
    return (
        "classes",
        ["class", *counts],
        [[label, *(f"{found[label]:,}" for found in counts.values())] for label in every],
    )


def _groups(parts: dict[str, FramePart]) -> Table:
    own = {name: set(part.groups) - {""} for name, part in parts.items()}
    rows = []
    for name, groups in own.items():
        common = ", ".join(sorted(groups & own["train"])[:8]) if name != "train" else ""
        rows.append([name, f"{len(groups):,}", common or "-"])
    return "groups", ["split", "groups", "also in train"], rows
