"""The compiled kernels and the path without them, each against the reference on the same batches."""

import ctypes
import platform
from contextlib import contextmanager
from functools import cache

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from rnncli.core.cells import Cell
from rnncli.core.layout.buffers import Pool
from rnncli.core.native import kernels as native
from rnncli.core.native import rows
from rnncli.core.native.machine import Machine, engine_of, this_machine
from rnncli.core.native.openmp import Call, openmp
from rnncli.core.paths import choice
from rnncli.core.recurrent import Recurrent

from .layers import CELLS, assert_near, by_reference, gradients, outer, parts

every_cell = pytest.mark.parametrize("name", CELLS)
compiled_here = pytest.mark.skipif(bool(native.trouble(Cell())), reason=native.trouble(Cell()))
AVX2 = Machine("haswell", {"avx2": True, "fma": True})
RAGGED = [40, 33, 20, 20, 11, 7, 5, 5, 5, 3, 0, 1, 1, 30, 25, 14]


@cache
def short_kernels(cell: Cell) -> native.Kernels:
    """Kernels for a processor with shorter vectors."""
    return native.Kernels(cell, AVX2)


def wide(name: str, inputs: int, hidden: int, **settings) -> Recurrent:
    """A module wider than a vector whose parameters are all lively."""
    torch.manual_seed(1)
    core = Recurrent(inputs, hidden, layers=2, learnt_initial_state=True, **settings, **CELLS[name])
    with torch.no_grad():
        for parameter in core.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.1)
    return core


@contextmanager
def threads_of_torch(count: int):
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def assert_agrees(core: Recurrent, lengths: list[int], name: str) -> None:
    exact = Recurrent(
        core.input_size,
        core.hidden_size,
        layers=2,
        learnt_initial_state=True,
        bidirectional=core.directions == 2,
        **CELLS[name],
    ).double()
    exact.load_state_dict(core.state_dict())
    x_BTI = torch.randn(len(lengths), max(lengths) + 1, core.input_size, requires_grad=True)
    true_BTI = x_BTI.detach().double().requires_grad_()
    begin = tuple(getattr(exact, part)[:, None].expand(-1, len(lengths), -1) for part in exact._initial_names())
    y_true, end_true = by_reference(exact, true_BTI, lengths, begin)
    y_BTE, end = core(x_BTI, torch.tensor(lengths))
    assert_near(y_BTE, y_true, 1e-5)
    for ours, truth in zip(parts(end), end_true, strict=True):
        assert_near(ours, truth, 1e-5)
    found = gradients(core, [y_BTE, *parts(end)], x_BTI)
    for ours, truth in zip(found, gradients(exact, [y_true, *end_true], true_BTI), strict=True):
        assert_near(ours, truth, 1e-4)


@pytest.mark.skipif(platform.machine().lower() not in ("x86_64", "amd64"), reason="not an x86-64 processor")
@every_cell
def test_on_x86_64_every_cell_has_compiled_kernels(name):
    """All other tests of them are skipped where they are missing, and would not notice that they are."""
    core = Recurrent(2, 3, **CELLS[name])
    assert not native.trouble(core.cell)
    assert "compiled kernels" in core.kernel("cpu")


@compiled_here
@every_cell
@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize(("inputs", "hidden"), [(21, 37), (64, 32)])
@pytest.mark.parametrize("chunk", [2**18, 200])
def test_kernels_are_the_reference_whatever_the_widths_and_chunks(
    name, bidirectional, inputs, hidden, chunk, monkeypatch
):
    monkeypatch.setattr(rows, "CHUNK_ELEMENTS", chunk)
    core = wide(name, inputs, hidden, bidirectional=bidirectional)
    assert "compiled kernels" in core.kernel("cpu")
    assert_agrees(core, RAGGED, name)


@compiled_here
@pytest.mark.skipif(openmp() is None, reason="torch does not compute by GNU OpenMP here")
@every_cell
@pytest.mark.parametrize(("hidden", "lengths"), [(70, [5]), (37, [2, 7, 0, 5]), (37, [5, 3, 3, *[2] * 13])])
def test_threads_that_share_each_step_give_what_one_thread_gives(name, hidden, lengths, monkeypatch):
    monkeypatch.setattr(rows, "MAX_HIDDEN_FOR_CACHED_CHUNKS", 36)
    monkeypatch.setattr(rows, "WIDE_CHUNK_ELEMENTS", 2000)
    monkeypatch.setattr(choice, "MIN_PRODUCTS_FOR_A_TEAM", 0)
    monkeypatch.setattr(choice, "MIN_HIDDEN_FOR_A_TEAM", 0)
    core, batch = wide(name, 21, hidden), len(lengths)
    x_BTI = torch.randn(batch, max(lengths), 21, requires_grad=True)
    found = []
    for threads in (1, 2, 3):
        with threads_of_torch(threads):
            assert core._choice._by_team(batch) == (threads > 1)
            y_BTE, end = core(x_BTI, torch.tensor(lengths))
            found.append(([y_BTE, *parts(end)], gradients(core, [y_BTE, *parts(end)], x_BTI)))
    for outputs, grads in found[1:]:
        assert all(torch.equal(ours, truth) for ours, truth in zip(outputs, found[0][0], strict=True))
        for ours, truth in zip(grads, found[0][1], strict=True):
            assert_near(ours, truth, 1e-5)


