"""The next symbol: a softmax over all of them, in memory that does not grow with their number times the steps.

p(s | y) = exp(w_s . P y + b_s) / sum_r exp(w_r . P y + b_r), where P is the identity or a projection to the width of
the embeddings, which w may be shared with (Press & Wolf 2017; Inan et al. 2017). Logits are computed for some steps at
once, and their gradients with them, so that they are in the processor's cache and never all there.

Shape letters: N steps, E outputs of the core, W width of an embedding, V symbols.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

LOGITS = 1 << 21
"""Logits that are there at once."""


class SymbolHead(nn.Module):
    """Logits of symbols from outputs of width ``size``; ``weight`` (V, W) may be shared with an embedding."""

    def __init__(self, size: int, weight: nn.Parameter) -> None:
        super().__init__()
        width = weight.shape[1]
        self.weight = weight
        self.bias = nn.Parameter(torch.zeros(len(weight)))
        self.project = nn.Linear(size, width, bias=False) if size != width else None

    def projected(self, y_NE: Tensor) -> Tensor:
        """What meets the weights of symbols, (..., W)."""
        return y_NE if self.project is None else self.project(y_NE)

    def forward(self, y_NE: Tensor) -> Tensor:
        """Logits (..., V)."""
        return nn.functional.linear(self.projected(y_NE), self.weight, self.bias)

    def loss(self, y_NE: Tensor, target_N: Tensor) -> Tensor:
        """The mean of -ln p of the targets, a scalar."""
        x_NW = self.projected(y_NE)
        return _Total.apply(x_NW.float(), self.weight.float(), self.bias.float(), target_N) / max(1, len(x_NW))

    def drawn_loss(self, y_NE: Tensor, target_N: Tensor, chance_V: Tensor) -> Tensor:
        """An estimate of :meth:`loss` by some symbols, each of which is drawn with its chance: for training alone.

        The sum over all symbols but the target is estimated without bias by exp(logit) / chance of those that are drawn
        (Horvitz & Thompson 1952), so that symbols of chance 1 count exactly.
        """
        drawn_S = (torch.rand_like(chance_V) < chance_V).nonzero()[:, 0]
        at_V = torch.full_like(chance_V, -1, dtype=torch.int64)
        at_V[drawn_S] = torch.arange(len(drawn_S), device=at_V.device)
        x_NW = self.projected(y_NE).float()
        weight_SW, bias_S = self.weight[drawn_S], self.bias[drawn_S] - chance_V[drawn_S].log()
        true_N = (x_NW * self.weight[target_N]).sum(1) + self.bias[target_N]
        logits_NS = torch.addmm(bias_S, x_NW, weight_SW.T)
        row_H = (at_V[target_N] >= 0).nonzero()[:, 0]
        logits_NS = logits_NS.index_put((row_H, at_V[target_N[row_H]]), logits_NS.new_tensor(-torch.inf))
        return (torch.logaddexp(logits_NS.logsumexp(1), true_N) - true_N).mean()

    @torch.no_grad()
    def nats(self, y_NE: Tensor, target_N: Tensor) -> Tensor:
        """-ln p of each target, (N,), without gradients."""
        x_NW, weight_VW, bias_V = self.projected(y_NE).float(), self.weight.float(), self.bias.float()
        found = [_nats(x_NW[at], weight_VW, bias_V, target_N[at])[0] for at in _chunks(len(x_NW), len(weight_VW))]
        return torch.cat(found) if found else x_NW.new_empty(0)


def chances(count_V: Tensor, most: int) -> Tensor:
    """With which chance each symbol is drawn, so that there are ``most`` on average: in proportion to its count to 0.75
    (Mikolov et al. 2013), 1 for those that would be drawn more than once, and not 0 for any.
    """
    weight_V = count_V.clamp(min=1).double() ** 0.75
    low, high = 0.0, float(1 / weight_V.min())
    for _ in range(60):
        middle = (low + high) / 2
        fewer = float((weight_V * middle).clamp(max=1).sum()) < most
        low, high = (middle, high) if fewer else (low, middle)
    return (weight_V * high).clamp(max=1).float()


class _Total(torch.autograd.Function):
    """The sum of cross entropies, whose gradients are computed on the way forward."""

    @staticmethod
    def forward(ctx: Any, x_NW: Tensor, weight_VW: Tensor, bias_V: Tensor, target_N: Tensor) -> Tensor:  # pyright: ignore[reportIncompatibleMethodOverride]
        total = x_NW.new_zeros(())
        grad_NW, grad_VW, grad_V = (torch.zeros_like(part) for part in (x_NW, weight_VW, bias_V))
        for at in _chunks(len(x_NW), len(weight_VW)):
            nats_C, share_CV = _nats(x_NW[at], weight_VW, bias_V, target_N[at])
            total += nats_C.sum()
            if any(ctx.needs_input_grad):
                target_C1 = target_N[at, None]
                share_CV.scatter_add_(1, target_C1, share_CV.new_full(target_C1.shape, -1.0))
                torch.mm(share_CV, weight_VW, out=grad_NW[at])
                grad_VW.addmm_(share_CV.T, x_NW[at])
                grad_V.add_(share_CV.sum(0))
        ctx.save_for_backward(grad_NW, grad_VW, grad_V)
        return total

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:  # pyright: ignore[reportIncompatibleMethodOverride]
        return *(part * grad for part in ctx.saved_tensors), None


def _chunks(steps: int, symbols: int) -> list[slice]:
    rows = max(1, LOGITS // symbols)
    return [slice(first, min(first + rows, steps)) for first in range(0, steps, rows)]


def _nats(x_CW: Tensor, weight_VW: Tensor, bias_V: Tensor, target_C: Tensor) -> tuple[Tensor, Tensor]:
    """-ln p of the targets (C,), and the probabilities of all symbols (C, V)."""
    logits_CV = torch.addmm(bias_V, x_CW, weight_VW.T)
    true_C = logits_CV.gather(1, target_C[:, None])[:, 0]
    top_C1 = logits_CV.amax(1, keepdim=True)
    share_CV = logits_CV.sub_(top_C1).exp_()
    total_C1 = share_CV.sum(1, keepdim=True)
    return total_C1[:, 0].log() + top_C1[:, 0] - true_C, share_CV.div_(total_C1)
