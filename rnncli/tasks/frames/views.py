"""What a model is shown of a clip: figures, key points or pixels, as they are or varied.

Shape letters: T frames, F figures a frame, J points, D coordinates, H rows, W columns, C channels.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from rnncli.data.video import points as body
from rnncli.data.video.points import Points
from rnncli.data.video.registration import Offset, mean_picture, moved, offset
from rnncli.errors import DataError
from rnncli.tasks.frames.clip import Clip

if TYPE_CHECKING:
    from rnncli.tasks.frames.schema import FramesRecipe, FrameVariation, PointsSection


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


def view(shape: tuple[int, ...], recipe: FramesRecipe, common: np.ndarray | None = None) -> View:
    """The view that fits frames of this shape; raises DataError where the recipe's points do not.

    ``common`` is the picture (H, W) that clips are moved onto, None where they are taken as they lie.
    """
    data, points, variation = recipe.data, recipe.points, recipe.variation
    if points.dimensions:
        return PointsView(_points(shape, points), _pairs(points.mirrored, _count(shape, points)), variation)
    if len(shape) == 1:
        return FiguresView(data.differences, variation)
    aligned = Aligned(common, reach(shape, data.align))
    if data.blocks:
        return BlocksView(data.blocks, data.differences, aligned, variation)
    return PixelsView(aligned, variation)


def reach(shape: tuple[int, ...], align: float) -> int:
    """How many pixels a clip may lie off, of frames (H, W, ...)."""
    return round(align * min(shape[:2]))


@dataclass(frozen=True, eq=False)
class Aligned:
    """Moves clips onto the picture ``common`` that those of training share; None leaves them."""

    common: np.ndarray | None
    reach: int

    def by(self, clip: Clip) -> Offset:
        """How far a clip lies off."""
        return (0, 0) if self.common is None else offset(mean_picture(clip.load()), self.common, self.reach)


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
        return _with_differences(prepared) if self.differences else prepared

    def vary(self, prepared: np.ndarray, random: np.random.Generator) -> np.ndarray:
        """Other times, and noise."""
        found_TF = at_times(prepared, times(len(prepared), self.variation, random))
        return self.show(_noisy(found_TF, self.variation.jitter, random))


@dataclass(frozen=True)
class BlocksView:
    """Pixels as figures: the mean of each block of ``size`` rows and columns, and perhaps its changes in time."""

    size: int
    differences: bool
    aligned: Aligned
    variation: FrameVariation
    pixels = False

    def prepare(self, clip: Clip) -> np.ndarray:
        """Means (T, H', W', C); raises DataError for frames smaller than a block."""
        frames = moved(clip.load(), self.aligned.by(clip), (1, 2))
        frames_THWC = (frames[..., None] if frames.ndim == 3 else frames).astype(np.float32)
        count, height, width, channels = frames_THWC.shape
        rows, columns = height // self.size, width // self.size
        if not rows or not columns:
            said = f"{clip.name}: frames of {height} x {width} pixels, less than a block of data.blocks={self.size}"
            raise DataError(said, "fewer pixels in a block, or 0 to read pixels by convolutions")
        whole = frames_THWC[:, : rows * self.size, : columns * self.size]
        return whole.reshape(count, rows, self.size, columns, self.size, channels).mean((2, 4))

    def show(self, prepared: np.ndarray) -> np.ndarray:
        """Figures, and behind them differences."""
        found_TF = prepared.reshape(len(prepared), -1)
        return _with_differences(found_TF) if self.differences else found_TF

    def vary(self, prepared: np.ndarray, random: np.random.Generator) -> np.ndarray:
        """Other times, moved a little, noise, mirror images."""
        found = at_times(prepared, times(len(prepared), self.variation, random))
        found = _placed(found, (1, 2), self.variation, random)
        return self.show(_noisy(found, self.variation.jitter, random))


@dataclass(frozen=True)
class PointsView:
    """Normalised key points, described as :func:`rnncli.data.video.points.described` does."""

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

    aligned: Aligned
    variation: FrameVariation
    pixels = True

    def prepare(self, clip: Clip) -> tuple[Clip, Offset]:
        """The clip itself, and how far it lies off."""
        return clip, self.aligned.by(clip)

    def show(self, prepared: tuple[Clip, Offset]) -> np.ndarray:
        """Frames (T, C, H, W) uint8; other numbers are taken as from 0 to 1."""
        clip, by = prepared
        frames = moved(clip.load(), by, (1, 2))
        frames = frames[:, None] if frames.ndim == 3 else np.moveaxis(frames, -1, 1)
        if frames.dtype != np.uint8:
            frames = (255 * frames.clip(0, 1)).round().astype(np.uint8)
        return np.ascontiguousarray(frames)

    def vary(self, prepared: tuple[Clip, Offset], random: np.random.Generator) -> np.ndarray:
        """Other times, moved a little, brighter or darker, mirror images."""
        settings, frames_TCHW = self.variation, self.show(prepared)
        frames_TCHW = frames_TCHW[times(len(frames_TCHW), settings, random).round().astype(np.int64)]
        frames_TCHW = _placed(frames_TCHW, (2, 3), settings, random)
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


def _with_differences(figures_TF: np.ndarray) -> np.ndarray:
    return np.concatenate([figures_TF, np.diff(figures_TF, axis=0, prepend=figures_TF[:1])], 1)


def _noisy(figures: np.ndarray, jitter: float, random: np.random.Generator) -> np.ndarray:
    """Figures (T, ...) with noise in shares of their own deviations over time."""
    if not jitter:
        return figures
    noise = random.standard_normal(figures.shape, dtype=np.float32)
    return figures + np.float32(jitter) * noise * figures.std(0)


def _placed(
    frames: np.ndarray, axes: tuple[int, int], settings: FrameVariation, random: np.random.Generator
) -> np.ndarray:
    """Perhaps mirrored, and moved down and right a little; ``axes`` are those of rows and columns."""
    if settings.flip and random.random() < settings.flip:
        frames = np.flip(frames, axes[1])
    if settings.shift:
        down, right = (round(settings.shift * frames.shape[axis] * random.uniform(-1, 1)) for axis in axes)
        frames = moved(frames, (down, right), axes)
    return frames


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
