"""Networks side by side, whose probabilities are averaged, and what each of them needs.

Shape letters: B batch, T steps, E outputs, L layers, H hidden, M members, N symbols.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from rnncli.tasks.write.carried import State


def joined(state: State) -> Any:
    """A state as the core takes it: the tensor alone, or the pair of the lstm."""
    h, *more = state
    return state if more else h


def parted(state: Any) -> State:
    """A state of the core as tensors (L, B, H)."""
    return tuple(state) if isinstance(state, tuple) else (state,)


def locked(y_BTE: Tensor, share: float, training: bool) -> Tensor:
    """Dropout with one mask for all steps (Gal & Ghahramani 2016)."""
    if not training or not share:
        return y_BTE
    kept_B1E = torch.rand(len(y_BTE), 1, y_BTE.shape[-1], device=y_BTE.device) >= share
    return y_BTE * (kept_B1E / (1 - share))


def mean_nats(nats_MN: Tensor) -> Tensor:
    """-ln of the mean probability over members, (N,)."""
    return math.log(len(nats_MN)) - torch.logsumexp(-nats_MN, 0)


def inside(lengths_B: Tensor, steps: int) -> Tensor:
    """Which steps lie within their sequences, (B, T)."""
    return torch.arange(steps)[None] < lengths_B[:, None].cpu()