@compiled_here
@pytest.mark.skipif(openmp() is None, reason="torch does not compute by GNU OpenMP here")
@torch.no_grad()
def test_a_small_batch_of_a_broad_lstm_is_the_references():
    core = Recurrent(5, choice.MIN_HIDDEN_BEFORE_ONEDNN, cell="lstm")
    x_BTI = torch.randn(choice.MAX_BATCH_BEFORE_ONEDNN, 6, 5)
    with threads_of_torch(2):
        assert not core._choice.onednn(None, choice.MAX_BATCH_BEFORE_ONEDNN, 6, torch.float32)
        assert core._choice.onednn(None, choice.MAX_BATCH_BEFORE_ONEDNN + 1, 6, torch.float32)
        found = core(x_BTI)
    y_true, end_true = by_reference(core.double(), x_BTI.double(), [6] * choice.MAX_BATCH_BEFORE_ONEDNN)
    for ours, truth in zip((found[0], *found[1]), (y_true, *end_true), strict=True):
        assert_near(ours, truth, 1e-5)


@compiled_here
@settings(max_examples=40, deadline=None, derandomize=True)
@given(rows=st.integers(0, 70), columns=st.integers(1, 70), short=st.booleans(), threads=st.integers(1, 3))
def test_panels_hold_the_columns_of_a_matrix_side_by_side(rows, columns, short, threads):
    from rnncli.core.native.panels import panels_for

    machine = AVX2 if short else this_machine()
    layout, matrix_KN = panels_for(machine), torch.randn(rows, columns)
    with threads_of_torch(threads):
        as_it_lies = layout.lay({"a": matrix_KN}, transposed=False)["a"]
        transposed = layout.lay({"a": matrix_KN.t().contiguous()}, transposed=True)["a"]
    padded_KN = torch.nn.functional.pad(matrix_KN, (0, -columns % layout.columns))
    truth = padded_KN.unflatten(1, (-1, layout.columns)).transpose(0, 1)
    assert torch.equal(as_it_lies, truth)
    assert torch.equal(transposed, truth)


@compiled_here
@every_cell
def test_kernels_for_a_processor_with_shorter_vectors_are_the_reference(name, monkeypatch):
    kernels = short_kernels(wide(name, 3, 4).cell)
    monkeypatch.setattr(rows, "kernels_of", lambda cell, *, team, rounded: kernels)
    assert_agrees(wide(name, 21, 37, bidirectional=True), RAGGED, name)


@every_cell
@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("lengths", [RAGGED, [9] * 8], ids=["unequal", "almost equal"])
def test_without_kernels_the_reference_is_met_too(name, bidirectional, lengths, monkeypatch):
    monkeypatch.setattr(choice.kernels, "trouble", lambda cell: "none here")
    core = wide(name, 21, 37, bidirectional=bidirectional)
    path = "oneDNN, else packed autograd function" if name == "lstm" else "packed autograd function"
    assert core.kernel("cpu").startswith(f"{core.cell}: {path}, cpu, fp32")
    assert "none here" in core.kernel("cpu")
    assert_agrees(core, lengths, name)


@compiled_here
@every_cell
@pytest.mark.parametrize("batch", [1, 3])
def test_states_may_lie_in_memory_in_any_order(name, batch):
    """Examples first, as whoever joins the directions' ends has it; of a batch of 1 torch calls that contiguous."""
    core = Recurrent(3, 8, bidirectional=True, **CELLS[name])
    exact = Recurrent(3, 8, bidirectional=True, **CELLS[name]).double()
    exact.load_state_dict(core.state_dict())
    x_BTI = torch.randn(batch, 4, 3)
    found = []
    begin_BSDH = torch.randn(batch, core.cell.states, 2, 8)
    for module in (core, exact):
        begin_BSDH = begin_BSDH.detach().to(module.bias_l0.dtype).requires_grad_()
        y_BTE, end = module(x_BTI.to(begin_BSDH), state=outer(begin_BSDH.permute(1, 2, 0, 3).unbind()))
        joined = [part.transpose(0, 1).flatten(1) for part in parts(end)]
        found.append([y_BTE, *joined, *gradients(module, [y_BTE, *joined], begin_BSDH)])
    for ours, truth in zip(*found, strict=True):
        assert_near(ours, truth, 1e-5)


@compiled_here
@every_cell
@torch.no_grad()
def test_the_state_of_a_single_step_may_lie_in_memory_in_any_order(name):
    core = Recurrent(3, 8, **CELLS[name])
    x_B1I, state_S1BH = torch.randn(5, 1, 3), torch.randn(core.cell.states, 1, 5, 8)
    turned_S1BH = state_S1BH.transpose(-1, -2).contiguous().transpose(-1, -2)
    truth, found = (core(x_B1I, state=outer(tuple(state.unbind()))) for state in (state_S1BH, turned_S1BH))
    for ours, exact in zip((found[0], *parts(found[1])), (truth[0], *parts(truth[1])), strict=True):
        assert torch.equal(ours, exact)


