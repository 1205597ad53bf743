"""What a model is shown of a clip: figures, key points or pixels, as they are or varied.

Shape letters: T frames, F figures a frame, J points, D coordinates, H rows, W columns, C channels.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from rnncli.data import points as body
from rnncli.data.points import Points
from rnncli.errors import DataError
from rnncli.tasks.frames.reader import Clip
from rnncli.tasks.frames.schema import FramesData, FrameVariation, PointsSection


class View(Protocol):
    """How clips of one kind are shown."""

    pixels: bool

    def prepare(self, clip: Clip) -> Any:
        """What is kept in memory of a clip."""
        ...

    def show(self, prepared: Any) -> np.ndarray:
        """Frames (T, F) float32, or (T, C, H, W) uint8."""
        ...

    def vary(self, prepared: Any, random: np.random.Generator) -> np.ndarray:
        """The same varied; at least one frame is left."""
        ...


def view(shape: tuple[int, ...], data: FramesData, points: PointsSection, variation: FrameVariation) -> View:
    """The view that fits frames of this shape; raises DataError where the recipe's points do not."""
    if points.dimensions:
        return PointsView(_points(shape, points), _pairs(points.mirrored, _count(shape, points)), variation)
    if len(shape) == 1:
        return FiguresView(data.differences, variation)
    return PixelsView(variation)


@dataclass(frozen=True)
class FiguresView:
    """Figures as they are given, and perhaps their differences from frame to frame."""

    differences: bool
    variation: FrameVariation
    pixels = False

    def prepare(self, clip: Clip) -> np.ndarray:
        """The figures (T, F)."""
        return clip.load().astype(np.float32)

    def show(self, prepared: np.ndarray) -> np.ndarray:
        """Figures, and behind them differences."""
        if not self.differences:
            return prepared
        return np.concatenate([prepared, np.diff(prepared, axis=0, prepend=prepared[:1])], 1)

    def vary(self, prepared: np.ndarray, random: np.random.Generator) -> np.ndarray:
        """Other times, and noise."""
        found_TF = at_times(prepared, times(len(prepared), self.variation, random))
        if self.variation.jitter:
            noise_TF = random.normal(0, self.variation.jitter, found_TF.shape)
            found_TF = found_TF + noise_TF * prepared.std(0)
        return self.show(found_TF.astype(np.float32))


