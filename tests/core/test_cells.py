"""The reference cells against numbers worked out by hand, and against gradcheck."""

import math

import pytest
import torch
from torch.autograd import gradcheck

from rnncli.core.cells import Cell, CellWeights, gru_step, lstm_step, rnn_output, rnn_step, step

from .layers import CELLS, HIDDEN, INPUT, module


def sigmoid(a: float) -> float:
    return 1 / (1 + math.exp(-a))


def column(*values: float) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float64)[:, None]


def vector(*values: float) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float64)


X, H, C = 0.7, -0.4, 0.9


def test_an_rnn_step_is_its_equation():
    weights = CellWeights(column(0.3), column(-0.8), vector(0.1))
    a = 0.3 * X - 0.8 * H + 0.1
    expected = {"tanh": math.tanh(a), "sigmoid": sigmoid(a), "relu": max(a, 0.0)}
    for activation, value in expected.items():
        assert rnn_step(column(X), column(H), weights, activation).item() == pytest.approx(value)


def test_an_rnn_output_is_its_equation():
    assert rnn_output(column(H), column(1.3), vector(0.2), "sigmoid").item() == pytest.approx(sigmoid(1.3 * H + 0.2))


def test_an_lstm_step_is_its_equations():
    weights = CellWeights(column(0.1, 0.2, 0.3, 0.4), column(-0.5, 0.6, -0.7, 0.8), vector(0.9, -1.0, 1.1, -1.2))
    i = sigmoid(0.1 * X - 0.5 * H + 0.9)
    f = sigmoid(0.2 * X + 0.6 * H - 1.0)
    candidate = math.tanh(0.3 * X - 0.7 * H + 1.1)
    o = sigmoid(0.4 * X + 0.8 * H - 1.2)
    c = f * C + i * candidate
    h_BH, c_BH = lstm_step(column(X), column(H), column(C), weights)
    assert c_BH.item() == pytest.approx(c)
    assert h_BH.item() == pytest.approx(o * math.tanh(c))


@pytest.mark.parametrize("reset", ["before", "after"])
def test_a_gru_step_is_its_equations(reset):
    inner = vector(0.35) if reset == "after" else None
    # Two units: with one alone, a reset before and after the product would be the same but for the bias.
    W_hh = torch.tensor([[0.1, 0.2], [0.3, 0.4], [0.5, 0.6], [0.7, 0.8], [0.9, -1.0], [1.1, -1.2]]).double()
    weights = CellWeights(column(0.1, 0.2, 0.3, 0.4, 0.5, 0.6), W_hh, vector(0, 0.1, 0.2, 0.3, 0.4, 0.5), inner)
    h = [H, 0.6]
    r = [sigmoid(0.1 * X + 0.1 * h[0] + 0.2 * h[1]), sigmoid(0.2 * X + 0.3 * h[0] + 0.4 * h[1] + 0.1)]
    z = [sigmoid(0.3 * X + 0.5 * h[0] + 0.6 * h[1] + 0.2), sigmoid(0.4 * X + 0.7 * h[0] + 0.8 * h[1] + 0.3)]
    if reset == "before":
        inner_0 = 0.9 * r[0] * h[0] - 1.0 * r[1] * h[1]
        inner_1 = 1.1 * r[0] * h[0] - 1.2 * r[1] * h[1]
    else:
        inner_0 = r[0] * (0.9 * h[0] - 1.0 * h[1] + 0.35)
        inner_1 = r[1] * (1.1 * h[0] - 1.2 * h[1] + 0.35)
    candidate = [math.tanh(0.5 * X + 0.4 + inner_0), math.tanh(0.6 * X + 0.5 + inner_1)]
    expected = [(1 - z[k]) * h[k] + z[k] * candidate[k] for k in (0, 1)]
    assert gru_step(column(X), torch.tensor([h]).double(), weights)[0].tolist() == pytest.approx(expected)


@pytest.mark.parametrize("name", CELLS)
def test_every_step_has_exact_gradients(name):
    core = module(name)
    weights = core.weights(0, 0)
    given = [torch.randn(2, INPUT, dtype=torch.float64, requires_grad=True)]
    given += [torch.randn(2, HIDDEN, dtype=torch.float64, requires_grad=True) for _ in range(core.cell.states)]
    count = len(given)

    def run(*tensors):
        return step(core.cell, tensors[0], tensors[1:count], CellWeights(*tensors[count:]))

    assert gradcheck(run, [*given, *(part for part in weights if part is not None)])


@pytest.mark.parametrize("wrong", [{"kind": "gnu"}, {"activation": "elu"}, {"reset": "never"}])
def test_an_unknown_cell_is_refused_by_name(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong.values()))):
        Cell(**wrong)


def test_a_cell_names_its_variant():
    assert [str(Cell(kind=kind)) for kind in ("rnn", "lstm", "gru")] == ["rnn(tanh)", "lstm", "gru(before)"]
