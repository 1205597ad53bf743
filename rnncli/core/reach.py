"""How far back in time a gradient arrives: what vanishes or explodes in a recurrence, measured on a model at work.

The gradient of a loss at step t by what was read k steps before is a product of k Jacobians of the recurrence (Bengio,
Simard and Frasconi, 1994, "Learning long-term dependencies with gradient descent is difficult"; Pascanu, Mikolov and
Bengio, 2013, "On the difficulty of training recurrent neural networks", equation 5), and its norm falls or rises
exponentially in k. With outputs h and inputs x of a sequence that ends at step t, measured is::

    share(k)^2 = mean |d h_t / d x_(t-k)|^2 / mean |d h_t / d x_t|^2

in norms of Frobenius, over the sequences that are longer than k. What passes through an lstm's memory and
through layers below is part of it; the weights of what reads h are not. A linear rnn h_t = a h_(t-1) + W x_t has
share(k) = |a|^k.

The reverse direction is measured by itself: from where it ends, step 0, by the inputs of step k.

Shape letters: B batch, T time, I input, H hidden of one direction, E all directions, K distances.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from rnncli.core.contract import Core

DIRECTIONS = ("forward", "reverse")


def outermost(model: nn.Module) -> list[Core]:
    """The cores nearest to the top of ``model``: one module, or those of one list, each reading the last."""
    return next(iter(stacks(model)), [])


def stacks(model: nn.Module) -> list[list[Core]]:
    """All cores that are as near to the top of ``model`` as :func:`outermost`, such as those of members."""
    found: dict[str, list[Core]] = {}
    for name, module in model.named_modules():
        if isinstance(module, Core):
            found.setdefault(re.sub(r"\.\d+$", "", name), []).append(module)
    least = min((name.count(".") for name in found), default=0)
    return [layers for name, layers in found.items() if name.count(".") == least]


def shares(layers: Sequence[Core], compute: Callable[[], Any], *, seed: int = 1) -> dict[str, Tensor]:
    """share(k) for k from 0 of each direction of the stack ``layers``, (K,) fp64, as far as half of the sequences go.

    ``compute`` runs the model that holds the layers, once for each direction. The squared norm of each Jacobian J is
    estimated without bias by |v J|^2 of a standard normal v, one for each sequence, so that one way back is enough.
    Directions without a finite gradient at k = 0 are left out, as are all where there are no steps.
    """
    found = {}
    for direction, name in enumerate(DIRECTIONS[: layers[-1].directions]):
        with torch.enable_grad():
            share_K = _direction(_observed(layers, compute), direction, layers[-1].hidden_size, seed)
        if len(share_K):
            found[name] = share_K
    return found


class _Pass(NamedTuple):
    """What a stack read, how long each sequence is, and what it wrote, still tied to what it read."""

    x_BTI: Tensor
    lengths_B: Tensor
    y_BTE: Tensor


def _observed(layers: Sequence[Core], compute: Callable[[], Any]) -> _Pass:
    """The first pass of the stack in ``compute``."""
    read: list[tuple[Tensor, Tensor]] = []
    written: list[Tensor] = []

    def reads(_: nn.Module, arguments: tuple[Any, ...], options: dict[str, Any]) -> Any:
        if read:
            return None
        x_BTI, lengths_B = arguments[0].detach().requires_grad_(), (*arguments, None)[1]
        if lengths_B is None:
            lengths_B = torch.full((len(x_BTI),), x_BTI.shape[1])
        read.append((x_BTI, lengths_B.to(x_BTI.device)))
        return (x_BTI, *arguments[1:]), options

    def writes(_module: nn.Module, _arguments: Any, result: tuple[Tensor, Any]) -> None:
        written.append(result[0])

    hooks = layers[0].register_forward_pre_hook(reads, with_kwargs=True), layers[-1].register_forward_hook(writes)
    try:
        compute()
    finally:
        for hook in hooks:
            hook.remove()
    return _Pass(*read[0], written[0])


def _direction(seen: _Pass, direction: int, hidden: int, seed: int) -> Tensor:
    x_BTI, lengths_B, y_BTE = seen
    steps_T = torch.arange(x_BTI.shape[1], device=x_BTI.device)
    ends_B = (lengths_B - 1).clamp(min=0) * (direction == 0)
    h_BH = y_BTE[torch.arange(len(y_BTE), device=y_BTE.device), ends_B, direction * hidden :][:, :hidden]
    v_BH = torch.randn(h_BH.shape, generator=torch.Generator().manual_seed(seed)).to(h_BH)
    (dx_BTI,) = torch.autograd.grad((h_BH * v_BH)[lengths_B > 0].sum(), x_BTI)
    squares_BT = dx_BTI.double().square().sum(-1)
    at_BT = (ends_B[:, None] - steps_T).clamp(min=0) if direction == 0 else steps_T.expand_as(squares_BT)
    longer_BT = steps_T < lengths_B[:, None]
    far_T = longer_BT.sum(0) * 2 >= (lengths_B > 0).sum().clamp(min=1)
    arrived_BT = squares_BT.gather(1, at_BT) * longer_BT
    share_T = (arrived_BT.sum(0) / (arrived_BT[:, :1] * longer_BT).sum(0)).sqrt()[far_T]
    known_T = share_T.isfinite().cumprod(0).bool()
    return share_T[known_T].cpu()
