"""The core, and a linear layer on its last step. Shape letters: B batch, T steps, I inputs, K outputs."""

from __future__ import annotations

from torch import Tensor, nn

from rnncli.heads.pooling import Pooling
from rnncli.heads.rows import by_row
from rnncli.tasks.common.core import build_core
from rnncli.tasks.memory.schema import MemoryModel


class Rememberer(nn.Module):
    """Sequences to outputs at their ends."""

    def __init__(self, inputs: int, outputs: int, settings: MemoryModel) -> None:
        super().__init__()
        self.core = build_core(inputs, settings)
        self.pooling = Pooling(self.core.output_size, "last", directions=2 if settings.bidirectional else 1)
        self.linear = nn.Linear(self.pooling.output_size, outputs)

    def forward(self, x_BTI: Tensor, lengths_B: Tensor) -> Tensor:
        """The outputs, (B, K) float32."""
        y_BTE, _ = self.core(x_BTI, lengths_B, need_state=False)
        return by_row(self.linear, self.pooling(y_BTE, lengths_B)).float()
