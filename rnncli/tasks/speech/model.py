"""The recognizer: two convolutions that subsample, stacks of recurrent layers over them, the mean of their scores.

Shape letters: B batch, T frames of the input, R frames of the core, F feature bins, C channels, V labels and blank.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from rnncli.recipe.schema import RECURRENT
from rnncli.tasks.common.core import build_core
from rnncli.tasks.speech.schema import SpeechModel

KERNEL = 5
STRIDES = {1: (1, 1), 2: (2, 1), 3: (3, 1), 4: (2, 2), 6: (3, 2)}


def frames_after(frames: int, subsampling: int) -> int:
    """R for T frames: both convolutions round up."""
    for stride in STRIDES[subsampling]:
        frames = -(-frames // stride)
    return frames


class Stack(nn.Module):
    """The core, its recurrent layers with layer normalisation, over frames of the core, and scores of labels."""

    def __init__(self, settings: SpeechModel, labels: int) -> None:
        super().__init__()
        self.causal = not settings.bidirectional
        # A Transformer normalises each of its layers by itself.
        apart = settings.core == RECURRENT
        each = settings.model_copy(update={"layers": 1}) if apart else settings
        cores = [build_core(settings.channels, each)]
        size = cores[0].output_size
        cores += [build_core(size, each) for _ in range(settings.layers - 1)] if apart else []
        self.cores = nn.ModuleList(cores)
        self.norms = nn.ModuleList(nn.LayerNorm(size) for _ in self.cores)
        self.ahead = settings.lookahead if self.causal else 0
        self.lookahead = nn.Conv1d(size, size, self.ahead + 1, groups=size) if self.ahead else nn.Identity()
        self.dropout = nn.Dropout(settings.dropout)
        self.linear = nn.Linear(size, labels)

    def forward(self, x_BRC: Tensor, lengths_B: Tensor, *, window: int = 0) -> Tensor:
        """Scores (B, R, V).

        With ``window`` the recurrent layers begin anew after so many frames, at cuts that torch's generator draws.
        """
        x_BRC = self.dropout(x_BRC)
        nothing = [None] * len(self.cores)
        if window:
            shift = int(torch.randint(window, ()))
            x_MWC, lengths_M = _windows(x_BRC, lengths_B, window, shift)
            y_MWE, _ = self.remembered(x_MWC, lengths_M, nothing)
            y_BRE = y_MWE.reshape(len(x_BRC), -1, y_MWE.shape[2])[:, shift : shift + x_BRC.shape[1]]
        else:
            y_BRE, _ = self.remembered(x_BRC, lengths_B, nothing)
        if self.ahead:
            y_BRE = functional.pad(y_BRE * _inside(y_BRE, lengths_B), (0, 0, 0, self.ahead))
        return self.written(y_BRE)

    def remembered(self, x_BRC: Tensor, lengths_B: Tensor | None, states: Sequence[Any]) -> tuple[Tensor, list[Any]]:
        """Outputs (B, R, E) of the recurrent layers, and the state that each ends with where it is causal."""
        ends: list[Any] = []
        for layer, (core, norm, state) in enumerate(zip(self.cores, self.norms, states, strict=True)):
            y_BRE, end = core(x_BRC, lengths_B, state, need_state=self.causal)
            x_BRC = self.dropout(x_BRC + norm(y_BRE) if layer else norm(y_BRE))
            ends.append(end)
        return x_BRC, ends

    def written(self, y_BRE: Tensor) -> Tensor:
        """Scores (B, R, V); each frame sees ``ahead`` more, so that the last ones are there to be seen only."""
        return self.linear(self.lookahead(y_BRE.transpose(1, 2)).transpose(1, 2) if self.ahead else y_BRE)


class Recognizer(nn.Module):
    """Features to the mean scores of several stacks, a frame of scores for ``subsampling`` frames of features."""

    def __init__(self, width: int, settings: SpeechModel, labels: int) -> None:
        super().__init__()
        self.causal = not settings.bidirectional
        self.channels = settings.channels
        self.strides = STRIDES[settings.subsampling]
        self.convolutions = nn.ModuleList(
            nn.Conv1d(size, settings.channels, KERNEL, stride)
            for size, stride in zip((width, settings.channels), self.strides, strict=True)
        )
        self.convolution_norms = nn.ModuleList(nn.LayerNorm(settings.channels) for _ in self.strides)
        self.stacks = nn.ModuleList(Stack(settings, labels) for _ in range(settings.members))

    @property
    def members(self) -> list[Stack]:
        """Those whose scores are averaged."""
        return [stack for stack in self.stacks if isinstance(stack, Stack)]

    def forward(self, x_BTF: Tensor, lengths_B: Tensor) -> tuple[Tensor, Tensor]:
        """Scores (B, R, V) and how many frames of them each recording has, (B,)."""
        scores, lengths_B = self.apart(x_BTF, lengths_B)
        return together(scores), lengths_B

    def apart(self, x_BTF: Tensor, lengths_B: Tensor, *, window: int = 0) -> tuple[list[Tensor], Tensor]:
        """The scores of each member, and how many frames of them each recording has; ``window`` as in a stack."""
        x_BRC = x_BTF
        for k, stride in enumerate(self.strides):
            x_BRC = self.heard(k, functional.pad(x_BRC, (0, 0, KERNEL // 2, KERNEL // 2)))
            lengths_B = torch.div(lengths_B + stride - 1, stride, rounding_mode="floor")
            # Padding must stay zero, or the next convolution would see batch mates' lengths.
            x_BRC = x_BRC * _inside(x_BRC, lengths_B)
        return [member(x_BRC, lengths_B, window=window) for member in self.members], lengths_B

    def heard(self, k: int, x_BTX: Tensor) -> Tensor:
        """What convolution ``k`` makes of whole windows, (B, R, C)."""
        return functional.relu(self.convolution_norms[k](self.convolutions[k](x_BTX.transpose(1, 2)).transpose(1, 2)))


def together(scores: Sequence[Tensor]) -> Tensor:
    """The mean of several members' scores, which is that of their log probabilities but for a constant a frame."""
    return scores[0] if len(scores) == 1 else torch.stack(list(scores)).mean(0)


def _inside(x_BRC: Tensor, lengths_B: Tensor) -> Tensor:
    """1 within each length and 0 behind it, (B, R, 1)."""
    inside_BR = torch.arange(x_BRC.shape[1])[None] < lengths_B[:, None]
    return inside_BR.to(x_BRC.device, x_BRC.dtype)[..., None]


def _windows(x_BRC: Tensor, lengths_B: Tensor, size: int, shift: int) -> tuple[Tensor, Tensor]:
    """Windows (M, W, C) of ``size`` frames, all of a recording behind each other, and how far each is filled (M,).

    The first window of each recording begins with ``shift`` frames of zeros.
    """
    batch, frames, width = x_BRC.shape
    count = -(-(frames + shift) // size)
    padded = functional.pad(x_BRC, (0, 0, shift, count * size - frames - shift))
    filled_BN = (lengths_B[:, None] + shift - torch.arange(count) * size).clamp(0, size)
    return padded.reshape(batch * count, size, width), filled_BN.reshape(-1)
