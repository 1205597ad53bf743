"""Going on to learn while a text is tested: dynamic evaluation (Mikolov et al. 2010; Krause et al. 2018).

Each window is scored before it is learnt from, so that each symbol is foretold from those before it alone, by weights
that go after them; they begin each document where training left them, and are drawn back there::

    w <- w - rate * gradient / |gradient| + back * (w_trained - w)

Shape letters: N steps, B = 1 document at a time, T steps of a window.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor, nn

from rnncli.data import progress
from rnncli.data.steps import Steps
from rnncli.tasks.write.carried import State

WINDOW = 50
"""Steps that are learnt from at once."""
BACK = 2e-3
"""Of the way back to the trained weights that is gone after each window."""
RATES = (0.0, 0.01, 0.03, 0.1)
"""Values of the rate, the length of a step, that are worth trying; 0 goes on to learn nothing."""

Windowed = Callable[[Tensor, Tensor, State | None], tuple[Tensor, Tensor, State]]
"""From symbols before (1, T), true ones (1, T) and a state: nats (T,), their mean to learn from, the state behind."""


def dynamic_nats(model: nn.Module, steps: Steps, begin: int, read: Windowed, rate: float) -> np.ndarray:
    """-ln p of each step, (N,), by a model that learns from the steps before; its weights are as before afterwards."""
    nats_N = np.empty(len(steps.values))
    device = next(model.parameters()).device
    for document in range(len(steps)):
        first = int(steps.bounds_D1[document])
        values = np.concatenate([[begin], steps[document].astype(np.int64)])
        state: State | None = None
        with _restored(model) as trained:
            for at in range(0, len(values) - 1, WINDOW):
                some_1T = torch.from_numpy(values[at : at + WINDOW + 1])[None].to(device)
                with torch.enable_grad():
                    nats_T, mean, state = read(some_1T[:, :-1], some_1T[:, 1:], state)
                    nats_N[first + at : first + at + len(nats_T)] = nats_T.cpu().numpy()
                    if rate:
                        _step(model, trained, mean, rate)
                state = tuple(part.detach() for part in state)
                progress.tell("steps", first + at, len(nats_N))
    return nats_N


@contextmanager
def _restored(model: nn.Module) -> Iterator[list[Tensor]]:
    """The weights of the model as they are, which it has again afterwards."""
    trained = [parameter.detach().clone() for parameter in model.parameters()]
    try:
        yield trained
    finally:
        with torch.no_grad():
            for parameter, weight in zip(model.parameters(), trained, strict=True):
                parameter.copy_(weight)


def _step(model: nn.Module, trained: list[Tensor], loss: Tensor, rate: float) -> None:
    parameters = list(model.parameters())
    gradients = torch.autograd.grad(loss, parameters, allow_unused=True)
    norm = torch.stack([one.norm() for one in gradients if one is not None]).norm().clamp(min=1e-12)
    with torch.no_grad():
        for parameter, weight, gradient in zip(parameters, trained, gradients, strict=True):
            parameter.lerp_(weight, BACK)
            if gradient is not None:
                parameter.sub_(gradient, alpha=float(rate / norm))
