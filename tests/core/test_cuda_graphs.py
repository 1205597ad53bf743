"""Loops put together of walks that are only remembered here; tests/core/test_gpu.py captures them."""

from types import SimpleNamespace

import pytest
import torch

from rnncli.core.cells import Cell
from rnncli.core.layer import Layer, infer, run
from rnncli.core.layout.packed import Packing
from rnncli.core.paths import cuda_graphs

from .layers import HIDDEN, INPUT, assert_near, by_reference, draw_state, gradients, module


@pytest.fixture
def remembered(monkeypatch):
    """Graphs whose replay does the work itself; returns the sizes that are held."""
    monkeypatch.setattr(cuda_graphs, "capture", lambda work, pool: SimpleNamespace(replay=work))
    monkeypatch.setattr(cuda_graphs, "can_capture", lambda x_NI: True)
    monkeypatch.setattr(cuda_graphs, "_GRAPHS", held := cuda_graphs._Graphs())
    return held.held


@pytest.mark.parametrize("name", ["gru-before", "rnn-sigmoid"])
@pytest.mark.parametrize("steps", [1, 2, 7, 64, 203])
def test_walks_put_together_are_the_reference(name, steps, remembered):
    core = module(name)
    x_BTI = torch.randn(3, steps, core.input_size, dtype=torch.float64, requires_grad=True)
    begin = tuple(part.requires_grad_() for part in draw_state(core, 3))
    y_true, end_true = by_reference(core, x_BTI, [steps] * 3, begin)
    truth = gradients(core, [y_true, *end_true], x_BTI, *begin)
    for _ in range(cuda_graphs.USES_BEFORE_CAPTURE):
        rows_NI = x_BTI.transpose(0, 1).reshape(-1, core.input_size)
        layer = Layer(core.cell, [core.weights(0, 0)], rows_NI, begin, Packing(None, 3, steps))
        y_NH, end = run(cuda_graphs.CapturedRows(), layer)
        y_BTH = y_NH.view(steps, 3, -1).transpose(0, 1)
        assert_near(y_BTH, y_true, 1e-12)
        assert_near(end[0], end_true[0], 1e-12)
        for ours, expected in zip(gradients(core, [y_BTH, *end], x_BTI, *begin), truth, strict=True):
            assert_near(ours, expected, 1e-10)
        with torch.no_grad():
            assert_near(infer(cuda_graphs.CapturedRows(), layer)[0].view(steps, 3, -1).transpose(0, 1), y_true, 1e-12)
    assert len(remembered) == 1


@torch.no_grad()
def test_sizes_that_come_once_are_not_captured_and_those_of_long_ago_make_room(remembered, monkeypatch):
    monkeypatch.setattr(cuda_graphs, "MAX_SIZES", 3)
    monkeypatch.setattr(cuda_graphs, "MIN_USES_BEFORE_EVICTION", 20)
    weights = module("gru-before").weights(0, 0)

    def use(batch, times=1):
        begin = torch.zeros(1, batch, HIDDEN, dtype=torch.float64)
        rows_NI = torch.zeros(batch, INPUT, dtype=torch.float64)
        for _ in range(times):
            infer(cuda_graphs.CapturedRows(), Layer(Cell(), [weights], rows_NI, (begin,), Packing(None, batch, 1)))
        return [key[1] for key in remembered]

    for batch in range(5):
        assert not use(batch)
    for batch in range(1, 5):
        use(batch, cuda_graphs.USES_BEFORE_CAPTURE)
    assert use(1) == [2, 3, 1]
    assert use(4, 20) == [3, 1, 4]
    assert use(5, 2) == [3, 1, 4]
