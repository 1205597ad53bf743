"""Layers from and to torch.nn, held to what its modules compute on packed sequences."""

import re

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

import rnncli
from rnncli.core.recurrent import Recurrent

from .layers import assert_near, parts


@st.composite
def modules(draw):
    """A module of torch with lively weights, and lengths for it, the longest first in the batch or not."""
    kind = draw(st.sampled_from([nn.RNN, nn.LSTM, nn.GRU]))
    more = {"nonlinearity": draw(st.sampled_from(["tanh", "relu"]))} if kind is nn.RNN else {}
    options = {name: draw(st.booleans()) for name in ("bias", "batch_first", "bidirectional")}
    sizes = [draw(st.sampled_from([1, 3])) for _ in range(2)]
    torch.manual_seed(draw(st.integers(0, 99)))
    module = kind(*sizes, num_layers=draw(st.integers(1, 3)), **options, **more)
    return module, draw(st.lists(st.integers(1, 6), min_size=1, max_size=4))


def computed(module, x_BTI, lengths):
    """Outputs (B, T, E) and state of a module of torch on packed sequences."""
    packed = pack_padded_sequence(x_BTI, lengths, batch_first=True, enforce_sorted=False)
    y, end = module(packed)
    return pad_packed_sequence(y, batch_first=True)[0], parts(end)


@settings(max_examples=30, deadline=None)
@given(modules())
def test_layers_from_a_module_of_torch_compute_the_same_and_so_does_the_module_made_of_them(drawn):
    module, lengths = drawn
    core = rnncli.Recurrent.from_torch(module)
    back = core.to_torch()
    x_BTI = torch.randn(len(lengths), max(lengths), module.input_size)
    for one in (computed(module, x_BTI, lengths), computed(back, x_BTI, lengths)):
        y_BTE, end = core(x_BTI, torch.tensor(lengths))
        assert_near(y_BTE, one[0], 1e-6)
        for ours, theirs in zip(parts(end), one[1], strict=True):
            assert_near(ours, theirs, 1e-6)
    assert all(map(torch.equal, Recurrent.from_torch(back).parameters(), core.parameters()))


def test_type_mode_and_dropout_are_taken_over_and_given_back():
    module = nn.GRU(3, 4, num_layers=2, dropout=0.25).double().eval()
    core = Recurrent.from_torch(module)
    assert (core.bias_l0.dtype, core.training, core.layer_dropout) == (torch.float64, False, 0.25)
    back = core.to_torch()
    assert (back.bias_ih_l0.dtype, back.training, back.dropout, back.batch_first) == (torch.float64, False, 0.25, True)
    assert Recurrent(3, 4, cell="lstm", layer_dropout=0.5).to_torch().dropout == 0  # between layers there is none


@pytest.mark.parametrize(
    ("module", "said"),
    [
        (nn.LSTM(3, 4, proj_size=2), "proj_size=2"),
        (nn.LSTMCell(3, 4), "LSTMCell is none of torch.nn.RNN, LSTM and GRU"),
        (nn.Linear(3, 4), "Linear is none"),
    ],
)
def test_a_module_that_has_no_equal_is_refused_by_name(module, said):
    with pytest.raises(ValueError, match=re.escape(said)):
        Recurrent.from_torch(module)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"cell": "gru"}, "reset='before'"),
        ({"cell": "rnn", "activation": "sigmoid"}, "sigmoid"),
        ({"cell": "lstm", "learnt_initial_state": True}, "learnt initial state"),
    ],
)
def test_layers_that_torch_has_not_are_refused_by_name(options, said):
    with pytest.raises(ValueError, match=re.escape(said)):
        Recurrent(3, 4, **options).to_torch()
