"""Texts as numbers of units, with what n-grams say of the label at each.

Shape letters: B batch, T units, K labels, F figures of evidence, C scores of evidence, N texts.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from rnncli.data.ragged import Ragged
from rnncli.data.text.evidence import Heard, Told
from rnncli.tasks.sentiment.data import TextPart


@dataclass(frozen=True)
class TextBatch:
    """Padded texts: numbers of units ids_BT, lengths_B, truth_B (classes) or truth_BK (several labels),
    and what n-grams say: figures_BTF of each unit and scores_BC of each text, or None.
    """

    ids_BT: Tensor
    lengths_B: Tensor
    truth: Tensor
    figures_BTF: Tensor | None
    scores_BC: Tensor | None


@dataclass(frozen=True)
class TextExamples:
    """Encoded texts of one part; ``truth`` is (N,) int64 or (N, K) float32, ``told`` is their evidence."""

    part: TextPart
    ids: Ragged
    truth: np.ndarray
    told: Told | None = None

    def __len__(self) -> int:
        return len(self.ids)

    @cached_property
    def lengths(self) -> np.ndarray:
        """Units of each text, (N,)."""
        return self.ids.lengths

    def batch(self, indices: np.ndarray) -> TextBatch:
        """Collate the texts at ``indices``."""
        ids_BT, lengths_B = self.ids.padded(indices)
        heard = self.told.of_batch(self.ids, indices, ids_BT) if self.told else Heard(None, None)
        given = (ids_BT, lengths_B, self.truth[indices], heard.figures_BTF, heard.scores_BC)
        return TextBatch(*(None if one is None else torch.from_numpy(one) for one in given))

    def place(self, index: int) -> str:
        """File and line of a text."""
        return self.part.table.place(index)
