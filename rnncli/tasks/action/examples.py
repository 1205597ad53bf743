"""Clips with their classes, in batches.

Shape letters: B batch, T frames, F features of a frame, C channels, H rows, W columns, N clips.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from rnncli.tasks.frames.examples import Clips


@dataclass(frozen=True)
class ActionBatch:
    """Padded frames (B, T, F) or (B, T, C, H, W), lengths_B, and truth_B."""

    frames: Tensor
    lengths_B: Tensor
    truth_B: Tensor


@dataclass(frozen=True, eq=False)
class ActionExamples:
    """Clips of one part with their classes, (N,) int64."""

    clips: Clips
    truth: np.ndarray

    @property
    def lengths(self) -> np.ndarray:
        """Frames of each clip, (N,)."""
        return self.clips.lengths

    def __len__(self) -> int:
        return len(self.clips)

    def batch(self, indices: np.ndarray) -> ActionBatch:
        """Collate the clips at ``indices``."""
        return ActionBatch(*self.clips.pad(indices), torch.from_numpy(self.truth[indices]))

    def place(self, index: int) -> str:
        """Where a clip stands in the user's data."""
        return self.clips.place(index)
