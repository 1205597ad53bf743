"""The clips that a table names: read once to be judged, then again as they are needed."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from rnncli.data import progress
from rnncli.data.frames import SUFFIXES, ClipError, FrameFile, read_frames
from rnncli.data.table import Table
from rnncli.errors import DataError
from rnncli.tasks import manifest
from rnncli.tasks.frames.schema import FramesData, PointsSection

FRAME_NAMES = ("frames", "features", "video", "image", "path", "file")
GROUP_NAMES = ("subject", "speaker", "group", "source")


@dataclass(frozen=True)
class Sampling:
    """Which frames of a clip are taken: each so-manyth, and of those at most so many, evenly."""

    every: int = 1
    most: int = 0

    def __call__(self, frames: np.ndarray) -> np.ndarray:
        """Frames (T, ...) to (T', ...)."""
        frames = frames[:: self.every]
        if not self.most or len(frames) <= self.most:
            return frames
        return frames[np.linspace(0, len(frames) - 1, self.most).round().astype(np.int64)]


@dataclass(frozen=True)
class Clip:
    """A clip on disk: how many frames are taken of it, and the shape of a frame."""

    file: FrameFile
    sampling: Sampling
    frames: int
    shape: tuple[int, ...]

    def load(self) -> np.ndarray:
        """The frames (T, ...); raises DataError where the file has gone or changed."""
        found = self.sampling(read_frames(self.file))
        if len(found) != self.frames or found.shape[1:] != self.shape:
            raise DataError(f"{self.file}: changed while it was in use", "run the command again")
        return found


@dataclass(frozen=True, eq=False)
class FramePart:
    """One part of a corpus: rows of a table, the clip of each, what is true of it, and its group, empty for none."""

    table: Table
    clips: list[Clip]
    truths: list[str]
    groups: list[str]

    def __len__(self) -> int:
        return len(self.clips)

    def take(self, rows: np.ndarray) -> FramePart:
        """Some of the clips."""
        lists = ([column[row] for row in rows] for column in (self.clips, self.truths, self.groups))
        return FramePart(self.table.take(rows), *lists)

    def texts(self) -> Iterator[str]:
        """The files."""
        return (str(clip.file) for clip in self.clips)

    def column(self, name: str, key: str) -> Iterator[str]:
        """The values of a further column that the recipe's ``key`` names."""
        self.table.require(name, key)
        return self.table.texts(name)

    def place(self, row: int) -> str:
        """Where a clip stands in the user's data."""
        return self.table.place(row)


def read_part(
    table: Table,
    data: FramesData,
    points: PointsSection,
    truth: str,
    dropped: Counter[str],
    notes: list[str],
) -> FramePart:
    """The rows that can be used; what is wrong with the others is counted, the first of each kind noted.

    ``truth`` is the column of what is true of a clip. Raises DataError where nothing is left.
    """
    column = manifest.column(table, data.frames_column, FRAME_NAMES, "frames", "data.frames_column")
    group = _group_column(table, data)
    truths = [value.strip() for value in table.texts(truth)]
    files = [_file(folder, value) for folder, value in manifest.places(table, column)]
    found = list(_judged(files, Sampling(data.every, data.most_frames), points))
    first: dict[str, ClipError] = {}
    kept: list[int] = []
    known: set[tuple[FrameFile, str]] = set()
    for i, clip in enumerate(found):
        if isinstance(clip, ClipError):
            first.setdefault(clip.reason, clip)
            dropped[clip.reason] += 1
        elif not truths[i]:
            dropped[f"no {truth}"] += 1
        elif (clip.file, truths[i]) in known:
            dropped["duplicate row"] += 1
        else:
            known.add((clip.file, truths[i]))
            kept.append(i)
    if not kept:
        error = next(iter(first.values()), None)
        if error:
            raise DataError(f"{table.name}: no clip can be used: {error.message}", error.hint)
        raise DataError(f"{table.name}: no clip has a {truth}", f"is this the right column? It is {truth}")
    notes += [f"left out, the first of its kind: {error.message}" for error in first.values()]
    groups = list(table.texts(group)) if group else [""] * len(table)
    clips = [clip for i in kept if isinstance(clip := found[i], Clip)]
    return FramePart(table.take(kept), clips, [truths[i] for i in kept], [groups[i] for i in kept])


def require_alike(parts: Iterable[FramePart], shape: tuple[int, ...]) -> None:
    """DataError for the first clip whose frames have another shape."""
    for part in parts:
        for row, clip in enumerate(part.clips):
            if clip.shape != shape:
                raise DataError(
                    f"{part.place(row)}: frames of {_by(clip.shape)} figures, where the first clip has {_by(shape)}",
                    "give all clips alike",
                )


def groups(part: FramePart, data: FramesData) -> list[str] | None:
    """The groups that must not be split, None where none are known or wanted."""
    return part.groups if data.by_group and all(part.groups) and len(set(part.groups)) > 2 else None


def _group_column(table: Table, data: FramesData) -> str:
    if data.group_column:
        table.require(data.group_column, "data.group_column")
        return data.group_column
    return next((name for name in GROUP_NAMES if name in table.columns), "")


def _file(folder: Path, value: Any) -> FrameFile | ClipError:
    if isinstance(value, str) and value.strip():
        return FrameFile.parse(value.strip(), folder)
    return ClipError("row without a file", "a row names no file of frames", "each row needs one")


def _judged(
    files: Sequence[FrameFile | ClipError], sampling: Sampling, points: PointsSection
) -> Iterator[Clip | ClipError]:
    def judge(file: FrameFile | ClipError) -> Clip | ClipError:
        if isinstance(file, ClipError):
            return file
        try:
            return judged(file, sampling, points)
        except ClipError as error:
            return error

    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        for done, clip in enumerate(pool.map(judge, files), start=1):
            yield clip
            progress.tell("clips", done, len(files))


def judged(file: FrameFile, sampling: Sampling, points: PointsSection) -> Clip:
    """A clip that can be used; raises ClipError."""
    if file.path.suffix.lower() not in SUFFIXES:
        hint = f"known are {', '.join(SUFFIXES)}"
        raise ClipError("file of another kind", f"{file}: no reader of frames for such a file", hint)
    found = sampling(read_frames(file))
    finite = np.isfinite(found)
    if not finite.any() if points.dimensions else not finite.all():
        raise ClipError("figures that are no numbers", f"{file}: holds NaN or infinity", "compute it again")
    if points.dimensions and not (finite & (found != 0)).any():
        raise ClipError("clip without any point", f"{file}: no point was seen in any frame", "take it out of the data")
    return Clip(file, sampling, len(found), found.shape[1:])


def _by(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape))
