"""The recognizer of actions: frames to vectors, recurrent core, pooling, linear layer."""

from __future__ import annotations

from torch import Tensor, nn

from rnncli.core.contract import Core
from rnncli.heads.pooling import Pooling
from rnncli.heads.rows import by_row
from rnncli.tasks.frames.encoder import FrameEncoder


class ActionClassifier(nn.Module):
    """Clips to one score a class."""

    def __init__(self, encoder: FrameEncoder, core: Core, pooling: Pooling, classes: int, *, dropout: float) -> None:
        super().__init__()
        self.encoder, self.core, self.pooling = encoder, core, pooling
        self.dropout = nn.Dropout(dropout)
        self.linear = nn.Linear(pooling.output_size, classes)
        nn.init.zeros_(self.linear.bias)

    def forward(self, frames: Tensor, lengths_B: Tensor) -> Tensor:
        """Scores before the softmax, (B, K), of frames (B, T, F) or (B, T, C, H, W)."""
        y_BTE, _ = self.core(self.encoder(frames, lengths_B), lengths_B, need_state=False)
        return by_row(self.linear, self.dropout(self.pooling(y_BTE, lengths_B)))
