"""From a file to a clip that can be used: arrays as they are, videos and pictures by an encoder, kept on disk."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from rnncli.data.audio.features import FeatureCache
from rnncli.data.video import encoders
from rnncli.data.video.decoding import PICTURES, VIDEOS
from rnncli.data.video.encoders import Recording
from rnncli.data.video.frames import SUFFIXES, ClipError, FrameFile, read_frames, unreadable
from rnncli.tasks.frames.clip import Clip, Item, Sampling
from rnncli.tasks.frames.schema import FramesData, PointsSection

KNOWN = (*SUFFIXES, *VIDEOS, *PICTURES)


class Reader:
    """Reads clips as a recipe says."""

    def __init__(self, data: FramesData, points: PointsSection) -> None:
        self.sampling, self.points = Sampling(data.every, data.most_frames), points
        crop = (data.crop[0], data.crop[1], data.crop[2], data.crop[3]) if data.crop else None
        self.recording = Recording(data.encoder, data.fps, data.width, data.height, crop, data.weights)
        self.cache = FeatureCache.named(data.cache)
        self._encoder: encoders.Encoder | None = None

    def clip(self, item: Item) -> Clip:
        """A clip that can be used; raises ClipError."""
        source, step = item.source, 0.0
        if isinstance(source, bytes) or source.path.suffix.lower() not in SUFFIXES:
            source = self._computed(item)
            step = self.sampling.every / self.recording.fps if self.recording.fps else 0.0
        found = self.sampling(read_frames(source, item.name) if isinstance(source, FrameFile) else source)
        finite = np.isfinite(found)
        if not finite.any() if self.points.dimensions else not finite.all():
            raise ClipError("figures that are no numbers", f"{item.name}: holds NaN or infinity", "compute it again")
        if self.points.dimensions and not (finite & (found != 0)).any():
            said = f"{item.name}: no point was seen in any frame"
            raise ClipError("clip without any point", said, "take it out of the data")
        return Clip(source, item.name, self.sampling, len(found), found.shape[1:], step)

    def _computed(self, item: Item) -> FrameFile | np.ndarray:
        """Figures of a video, from the cache where they are there."""
        if isinstance(item.source, FrameFile):
            path, known = item.source.path, item.source.path.suffix.lower() in (*VIDEOS, *PICTURES)
            if not known:
                hint = f"known are {', '.join(KNOWN)}"
                raise ClipError("file of another kind", f"{item.name}: no reader of frames for such a file", hint)
            content, source = _identity(path, item.name), path
        else:
            content = source = item.source
        if self.cache is None:
            return self._encode(source, item.name)
        place = self.cache.place(content, self.recording)
        if self.cache.shape(place) is None:
            self.cache.put(place, self._encode(source, item.name))
        return FrameFile(place)

    def _encode(self, source: Path | bytes, name: str) -> np.ndarray:
        if self._encoder is None:
            self._encoder = encoders.make(self.recording)
        with _named(name):
            return encoders.encode(source, self.recording, self._encoder, name)


def _identity(path: Path, name: str) -> bytes:
    """What is another for another file: where it is, how long, how old."""
    try:
        about = path.stat()
        resolved = path.resolve()
    except (OSError, ValueError) as error:
        raise unreadable(name, error) from error
    return f"{resolved}\n{about.st_size}\n{about.st_mtime_ns}".encode(errors="surrogateescape")


@contextmanager
def _named(name: str) -> Iterator[None]:
    """Let an error of a frame name its file."""
    try:
        yield
    except ClipError as error:
        if name in error.message:
            raise
        raise ClipError(error.reason, f"{name}: {error.message}", error.hint) from error


def item_of(value: Any, folder: Path, place: str) -> Item | ClipError:
    """What a cell names: a path, or of ``datasets`` bytes or a path."""
    if isinstance(value, dict):
        if value.get("bytes"):
            return Item(value["bytes"], place)
        value = value.get("path")
    if isinstance(value, str) and value.strip():
        return Item.parse(value, folder)
    return ClipError("row without a file", f"{place}: names no file of frames", "each row needs one")
