"""What the tests of the cores share: all kinds, with lively weights, and the reference of the recurrent ones."""

import torch
from torch import Tensor

from rnncli.core.contract import Core
from rnncli.core.recurrent import Recurrent
from rnncli.core.reference import reference
from rnncli.core.transformer import Transformer

CELLS = {
    "rnn-tanh": {"cell": "rnn"},
    "rnn-relu": {"cell": "rnn", "activation": "relu"},
    "rnn-sigmoid": {"cell": "rnn", "activation": "sigmoid"},
    "lstm": {"cell": "lstm"},
    "gru-before": {"cell": "gru", "reset": "before"},
    "gru-after": {"cell": "gru", "reset": "after"},
}
TRANSFORMERS = {
    "transformer": {"heads": 2, "context": 3},
    "transformer+gru": {"heads": 2, "context": 3, "gru": True},
}
INPUT, HIDDEN = 3, 4


def module(name: str, *, dtype: torch.dtype = torch.float64, seed: int = 0, **settings) -> Recurrent:
    """A module in which no parameter, bias or initial state is left at a constant that would hide a mistake."""
    torch.manual_seed(seed)
    return _lively(Recurrent(INPUT, HIDDEN, **CELLS[name], **settings), dtype)


def any_module(name: str, *, dtype: torch.dtype = torch.float64, seed: int = 0, **settings) -> Core:
    """As :func:`module`, of a cell or of a kind of Transformer, which has no initial state to learn."""
    if name in CELLS:
        return module(name, dtype=dtype, seed=seed, **settings)
    torch.manual_seed(seed)
    settings.pop("learnt_initial_state", None)
    return _lively(Transformer(INPUT, HIDDEN, **TRANSFORMERS[name], **settings), dtype)


def any_state(core: Core, batch: int, dtype: torch.dtype = torch.float64) -> tuple[Tensor, ...]:
    """As :func:`draw_state`, of a Transformer one behind other numbers of steps in each example."""
    if isinstance(core, Recurrent):
        return draw_state(core, batch, dtype)
    with torch.no_grad():
        return core(torch.randn(batch, batch, INPUT, dtype=dtype), torch.arange(batch))[1]


def draw_state(core: Recurrent, batch: int, dtype: torch.dtype = torch.float64) -> tuple[Tensor, ...]:
    shape = (core.layers * core.directions, batch, HIDDEN)
    return tuple(torch.randn(shape, dtype=dtype) * 0.5 for _ in range(core.cell.states))


def outer(parts: tuple[Tensor, ...]):
    """The state in the form that the module takes and gives."""
    return parts if len(parts) > 1 else parts[0]


def parts(state) -> tuple[Tensor, ...]:
    return (state,) if isinstance(state, Tensor) else tuple(state)


def by_reference(core: Recurrent, x_BTI: Tensor, lengths: list[int], state=None):
    layers = [[core.weights(layer, d) for d in range(core.directions)] for layer in range(core.layers)]
    return reference(core.cell, layers, x_BTI, lengths, state)


def gradients(core: Recurrent, results: list[Tensor], *inputs: Tensor) -> list[Tensor]:
    """Gradients of one fixed, uneven function of ``results`` for all parameters and ``inputs``."""
    total = sum((part.double() * torch.linspace(-1, 1.5, part.numel()).view(part.shape)).sum() for part in results)
    found = torch.autograd.grad(total, [*core.parameters(), *inputs], allow_unused=True, materialize_grads=True)
    return list(found)


def assert_near(ours: Tensor, truth: Tensor, tolerance: float) -> None:
    """Equal within ``tolerance`` of the largest magnitude of the truth (and of 1, so that zeros have a scale)."""
    assert ours.shape == truth.shape
    scale = max(1.0, truth.abs().max().item()) if truth.numel() else 1.0
    torch.testing.assert_close(ours.to(truth.dtype), truth, rtol=0, atol=tolerance * scale)


def _lively(core, dtype: torch.dtype):
    with torch.no_grad():
        for parameter in core.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.2)
    return core.to(dtype)
