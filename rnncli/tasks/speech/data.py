"""Recordings and their texts: which columns, which part each goes to, what is of no use.

A row as it comes, of a csv, and as it is learnt from, the features of the recording and the numbers of its characters::

    audio,text,speaker       ->  x (T, 80) float32, T = 131 frames of 10 ms
    wav/0001.wav,go on,mary      labels (S,) int64: 4 1 2 1 3, S = 5
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from rnncli.data.audio.cutting import Segment
from rnncli.data.audio.features import FeatureCache, SoundClip, SoundRecording, compute
from rnncli.data.audio.frontend import Frontend
from rnncli.data.audio.sound import RecordingError, Sound
from rnncli.data.tables.sources import ALL
from rnncli.data.tables.table import Table
from rnncli.data.text.units import normalise
from rnncli.errors import DataError
from rnncli.tasks.base import Corpus
from rnncli.tasks.common import columns, tables
from rnncli.tasks.common.splitting import Parting
from rnncli.tasks.speech import builtin as generated
from rnncli.tasks.speech.extras.manifests import (
    AUDIO_NAMES,
    TEXT_NAMES,
    durations,
    read_manifest,
    read_tables,
    recordings,
    timed,
)
from rnncli.tasks.speech.schema import SpeechData, SpeechRecipe

DURATION_TOLERANCE = 0.1
"""Seconds, and share of the length, by which a duration may be wrong without a word."""


@dataclass(frozen=True, eq=False)
class SpeechPart:
    """One part of the corpus: clips, texts, speakers (empty where unknown), places in the user's data.

    ``segments`` are what a long recording can be cut by, where that is asked: words, sentences, or lines without times.
    """

    clips: list[SoundClip]
    texts: list[str]
    speakers: list[str]
    places: list[str]
    segments: list[tuple[Segment, ...]]

    def __len__(self) -> int:
        return len(self.clips)

    def column(self, name: str, key: str) -> Iterator[str]:
        """The speakers; DataError for any other column, and where no speaker is named."""
        if name != "speaker" or not any(self.speakers):
            raise DataError(f"{key}: of recordings no column {name} is kept", 'only "speaker", where a column names it')
        return iter(self.speakers)

    def place(self, row: int) -> str:
        """Where a recording stands in the user's data."""
        return self.places[row]

    def take(self, rows: np.ndarray) -> SpeechPart:
        """Some of the recordings."""
        columns = (self.clips, self.texts, self.speakers, self.places, self.segments)
        return SpeechPart(*([column[row] for row in rows] for column in columns))


def require_width(part: SpeechPart, width: int) -> None:
    """DataError for the first recording with another number of bins than the model reads."""
    for clip, place in zip(part.clips, part.places, strict=True):
        if clip.width != width:
            hint = "give features of the same kind for all"
            raise DataError(f"{place}: {clip.width} bins, where the first recording has {width}", hint)


def frontend(data: SpeechData) -> Frontend:
    """What a recipe wants computed of recordings."""
    return Frontend(data.features, data.rate, data.bins, data.deltas if data.features == "mfcc" else 0)


def read_corpus(recipe: SpeechRecipe) -> Corpus:
    """Read the recordings of a recipe, compute their features, split; raises DataError."""
    data = recipe.data
    dropped: Counter[str] = Counter()
    notes: list[str] = []
    chosen = {"data.source": tables.source_used(data)}
    if tables.is_builtin(data, "train.csv"):
        parts = {ALL: _builtin(data)}
        notes.append("the words are invented and spoken by a synthesiser: figures say nothing about real speech")
        name = "built-in recordings"
    else:
        found = read_tables(data)
        parts = {part: _load(table, data, dropped, notes) for part, table in found.items()}
        for table in found.values():
            dropped.update(table.dropped)
            notes += table.notes
        name = next(iter(found.values())).name
        chosen |= _columns(found.values(), data)
    notes += _deaf_bands(frontend(data), parts)
    seconds = sum(clip.seconds for part in parts.values() for clip in part.clips)
    least = 2 * (("dev" not in parts) + (ALL in parts))
    parts, how = Parting(data, recipe.seed, groups=lambda part: _groups(part, data, least))(parts)
    count = sum(map(len, parts.values()))
    headline = f"{name}: {count:,} recordings, {seconds / 60:.1f} minutes at 10 ms a frame"
    return Corpus(parts, headline, (*notes, how), +dropped, chosen)


def read_more(recipe: SpeechRecipe, path: Path) -> Corpus:
    """A further labelled file or folder, all of it as the part ``test``."""
    dropped: Counter[str] = Counter()
    notes: list[str] = []
    table = next(iter(read_manifest(path, recipe.data).values()))
    part = _load(table, recipe.data, dropped, notes)
    return Corpus({"test": part}, f"{path}: {len(part):,} recordings", (*table.notes, *notes), +dropped)


def clean_text(text: str, lower: bool) -> str:
    """NFC, single spaces, lower case if asked."""
    return " ".join(normalise(text, lower).split())


