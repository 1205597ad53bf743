"""Products in eight bits: exact sums whatever multiplies, and layers as rounding by row and step makes them."""

import ctypes

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from llvmlite import ir

from rnncli.core.cells import Cell, CellWeights
from rnncli.core.native import kernels as native
from rnncli.core.native import rows as native_rows
from rnncli.core.native import stack
from rnncli.core.native.emit import Kernel, Rows
from rnncli.core.native.machine import Machine, engine_of, this_machine
from rnncli.core.native.openmp import Call
from rnncli.core.native.rounded import RoundedProducts, code_floats, lay_rounded, round_rows
from rnncli.core.recurrent import Recurrent

from .layers import CELLS, parts
from .test_native import AVX2

pytestmark = pytest.mark.skipif(bool(native.trouble(Cell())), reason=native.trouble(Cell()))
every_cell = pytest.mark.parametrize("name", CELLS)
NAMES = ["m", "n", "k", "a", "codes", "b", "c", "start"]


def plain_machine() -> Machine:
    """This processor without the instruction for bytes."""
    found = this_machine()
    features = dict(one[1:] and (one[1:], one[0] == "+") for one in found.features.split(","))
    return Machine(found.cpu, features | {"avx512vnni": False, "avxvnni": False, "avxvnniint8": False})


MACHINES = {"as it is": this_machine, "without VNNI": plain_machine, "AVX2": lambda: AVX2}


def product(machine: Machine):
    """A function C = start + A B over contiguous arrays, of which B is laid out already."""
    module = ir.Module()
    rounded = RoundedProducts(module, machine)
    k = Kernel(module, "multiply", NAMES, machine.width)
    m, n, depth = (k.number(name) for name in "mnk")
    k.build.call(rounded.round, [m, depth, *Rows(k.address("a"), depth), k.address("codes")])
    c, start = Rows(k.address("c"), n), Rows(k.address("start"), n)
    k.build.call(rounded.product, [m, n, depth, k.address("codes"), k.address("b"), *c, *start])
    k.build.ret_void()
    engine = engine_of(lambda: str(module), machine)

    def multiply(a_MK: torch.Tensor, b_NK: torch.Tensor, start_MN: torch.Tensor) -> torch.Tensor:
        rows, depth = a_MK.shape
        panels, c_MN = lay_rounded(b_NK, rounded.columns), torch.empty(rows, len(b_NK))
        codes = torch.empty(rows, code_floats(depth))
        pointers = [one.data_ptr() for one in (a_MK, codes, panels, c_MN, start_MN)]
        given = (ctypes.c_int64 * len(NAMES))(rows, len(b_NK), depth, *pointers)
        Call(engine.get_function_address("multiply"), given)()
        return c_MN

    return multiply


MULTIPLY = {}


@pytest.mark.parametrize("machine", MACHINES)
@settings(max_examples=40, deadline=None, derandomize=True)
@given(rows=st.integers(1, 14), columns=st.integers(1, 150), depth=st.integers(1, 90), seed=st.integers(0, 99))
def test_products_of_whole_numbers_are_those_of_numpy_exactly(machine, rows, columns, depth, seed):
    multiply = MULTIPLY.get(machine) or MULTIPLY.setdefault(machine, product(MACHINES[machine]()))
    chance = np.random.default_rng(seed)
    a_MK, b_NK = (chance.integers(-127, 128, (count, depth), dtype=np.int32) for count in (rows, columns))
    a_MK[:, chance.integers(depth)], b_NK[:, chance.integers(depth)] = 127, -127  # so that scales are 1
    start_MN = chance.integers(-1000, 1000, (rows, columns)).astype(np.float32)
    found = multiply(*(torch.from_numpy(one.astype(np.float32)) for one in (a_MK, b_NK)), torch.from_numpy(start_MN))
    assert (found.numpy() == a_MK @ b_NK.T + start_MN).all()  # all of it below 2^24


def test_rows_are_rounded_by_their_largest_number():
    matrix = torch.randn(9, 31)
    matrix[3] = 0
    codes, scales = round_rows(matrix)
    assert (codes.abs().amax(1)[torch.arange(9) != 3] == 127).all()
    assert (codes[3] == 0).all()
    assert ((codes * scales[:, None] - matrix).abs() <= scales[:, None] * 0.5001).all()
    again, _ = round_rows(codes * scales[:, None])
    assert torch.equal(again, codes)


def in_eight(core: Recurrent) -> Recurrent:
    core.eight_bits = True
    return core


def rounded(rows: torch.Tensor) -> torch.Tensor:
    codes, scales = round_rows(rows.float())
    return codes.double() * scales.double()[:, None]


