"""Compute the figures of many videos once: in parallel, to go on after a kill, with a table that training takes.

Every file is written under a temporary name and renamed, so that what is there is whole: a run that was killed is begun
again, takes what is there, and ends with the same table as one that was not. One run a folder at a time.
"""

from __future__ import annotations

import csv
import io
import os
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rnncli.data import progress
from rnncli.data.tables.sources import READERS, read_file
from rnncli.data.video.decoding import PICTURES, VIDEOS
from rnncli.data.video.encoders import Encoder, Recording, encode, make
from rnncli.data.video.frames import ClipError
from rnncli.errors import DataError, RunError, UsageError
from rnncli.runs.directory import write_text

MANIFEST, REFUSED, SETTINGS, CLIPS = "manifest.csv", "refused.csv", "encoder.json", "clips"
PARTIAL = ".partial"
VIDEO_NAMES = ("video", "image", "path", "file")


@dataclass(frozen=True)
class Extracted:
    """What came of a folder or table of videos: how many clips, of them how many now, frames, refused ones."""

    manifest: Path
    clips: int
    computed: int
    frames: int
    seconds: float
    refused: tuple[tuple[str, str, str], ...]
    """File, kind of trouble, sentence."""


@dataclass(frozen=True)
class _Item:
    """A video, where its figures belong (below the folder of clips), and what its row says besides."""

    source: Path
    name: str
    place: str
    extra: tuple[str, ...]


def extract(source: Path, out: Path, recording: Recording, *, column: str = "") -> Extracted:
    """Compute the figures of all videos and pictures of a folder or a table into ``out``.

    ``out/manifest.csv`` names the ``.npy`` of each clip in column ``frames``, beside all other columns of the table, or
    the class folder as ``label``; ``out/refused.csv`` lists the files of no use with the reason. Raises UsageError
    where ``out`` holds figures of other settings, DataError where there is nothing to read.
    """
    columns, items = _listed(source, column)
    encoder = make(recording)
    _settle(out, recording)
    for left in out.rglob(f"*{PARTIAL}"):
        left.unlink(missing_ok=True)
    found: list[int | ClipError] = []
    computed = 0
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        once = {item.place: item for item in items}
        tasks = {place: pool.submit(_attempt, item, out / CLIPS, recording, encoder) for place, item in once.items()}
        try:
            for item in progress.counted("clips", items, len(items)):
                frames, new = tasks[item.place].result()
                computed += new and once[item.place] is item
                found.append(frames)
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    kept = [(item, frames) for item, frames in zip(items, found, strict=True) if isinstance(frames, int)]
    refused = [
        (item.name, error.reason, error.message)
        for item, error in zip(items, found, strict=True)
        if isinstance(error, ClipError)
    ]
    rows = [[f"{CLIPS}/{item.place}", *item.extra, str(frames)] for item, frames in kept]
    write_text(out / REFUSED, _csv([["file", "reason", "message"], *map(list, refused)]))
    write_text(out / MANIFEST, _csv([["frames", *columns, "count"], *rows]))
    total = sum(frames for _, frames in kept)
    seconds = total / recording.fps if recording.fps else 0.0
    return Extracted(out / MANIFEST, len(kept), computed, total, seconds, tuple(refused))


def _listed(source: Path, column: str) -> tuple[list[str], list[_Item]]:
    """Names of further columns, and the videos of a folder or of a table."""
    if source.is_dir():
        files = [f for f in sorted(source.rglob("*")) if f.suffix.lower() in (*VIDEOS, *PICTURES) and f.is_file()]
        if not files:
            raise DataError(f"{source}: no video in this folder", f"known are {', '.join((*VIDEOS, *PICTURES))}")
        names = [file.relative_to(source) for file in files]
        labelled = all(len(name.parts) > 1 for name in names)
        items = [
            _Item(file, str(name), f"{name.as_posix()}.npy", (name.parts[0],) if labelled else ())
            for file, name in zip(files, names, strict=True)
        ]
        return ["label"] if labelled else [], items
    if source.suffix.lower() not in READERS:
        raise DataError(f"{source}: neither a folder nor a table", f"tables are {', '.join(READERS)}")
    table = read_file(source)
    name = column or next((name for name in VIDEO_NAMES if name in table.columns), "")
    if not name:
        raise DataError(f"{source}: no column of videos", f"--column NAME, one of: {', '.join(table.columns)}")
    table.require(name, "--column")
    others = [other for other in table.columns if other not in (name, "frames", "count")]
    rest = zip(*(table.texts(other) for other in others), strict=True) if others else iter([()] * len(table))
    items = [
        _Item(source.parent / path, path, f"{_below(path)}.npy", extra)
        for path, extra in zip(table.texts(name), rest, strict=True)
    ]
    return others, items


def _below(path: str) -> str:
    """A path as one below a folder, another one for another path: its root and steps up are folders as well."""
    found = Path(path)
    parts = [{found.anchor: "__root__", "..": "__up__"}.get(part, part) for part in found.parts]
    return "/".join(parts) or "unnamed"


def _settle(out: Path, recording: Recording) -> None:
    """Make the folder, or see that it holds figures of these very settings."""
    settings = out / SETTINGS
    try:
        (out / CLIPS).mkdir(parents=True, exist_ok=True)
        known = settings.read_text(encoding="utf-8").strip() if settings.exists() else ""
    except OSError as error:
        raise RunError(f"{out}: cannot be written: {error.strerror or error}", "name another folder") from error
    if known and known != recording.key():
        raise UsageError(
            f"{out} holds figures of other settings and nothing is overwritten", f"name another folder; it has {known}"
        )
    write_text(settings, recording.key() + "\n")


def _attempt(item: _Item, folder: Path, recording: Recording, encoder: Encoder) -> tuple[int | ClipError, bool]:
    """How many frames a clip has, or what is wrong with it; and whether it was computed now."""
    place = folder / item.place
    try:
        if not item.name.strip():
            raise ClipError("row without a file", "a row names no video", "each row needs one")
        frames = _there(place, item.source)
        if frames is not None:
            return frames, False
        found = encode(item.source, recording, encoder, item.name)
        _put(place, found)
        return len(found), True
    except ClipError as error:
        place.unlink(missing_ok=True)
        return error, False


def _there(place: Path, source: Path) -> int | None:
    """The frames of a file that is newer than its video, None where there is no such file."""
    try:
        if source.stat().st_mtime > place.stat().st_mtime:
            return None
        return len(np.load(place, mmap_mode="r", allow_pickle=False))
    except (OSError, ValueError):
        return None


def _put(place: Path, found: np.ndarray) -> None:
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=place.parent, suffix=PARTIAL, delete=False) as file:
            np.save(file, found)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(file.name, 0o644)
        os.replace(file.name, place)
    except OSError as error:
        raise RunError(
            f"{place}: cannot be written: {error.strerror or error}", "free some space, and run it again"
        ) from error


def _csv(rows: Sequence[Sequence[str]]) -> str:
    written = io.StringIO()
    csv.writer(written, lineterminator="\n").writerows(rows)
    return written.getvalue()
