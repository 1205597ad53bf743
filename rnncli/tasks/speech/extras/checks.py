"""Tables that let a person judge recordings before training on them."""

from __future__ import annotations

from collections import Counter

import numpy as np

from rnncli.data import splits
from rnncli.data.audio.soundcheck import OFTEN, QUIET, inspect
from rnncli.data.text.labelunits import LabelUnits
from rnncli.errors import DataError
from rnncli.report.build import ReportTable
from rnncli.tasks.base import Corpus
from rnncli.tasks.common.checks import QUANTILES, by_split, counted, overlaps, quantiles, shared_groups
from rnncli.tasks.speech.data import SpeechPart
from rnncli.tasks.speech.examples import too_short
from rnncli.tasks.speech.extras.selection import to_train_on
from rnncli.tasks.speech.schema import SpeechRecipe


def tables(recipe: SpeechRecipe, corpus: Corpus) -> list[ReportTable]:
    """Durations, sound, characters, texts that do not fit, speakers and what parts share."""
    parts: dict[str, SpeechPart] = dict(corpus.parts)
    prints = {name: splits.fingerprints(clip.load().tobytes() for clip in part.clips) for name, part in parts.items()}
    units = LabelUnits.learn(parts["train"].texts, recipe.data.unit, recipe.data.subwords)
    lengths = by_split(
        "recordings, and their lengths in seconds", ("recordings", "minutes", *QUANTILES), parts, _lengths
    )
    found = [lengths, *_sound(parts), _unfit(recipe, parts, units), *_training(recipe, parts["train"], units)]
    characters = {name: _characters(part) for name, part in parts.items()}
    found.append(counted("characters of the texts", "character", characters, lacking=True))
    found.append(overlaps("recordings", prints))
    if any(any(part.speakers) for part in parts.values()):
        found.append(shared_groups("speakers", {name: part.speakers for name, part in parts.items()}))
    return found


def _lengths(part: SpeechPart) -> list[str]:
    seconds = np.array([clip.seconds for clip in part.clips])
    return [f"{len(part):,}", f"{seconds.sum() / 60:,.1f}", *quantiles(seconds, ".2f")]


def _sound(parts: dict[str, SpeechPart]) -> list[ReportTable]:
    """Rates, channels, silence, clipping; nothing where features are given."""
    rows = []
    for name, part in parts.items():
        facts = [one for one in inspect([clip.recording for clip in part.clips]) if one]
        if facts:
            rates = Counter(one.rate for one in facts).most_common()
            channels = Counter(one.channels for one in facts).most_common()
            cells = [", ".join(f"{value:,}: {count:,}" for value, count in counts) for counts in (rates, channels)]
            silent, clipped = sum(one.is_silent for one in facts), sum(one.is_clipped for one in facts)
            rows.append((name, *cells, f"{silent:,}", f"{clipped:,}"))
    silence, clipping = f"silent (below {QUIET:g} dB)", f"clipped (from {100 * OFTEN:g} % of samples)"
    columns = ("split", "rates in Hz", "channels", silence, clipping)
    return [ReportTable("sound", columns, tuple(rows))] if rows else []


def _unfit(recipe: SpeechRecipe, parts: dict[str, SpeechPart], units: LabelUnits) -> ReportTable:
    """Texts with more labels than frames: training leaves such recordings out, elsewhere they cannot come out right."""
    rows = []
    for name, part in parts.items():
        short = [part.places[i] for i in np.flatnonzero(too_short(part, units, recipe.model.subsampling))]
        unknown = sum(map(units.lacks, part.texts))
        rows.append((name, f"{len(short):,}", short[0] if short else "-", f"{unknown:,}"))
    columns = ("split", "too short for their texts", "such as", f"with {recipe.data.unit}s that train lacks")
    title = f"recordings and texts at a decision every {10 * recipe.model.subsampling} ms"
    return ReportTable(title, columns, tuple(rows))


def _training(recipe: SpeechRecipe, train: SpeechPart, units: LabelUnits) -> list[ReportTable]:
    """What training would cut or leave out; nothing where it hears all as it is."""
    try:
        _, notes = to_train_on(train, units, recipe)
    except DataError as error:
        notes = [error.message]
    return [ReportTable("training", ("what it would hear",), tuple((note,) for note in notes))] if notes else []


def _characters(part: SpeechPart) -> Counter[str]:
    return Counter("space" if character == " " else character for text in part.texts for character in text)
