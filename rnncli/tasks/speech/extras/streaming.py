"""A causal recognizer over pieces of a recording, with what it has to remember in between.

Pieces of any size give the scores that one pass over the whole recording gives. What is remembered does not grow: the
last frames that the next windows of the convolutions cover, and the states of the recurrent layers.

Shape letters: N samples, T frames of features, R frames of the core, F feature bins, C channels, V labels and blank.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from rnncli.data.audio.frontend import FrameStream, Frontend
from rnncli.tasks.speech.model import KERNEL, Recognizer, Stack, together


class Stream:
    """Samples at the rate of ``frontend`` in, log probabilities (R, V) of the frames that they complete out."""

    def __init__(
        self,
        model: Recognizer,
        frontend: Frontend,
        scale: Callable[[np.ndarray], np.ndarray],
        device: torch.device | str = "cpu",
    ) -> None:
        self.frames, self.scores, self.scale = FrameStream(frontend), ScoreStream(model), scale
        self.device = device

    def __call__(self, samples_N: np.ndarray, *, last: bool = False) -> np.ndarray:
        """The frames that are now certain; with ``last`` all that remain, and nothing may follow."""
        x_TF = torch.from_numpy(self.scale(self.frames(samples_N)))
        logits_RV = self.scores(x_TF.to(self.device), last=last)
        return logits_RV.double().log_softmax(-1).cpu().numpy()


class ScoreStream:
    """Features in, scores of labels out: see :class:`Stream`."""

    def __init__(self, model: Recognizer) -> None:
        if not model.causal:
            raise ValueError("a bidirectional recognizer hears the end before it writes the beginning")
        self.model = model
        around = (KERNEL // 2, KERNEL // 2)
        self.convolved = [_Windows(KERNEL, stride, around) for stride in model.strides]
        self.members = [_StackStream(stack) for stack in model.members]

    @torch.no_grad()
    def __call__(self, x_TF: Tensor, *, last: bool = False) -> Tensor:
        """Scores (R, V) of the frames that are now certain."""
        model, x_1RC = self.model, x_TF[None]
        for k, windows in enumerate(self.convolved):
            x_1RC = windows(x_1RC, last=last)
            x_1RC = model.heard(k, x_1RC) if x_1RC.shape[1] else _nothing(x_1RC, model.channels)
        return together([member(x_1RC, last=last) for member in self.members])[0]


class _StackStream:
    """Frames of the core in, one member's scores of labels out."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.ahead = _Windows(stack.ahead + 1, 1, (0, stack.ahead))
        self.states: list[Any] = [None] * len(stack.cores)

    def __call__(self, x_1RC: Tensor, *, last: bool) -> Tensor:
        """Scores (1, R, V) of the frames that are now certain."""
        stack = self.stack
        if x_1RC.shape[1]:
            y_1RE, self.states = stack.remembered(x_1RC, None, self.states)
        else:
            y_1RE = _nothing(x_1RC, stack.linear.in_features)
        y_1RE = self.ahead(y_1RE, last=last)
        return stack.written(y_1RE) if y_1RE.shape[1] else _nothing(y_1RE, stack.linear.out_features)


def _nothing(like_1RX: Tensor, width: int) -> Tensor:
    return like_1RX.new_zeros(1, 0, width)


class _Windows:
    """Frames that the next whole windows of a convolution cover; zeros lie before the first and behind the last."""

    def __init__(self, size: int, stride: int, padding: tuple[int, int]) -> None:
        self.size, self.stride = size, stride
        self.before, self.behind = padding
        self.kept: Tensor | None = None

    def __call__(self, x_1RX: Tensor, *, last: bool) -> Tensor:
        """What was kept and ``x_1RX``, as far as whole windows reach; empty where there is none."""
        if self.kept is None:
            self.kept = x_1RX.new_zeros(1, self.before, x_1RX.shape[2])
        behind = x_1RX.new_zeros(1, self.behind if last else 0, x_1RX.shape[2])
        there_1RX = torch.cat([self.kept, x_1RX, behind], 1)
        windows = max(0, 1 + (there_1RX.shape[1] - self.size) // self.stride)
        self.kept = there_1RX[:, windows * self.stride :]
        return there_1RX[:, : (windows - 1) * self.stride + self.size] if windows else there_1RX[:, :0]
