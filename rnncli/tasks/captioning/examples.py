"""Clips with the numbers of their captions, in batches.

Shape letters: B batch, T frames, S units of a caption, N clips.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from rnncli.heads.sentences import PADDING
from rnncli.tasks.captioning.data import Captioned
from rnncli.tasks.frames.examples import Clips


@dataclass(frozen=True)
class CaptionBatch:
    """Padded frames (B, T, ...), lengths_B, word_lengths_B and words_BS."""

    frames: Tensor
    lengths_B: Tensor
    words_BS: Tensor
    word_lengths_B: Tensor


@dataclass(frozen=True, eq=False, kw_only=True)
class CaptionExamples(Clips):
    """Clips of one part with the numbers of a caption each; ``captioned`` has all of them."""

    words: Sequence[np.ndarray]
    captioned: Captioned

    def batch(self, indices: np.ndarray) -> CaptionBatch:
        """Collate the clips at ``indices``."""
        words = [torch.from_numpy(self.words[int(i)]) for i in indices]
        words_BS = nn.utils.rnn.pad_sequence(words, batch_first=True, padding_value=PADDING)
        return CaptionBatch(*self.pad(indices), words_BS, torch.tensor([len(one) for one in words]))
