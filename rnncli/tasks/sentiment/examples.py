"""Texts as numbers of units, with what n-grams say of the label at each.

Shape letters: B batch, T units, K labels, F numbers of evidence, N texts.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from rnncli.data.ragged import Ragged
from rnncli.data.text.evidence import pad_evidence
from rnncli.tasks.sentiment.data import TextPart


@dataclass(frozen=True)
class TextBatch:
    """Padded texts: numbers of units ids_BT, lengths_B, and truth_B (classes) or truth_BK (several labels)."""

    ids_BT: Tensor
    lengths_B: Tensor
    truth: Tensor
    evidence_BTF: Tensor | None


@dataclass(frozen=True)
class TextExamples:
    """Encoded texts of one part; ``truth`` is (N,) int64 or (N, K) float32, ``figures`` the evidence of all units."""

    part: TextPart
    ids: Ragged
    truth: np.ndarray
    figures: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.ids)

    @cached_property
    def lengths(self) -> np.ndarray:
        """Units of each text, (N,)."""
        return self.ids.lengths

    def batch(self, indices: np.ndarray) -> TextBatch:
        """Collate the texts at ``indices``."""
        ids_BT, lengths_B = self.ids.pad(indices)
        evidence_BTF = pad_evidence(self.figures, self.ids, indices, ids_BT) if self.figures is not None else None
        return TextBatch(ids_BT, lengths_B, torch.from_numpy(self.truth[indices]), evidence_BTF)

    def place(self, index: int) -> str:
        """File and line of a text."""
        return self.part.table.place(index)
