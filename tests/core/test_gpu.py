"""The recurrent layers on a GPU: the reference's outputs and gradients, captured walks, lower precisions."""

import pytest
import torch

from rnncli.core.paths import cuda_graphs

from .layers import CELLS, INPUT, assert_near, by_reference, draw_state, gradients, module, outer, parts

pytestmark = [pytest.mark.gpu, pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")]
every_cell = pytest.mark.parametrize("name", CELLS)


@every_cell
@pytest.mark.parametrize("bidirectional", [False, True])
def test_a_gpu_agrees_with_the_reference(name, bidirectional, monkeypatch):
    core = module(name, layers=2, bidirectional=bidirectional, learnt_initial_state=True)
    lengths = [5, 0, 9, 1]
    x_BTI = torch.randn(4, 9, INPUT, dtype=torch.float64, requires_grad=True)
    begin = draw_state(core, 4)
    y_true, end_true = by_reference(core, x_BTI, lengths, begin)
    truth = gradients(core, [y_true, *end_true], x_BTI)
    core = core.to("cuda", torch.float32)
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", False)
    x = x_BTI.detach().to("cuda", torch.float32).requires_grad_()
    state = tuple(part.to("cuda", torch.float32) for part in begin)
    y_BTE, end = core(x, torch.tensor(lengths), outer(state))
    results = [part.cpu() for part in (y_BTE, *parts(end))]
    for ours, expected in zip(results, [y_true, *end_true], strict=True):
        assert_near(ours, expected, 1e-5)
    for ours, expected in zip(gradients(core, results, x), truth, strict=True):
        assert_near(ours.cpu(), expected, 1e-4)


@every_cell
@pytest.mark.parametrize(("bidirectional", "lengths"), [(False, None), (True, None), (False, [9, 3, 0, 9])])
def test_layers_in_one_call_on_a_gpu_agree_with_the_reference(name, bidirectional, lengths, monkeypatch):
    core = module(name, layers=3, bidirectional=bidirectional)
    x_BTI = torch.randn(4, 9, INPUT, dtype=torch.float64, requires_grad=True)
    y_true, _ = by_reference(core, x_BTI, lengths or [9] * 4)
    truth = gradients(core, [y_true], x_BTI)
    core = core.to("cuda", torch.float32)
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", False)
    x = x_BTI.detach().to("cuda", torch.float32).requires_grad_()
    y_BTE, _ = core(x, lengths and torch.tensor(lengths), need_state=False)
    assert_near(y_BTE.cpu(), y_true, 1e-5)
    for ours, expected in zip(gradients(core, [y_BTE.cpu()], x), truth, strict=True):
        assert_near(ours.cpu(), expected, 1e-4)


@pytest.mark.parametrize("name", ["gru-before", "rnn-sigmoid"])
def test_captured_walks_learn_as_the_processor_does(name):
    """Batches of several lengths and two sizes in turn, the weights changed after each."""
    ours, theirs = (module(name, layers=2, bidirectional=True) for _ in range(2))
    ours = ours.float().cuda()
    for step in range(3 * cuda_graphs.USES_BEFORE_CAPTURE):
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
    assert any(key[0] == ours.cell and key[1] == 5 for key in cuda_graphs._GRAPHS.held)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_under_autocast_the_loop_is_as_exact_as_its_products(dtype):
    core = module("gru-before").float().cuda()
    x_BTI = torch.randn(4, 200, INPUT, device="cuda")
    exact_BTH, _ = core(x_BTI)
    for _ in range(cuda_graphs.USES_BEFORE_CAPTURE):
        with torch.autocast("cuda", dtype=dtype):
            y_BTH, _ = core(x_BTI)
        assert y_BTH.dtype == dtype
        assert_near(y_BTH.detach().float(), exact_BTH.detach(), 1e-2)
