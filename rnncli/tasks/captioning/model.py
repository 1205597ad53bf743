"""The captioner: frames to vectors, recurrent encoder, and a head that writes.

Shape letters: B batch, T frames, P projection, E encoder outputs, S words, V words that can be written.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from rnncli.heads.attention import AttentionDecoder
from rnncli.tasks.captioning.schema import CaptionModel
from rnncli.tasks.common.core import build_core, recurrent
from rnncli.tasks.frames.encoder import FrameEncoder


class Captioner(nn.Module):
    """``words`` counts the words with the head's special ones: three of attention, the blank of ctc."""

    def __init__(self, encoder: FrameEncoder, settings: CaptionModel, words: int) -> None:
        super().__init__()
        self.encoder = encoder
        self.core = build_core(settings.projection, settings)
        size = self.core.output_size
        self.norm = nn.LayerNorm(size)
        if settings.head == "ctc":
            self.head: nn.Module = nn.Sequential(nn.Dropout(settings.dropout), nn.Linear(size, words))
        else:
            one_way = settings.model_copy(update={"bidirectional": False, "layers": 1})
            core = recurrent(settings.embedding, one_way)
            self.head = AttentionDecoder(core, size, words, settings.embedding, settings.dropout)

    def encode(self, frames: Tensor, lengths_B: Tensor) -> Tensor:
        """What the head reads, (B, T, E), zeros in the padding."""
        return self.encoded(self.encoder(frames, lengths_B), lengths_B)

    def encoded(self, x_BTP: Tensor, lengths_B: Tensor) -> Tensor:
        """The same of frames as the encoder hands them on, (B, T, P)."""
        y_BTE = self.norm(self.core(x_BTP, lengths_B, need_state=False)[0])
        inside_BT = torch.arange(y_BTE.shape[1])[None] < lengths_B[:, None]
        return y_BTE * inside_BT.to(y_BTE.device)[..., None]
