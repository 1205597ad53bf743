"""Frames of pixels to figures, without anything learnt.

Shape letters: T frames, H rows, W columns, G cells of a grid along each side, O directions, P patches, F figures.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from itertools import islice
from typing import Any, Protocol

import numpy as np

from rnncli.data.video.decoding import Picking, read_video
from rnncli.data.video.frames import ClipError
from rnncli.errors import UsageError

NAMES = ("pixels", "motion", "hog", "patches")
CHUNK = 64
"""Frames that are in memory at once."""
GRID, DIRECTIONS = 4, 8
HOG_GRID, HOG_DIRECTIONS = 7, 9
PATCHES = 7
VERSION = 1
"""Counted up when the same settings give other figures, so that nothing kept is taken for them."""


class Encoder(Protocol):
    """Frames to figures."""

    colour: bool

    def __call__(self, frames: Iterator[np.ndarray]) -> Iterator[np.ndarray]:
        """Arrays of frames (t, H, W, 3) or (t, H, W) to arrays (t, ...)."""
        ...


@dataclass(frozen=True)
class Recording:
    """What is computed of a video: which frames (a second, 0 all), how large, which part, and by which encoder."""

    encoder: str = "pixels"
    fps: float = 10.0
    width: int = 112
    height: int = 112
    crop: tuple[int, int, int, int] | None = None
    weights: str = ""

    def key(self) -> str:
        """A text that is another for other figures."""
        return json.dumps(asdict(self) | {"version": VERSION}, sort_keys=True)


def encode(source: Any, recording: Recording, encoder: Encoder, name: str) -> np.ndarray:
    """The figures (T, ...) of a video or picture; raises ClipError.

    Patches of a picture, which is one frame, are its P patches one after the other, (P, F).
    """
    picking = Picking(recording.fps, recording.width, recording.height, recording.crop, encoder.colour)
    frames = read_video(source, picking, name)
    found = np.concatenate(list(encoder(_chunked(frame.pixels for frame in frames))))
    if recording.encoder == "patches" and len(found) == 1:
        return found.reshape(PATCHES**2, -1)
    return found


def make(recording: Recording) -> Encoder:
    """The encoder of that name; raises UsageError."""
    if recording.encoder.startswith("torchvision:"):
        from rnncli.data.video.pretrained import Pretrained

        return Pretrained.make(recording.encoder.partition(":")[2], recording.weights)
    known: dict[str, Callable[[], Encoder]] = {
        "pixels": Pixels,
        "motion": Motion,
        "hog": OrientedGradients,
        "patches": Patches,
    }
    if recording.encoder not in known:
        raise UsageError(
            f"--encoder {recording.encoder}: there is no such encoder",
            f"there are {', '.join(NAMES)}, torchvision:MODEL",
        )
    return known[recording.encoder]()


class Pixels:
    """The pixels themselves, grey, (T, H, W) uint8."""

    colour = False

    def __call__(self, frames: Iterator[np.ndarray]) -> Iterator[np.ndarray]:
        """As they are."""
        return frames


class Motion:
    """What changes from frame to frame in each cell of a grid, (T, G * G * (1 + O)) float32; zeros in the first frame.

    The mean absolute difference, and a histogram over directions of the flow along the gradient (normal flow: what
    brightness alone tells of movement, Horn & Schunck 1981), weighed by its speed in pixels a frame, at most 1.
    """

    colour = False

    def __call__(self, frames: Iterator[np.ndarray]) -> Iterator[np.ndarray]:
        """Each frame beside the one before it, across chunks as well."""
        before: np.ndarray | None = None
        for chunk in frames:
            grey_THW = chunk.astype(np.float32) / 255
            earlier_THW = np.concatenate([grey_THW[:1] if before is None else before[None], grey_THW[:-1]])
            before = grey_THW[-1]
            yield self._compare(earlier_THW, grey_THW)

    def _compare(self, earlier_THW: np.ndarray, later_THW: np.ndarray) -> np.ndarray:
        change_THW = later_THW - earlier_THW
        down_THW, right_THW = _gradients((later_THW + earlier_THW) / 2)
        steep_THW = down_THW**2 + right_THW**2
        # The flow along the gradient is -I_t / |grad| in its direction; flat places tell nothing.
        speed_THW = np.minimum(np.abs(change_THW) * np.sqrt(steep_THW) / (steep_THW + 1e-3), 1)
        angle_THW = np.arctan2(-down_THW * np.sign(change_THW), -right_THW * np.sign(change_THW))
        flow_TGGO = _histograms(angle_THW, speed_THW, GRID, DIRECTIONS, 2 * np.pi)
        still_TGG1 = cell_means(np.abs(change_THW), GRID)[..., None]
        return np.concatenate([still_TGG1, flow_TGGO], -1).reshape(len(later_THW), -1).astype(np.float32)


class OrientedGradients:
    """Histograms of oriented gradients (Dalal & Triggs 2005): 7 x 7 cells, 9 directions without sign.

    Each block of 2 x 2 cells is brought to length 1, cut at 0.2 and brought to length 1 again: (T, 36 * 36) float32.
    """

    colour = False

    def __call__(self, frames: Iterator[np.ndarray]) -> Iterator[np.ndarray]:
        """Each frame by itself."""
        return map(self._describe, frames)

    def _describe(self, frames_THW: np.ndarray) -> np.ndarray:
        down_THW, right_THW = _gradients(frames_THW.astype(np.float32) / 255)
        angle_THW = np.arctan2(down_THW, right_THW)
        cells_TGGO = _histograms(angle_THW, np.hypot(down_THW, right_THW), HOG_GRID, HOG_DIRECTIONS, np.pi)
        corners = [cells_TGGO[:, i : i + HOG_GRID - 1, j : j + HOG_GRID - 1] for i in (0, 1) for j in (0, 1)]
        blocks = np.concatenate(corners, -1)
        blocks = np.minimum(_unit(blocks), 0.2)
        return _unit(blocks).reshape(len(frames_THW), -1).astype(np.float32)


class Patches:
    """Colour and texture of a grid of 7 x 7 patches, row by row: (T, 49 * 16) float32.

    Of each patch: mean and deviation of brightness, of red against green and of blue against yellow; how steep it is
    in eight directions; and its place, right and down from 0 to 1.
    """

    colour = True

    def __call__(self, frames: Iterator[np.ndarray]) -> Iterator[np.ndarray]:
        """Each frame by itself."""
        return map(self._describe, frames)

    def _describe(self, frames_THWC: np.ndarray) -> np.ndarray:
        red, green, blue = np.moveaxis(frames_THWC.astype(np.float32) / 255, -1, 0)
        grey_THW = 0.299 * red + 0.587 * green + 0.114 * blue
        pieces = []
        for plane_THW in (grey_THW, red - green, blue - (red + green) / 2):
            mean_TGG = cell_means(plane_THW, PATCHES)
            pieces += [mean_TGG, np.sqrt(np.maximum(cell_means(plane_THW**2, PATCHES) - mean_TGG**2, 0))]
        down_THW, right_THW = _gradients(grey_THW)
        steep_TGGO = _histograms(np.arctan2(down_THW, right_THW), np.hypot(down_THW, right_THW), PATCHES, 8, 2 * np.pi)
        place_G = (np.arange(PATCHES) + 0.5) / PATCHES
        down_GG, right_GG = np.meshgrid(place_G, place_G, indexing="ij")
        place_TGG2 = np.broadcast_to(np.stack([right_GG, down_GG], -1), (len(grey_THW), PATCHES, PATCHES, 2))
        found = np.concatenate([np.stack(pieces, -1), steep_TGGO, place_TGG2], -1)
        return found.reshape(len(grey_THW), -1).astype(np.float32)


def cell_means(planes_THW: np.ndarray, grid: int) -> np.ndarray:
    """The mean of each cell of a grid, (T, G, G); raises ClipError where pixels do not suffice for the cells."""
    for axis in (1, 2):
        size = planes_THW.shape[axis]
        if size < grid:
            raise ClipError("frame too small", f"{size} pixels do not divide into {grid} cells", "a larger --size")
        cuts = np.linspace(0, size, grid, endpoint=False).round().astype(np.int64)
        widths = np.diff([*cuts, size]).astype(np.float32)
        shape = [1, 1, 1]
        shape[axis] = grid
        planes_THW = np.add.reduceat(planes_THW, cuts, axis) / widths.reshape(shape)
    return planes_THW


def _gradients(planes_THW: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Central differences down and right; 0 along the edges."""
    down_THW, right_THW = np.zeros_like(planes_THW), np.zeros_like(planes_THW)
    down_THW[:, 1:-1] = (planes_THW[:, 2:] - planes_THW[:, :-2]) / 2
    right_THW[:, :, 1:-1] = (planes_THW[:, :, 2:] - planes_THW[:, :, :-2]) / 2
    return down_THW, right_THW


def _histograms(angle_THW: np.ndarray, weight_THW: np.ndarray, grid: int, directions: int, turn: float) -> np.ndarray:
    """Mean weight of each direction in each cell, (T, G, G, O); ``turn`` is what angles repeat after."""
    direction_THW = (np.mod(angle_THW, turn) / turn * directions).astype(np.int8) % directions
    return np.stack([cell_means(weight_THW * (direction_THW == d), grid) for d in range(directions)], -1)


def _unit(blocks: np.ndarray) -> np.ndarray:
    return blocks / np.sqrt((blocks**2).sum(-1, keepdims=True) + 1e-4)


def _chunked(frames: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
    remaining = iter(frames)
    while chunk := list(islice(remaining, CHUNK)):
        yield np.stack(chunk)
