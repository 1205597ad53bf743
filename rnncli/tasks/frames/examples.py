"""Clips as tensors: shown in evaluation, varied in training.

Shape letters: B batch, T frames, F figures a frame, C channels, H rows, W columns.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor

from rnncli.tasks.frames.clips import FramePart
from rnncli.tasks.frames.views import View


@dataclass(frozen=True, eq=False)
class Clips:
    """The clips of one part as a view shows them; ``varied`` in training. Tasks add what is true of each."""

    part: FramePart
    view: View
    prepared: Sequence[Any]
    lengths: np.ndarray
    varied: bool = False

    @classmethod
    def of(cls, part: FramePart, view: View, varied: bool = False, **more: Any) -> Self:
        """Prepare all clips of a part; ``more`` is what a task adds."""
        lengths = np.array([clip.frames for clip in part.clips], dtype=np.int64)
        return cls(part, view, [view.prepare(clip) for clip in part.clips], lengths, varied, **more)

    def __len__(self) -> int:
        return len(self.part)

    def pad(self, indices: np.ndarray) -> tuple[Tensor, Tensor]:
        """Padded frames (B, T, F) float32 or (B, T, C, H, W) uint8, and lengths (B,); draws from torch's generator."""
        if not self.varied:
            return pad([self.view.show(self.prepared[int(i)]) for i in indices])
        random = np.random.default_rng(int(torch.randint(2**62, ())))
        return pad([self.view.vary(self.prepared[int(i)], random) for i in indices])

    def place(self, index: int) -> str:
        """Where a clip stands in the user's data."""
        return self.part.place(index)


def pad(clips: Sequence[np.ndarray]) -> tuple[Tensor, Tensor]:
    """Clips (T, ...) padded with zeros at their ends, and their lengths (B,), which stay on the CPU."""
    frames = torch.nn.utils.rnn.pad_sequence([torch.from_numpy(one) for one in clips], batch_first=True)
    return frames, torch.tensor([len(one) for one in clips])


def moments(clips: Iterable[np.ndarray], pixels: bool) -> tuple[Tensor, Tensor]:
    """Mean and deviation of each figure over all frames, (F,), or of each channel over all pixels, (C,)."""
    sums, squares, count = np.zeros(1), np.zeros(1), 0
    for frames in clips:
        exact = frames.astype(np.float64)
        axes = (0, 2, 3) if pixels else (0,)
        sums, squares = sums + exact.sum(axes), squares + (exact**2).sum(axes)
        count += exact.size // exact.shape[1]
    mean = sums / count
    deviation = np.sqrt(np.maximum(squares / count - mean**2, 0))
    return torch.from_numpy(mean).float(), torch.from_numpy(deviation).float()