@dataclass(frozen=True)
class PointsView:
    """Normalised key points, described as :func:`rnncli.data.points.described` does."""

    points: Points
    mirror: np.ndarray | None
    variation: FrameVariation
    pixels = False

    def prepare(self, clip: Clip) -> tuple[np.ndarray, np.ndarray]:
        """Normalised points (T, J, D), and which were seen (T, J)."""
        return body.normalised(clip.load().reshape(clip.frames, -1, self.points.dimensions), self.points)

    def show(self, prepared: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
        """The description."""
        return body.described(*prepared, self.points)

    def vary(self, prepared: tuple[np.ndarray, np.ndarray], random: np.random.Generator) -> np.ndarray:
        """Other times, other builds, other directions, noise, mirror images."""
        settings, (points_TJD, seen_TJ) = self.variation, prepared
        times_T = times(len(points_TJD), settings, random)
        points_TJD, seen_TJ = at_times(points_TJD, times_T), seen_TJ[times_T.round().astype(np.int64)]
        if settings.flip and self.mirror is not None and random.random() < settings.flip:
            points_TJD, seen_TJ = points_TJD[:, self.mirror].copy(), seen_TJ[:, self.mirror]
            points_TJD[..., 0] *= -1
        if settings.turn:
            points_TJD = body.turned(points_TJD, np.deg2rad(settings.turn) * random.uniform(-1, 1))
        if settings.size:
            points_TJD = points_TJD * (1 + settings.size * random.uniform(-1, 1, points_TJD.shape[2]))
        if settings.jitter:
            points_TJD = points_TJD + random.normal(0, settings.jitter, points_TJD.shape)
        return self.show((points_TJD.astype(np.float32), seen_TJ))


@dataclass(frozen=True)
class PixelsView:
    """Pixels, read again each time: a clip of them is too large to keep."""

    variation: FrameVariation
    pixels = True

    def prepare(self, clip: Clip) -> Clip:
        """The clip itself."""
        return clip

    def show(self, prepared: Clip) -> np.ndarray:
        """Frames (T, C, H, W) uint8; other numbers are taken as from 0 to 1."""
        frames = prepared.load()
        frames = frames[:, None] if frames.ndim == 3 else np.moveaxis(frames, -1, 1)
        if frames.dtype != np.uint8:
            frames = (255 * frames.clip(0, 1)).round().astype(np.uint8)
        return np.ascontiguousarray(frames)

    def vary(self, prepared: Clip, random: np.random.Generator) -> np.ndarray:
        """Other times, moved a little, brighter or darker, mirror images."""
        settings, frames_TCHW = self.variation, self.show(prepared)
        frames_TCHW = frames_TCHW[times(len(frames_TCHW), settings, random).round().astype(np.int64)]
        if settings.flip and random.random() < settings.flip:
            frames_TCHW = frames_TCHW[..., ::-1]
        if settings.shift:
            down, right = (round(settings.shift * size * random.uniform(-1, 1)) for size in frames_TCHW.shape[2:])
            frames_TCHW = _moved(_moved(frames_TCHW, down, 2), right, 3)
        if settings.jitter:
            gain, lift = 1 + 5 * settings.jitter * random.uniform(-1, 1), 500 * settings.jitter * random.uniform(-1, 1)
            frames_TCHW = (frames_TCHW * np.float32(gain) + np.float32(lift)).clip(0, 255).astype(np.uint8)
        return np.ascontiguousarray(frames_TCHW)


def times(frames: int, settings: FrameVariation, random: np.random.Generator) -> np.ndarray:
    """Where in a clip of so many frames the frames of a varied one lie, (T',), ascending, at least one."""
    lost = settings.crop * random.random() * (frames - 1)
    start = lost * random.random()
    count = max(1, round((frames - lost) * (1 + settings.speed * random.uniform(-1, 1))))
    times_T = np.linspace(start, start + frames - 1 - lost, count)
    if settings.drop:
        keep_T = random.random(count) >= settings.drop
        keep_T[random.integers(count)] = True
        times_T = times_T[keep_T]
    return times_T


def at_times(frames: np.ndarray, times_T: np.ndarray) -> np.ndarray:
    """Frames (T, ...) between those that there are, by linear interpolation, (T', ...)."""
    low_T = np.floor(times_T).astype(np.int64)
    share = (times_T - low_T).reshape(-1, *[1] * (frames.ndim - 1)).astype(np.float32)
    return frames[low_T] * (1 - share) + frames[np.minimum(low_T + 1, len(frames) - 1)] * share


def _moved(frames: np.ndarray, by: int, axis: int) -> np.ndarray:
    """Moved along an axis, its edge repeated."""
    size = frames.shape[axis]
    return frames.take(np.clip(np.arange(size) - by, 0, size - 1), axis)


def _points(shape: tuple[int, ...], settings: PointsSection) -> Points:
    count = _count(shape, settings)
    parts = tuple(tuple(range(int(first), int(last) + 1)) for first, last in (p.split("-") for p in settings.parts))
    everyone = (*settings.centre, *settings.scale, *settings.facing, *(point for part in parts for point in part))
    _require(everyone, count)
    return Points(
        settings.dimensions,
        tuple(settings.centre),
        tuple(settings.scale),
        tuple(settings.facing),
        parts,
        settings.missing == "zero",
    )


def _count(shape: tuple[int, ...], settings: PointsSection) -> int:
    figures = int(np.prod(shape))
    if figures % settings.dimensions or (len(shape) > 1 and shape[-1] != settings.dimensions):
        raise DataError(
            f"frames of {' x '.join(map(str, shape))} figures are no points of {settings.dimensions} coordinates",
            "points.dimensions says how many a point has; 0 is for figures that are no points",
        )
    return figures // settings.dimensions


def _pairs(mirrored: list[str], count: int) -> np.ndarray | None:
    if not mirrored:
        return None
    order = np.arange(count)
    for pair in mirrored:
        one, other = map(int, pair.split("-"))
        _require((one, other), count)
        order[one], order[other] = other, one
    return order


def _require(numbers: tuple[int, ...], count: int) -> None:
    if numbers and max(numbers) >= count:
        raise DataError(
            f"the recipe names point {max(numbers)}, but frames have {count} points", "points are numbered from 0"
        )
