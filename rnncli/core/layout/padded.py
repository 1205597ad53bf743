"""Where each sequence of a padded, time-major batch ends, and what follows from it.

Shape letters: B batch, T time, H hidden, X any width.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

import torch
from torch import Tensor


class Spans:
    """The valid steps of a batch: example b owns the steps 0 .. length_b - 1 of T.

    ``lengths_B`` None says that all examples fill all steps, and then nothing is masked. Lengths on the CPU are
    checked against T (ValueError); those on an accelerator are trusted, since a check would wait for it.
    """

    def __init__(self, lengths_B: Tensor | None, batch: int, steps: int, device: torch.device) -> None:
        self.steps = steps
        self.lengths_B = _ragged(lengths_B, batch, steps, device)
        if self.lengths_B is not None:
            time_T1 = torch.arange(steps, device=device)[:, None]
            self.padding_TB1 = (time_T1 >= self.lengths_B).unsqueeze(-1)

    def cleared(self, x_TBX: Tensor) -> Tensor:
        """``x_TBX`` with zeros in the padding, whatever was there (NaN too), and no gradient from there."""
        return x_TBX if self.lengths_B is None else x_TBX.masked_fill(self.padding_TB1, 0)

    def reversed(self, x_TBX: Tensor) -> Tensor:
        """Each sequence reversed within its own length, its padding left in place; its own inverse."""
        if self.lengths_B is None:
            return x_TBX.flip(0)
        return _Reorder.apply(x_TBX, self._reversed_rows)

    def last(self, y_TBH: Tensor, begin_BH: Tensor) -> Tensor:
        """The row of each example's last step, or ``begin_BH`` where it has none."""
        if self.lengths_B is None:
            return y_TBH[-1]
        examples_B = torch.arange(len(begin_BH), device=y_TBH.device)
        end_BH = y_TBH[(self.lengths_B - 1).clamp(min=0), examples_B]
        return torch.where(self.lengths_B[:, None] > 0, end_BH, begin_BH)

    @cached_property
    def _reversed_rows(self) -> Tensor:
        assert self.lengths_B is not None
        batch = len(self.lengths_B)
        time_T1 = torch.arange(self.steps, device=self.lengths_B.device)[:, None]
        source_TB = torch.where(time_T1 < self.lengths_B, self.lengths_B - 1 - time_T1, time_T1)
        return (source_TB * batch + torch.arange(batch, device=source_TB.device)).reshape(-1)


def _ragged(lengths_B: Tensor | None, batch: int, steps: int, device: torch.device) -> Tensor | None:
    """The lengths on ``device``, or None if they are known to be all equal to ``steps``."""
    if lengths_B is None:
        return None
    if lengths_B.shape != (batch,):
        raise ValueError(f"lengths of shape {tuple(lengths_B.shape)} for a batch of {batch}")
    if lengths_B.device.type == "cpu":
        if bool(((lengths_B < 0) | (lengths_B > steps)).any()):
            raise ValueError(f"lengths {lengths_B.tolist()} do not all lie between 0 and {steps}")
        if bool((lengths_B == steps).all()):
            return None
    return lengths_B.to(device)


class _Reorder(torch.autograd.Function):
    """Rows of a (T, B, X) tensor in an order that is its own inverse, so its gradient is the same reordering.

    ``index_select`` alone would add gradients up row by row, slowly, and on a GPU in no fixed order.
    """

    @staticmethod
    def forward(ctx: Any, x_TBX: Tensor, rows: Tensor) -> Tensor:  # pyright: ignore[reportIncompatibleMethodOverride]
        ctx.save_for_backward(rows)
        return x_TBX.reshape(-1, x_TBX.shape[-1]).index_select(0, rows).view(x_TBX.shape)

    @staticmethod
    def backward(ctx: Any, grad_TBX: Tensor) -> tuple[Tensor, None]:  # pyright: ignore[reportIncompatibleMethodOverride]
        return _Reorder.apply(grad_TBX, ctx.saved_tensors[0]), None
