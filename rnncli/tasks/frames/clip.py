"""A clip: the file or array that it is, and which of its frames are taken; with numpy alone."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rnncli.data.video.frames import FrameFile, read_frames
from rnncli.errors import DataError


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


@dataclass(frozen=True, eq=False)
class Item:
    """What a row names: a file, or the content of one called ``name``."""

    source: FrameFile | bytes
    name: str

    @classmethod
    def parse(cls, text: str, folder: Path = Path()) -> Item:
        """A path as a person writes it."""
        file = FrameFile.parse(text.strip(), folder)
        return cls(file, str(file))


@dataclass(frozen=True, eq=False)
class Clip:
    """Frames in memory or on disk: how many are taken, the shape of a frame, seconds from one to the next or 0."""

    source: FrameFile | np.ndarray
    name: str
    sampling: Sampling
    frames: int
    shape: tuple[int, ...]
    step: float = 0.0

    def load(self) -> np.ndarray:
        """The frames (T, ...); raises DataError where the file has gone or changed."""
        given = self.source if isinstance(self.source, np.ndarray) else read_frames(self.source, self.name)
        found = self.sampling(given)
        if len(found) != self.frames or found.shape[1:] != self.shape:
            raise DataError(f"{self.name}: changed while it was in use", "run the command again")
        return found
