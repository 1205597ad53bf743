"""The recogniser: two convolutions that subsample, recurrent layers with layer normalisation, scores of labels.

Shape letters: B batch, T frames of the input, R frames of the core, F feature bins, C channels, V labels and blank.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from rnncli.tasks import shared
from rnncli.tasks.speech.schema import SpeechModel

KERNEL = 5
STRIDES = {1: (1, 1), 2: (2, 1), 3: (3, 1), 4: (2, 2), 6: (3, 2)}


def frames_after(frames: int, subsampling: int) -> int:
    """R for T frames: both convolutions round up."""
    for stride in STRIDES[subsampling]:
        frames = -(-frames // stride)
    return frames


class Recogniser(nn.Module):
    """Features to scores of labels, a frame of scores for ``subsampling`` frames of features."""

    def __init__(self, width: int, settings: SpeechModel, labels: int) -> None:
        super().__init__()
        self.strides = STRIDES[settings.subsampling]
        self.convolutions = nn.ModuleList(
            nn.Conv1d(size, settings.channels, KERNEL, stride, KERNEL // 2)
            for size, stride in zip((width, settings.channels), self.strides, strict=True)
        )
        self.convolution_norms = nn.ModuleList(nn.LayerNorm(settings.channels) for _ in self.strides)
        one = settings.model_copy(update={"layers": 1})
        size = settings.hidden * (2 if settings.bidirectional else 1)
        self.cores = nn.ModuleList(
            shared.recurrent(size if layer else settings.channels, one) for layer in range(settings.layers)
        )
        self.norms = nn.ModuleList(nn.LayerNorm(size) for _ in self.cores)
        self.dropout = nn.Dropout(settings.dropout)
        self.linear = nn.Linear(size, labels)

    def forward(self, x_BTF: Tensor, lengths_B: Tensor) -> tuple[Tensor, Tensor]:
        """Scores (B, R, V) and how many frames of them each recording has, (B,)."""
        x_BRC, lengths_B = x_BTF, lengths_B
        for convolution, norm, stride in zip(self.convolutions, self.convolution_norms, self.strides, strict=True):
            x_BRC = functional.relu(norm(convolution(x_BRC.transpose(1, 2)).transpose(1, 2)))
            lengths_B = torch.div(lengths_B + stride - 1, stride, rounding_mode="floor")
            # Padding must stay zero, or the next convolution would see batch mates' lengths.
            inside_BR = torch.arange(x_BRC.shape[1])[None] < lengths_B[:, None]
            x_BRC = x_BRC * inside_BR.to(x_BRC.device)[..., None]
        x_BRC = self.dropout(x_BRC)
        for layer, (core, norm) in enumerate(zip(self.cores, self.norms, strict=True)):
            y_BRE = norm(core(x_BRC, lengths_B, need_state=False)[0])
            x_BRC = self.dropout(x_BRC + y_BRE if layer else y_BRE)
        return self.linear(x_BRC), lengths_B

    def kernel(self) -> str:
        """Which recurrent path it takes and why."""
        core = self.cores[0]
        return core.kernel(self.linear.weight.device)  # pyright: ignore[reportCallIssue]