def stepped(cell: Cell, x_BI: torch.Tensor, state: list[torch.Tensor], weights: CellWeights) -> list[torch.Tensor]:
    """The equations of a cell in fp64 with both sides of each product rounded by row."""
    W_ih, W_hh, bias, inner = weights
    hidden, h_BH = W_hh.shape[1], state[0]
    x_BG = rounded(x_BI) @ rounded(W_ih).T + bias.double()
    by_h = lambda h, rows: rounded(h) @ rounded(W_hh)[rows].T  # noqa: E731
    if cell.kind == "rnn":
        return [
            {"tanh": torch.tanh, "sigmoid": torch.sigmoid, "relu": torch.relu}[cell.activation](
                x_BG + by_h(h_BH, slice(None))
            )
        ]
    if cell.kind == "lstm":
        i, f, g, o = (x_BG + by_h(h_BH, slice(None))).chunk(4, 1)
        c_BH = torch.sigmoid(f) * state[1] + torch.sigmoid(i) * torch.tanh(g)
        return [torch.sigmoid(o) * torch.tanh(c_BH), c_BH]
    r, z = torch.sigmoid(x_BG[:, : 2 * hidden] + by_h(h_BH, slice(2 * hidden))).chunk(2, 1)
    last, n_BH = slice(2 * hidden, None), x_BG[:, 2 * hidden :]
    n_BH = n_BH + (by_h(r * h_BH, last) if inner is None else r * (by_h(h_BH, last) + inner.double()))
    return [(1 - z) * h_BH + z * torch.tanh(n_BH)]


@every_cell
@pytest.mark.parametrize("machine", MACHINES)
def test_layers_are_the_equations_with_products_of_rounded_rows(name, machine, monkeypatch):
    kernels = native.Kernels(Recurrent(1, 1, **CELLS[name]).cell, MACHINES[machine](), rounded=True)
    monkeypatch.setattr(stack, "kernels_of", lambda cell, *, rounded: kernels)
    core, x_BTI = in_eight(Recurrent(19, 45, **CELLS[name])), torch.randn(2, 12, 19)
    with torch.no_grad():
        y_BTE, _ = core(x_BTI)
    state = [torch.zeros(2, 45, dtype=torch.float64)] * core.cell.states
    truth = []
    for x_BI in x_BTI.double().unbind(1):
        state = stepped(core.cell, x_BI, state, core.weights(0, 0).map(torch.Tensor.detach))
        truth.append(state[0])
    off = (y_BTE - torch.stack(truth, 1)).abs()
    # Where fp32 and fp64 lie on two sides of a half, a code is another one.
    assert off.max() < 5e-3
    assert off.median() < 1e-4


@every_cell
def test_whoever_multiplies_gives_the_same_to_the_last_bit(name, monkeypatch):
    core, x_BTI, found = in_eight(Recurrent(33, 50, **CELLS[name])), torch.randn(3, 8, 33), []
    for machine in (this_machine(), plain_machine()):
        kernels = native.Kernels(core.cell, machine, rounded=True)
        monkeypatch.setattr(stack, "kernels_of", lambda cell, *, rounded, kernels=kernels: kernels)
        core._stack = stack.LaidLayers(core.cell, 1)
        with torch.no_grad():
            found.append(core(x_BTI)[0])
    assert torch.equal(*found)


@every_cell
def test_alone_in_a_batch_and_as_a_stream_a_sequence_gives_the_same(name):
    core, x_BTI = in_eight(Recurrent(30, 41, layers=2, **CELLS[name])), torch.randn(20, 7, 30)
    with torch.no_grad():
        y_BTE, _ = core(x_BTI)
        ragged, _ = core(x_BTI, torch.tensor([7, 3] * 10))
        alone, end = core(x_BTI[:1])
        state = None
        for step in range(7):
            y_B1E, state = core(x_BTI[:1, step : step + 1], state=state)
            assert torch.equal(y_B1E[:, 0], alone[:, step])
    assert torch.equal(alone, y_BTE[:1])
    assert torch.equal(ragged[0], y_BTE[0])
    assert torch.equal(ragged[1, :3], y_BTE[1, :3])
    assert all(torch.equal(one, other) for one, other in zip(parts(state), parts(end), strict=True))


@every_cell
def test_errors_do_not_grow_over_two_thousand_steps(name):
    torch.manual_seed(0)
    core, x_BTI = Recurrent(16, 128, **CELLS[name]), torch.randn(1, 2000, 16)
    with torch.no_grad():
        for weights in core._all_weights():
            weights.weight_hh.mul_(0.7)  # what an untrained rnn does at the edge of chaos would drift in fp32 too
        exact, off = core(x_BTI)[0], None
        off = (in_eight(core)(x_BTI)[0] - exact).abs().amax(2)[0]
    assert off.max() < 0.1
    assert off[1800:].mean() < 1.5 * off[100:300].mean()


def test_gradients_are_those_of_the_weights_as_they_are():
    core, x_BTI = Recurrent(5, 6, cell="lstm"), torch.randn(2, 4, 5)
    plain = core(x_BTI)[0]
    assert torch.equal(in_eight(core)(x_BTI)[0], plain)
    with torch.no_grad():
        assert not torch.equal(core(x_BTI)[0], plain)
    assert "eight bits" in core.kernel("cpu")


def test_no_way_back_in_eight_bits():
    assert native_rows.NativeRows(native.Mode.ALONE, rounded=True).rounded
    with pytest.raises(AssertionError):
        native_rows.NativeRows(native.Mode.TEAM, rounded=True)
