"""Weights that are laid out once: few sequences of equal lengths, and streams."""

import copy
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from rnncli.core.cells import Cell
from rnncli.core.native import kernels as native
from rnncli.core.native import stack
from rnncli.core.recurrent import Recurrent

from .layers import CELLS, assert_near, by_reference, parts
from .test_native import short_kernels, threads_of_torch, wide

pytestmark = pytest.mark.skipif(bool(native.trouble(Cell())), reason=native.trouble(Cell()))
every_cell = pytest.mark.parametrize("name", CELLS)


def in_double(core: Recurrent, name: str) -> Recurrent:
    exact = Recurrent(
        core.input_size,
        core.hidden_size,
        layers=core.layers,
        bidirectional=core.directions == 2,
        learnt_initial_state=core.learnt_initial_state,
        **CELLS[name],
    ).double()
    exact.load_state_dict(core.state_dict())
    return exact


@every_cell
@settings(max_examples=25, deadline=None, derandomize=True)
@given(
    batch=st.integers(1, 5),
    steps=st.integers(1, 6),
    inputs=st.integers(1, 40),
    hidden=st.integers(1, 70),
    both=st.booleans(),
    short=st.booleans(),
    threads=st.integers(1, 2),
)
def test_few_sequences_are_the_equations_of_the_cell(name, batch, steps, inputs, hidden, both, short, threads):
    core = wide(name, inputs, hidden, bidirectional=both)
    x_BTI = torch.randn(batch, steps, inputs)
    begin = tuple(torch.randn(2 * core.directions, batch, hidden) for _ in range(core.cell.states))
    before = [part.clone() for part in (x_BTI, *begin)]
    with pytest.MonkeyPatch.context() as patch, torch.no_grad(), threads_of_torch(threads):
        known = short_kernels if short else native.kernels_of
        patch.setattr(stack, "kernels_of", lambda cell, *, rounded: known(cell))
        y_BTE, end = core(x_BTI, state=begin if core.cell.states == 2 else begin[0])
        exact = in_double(core, name)
        double = [part.double() for part in (x_BTI, *begin)]
        y_true, end_true = by_reference(exact, double[0], [steps] * batch, tuple(double[1:]))
    assert core._stack._laid
    assert_near(y_BTE, y_true, 1e-5)
    for ours, truth in zip(parts(end), end_true, strict=True):
        assert_near(ours, truth, 1e-5)
    assert all(torch.equal(one, other) for one, other in zip((x_BTI, *begin), before, strict=True))


@every_cell
@pytest.mark.parametrize("chunk", [2**18, 100])
def test_alone_a_sequence_gives_to_the_last_bit_what_it_gives_in_a_batch(name, chunk, monkeypatch):
    monkeypatch.setattr("rnncli.core.native.rows.CHUNK_ELEMENTS", chunk)
    core = wide(name, 30, 41, bidirectional=True)
    x_BTI = torch.randn(20, 7, 30)
    with torch.no_grad():
        y_BTE, end = core(x_BTI, torch.full((20,), 7))
        for few in (1, 3, 16):
            found, ended = core(x_BTI[:few])
            assert torch.equal(found, y_BTE[:few])
            assert all(torch.equal(a, b[:, :few]) for a, b in zip(parts(ended), parts(end), strict=True))


@every_cell
def test_a_stream_is_its_sequence(name):
    core = Recurrent(5, 40, layers=3, **CELLS[name])
    x_BTI, state = torch.randn(2, 30, 5), None
    with torch.no_grad():
        whole, end = core(x_BTI)
        for step in range(30):
            y_B1E, state = core(x_BTI[:, step : step + 1], state=state)
            assert torch.equal(y_B1E[:, 0], whole[:, step])
    assert all(torch.equal(a, b) for a, b in zip(parts(state), parts(end), strict=True))


def changed_in_place(core):
    core.weight_hh_l0.mul_(0.5)


def loaded(core):
    core.load_state_dict({name: value * 2 for name, value in core.state_dict().items()})


def moved_elsewhere(core):
    core.bias_l0.data = torch.ones_like(core.bias_l0)


def trained(core):
    optimizer = torch.optim.AdamW(core.parameters())
    with torch.enable_grad():
        core(torch.ones(1, 3, 4))[0].sum().backward()
    optimizer.step()


@pytest.mark.parametrize("change", [changed_in_place, loaded, moved_elsewhere, trained])
def test_weights_that_change_are_laid_out_anew(change):
    core, x_BTI = Recurrent(4, 6), torch.randn(1, 5, 4)
    with torch.no_grad():
        before = core(x_BTI)[0]
        change(core)
        after = core(x_BTI)[0]
    fresh = Recurrent(4, 6)
    fresh.load_state_dict(core.state_dict())
    with torch.no_grad():
        assert torch.equal(after, fresh(x_BTI)[0])
    assert not torch.equal(before, after)


def test_a_copy_goes_its_own_way():
    core, x_BTI = Recurrent(4, 6), torch.randn(1, 5, 4)
    with torch.no_grad():
        before = core(x_BTI)[0]
        twin = copy.deepcopy(core)
        changed_in_place(core)
        del core
        assert torch.equal(twin(x_BTI)[0], before)


def test_threads_may_share_a_module():
    core, inputs = Recurrent(4, 64, layers=2, cell="lstm"), [torch.randn(1, 40, 4) for _ in range(8)]
    with torch.no_grad():
        alone = [core(x_BTI)[0] for x_BTI in inputs]

    def many(at: int) -> bool:
        with torch.no_grad():
            return all(torch.equal(core(inputs[at])[0], alone[at]) for _ in range(200))

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(many, range(8)))


def test_lengths_that_are_those_of_the_batch_say_nothing_new():
    core, x_BTI = Recurrent(4, 6, cell="lstm"), torch.randn(2, 5, 4)
    with torch.no_grad():
        assert torch.equal(core(x_BTI, torch.tensor([5, 5]))[0], core(x_BTI)[0])
        assert core._stack._laid
        shorter = core(x_BTI, torch.tensor([5, 3]))[0]
    assert torch.equal(shorter[:, :3], core(x_BTI)[0][:, :3])
    assert not shorter[1, 3:].any()


@every_cell
@pytest.mark.parametrize("layers", [1, 2])
def test_no_sequences_give_no_outputs(name, layers):
    core = Recurrent(4, 6, layers=layers, bidirectional=True, **CELLS[name])
    with torch.no_grad():
        y_BTE, end = core(torch.randn(0, 5, 4))
    assert y_BTE.shape == (0, 5, 12)
    assert all(part.shape == (2 * layers, 0, 6) for part in parts(end))


def test_shapes_that_do_not_fit_are_refused():
    core = Recurrent(4, 6)
    with torch.no_grad():
        core(torch.randn(1, 5, 4))
        with pytest.raises(ValueError, match="state of shape"):
            core(torch.randn(1, 5, 4), state=torch.zeros(1, 2, 6))
        with pytest.raises(ValueError, match="input of shape"):
            core(torch.randn(1, 5, 3))
        with pytest.raises(ValueError, match="do not all lie between 0 and 5"):
            core(torch.randn(1, 5, 4), torch.tensor([6]))
