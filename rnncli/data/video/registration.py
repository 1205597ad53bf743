"""Where in its frames a clip shows what all show: clips are moved so that their mean pictures lie on each other.

A camera that stands still and a head that does not make the same mouth appear at other pixels in each clip. Shape
letters: N clips, T frames, H rows, W columns, X places, P pixels of the part that is compared.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

ROUNDS = 4
"""Of moving clips onto their common mean and taking the mean again."""
Offset = tuple[int, int]
"""Rows down and columns right that what is shown lies off."""


def mean_picture(frames: np.ndarray) -> np.ndarray:
    """The mean (H, W) of frames (T, H, W) or (T, H, W, C)."""
    return frames.mean((0, 3) if frames.ndim == 4 else 0, dtype=np.float32)


def common_picture(means_NHW: Sequence[np.ndarray], reach: int) -> np.ndarray:
    """The picture (H, W) that clips with these mean pictures share when each is moved by at most ``reach`` pixels."""
    common_HW = np.mean(means_NHW, 0)
    for _ in range(ROUNDS):
        common_HW = np.mean([moved(mean_HW, offset(mean_HW, common_HW, reach)) for mean_HW in means_NHW], 0)
    return common_HW


def offset(mean_HW: np.ndarray, common_HW: np.ndarray, reach: int) -> Offset:
    """How far a clip lies off the common picture: the least squared difference, whatever the brightness."""
    height, width = common_HW.shape
    inner_HW = common_HW[reach : height - reach, reach : width - reach]
    windows = np.lib.stride_tricks.sliding_window_view(mean_HW, inner_HW.shape).reshape(-1, inner_HW.size)
    off_XP = (windows - windows.mean(1, keepdims=True)) - (inner_HW - inner_HW.mean()).ravel()
    down, right = divmod(int((off_XP**2).sum(1).argmin()), 2 * reach + 1)
    return down - reach, right - reach


def moved(pictures: np.ndarray, by: Offset, axes: tuple[int, int] = (-2, -1)) -> np.ndarray:
    """Pictures with what lay off by ``by`` along ``axes`` brought to its place, edges repeated."""
    for axis, distance in zip(axes, by, strict=True):
        size = pictures.shape[axis]
        pictures = pictures.take(np.clip(np.arange(size) + distance, 0, size - 1), axis)
    return pictures
