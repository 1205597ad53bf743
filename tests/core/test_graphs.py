"""Loops put together of captured walks, on a CPU with walks that are only remembered, on a GPU with real ones."""

from types import SimpleNamespace

import pytest
import torch

from rnncli.core import graphs
from rnncli.core.cells import Cell
from rnncli.core.layer import Layer, infer, run
from rnncli.core.packing import Packing

from .layers import HIDDEN, INPUT, assert_near, by_reference, draw_state, gradients, module


@pytest.fixture
def remembered(monkeypatch):
    """Graphs whose replay does the work itself; returns the sizes that are held."""
    monkeypatch.setattr(graphs, "capture", lambda work, pool: SimpleNamespace(replay=work))
    monkeypatch.setattr(graphs, "can_capture", lambda x_NI: True)
    monkeypatch.setattr(graphs, "_GRAPHS", held := graphs._Graphs())
    return held.held


@pytest.mark.parametrize("name", ["gru-before", "rnn-sigmoid"])
@pytest.mark.parametrize("steps", [1, 2, 7, 64, 203])
def test_walks_put_together_are_the_reference(name, steps, remembered):
    core = module(name)
    x_BTI = torch.randn(3, steps, core.input_size, dtype=torch.float64, requires_grad=True)
    begin = tuple(part.requires_grad_() for part in draw_state(core, 3))
    y_true, end_true = by_reference(core, x_BTI, [steps] * 3, begin)
    truth = gradients(core, [y_true, *end_true], x_BTI, *begin)
    for _ in range(graphs.REPEATED):
        rows_NI = x_BTI.transpose(0, 1).reshape(-1, core.input_size)
        layer = Layer(core.cell, [core.weights(0, 0)], rows_NI, begin, Packing(None, 3, steps))
        y_NH, end = run(graphs.Loops(), layer)
        y_BTH = y_NH.view(steps, 3, -1).transpose(0, 1)
        assert_near(y_BTH, y_true, 1e-12)
        assert_near(end[0], end_true[0], 1e-12)
        for ours, expected in zip(gradients(core, [y_BTH, *end], x_BTI, *begin), truth, strict=True):
            assert_near(ours, expected, 1e-10)
        with torch.no_grad():
            assert_near(infer(graphs.Loops(), layer)[0].view(steps, 3, -1).transpose(0, 1), y_true, 1e-12)
    assert len(remembered) == 1


@torch.no_grad()
def test_sizes_that_come_once_are_not_captured_and_those_of_long_ago_make_room(remembered, monkeypatch):
    monkeypatch.setattr(graphs, "HELD", 3)
    monkeypatch.setattr(graphs, "STALE", 20)
    weights = module("gru-before").weights(0, 0)

    def use(batch, times=1):
        begin = torch.zeros(1, batch, HIDDEN, dtype=torch.float64)
        rows_NI = torch.zeros(batch, INPUT, dtype=torch.float64)
        for _ in range(times):
            infer(graphs.Loops(), Layer(Cell(), [weights], rows_NI, (begin,), Packing(None, batch, 1)))
        return [key[1] for key in remembered]

    for batch in range(5):
        assert not use(batch)
    for batch in range(1, 5):
        use(batch, graphs.REPEATED)
    assert use(1) == [2, 3, 1]
    assert use(4, 20) == [3, 1, 4]
    assert use(5, 2) == [3, 1, 4]


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@pytest.mark.parametrize("name", ["gru-before", "rnn-sigmoid"])
def test_captured_walks_learn_as_the_processor_does(name):
    """Batches of several lengths and two sizes in turn, the weights changed after each."""
    ours, theirs = (module(name, layers=2, bidirectional=True) for _ in range(2))
    ours = ours.float().cuda()
    for step in range(3 * graphs.REPEATED):
        batch, steps = (5, 70) if step % 2 else (3, 9)
        lengths_B = torch.randint(0, steps + 1, (batch,))
        x_BTI = torch.randn(batch, steps, INPUT, dtype=torch.float64)
        found = []
        for core, x in ((ours, x_BTI.float().cuda()), (theirs, x_BTI)):
            y_BTE, _ = core(x, lengths_B)
            found.append(y_BTE)
            y_BTE.square().sum().backward()
            with torch.no_grad():
                for parameter in core.parameters():
                    parameter.sub_(parameter.grad, alpha=1e-3)
                    parameter.grad = None
        assert_near(found[0].detach().cpu(), found[1].detach(), 1e-5)
    for one, other in zip(ours.parameters(), theirs.parameters(), strict=True):
        assert_near(one.detach().cpu(), other.detach(), 1e-5)
    assert any(key[0] == ours.cell and key[1] == 5 for key in graphs._GRAPHS.held)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_under_autocast_the_loop_is_as_exact_as_its_products(dtype):
    core = module("gru-before").float().cuda()
    x_BTI = torch.randn(4, 200, INPUT, device="cuda")
    exact_BTH, _ = core(x_BTI)
    for _ in range(graphs.REPEATED):
        with torch.autocast("cuda", dtype=dtype):
            y_BTH, _ = core(x_BTI)
        assert y_BTH.dtype == dtype
        assert_near(y_BTH.detach().float(), exact_BTH.detach(), 1e-2)
