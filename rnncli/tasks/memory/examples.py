"""Sequences as the model reads them. Shape letters: B batch, T steps, I inputs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from rnncli.tasks.memory.data import MemoryPart


@dataclass(frozen=True)
class MemoryBatch:
    """Padded sequences x_BTI, lengths_B (which stay on the CPU by their name), truth_B as float32."""

    x_BTI: Tensor
    lengths_B: Tensor
    truth_B: Tensor


@dataclass(frozen=True)
class MemoryExamples:
    """The sequences of a part, (T, I) each, ``truth`` and ``lengths`` (N,)."""

    part: MemoryPart
    sequences: Sequence[np.ndarray]
    truth: np.ndarray
    lengths: np.ndarray

    def __len__(self) -> int:
        return len(self.sequences)

    def batch(self, indices: np.ndarray) -> MemoryBatch:
        """Collate the sequences at ``indices``."""
        x_BTI, lengths_B = padded([self.sequences[i] for i in indices])
        return MemoryBatch(x_BTI, lengths_B, torch.from_numpy(self.truth[indices]))

    def place(self, index: int) -> str:
        """File and line of a sequence."""
        return self.part.place(index)


def padded(sequences: Sequence[np.ndarray]) -> tuple[Tensor, Tensor]:
    """Sequences (T, I) as one tensor, zeros at their ends, and their lengths."""
    lengths_B = torch.tensor([len(one) for one in sequences])
    return torch.nn.utils.rnn.pad_sequence([torch.from_numpy(one) for one in sequences], True), lengths_B