@compiled_here
@every_cell
def test_weights_may_lie_in_memory_in_any_order(name):
    core, x_BTI = wide(name, 24, 24), torch.randn(5, 7, 24)
    y_BTE, _ = core(x_BTI)
    for weights in core._all_weights():
        for weight in weights[:2]:
            assert weight is not None
            weight.data = weight.data.t().contiguous().t()
    assert torch.equal(core(x_BTI)[0], y_BTE)


@compiled_here
@every_cell
@pytest.mark.parametrize("dtype", [torch.float16, torch.float64])
@pytest.mark.parametrize("steps", [1, 5])
def test_kernels_do_not_ask_what_tensors_are_by_default(name, dtype, steps):
    """Their work is fp32 on the CPU; in half the memory they would write past its end."""
    core, x_BTI = wide(name, 5, 12, bidirectional=True), torch.randn(4, steps, 5)

    def results():
        y_BTE, _ = core(x_BTI)
        with torch.no_grad():
            plain_BTE, _ = core(x_BTI)
        return [y_BTE, plain_BTE, *torch.autograd.grad([y_BTE], list(core.parameters()), [torch.ones_like(y_BTE)])]

    truth = results()
    torch.set_default_dtype(dtype)
    try:
        with torch.device("meta"):
            found = results()
    finally:
        torch.set_default_dtype(torch.float32)
    assert all(torch.equal(ours, exact) for ours, exact in zip(found, truth, strict=True))


@compiled_here
@every_cell
@settings(max_examples=10, deadline=None, derandomize=True)
@given(lengths=st.lists(st.integers(1, 9), min_size=2, max_size=30), seed=st.integers(0, 9))
def test_an_output_is_the_same_bit_for_bit_whoever_is_in_the_batch(name, lengths, seed):
    torch.manual_seed(seed)
    core = Recurrent(5, 19, bidirectional=True, **CELLS[name])
    x_BTI = torch.randn(len(lengths), max(lengths), 5)
    y_BTE, _ = core(x_BTI, torch.tensor(lengths))
    alone_1TE, _ = core(x_BTI[:1, : lengths[0]])
    assert torch.equal(y_BTE[:1, : lengths[0]], alone_1TE)


@compiled_here
@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize("bidirectional", [False, True])
def test_the_number_of_threads_does_not_change_an_output(threads, bidirectional):
    core = Recurrent(7, 24, bidirectional=bidirectional)
    x_BTI, lengths_B = torch.randn(16, 40, 7), torch.tensor(RAGGED)
    with threads_of_torch(1):
        y_BTE, _ = core(x_BTI, lengths_B)
    with threads_of_torch(threads):
        assert torch.equal(core(x_BTI, lengths_B)[0], y_BTE)


@compiled_here
@every_cell
def test_what_is_not_a_number_is_not_hidden(name):
    core = Recurrent(2, 3, **CELLS[name])
    x_BTI = torch.zeros(2, 3, 2)
    x_BTI[0, 1, 0] = float("nan")
    y_BTE, _ = core(x_BTI)
    assert y_BTE[0, 1:].isnan().all()
    assert y_BTE[1].isfinite().all()


@compiled_here
@pytest.mark.parametrize("name", ["exp", "sigmoid", "tanh"])
def test_functions_are_right_to_the_last_places(name):
    from llvmlite import ir

    from rnncli.core.native import emit

    machine, module, ours = this_machine(), ir.Module(), getattr(emit, name)
    kernel = emit.Kernel(module, "apply", ["x", "y", "count"], machine.width)
    x, y = kernel.address("x"), kernel.address("y")

    def body(at, mask):
        kernel.store(ours(kernel.load(kernel.offset(x, at), mask)), kernel.offset(y, at), mask)

    kernel.across(kernel.number("count"), body)
    kernel.build.ret_void()
    engine = engine_of(lambda: str(module))
    values = torch.cat([torch.linspace(-80, 80, 100_001), torch.randn(1000) * 1e-3, torch.tensor([-1e30, 0.0])])
    result = torch.empty_like(values)
    given = (ctypes.c_int64 * 3)(values.data_ptr(), result.data_ptr(), len(values))
    Call(engine.get_function_address("apply"), given)()
    exact = getattr(torch, name)(values.double())
    error = (result.double() - exact).abs() / (exact.clamp(min=1e-30) if name == "exp" else 1.0)
    assert error.max() < 2.4e-7  # two units in the last place


def test_a_buffer_comes_back_when_nothing_uses_it():
    pool = Pool()
    first = pool.take(400, 100)
    place = first.data_ptr()
    view = first[3:]
    del first
    second = pool.take(400, 100)
    assert second.data_ptr() != place
    del view
    assert pool.take(400, 100).data_ptr() == place
