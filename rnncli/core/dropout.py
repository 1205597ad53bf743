"""Dropout whose mask costs little on a CPU, where torch draws one number in double precision for each element."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

MASK_LEVELS = 1 << 16
"""A mask is drawn from so many numbers; the share that is dropped is rounded to one of them."""


class Dropout(nn.Module):
    """Sets each element to 0 with probability ``p`` in training, and scales the others by 1 / (1 - p)."""

    def __init__(self, p: float) -> None:
        super().__init__()
        if not 0 <= p <= 1:
            raise ValueError(f"p is {p}, not between 0 and 1")
        self.p = p

    def forward(self, x: Tensor) -> Tensor:
        """The same shape."""
        dropped = round(self.p * MASK_LEVELS)
        if not self.training or not dropped:
            return x
        if x.device.type != "cpu" or dropped == MASK_LEVELS:
            return functional.dropout(x, self.p)
        # Four 16-bit numbers out of each 64 bits of torch's own generator, whose state checkpoints keep.
        bits = torch.empty((x.numel() + 3) // 4, dtype=torch.int64).random_(-(2**63), None)
        kept = bits.view(torch.int16)[: x.numel()].view(x.shape) >= dropped - MASK_LEVELS // 2
        return x * kept.to(x.dtype).mul_(MASK_LEVELS / (MASK_LEVELS - dropped))

    def extra_repr(self) -> str:
        """What ``print`` shows inside the brackets."""
        return f"p={self.p}"
