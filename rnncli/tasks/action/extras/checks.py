"""Tables that let a person judge clips before training on them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

import numpy as np

from rnncli.data import splits
from rnncli.report.build import Advice, ReportTable
from rnncli.tasks.action.schema import ActionRecipe
from rnncli.tasks.base import Corpus
from rnncli.tasks.common import findings as common
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


def findings(parts: Mapping[str, FramePart]) -> Iterator[Advice]:
    """What is odd in the files and classes of all parts."""
    files = {name: list(part.texts()) for name, part in parts.items()}
    yield from common.two_truths(parts, files, {name: part.truths for name, part in parts.items()}, "clips", "labels")
    yield from common.no_labels(set(parts["train"].truths))
    yield from common.leaks(parts, files, "clips")


def _lengths(part: FramePart) -> list[str]:
    frames = np.array([clip.frames for clip in part.clips])
    return [f"{len(part):,}", f"{frames.sum():,}", *quantiles(frames), by(part.clips[0].shape)]
