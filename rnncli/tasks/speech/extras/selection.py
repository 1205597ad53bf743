"""What of its split training hears: recordings that fit their texts, and pieces of those that are too long."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import replace

import numpy as np

from rnncli.data.audio.cutting import Segment, lines_in, pieces
from rnncli.data.audio.features import FeatureCache, SoundClip, SoundRecording, compute
from rnncli.data.audio.sound import RecordingError
from rnncli.data.text.labelunits import LabelUnits
from rnncli.errors import DataError
from rnncli.tasks.speech.data import SpeechPart, frontend
from rnncli.tasks.speech.examples import too_short
from rnncli.tasks.speech.schema import SpeechRecipe

LONGER_ALONE = "words or segments that are longer alone"
NO_TIMES = "no times of words or segments, nor a line of text for each stretch between long silences"


def to_train_on(part: SpeechPart, units: LabelUnits, recipe: SpeechRecipe) -> tuple[SpeechPart, list[str]]:
    """The part without what training cannot use, and sentences that count it; raises DataError where nothing is left.

    Left out are recordings beyond ``data.longest``, those that ``data.cut`` can cut at silences but as pieces, and
    those with too few frames for their texts.
    """
    longest, notes = recipe.data.longest, []
    long = np.array([clip.seconds > longest > 0 for clip in part.clips])
    whole = part.take(np.flatnonzero(~long))
    if long.any() and recipe.data.cut:
        cut, lost = _cut(part.take(np.flatnonzero(long)), recipe)
        made = f"recordings of train over {longest:g} s cut at silences: {len(cut):,} pieces of {long.sum():,}"
        notes = [made, *(f"left out of these {count:,}: {why}" for why, count in lost.items())]
        whole = _both(whole, cut)
    elif long.any():
        notes = [f"{long.sum():,} of the recordings of train left out: over {longest:g} s"]
    short = too_short(whole, units, recipe.model.subsampling)
    if short.any():
        why = "too few frames for their texts (model.subsampling)"
        notes.append(f"{short.sum():,} of the recordings of train left out: {why}")
    if short.all():
        hint = "model.subsampling=1 leaves more frames" if short.any() else "data.longest says how long one may be"
        raise DataError("every recording is too short for its text, or too long", hint)
    return whole.take(np.flatnonzero(~short)), notes


def at_other_speeds(part: SpeechPart, recipe: SpeechRecipe) -> list[list[SoundClip]]:
    """Each recording at the other speeds of a recipe, as far as it has a frame there; DataError for features."""
    speeds = recipe.variation.speeds
    if not speeds:
        return []
    for clip, place in zip(part.clips, part.places, strict=True):
        if clip.given:
            hint = "variation.stretch and variation.warp vary features"
            raise DataError(f"{place}: features cannot be played at other speeds (variation.speeds)", hint)
    recordings = [replace(clip.recording, speed=speed) for clip in part.clips for speed in speeds]
    found = compute(recordings, frontend(recipe.data), FeatureCache.named(recipe.data.cache))
    rows = [found[start : start + len(speeds)] for start in range(0, len(found), len(speeds))]
    return [[clip for clip in row if isinstance(clip, SoundClip)] for row in rows]


def _cut(part: SpeechPart, recipe: SpeechRecipe) -> tuple[SpeechPart, Counter[str]]:
    """The pieces of long recordings, and how many recordings, or stretches of them, are lost for which reason."""
    cut, lost = SpeechPart([], [], [], [], []), Counter[str]()
    wanted: list[SoundRecording] = []
    for clip, speaker, place, segments in zip(part.clips, part.speakers, part.places, part.segments, strict=True):
        known = _with_times(clip.recording, segments)
        found, alone = pieces(known, clip.seconds, recipe.data.longest) if known else ([], 0)
        lost += Counter({LONGER_ALONE: alone} if known else {NO_TIMES: 1})
        for piece in found:
            begin = clip.recording.span[0] if clip.recording.span else 0.0
            span = (begin + piece.start, piece.end - piece.start)
            wanted.append(replace(clip.recording, span=span))
            cut.texts.append(piece.text)
            cut.speakers.append(speaker)
            cut.places.append(f"{place} at {piece.start:.2f} s")
            cut.segments.append(())
    clips = compute(wanted, frontend(recipe.data), FeatureCache.named(recipe.data.cache))
    for clip in clips:
        if isinstance(clip, RecordingError):
            lost[clip.reason] += 1
    usable = [i for i, clip in enumerate(clips) if isinstance(clip, SoundClip)]
    cut = replace(cut, clips=clips).take(np.array(usable, dtype=np.int64))
    return cut, +lost


def _with_times(recording: SoundRecording, segments: tuple[Segment, ...]) -> list[Segment] | None:
    """What is said when; None where that is not known."""
    if segments and not math.isnan(segments[0].start):
        return list(segments)
    return None if recording.features else lines_in(recording.sound(), [one.text for one in segments])


def _both(one: SpeechPart, other: SpeechPart) -> SpeechPart:
    return SpeechPart(*(vars(one)[name] + vars(other)[name] for name in vars(one)))
