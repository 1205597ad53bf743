"""From the outputs of all steps to one vector an example.

Shape letters: B batch, T time, H hidden of one direction, E = D*H.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

ATTENTION = "attention"
KINDS = ("last", "mean", "max", ATTENTION)


class Pooling(nn.Module):
    """Pool over the valid steps, in one way or several joined by ``+`` ("mean+max"), whose results lie side by side.

    ``last`` is each direction's own last step: of the reverse direction, the second half of the E outputs, that is
    step 0. ``attention`` weighs the steps by ``softmax_t v . tanh(W y_t + b)`` (Yang et al., 2016). An example without
    steps pools to zeros; what lies in the padding has no influence.
    """

    def __init__(self, size: int, kind: str = "last", *, directions: int = 1) -> None:
        super().__init__()
        self.kinds = tuple(part.strip() for part in kind.split("+"))
        for part in self.kinds:
            if part not in KINDS:
                raise ValueError(f"pooling {part!r} is not one of {', '.join(KINDS)}")
        if len(set(self.kinds)) < len(self.kinds):
            raise ValueError(f"pooling {kind!r} names one of its parts twice")
        if directions not in (1, 2) or size % directions:
            raise ValueError(f"{size} outputs do not divide into {directions} directions")
        self.size, self.directions = size, directions
        if ATTENTION in self.kinds:
            self.project = nn.Linear(size, size)
            self.score = nn.Linear(size, 1, bias=False)

    @property
    def output_size(self) -> int:
        """The width of the result: E for each kind of pooling."""
        return self.size * len(self.kinds)

    def forward(self, y_BTE: Tensor, lengths_B: Tensor) -> Tensor:
        """Pool the steps 0 .. length - 1 of each example: (B, output_size)."""
        lengths_B = lengths_B.to(y_BTE.device)
        padding_BT = _padding(y_BTE, lengths_B)
        y_BTE = y_BTE.masked_fill(padding_BT.unsqueeze(-1), 0)
        return torch.cat([self._pool(kind, y_BTE, lengths_B, padding_BT) for kind in self.kinds], -1)

    def weights(self, y_BTE: Tensor, lengths_B: Tensor) -> Tensor:
        """The attention paid to each step, (B, T): sums to 1 over valid steps, 0 elsewhere.

        Raises ValueError if this pooling has no attention.
        """
        if ATTENTION not in self.kinds:
            raise ValueError(f"pooling {'+'.join(self.kinds)} pays no attention")
        padding_BT = _padding(y_BTE, lengths_B.to(y_BTE.device))
        return self._attention(y_BTE.masked_fill(padding_BT.unsqueeze(-1), 0), padding_BT)

    def extra_repr(self) -> str:
        """What ``print`` shows inside the brackets."""
        return f"{'+'.join(self.kinds)}, {self.size} -> {self.output_size}"

    def _pool(self, kind: str, y_BTE: Tensor, lengths_B: Tensor, padding_BT: Tensor) -> Tensor:
        if y_BTE.shape[1] == 0:
            return y_BTE.new_zeros(len(y_BTE), self.size)
        if kind == "mean":
            # How a sum is ordered depends on the padding; double precision hides it where nothing is learnt.
            exact = torch.float64 if y_BTE.device.type == "cpu" and not torch.is_grad_enabled() else None
            return (y_BTE.sum(1, dtype=exact) / lengths_B.clamp(min=1)[:, None]).to(y_BTE.dtype)
        if kind == "max":
            highest_BE = y_BTE.masked_fill(padding_BT.unsqueeze(-1), -torch.inf).amax(1)
            return highest_BE.masked_fill((lengths_B == 0)[:, None], 0)
        if kind == ATTENTION:
            weights_BT = self._attention(y_BTE, padding_BT)
            return torch.matmul(weights_BT.to(y_BTE.dtype).unsqueeze(1), y_BTE).squeeze(1)
        return self._last(y_BTE, lengths_B)

    def _last(self, y_BTE: Tensor, lengths_B: Tensor) -> Tensor:
        # Where there are no steps, step 0 is padding and thus zeros already.
        examples_B = torch.arange(len(y_BTE), device=y_BTE.device)
        last_BE = y_BTE[examples_B, (lengths_B - 1).clamp(min=0)]
        if self.directions == 1:
            return last_BE
        hidden = self.size // 2
        return torch.cat([last_BE[:, :hidden], y_BTE[:, 0, hidden:]], -1)

    def _attention(self, y_BTE: Tensor, padding_BT: Tensor) -> Tensor:
        scores_BT = self.score(torch.tanh(self.project(y_BTE))).squeeze(-1)
        scores_BT = scores_BT.to(torch.promote_types(scores_BT.dtype, torch.float32))
        lowest = torch.finfo(scores_BT.dtype).min
        # Not -inf: a softmax over nothing but -inf is NaN, and so is its gradient.
        return scores_BT.masked_fill(padding_BT, lowest).softmax(1).masked_fill(padding_BT, 0)


def _padding(y_BTE: Tensor, lengths_B: Tensor) -> Tensor:
    return torch.arange(y_BTE.shape[1], device=y_BTE.device) >= lengths_B[:, None]
