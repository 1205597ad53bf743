"""A frame by itself to a vector: figures by a linear layer, pixels by three convolutions over valid frames only.

Shape letters: B batch, T frames, F figures, C channels, H rows, W columns, N valid frames of a batch, P projection.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from rnncli.tasks.frames.schema import FrameModel

FLAT = 1e-3
"""A figure that deviates less is not stretched."""


class FrameEncoder(nn.Module):
    """Frames (B, T, F) or (B, T, C, H, W) to (B, T, P); ``mean`` and ``deviation`` are those of the training part."""

    mean: Tensor
    deviation: Tensor

    def __init__(self, width: int, pixels: bool, settings: FrameModel) -> None:
        super().__init__()
        self.pixels = pixels
        self.register_buffer("mean", torch.zeros(width))
        self.register_buffer("deviation", torch.ones(width))
        size = width
        if pixels:
            channels = settings.channels
            self.convolutions = nn.Sequential(*_block(width, channels), *_block(channels, 2 * channels))
            self.last = nn.Sequential(*_block(2 * channels, 4 * channels))
            size = 4 * channels * POOLED**2
        self.linear = nn.Linear(size, settings.projection)
        self.norm = nn.LayerNorm(settings.projection)
        self.dropout = nn.Dropout(settings.input_dropout)

    def forward(self, frames: Tensor, lengths_B: Tensor) -> Tensor:
        """What is in the padding becomes zeros."""
        inside_BT = (torch.arange(frames.shape[1])[None] < lengths_B[:, None]).to(frames.device)
        found_N = frames[inside_BT]
        if self.pixels:
            scale_C11 = self.deviation.clamp(min=FLAT)[:, None, None]
            found_NCHW = (found_N.to(self.mean.dtype) - self.mean[:, None, None]) / scale_C11
            found_NCHW = self.last(self.convolutions(found_NCHW))
            found_N = nn.functional.adaptive_avg_pool2d(found_NCHW, POOLED).flatten(1)
        else:
            found_N = (found_N - self.mean) / self.deviation.clamp(min=FLAT)
        found_NP = self.dropout(nn.functional.gelu(self.norm(self.linear(found_N))))
        padded_BTP = found_NP.new_zeros(*inside_BT.shape, found_NP.shape[1])
        padded_BTP[inside_BT] = found_NP
        return padded_BTP


POOLED = 3
"""Rows and columns that convolved pixels are averaged to."""


def _block(inputs: int, outputs: int) -> list[nn.Module]:
    """A convolution that halves rows and columns; its norm is over the frame, so that batch mates do not matter."""
    return [nn.Conv2d(inputs, outputs, 3, 2, 1), nn.GroupNorm(max(1, outputs // 8), outputs), nn.GELU()]
