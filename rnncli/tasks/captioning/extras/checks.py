"""Tables that let a person judge captions before training on them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

import numpy as np

from rnncli.data import splits
from rnncli.report.build import Advice, ReportTable
from rnncli.tasks.base import Corpus
from rnncli.tasks.captioning.data import once
from rnncli.tasks.captioning.schema import CaptionRecipe
from rnncli.tasks.common import findings as common
from rnncli.tasks.common.checks import overlaps
from rnncli.tasks.frames.clips import FramePart

MOST_SHOWN = 10


def tables(recipe: CaptionRecipe, corpus: Corpus) -> list[ReportTable]:
    """Sizes and lengths, frequent captions, and what parts share."""
    parts: dict[str, FramePart] = dict(corpus.parts)
    prints = {
        name: splits.fingerprints(clip.load().tobytes() for clip in once(part).part.clips)
        for name, part in parts.items()
    }
    rows = []
    for name, part in parts.items():
        words = np.array([len(text.split()) for text in part.truths])
        frames = np.array([clip.frames for clip in part.clips])
        clips = len({clip.name for clip in part.clips})
        cells = (clips, len(part), np.median(frames), frames.max(), np.median(words), words.max())
        rows.append((name, *(f"{cell:,.0f}" for cell in cells)))
    columns = ("split", "clips", "captions", "frames, median", "most", "words, median", "most words")
    usual = Counter(parts["train"].truths).most_common(MOST_SHOWN)
    frequent = tuple((text, f"{count:,}") for text, count in usual)
    return [
        ReportTable("clips and captions", columns, tuple(rows)),
        ReportTable("most frequent captions of train", ("caption", "times"), frequent),
        overlaps("clips", prints),
    ]


def findings(parts: Mapping[str, FramePart]) -> Iterator[Advice]:
    """What is odd in the captions and files of all parts."""
    yield from common.no_texts(parts, {name: part.truths for name, part in parts.items()}, "captions")
    clips = {name: once(part).part for name, part in parts.items()}
    yield from common.leaks(clips, {name: part.texts() for name, part in clips.items()}, "clips")
