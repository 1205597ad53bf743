"""Tables that let a person judge recordings before training on them."""

from __future__ import annotations

from collections import Counter

import numpy as np

from rnncli.data import splits
from rnncli.tasks.base import Corpus
from rnncli.tasks.shared import Table, overlaps
from rnncli.tasks.speech.data import SpeechPart
from rnncli.tasks.speech.schema import SpeechRecipe


def tables(recipe: SpeechRecipe, corpus: Corpus) -> list[Table]:
    """Durations, characters, speakers and what parts share."""
    parts: dict[str, SpeechPart] = dict(corpus.parts)
    prints = {name: splits.fingerprints(clip.load().tobytes() for clip in part.clips) for name, part in parts.items()}
    found = [_lengths(parts), _characters(parts), overlaps("recordings", prints)]
    return [*found, _speakers(parts)] if any(any(part.speakers) for part in parts.values()) else found


def _lengths(parts: dict[str, SpeechPart]) -> Table:
    rows = []
    for name, part in parts.items():
        frames = np.array([clip.frames for clip in part.clips])
        quantiles = [f"{q:,.0f}" for q in np.quantile(frames, [0, 0.5, 0.95, 1])]
        letters = np.array([max(1, len(text)) for text in part.texts])
        rows.append([name, f"{len(part):,}", f"{frames.sum():,}", *quantiles, f"{(frames / letters).min():.1f}"])
    title = "recordings, and their lengths in frames"
    return title, ["split", "recordings", "frames", "least", "median", "95 %", "most", "least a character"], rows


def _characters(parts: dict[str, SpeechPart]) -> Table:
    counts = {name: Counter(character for text in part.texts for character in text) for name, part in parts.items()}
    every = sum(counts.values(), Counter[str]())
    rows = []
    for character, _ in every.most_common():
        cells = [f"{found[character]:,}" for found in counts.values()]
        shown = "space" if character == " " else character
        rows.append([shown, *cells, "" if counts["train"][character] else "not in train"])
    return "characters of the texts", ["character", *counts, ""], rows


def _speakers(parts: dict[str, SpeechPart]) -> Table:
    own = {name: set(part.speakers) - {""} for name, part in parts.items()}
    rows = []
    for name, speakers in own.items():
        shared = ", ".join(sorted(speakers & own["train"])[:8]) if name != "train" else ""
        rows.append([name, f"{len(speakers):,}", shared or "-"])
    return "speakers", ["split", "speakers", "also in train"], rows
