"""Recordings and their texts: which columns, which part each goes to, what is of no use."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from rnncli.data import splits
from rnncli.data.audio import SUFFIXES, RecordingError, Sound
from rnncli.data.clips import Clip, FeatureCache, Recording, compute, default_cache
from rnncli.data.frontend import Frontend
from rnncli.data.sources import ALL, READERS, read
from rnncli.data.table import PLACE, Table, TableWriter, did_you_mean
from rnncli.data.units import normalise
from rnncli.errors import DataError
from rnncli.tasks.base import Corpus
from rnncli.tasks.speech import corpus as generated
from rnncli.tasks.speech.schema import SpeechData, SpeechRecipe

AUDIO_NAMES = ("audio", "features", "file", "path", "audio_filepath", "wav")
TEXT_NAMES = ("text", "sentence", "transcript", "transcription", "label")


@dataclass(frozen=True, eq=False)
class SpeechPart:
    """One part of the corpus: clips, texts, speakers (empty where unknown), places in the user's data."""

    clips: list[Clip]
    texts: list[str]
    speakers: list[str]
    places: list[str]

    def __len__(self) -> int:
        return len(self.clips)

    def column(self, name: str) -> list[str]:
        """The speakers; DataError for anything else, and where no speaker is named."""
        if name != "speaker" or not any(self.speakers):
            raise DataError(
                f"evaluation.groups: nothing is known of {name}", 'there are length, source and, in a column, "speaker"'
            )
        return self.speakers

    def take(self, rows: np.ndarray) -> SpeechPart:
        """Some of the recordings."""
        columns = (self.clips, self.texts, self.speakers, self.places)
        return SpeechPart(*([column[row] for row in rows] for column in columns))


def frontend(data: SpeechData) -> Frontend:
    """What a recipe wants computed of recordings."""
    return Frontend(data.features, data.rate, data.bins, data.deltas if data.features == "mfcc" else 0)


def read_corpus(recipe: SpeechRecipe) -> Corpus:
    """Read the recordings of a recipe, compute their features, split; raises DataError."""
    data = recipe.data
    if data.folds or data.split_column:
        raise DataError("data.folds and data.split_column are not there for speech", "name files: data.dev, data.test")
    dropped: Counter[str] = Counter()
    notes: list[str] = []
    if data.source == "builtin" or not data.train:
        if data.source not in ("builtin", "auto"):
            raise DataError(f"data.train names no {data.source}", "for example data.train=train.csv")
        parts = {ALL: _builtin(data)}
        notes.append("the words are invented and spoken by a synthesiser: figures say nothing about real speech")
        name = "built-in recordings"
    else:
        tables = _tables(data)
        parts = {part: _load(table, data, dropped, notes) for part, table in tables.items()}
        for table in tables.values():
            dropped.update(table.dropped)
            notes += table.notes
        name = next(iter(tables.values())).name
    seconds = sum(clip.frames for part in parts.values() for clip in part.clips) * 0.01
    parts, said = _split(parts, data, recipe.seed)
    count = sum(map(len, parts.values()))
    headline = f"{name}: {count:,} recordings, {seconds / 60:.1f} minutes at 10 ms a frame"
    return Corpus(parts, headline, (*notes, said), +dropped)


def read_part(recipe: SpeechRecipe, path: Path) -> Corpus:
    """A further labelled file or folder, all of it as the part ``test``."""
    dropped: Counter[str] = Counter()
    notes: list[str] = []
    table = next(iter(_read(path, recipe.data).values()))
    part = _load(table, recipe.data, dropped, notes)
    return Corpus({"test": part}, f"{path}: {len(part):,} recordings", (*table.notes, *notes), +dropped)


def clean_text(text: str, lower: bool) -> str:
    """NFC, single spaces, lower case if asked."""
    return " ".join(normalise(text, lower).split())


def _tables(data: SpeechData) -> dict[str, Table]:
    root = Path(data.root)
    where = root / data.train
    if not where.exists() and (data.source == "datasets" or data.train.count("/") == 1):
        found = read(data.train, source="datasets", splits=data.splits or None, config=data.config or None)
    else:
        found = _read(where, data)
    for name, file in (("dev", data.dev), ("test", data.test)):
        if file:
            more = _read(root / file, data)
            found[name] = more.get(name) or next(iter(more.values()))
    if ALL in found and len(found) > 1:
        found = {"train": found.pop(ALL)} | found
    below = f"{root}{os.sep}"
    return {part: replace(table, name=table.name.removeprefix(below)) for part, table in found.items()}


def _read(path: Path, data: SpeechData) -> dict[str, Table]:
    """A manifest by its suffix, or a folder of recordings with a .txt beside each."""
    if path.is_dir() and not any(file.suffix in READERS for file in path.iterdir()):
        files = sorted(file for file in path.rglob("*") if file.suffix.lower() in SUFFIXES)
        if files:
            return {ALL: _folder(path, files)}
    source = "auto" if data.source == "builtin" else data.source
    tables = read(path, source=source, encoding=data.encoding, splits=data.splits or None, config=data.config or None)
    return {part: _based(table, path) for part, table in tables.items()}


def _based(table: Table, path: Path) -> Table:
    """The table with the folder that its paths start from."""
    base = str(path if path.is_dir() else path.parent)
    folder = pa.array([base] * table.store.num_rows, pa.string())
    return replace(table, store=table.store.append_column("__folder__", folder))


