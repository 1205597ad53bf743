"""A clip as a strip of pictures: frames, bodies of points, or figures as shades; for a page.

Shape letters: T frames, K pictures, F figures a frame, J points, D coordinates, H rows, W columns, C channels.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

import numpy as np

from rnncli.data.video.decoding import PICTURES, VIDEOS, Picking, read_video
from rnncli.data.video.frames import SUFFIXES, FrameFile, read_frames
from rnncli.errors import UserError
from rnncli.report.figures import Media, Sample
from rnncli.tasks.frames.clip import Clip

PICTURES_OF_A_CLIP = 8
MAX_DECODED = 1500
"""Frames of a video that are decoded for its pictures."""
SIDE = 112
"""Pixels of the longer side of a picture."""
THUMB = 56
"""Of that of a thumbnail."""
QUALITY = 80
"""Of JPEG."""


def stretches(frames: int) -> np.ndarray:
    """Where each of at most :data:`PICTURES_OF_A_CLIP` equal stretches begins, and the end, (K + 1,)."""
    return np.linspace(0, frames, min(PICTURES_OF_A_CLIP, frames) + 1).round().astype(np.int64)


def illustrated(sample: Sample, recipe: Any) -> Sample:
    """The sample with a strip of its clip; as it is where the file has gone or cannot be read."""
    with suppress(UserError, OSError, ValueError):
        if (strip := _strip(FrameFile.parse(sample.file), recipe.points.dimensions)) is not None:
            return replace(sample, media=(*sample.media, strip))
    return sample


def thumbnails(clip: Clip, at: Sequence[int], recipe: Any) -> list[Media]:
    """Small pictures of the frames ``at`` of a clip as it is read; none where they are figures or cannot be read."""
    with suppress(UserError, OSError, ValueError):
        pictures = _thumbs(clip, at, recipe)
        return [_media(_coloured(one), f"frame {n + 1}", "jpeg", QUALITY) for n, one in zip(at, pictures, strict=True)]
    return []


def _thumbs(clip: Clip, at: Sequence[int], recipe: Any) -> list[np.ndarray]:
    """The pixels of thumbnails; ValueError where there are none."""
    frames, dimensions = clip.load(), recipe.points.dimensions
    if dimensions:
        points_TJD = frames.reshape(len(frames), -1, dimensions)
        return _dots([points_TJD[n] for n in at], THUMB)
    if frames.ndim > 2:
        return [_small(_bytes(frames[n]), THUMB) for n in at]
    if (path := Path(clip.name)).suffix.lower() not in VIDEOS:
        raise ValueError("figures")
    # Figures were computed of the frames that are picked so.
    data = recipe.data
    found = islice(read_video(path, Picking(data.fps, data.width, data.height, data.crop)), MAX_DECODED)
    pictures = [_small(frame.pixels, THUMB) for frame in found]
    numbers = clip.sampling(np.arange(len(pictures)))
    if len(numbers) != clip.frames:
        raise ValueError("not a picture a frame")
    return [pictures[int(numbers[n])] for n in at]


def _strip(file: FrameFile, dimensions: int) -> Media | None:
    suffix = file.path.suffix.lower()
    if suffix in (*VIDEOS, *PICTURES):
        return _encoded(_middles(_decoded(file.path)))
    if suffix not in SUFFIXES:
        return None
    frames = read_frames(file)
    if dimensions and frames.ndim == 2:
        frames = frames.reshape(len(frames), -1, dimensions)
    if dimensions and frames.ndim == 3:
        return _bodies(frames)
    if frames.ndim == 2:
        return _shades(frames)
    return _encoded([_small(_bytes(frame)) for frame in _middles(frames)])


def _decoded(path: Path) -> list[np.ndarray]:
    """Small frames, (H, W, 3) uint8, of a video from its beginning."""
    return [_small(frame.pixels) for frame in islice(read_video(path, Picking()), MAX_DECODED)]


def _middles(frames: Any) -> list[np.ndarray]:
    """The frame in the middle of each stretch."""
    ends = stretches(len(frames))
    return [frames[int(low + high) // 2] for low, high in pairwise(ends)]


def _small(pixels: np.ndarray, side: int = SIDE) -> np.ndarray:
    """Pixels (H, W, 3) or (H, W), at most ``side`` on the longer side: the means of blocks."""
    block = -(-max(pixels.shape[:2]) // side)
    if block == 1:
        return pixels
    rows, columns = (max(1, size // block) for size in pixels.shape[:2])
    cut = pixels[: rows * block, : columns * block].astype(np.float32)
    blocks = cut.reshape(rows, cut.shape[0] // rows, columns, cut.shape[1] // columns, *cut.shape[2:])
    return blocks.mean((1, 3)).astype(np.uint8)


def _bytes(frame: np.ndarray) -> np.ndarray:
    """Any numbers as grey or coloured pixels."""
    if frame.ndim == 3:
        frame = frame[:, :, :3] if frame.shape[2] in (3, 4) else frame[:, :, 0]
    if frame.dtype == np.uint8:
        return frame
    low, high = float(np.nanmin(frame)), float(np.nanmax(frame))
    return (255 * (np.nan_to_num(frame) - low) / ((high - low) or 1.0)).clip(0, 255).astype(np.uint8)


def _encoded(pictures: list[np.ndarray]) -> Media:
    """Pictures side by side."""
    return _media(
        np.concatenate(list(map(_coloured, pictures)), 1), f"{len(pictures)} frames from first to last", "jpeg", QUALITY
    )


def _bodies(points_TJD: np.ndarray) -> Media:
    """Points of some frames as dots."""
    return _encoded(_dots(_middles(points_TJD), SIDE))


def _dots(bodies: Sequence[np.ndarray], side: int) -> list[np.ndarray]:
    """Points (J, D) of some frames, seen from the front; those that were not seen, of zeros, are left out."""
    frames = [xy_J2[xy_J2.any(1)] for xy_J2 in (np.nan_to_num(one)[:, :2] for one in bodies)]
    seen_N2 = np.concatenate([*frames, np.zeros((0, 2))]) if any(map(len, frames)) else np.zeros((1, 2))
    low, high = seen_N2.min(0), seen_N2.max(0)
    scale = (side - 9) / max(float((high - low).max()), 1e-9)
    pictures = []
    for xy_J2 in frames:
        picture = np.full((side, side), 255, dtype=np.uint8)
        for x, y in ((xy_J2 - low) * scale + 4).round().astype(int):
            # Points of pictures count from the top as pictures do, those in space upwards.
            row = y if bodies[0].shape[1] == 2 else side - 1 - y
            picture[row - 2 : row + 3, x - 2 : x + 3] = 0
        pictures.append(picture)
    return pictures


def _coloured(pixels: np.ndarray) -> np.ndarray:
    """Grey pixels as coloured ones."""
    return np.repeat(pixels[:, :, None], 3, 2) if pixels.ndim == 2 else pixels


def _shades(figures_TF: np.ndarray) -> Media:
    """Figures as shades: time goes to the right, each row is a figure in its own range."""
    figures_FT = np.nan_to_num(figures_TF[:: -(-len(figures_TF) // 800), :: -(-figures_TF.shape[1] // 128)]).T
    low_F1, high_F1 = figures_FT.min(1, keepdims=True), figures_FT.max(1, keepdims=True)
    spread_F1 = np.where(high_F1 > low_F1, high_F1 - low_F1, 1.0)
    shades = (255 * (figures_FT - low_F1) / spread_F1).astype(np.uint8)
    return _media(np.repeat(shades[:, :, None], 3, 2), f"{len(figures_FT)} figures over time", "png", None)


def _media(pixels: np.ndarray, words: str, form: str, quality: int | None) -> Media:
    from matplotlib.image import imsave

    content = io.BytesIO()
    imsave(content, pixels, format=form, pil_kwargs={"quality": quality} if quality else None)
    return Media(f"image/{form}", content.getvalue(), words)
