"""The clips that a table names: read once to be judged, then again as they are needed."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from rnncli.data import progress
from rnncli.data.tables.cells import list_in, written
from rnncli.data.tables.table import Table
from rnncli.data.video.frames import ClipError
from rnncli.errors import DataError
from rnncli.tasks.common.columns import column, named
from rnncli.tasks.common.tables import TablePart, places
from rnncli.tasks.frames.clip import Clip, Item
from rnncli.tasks.frames.reader import Reader, item_of
from rnncli.tasks.frames.schema import FramesData

FRAME_NAMES = ("frames", "features", "video", "image", "path", "file")
GROUP_NAMES = ("subject", "speaker", "group", "source")


@dataclass(frozen=True, eq=False)
class FramePart(TablePart):
    """One part of a corpus: rows of a table, the clip of each, what is true of it, and its group, empty for none."""

    clips: list[Clip]
    truths: list[str]
    groups: list[str]

    def take(self, rows: np.ndarray) -> FramePart:
        """Some of the clips."""
        lists = ([column[row] for row in rows] for column in (self.clips, self.truths, self.groups))
        return FramePart(self.table.take(rows), *lists)

    def texts(self) -> Iterator[str]:
        """The files."""
        return (clip.name for clip in self.clips)

    def labels(self) -> Iterator[list[str]]:
        """What is true of each clip, as a list of one."""
        return ([truth] for truth in self.truths)


def read_part(
    table: Table,
    data: FramesData,
    reader: Reader,
    truth: str,
    dropped: Counter[str],
    notes: list[str],
    clean: Callable[[str], str] = str.strip,
) -> FramePart:
    """The rows that can be used; what is wrong with the others is counted, the first of each kind noted.

    ``truth`` is the column of what is true of a clip, which ``clean`` makes ready. Raises DataError where nothing is
    left, and for a clip of which a list is true.
    """
    frames = column(table, data.frames_column, FRAME_NAMES, "frames", "data.frames_column")
    group = _group_column(table, data)
    truths = [clean(one) for one in _single(table, truth)]
    cells = enumerate(places(table, frames))
    items = [item_of(value, folder, table.place(row)) for row, (folder, value) in cells]
    found = list(_judged(items, reader))
    first: dict[str, ClipError] = {}
    kept: list[int] = []
    known: set[tuple[str, str]] = set()
    for i, clip in enumerate(found):
        if isinstance(clip, ClipError):
            first.setdefault(clip.reason, clip)
            dropped[clip.reason] += 1
        elif not truths[i]:
            dropped[f"no {truth}"] += 1
        elif (clip.name, truths[i]) in known:
            dropped["duplicate row"] += 1
        else:
            known.add((clip.name, truths[i]))
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
                has, first = by(clip.shape), by(shape)
                said = f"{part.place(row)}: frames of {has} figures, where the first clip has {first}"
                raise DataError(said, "give all clips alike")


def groups(part: FramePart, data: FramesData) -> list[str] | None:
    """The groups that must not be split, None where none are known or wanted; two that nobody named are too few."""
    enough = len(set(part.groups)) > (1 if data.group_column else 2)
    return part.groups if data.by_group and all(part.groups) and enough else None


def by(shape: tuple[int, ...]) -> str:
    """A shape for a person: 48 x 48."""
    return " x ".join(map(str, shape))


def _single(table: Table, column: str) -> Iterator[str]:
    """What a column says of each row, of a list the one thing that is in it; raises DataError where there are more."""
    for row, value in enumerate(table.values(column)):
        found = value if isinstance(value, list) else list_in(value) if isinstance(value, str) else None
        if found is not None and len(found) > 1:
            raise DataError(f"{table.place(row)}: a list of {len(found)} in column {column}", "a row has one of them")
        yield written(value if found is None else found[0] if found else None)


def _group_column(table: Table, data: FramesData) -> str:
    if data.group_column:
        return named(table, data.group_column, "data.group_column")
    return next((name for name in GROUP_NAMES if name in table.columns), "")


def _judged(items: Sequence[Item | ClipError], reader: Reader) -> Iterator[Clip | ClipError]:
    """The clip of each row or what is wrong with it, each file read once."""
    once = {item.name: item for item in items if isinstance(item, Item)}

    def judge(item: Item) -> Clip | ClipError:
        try:
            return reader.clip(item)
        except ClipError as error:
            return error

    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        waiting = {name: pool.submit(judge, item) for name, item in once.items()}
        for done, item in enumerate(items, start=1):
            yield item if isinstance(item, ClipError) else waiting[item.name].result()
            progress.tell("clips", done, len(items))