def _folder(path: Path, files: list[Path]) -> Table:
    texts = [file.with_suffix(".txt") for file in files]
    kept = [(f, t) for f, t in zip(files, texts, strict=True) if t.is_file()]
    if not kept:
        raise DataError(f"{path}: no recording has a text beside it", "a.wav wants its words in a.txt")
    columns = {
        "audio": [str(file.resolve()) for file, _ in kept],
        "text": [text.read_text(encoding="utf-8", errors="replace") for _, text in kept],
        PLACE: [str(file) for file, _ in kept],
    }
    schema = pa.schema([(name, pa.string()) for name in columns])
    with TableWriter(str(path), schema) as writer:
        writer.write(pa.record_batch([pa.array(column) for column in columns.values()], schema=schema))
        return writer.finish((), {"recording without a text beside it": len(files) - len(kept)})


def _column(table: Table, given: str, names: tuple[str, ...], what: str, option: str) -> str:
    if given:
        table.require(given, option)
        return given
    found = next((name for name in names if name in table.columns), None)
    if found is None:
        there = [name for name in table.columns if not name.startswith("__")]
        near = did_you_mean(names[0], there)
        raise DataError(f"{table.name}: no column of {what}{near}", f"{option}=NAME, one of: {', '.join(there)}")
    return found


def _load(table: Table, data: SpeechData, dropped: Counter[str], notes: list[str]) -> SpeechPart:
    """The rows that can be used; what is wrong with the others is counted, the first of each kind noted."""
    audio = _column(table, data.audio_column, AUDIO_NAMES, "recordings", "data.audio_column")
    text = _column(table, data.text_column, TEXT_NAMES, "texts", "data.text_column")
    if data.speaker_column:
        table.require(data.speaker_column, "data.speaker_column")
    speaker = data.speaker_column or ("speaker" if "speaker" in table.columns else "")
    texts = [clean_text(value, data.lower) for value in table.texts(text)]
    speakers = list(table.texts(speaker)) if speaker else [""] * len(texts)
    folders = list(table.texts("__folder__")) if "__folder__" in table.columns else [""] * len(texts)
    recordings = list(_recordings(table, audio, folders))
    cache = None if data.cache == "none" else FeatureCache(_cache_folder(data.cache))
    found = compute(recordings, frontend(data), cache)
    part, first = SpeechPart([], [], [], []), {}
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
    if not part.clips:
        error = next(iter(first.values()), None)
        if error:
            raise DataError(f"{table.name}: no recording can be used: {error.message}", error.hint)
        raise DataError(f"{table.name}: no recording has a text", "is this the right column? --text-column NAME")
    notes += [f"left out, the first of its kind: {error.message}" for error in first.values()]
    return part


def _cache_folder(name: str) -> Path:
    return default_cache() if name == "auto" else Path(name).expanduser()


def _recordings(table: Table, column: str, folders: list[str]) -> Iterator[Recording]:
    for i, value in enumerate(table.values(column)):
        folder = Path(folders[i])
        if isinstance(value, dict):
            yield _row_recording(value, folder, table.place(i))
        elif isinstance(value, str) and value.strip():
            path = folder / value
            yield Recording(path, str(path), features=path.suffix == ".npy")
        else:
            raise DataError(f"{table.place(i)}: no path of a recording", f"column {column} must name one in each row")


def _row_recording(value: dict[str, Any], folder: Path, place: str) -> Recording:
    """A row of ``datasets``: bytes, or a path."""
    if value.get("bytes"):
        return Recording(value["bytes"], place)
    if value.get("path"):
        return Recording(folder / value["path"], place)
    raise DataError(f"{place}: an audio row without bytes or path", "each row needs one of them")


def _builtin(data: SpeechData) -> SpeechPart:
    found = list(generated.generate())
    recordings = [Recording(Sound(samples, generated.RATE), f"built-in {n}") for n, (samples, _, _) in enumerate(found)]
    clips = [clip for clip in compute(recordings, frontend(data), None) if isinstance(clip, Clip)]
    return SpeechPart(clips, [t for _, t, _ in found], [s for _, _, s in found], [r.name for r in recordings])


def _split(parts: dict[str, SpeechPart], data: SpeechData, seed: int) -> tuple[dict[str, SpeechPart], str]:
    """The parts train, dev and perhaps test, carved by speaker where speakers are known."""
    shares = {} if "dev" in parts else {"dev": data.dev_fraction}
    if ALL in parts:
        shares["test"] = data.test_fraction
    whole = parts.pop(ALL) if ALL in parts else parts.get("train")
    if whole is None:
        raise DataError(f"there is no train part, only {', '.join(parts)}", "data.train says what to train on")
    shares = {name: share for name, share in shares.items() if share}
    if "dev" not in parts and "dev" not in shares:
        raise DataError("data.dev_fraction is 0 and no dev part is given", "data.dev_fraction=0.1")
    carved, how = {"train": whole}, " as given"
    if shares:
        if sum(shares.values()) >= 1:
            hint = "let them add up to less than 1"
            raise DataError("data.dev_fraction and data.test_fraction leave nothing to train on", hint)
        several = data.by_speaker and all(whole.speakers) and len(set(whole.speakers)) > 2 * len(shares)
        wanted = {"train": 1 - sum(shares.values())} | shares
        groups = whole.speakers if several else None
        rows = splits.split(wanted, seed=seed, size=len(whole), labels=[0] * len(whole), groups=groups)
        carved = {name: whole.take(found) for name, found in rows.items()}
        how = f": {' and '.join(shares)} carved by seed {seed}{', no speaker in two parts' if several else ''}"
    found = parts | carved
    found = {name: found[name] for name in ("train", "dev", "test") if name in found}
    sizes = ", ".join(f"{name} {len(part):,}" for name, part in found.items())
    missing = "" if "test" in found else "; no test part, so the figures are of dev, which also chose the epoch"
    return found, f"split{how}: {sizes}{missing}"