def _load(table: Table, data: SpeechData, dropped: Counter[str], notes: list[str]) -> SpeechPart:
    """The rows that can be used; what is wrong with the others is counted, the first of each kind noted."""
    audio = columns.column(table, data.audio_column, AUDIO_NAMES, "recordings", "data.audio_column")
    text = columns.column(table, data.text_column, TEXT_NAMES, "texts", "data.text_column")
    speaker = _speaker_column(table, data)
    texts = [clean_text(value, data.lower) for value in table.texts(text)]
    segments = _segments(table, text, data.lower) if data.cut else [()] * len(texts)
    speakers = list(table.texts(speaker)) if speaker else [""] * len(texts)
    found = compute(list(recordings(table, audio)), frontend(data), FeatureCache.named(data.cache))
    part, first = SpeechPart([], [], [], [], []), {}
    for i, clip in enumerate(found):
        if isinstance(clip, RecordingError):
            first.setdefault(clip.reason, clip)
            dropped[clip.reason] += 1
        elif not texts[i]:
            dropped["empty text"] += 1
        else:
            part.clips.append(clip)
            part.texts.append(texts[i])
            part.speakers.append(speakers[i])
            part.places.append(table.place(i))
            part.segments.append(segments[i])
    if not part.clips:
        error = next(iter(first.values()), None)
        if error:
            raise DataError(f"{table.name}: no recording can be used: {error.message}", error.hint)
        raise DataError(f"{table.name}: no recording has a text", "is this the right column? --text-column NAME")
    notes += _otherwise_long(found, durations(table), table)
    remarks = Counter(clip.remark for clip in part.clips if clip.remark)
    for remark, count in remarks.items():
        example = next(clip.recording.name for clip in part.clips if clip.remark == remark)
        notes.append(f"{count:,} recording{'s' * (count > 1)}, such as {example}: {remark}")
    notes += [f"left out, the first of its kind: {error.message}" for error in first.values()]
    return part


def _columns(found: Collection[Table], data: SpeechData) -> dict[str, str]:
    """Which columns are read, where all tables have the same ones."""
    speakers = {_speaker_column(table, data) for table in found}
    return {
        "data.audio_column": columns.agreed(found, data.audio_column, AUDIO_NAMES),
        "data.text_column": columns.agreed(found, data.text_column, TEXT_NAMES),
        "data.speaker_column": speakers.pop() if len(speakers) == 1 else "",
    }


def _speaker_column(table: Table, data: SpeechData) -> str:
    if data.speaker_column:
        return columns.named(table, data.speaker_column, "data.speaker_column")
    return "speaker" if "speaker" in table.columns else ""


def _otherwise_long(found: Sequence[SoundClip | RecordingError], durations: Sequence[float], table: Table) -> list[str]:
    """What is to be said of recordings whose length is not the one that the manifest gives."""
    other = [
        i
        for i, (clip, seconds) in enumerate(zip(found, durations, strict=True))
        if isinstance(clip, SoundClip) and abs(clip.seconds - seconds) > DURATION_TOLERANCE * max(1, seconds)
    ]
    if not other:
        return []
    example = f"{table.place(other[0])}: duration {durations[other[0]]:g}"
    return [f"{len(other):,} recordings have another length than their manifest gives, such as {example}"]


def _deaf_bands(computed: Frontend, parts: dict[str, SpeechPart]) -> list[str]:
    """A note where features are computed of more bands than the spectrum has points for."""
    if not computed.empty_bands or all(clip.given for part in parts.values() for clip in part.clips):
        return []
    where = f"{computed.empty_bands} of {computed.bands} mel bands lie between two points of the spectrum at"
    return [f"{where} {computed.rate:,} Hz and hear nothing: a smaller data.bins would do"]


def _segments(table: Table, text: str, lower: bool) -> list[tuple[Segment, ...]]:
    """What each row can be cut by: its words or segments with times, else the lines of its text."""
    lines = [tuple(Segment(one, math.nan, math.nan) for one in value.splitlines()) for value in table.texts(text)]
    found = [given or own for given, own in zip(timed(table), lines, strict=True)]
    cleaned = [tuple(replace(one, text=clean_text(one.text, lower)) for one in row) for row in found]
    return [tuple(one for one in row if one.text) for row in cleaned]


def _builtin(data: SpeechData) -> SpeechPart:
    found = list(generated.generate())
    recordings = [
        SoundRecording(Sound(samples, generated.RATE), f"built-in {n}") for n, (samples, _, _) in enumerate(found)
    ]
    clips = [clip for clip in compute(recordings, frontend(data), None) if isinstance(clip, SoundClip)]
    names = [recording.name for recording in recordings]
    return SpeechPart(clips, [t for _, t, _ in found], [s for _, _, s in found], names, [()] * len(names))


def _groups(part: SpeechPart, data: SpeechData, least: int) -> list[str] | None:
    """The speakers, where parts are to share none and there are more than ``least``."""
    several = data.by_speaker and all(part.speakers) and len(set(part.speakers)) > least
    return part.speakers if several else None
