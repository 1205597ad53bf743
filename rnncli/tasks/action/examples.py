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


@dataclass(frozen=True, eq=False, kw_only=True)
class ActionExamples(Clips):
    """Clips of one part with their classes, (N,) int64."""

    truth: np.ndarray

    def batch(self, indices: np.ndarray) -> ActionBatch:
        """Collate the clips at ``indices``."""
        return ActionBatch(*self.pad(indices), torch.from_numpy(self.truth[indices]))
