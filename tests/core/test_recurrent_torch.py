"""A second oracle: torch's own modules on packed sequences, with the weights carried over."""

import pytest
import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from rnncli.core.recurrent import Recurrent

from .layers import HIDDEN, INPUT, assert_near, draw_state, module, outer, parts

LENGTHS = torch.tensor([3, 7, 1, 7, 5])


def as_torch(core: Recurrent) -> nn.RNNBase:
    """The module of torch that computes the same, its update gate being the complement of ours."""
    settings = {"num_layers": core.layers, "bidirectional": core.directions == 2, "batch_first": True}
    if core.cell.kind == "rnn":
        twin = nn.RNN(INPUT, HIDDEN, nonlinearity=core.cell.activation, **settings)
    else:
        twin = {"lstm": nn.LSTM, "gru": nn.GRU}[core.cell.kind](INPUT, HIDDEN, **settings)
    twin = twin.double()
    update = slice(HIDDEN, 2 * HIDDEN)
    with torch.no_grad():
        for layer in range(core.layers):
            for direction in range(core.directions):
                suffix = f"_l{layer}" + ("_reverse" if direction else "")
                weight_ih, weight_hh, bias, inner = (
                    None if part is None else part.clone() for part in core.weights(layer, direction)
                )
                bias_hh = torch.zeros_like(bias)
                if core.cell.kind == "gru":
                    bias_hh[2 * HIDDEN :] = inner
                    for part in (weight_ih, weight_hh, bias):
                        part[update] *= -1
                for name, value in (("weight_ih", weight_ih), ("weight_hh", weight_hh), ("bias_ih", bias)):
                    getattr(twin, name + suffix).copy_(value)
                getattr(twin, "bias_hh" + suffix).copy_(bias_hh)
    return twin


@pytest.mark.parametrize("name", ["rnn-tanh", "rnn-relu", "lstm", "gru-after"])
@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("single", [False, True])
def test_the_layers_compute_what_torch_computes_on_packed_sequences(name, bidirectional, single):
    core = module(name, layers=2, bidirectional=bidirectional)
    twin = as_torch(core)
    x_BTI = torch.randn(5, 7, INPUT, dtype=torch.float64, requires_grad=True)
    state = draw_state(core, 5)
    packed = pack_padded_sequence(x_BTI, LENGTHS, batch_first=True, enforce_sorted=False)
    y_packed, end_true = twin(packed, outer(state))
    y_true, _ = pad_packed_sequence(y_packed, batch_first=True)
    (truth,) = torch.autograd.grad(y_true.square().sum(), x_BTI)

    dtype, tolerance = (torch.float32, 1e-5) if single else (torch.float64, 1e-12)
    x = x_BTI.detach().to(dtype).requires_grad_()
    y_BTE, end = core.to(dtype)(x, LENGTHS, outer(tuple(part.to(dtype) for part in state)))
    assert_near(y_BTE, y_true, tolerance)
    for ours, expected in zip(parts(end), parts(end_true), strict=True):
        assert_near(ours, expected, tolerance)
    (gradient,) = torch.autograd.grad(y_BTE.square().sum(), x)
    assert_near(gradient, truth, 10 * tolerance)
