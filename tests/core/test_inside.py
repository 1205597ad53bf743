"""Gates and states rebuilt from what layers read and write, against the cells step by step and on every path."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from rnncli.core.cells import CellWeights, State, step
from rnncli.core.inside import named, observed, rebuilt
from rnncli.core.paths import choice
from rnncli.core.recurrent import Recurrent

from .layers import CELLS, HIDDEN, INPUT, draw_state, module, outer

every_cell = pytest.mark.parametrize("name", CELLS)


def seen_in(core: Recurrent, *given, **options):
    return observed([core], lambda: core(*given, **options))[core]


def states(core: Recurrent, weights: CellWeights, x_TI: Tensor, begin: State) -> list[State]:
    """The state before the first step and behind each, by the reference cells."""
    found = [begin]
    for x_I in x_TI:
        found.append(step(core.cell, x_I[None], found[-1], weights))
    return found


def assert_is_the_cells(core: Recurrent, seen) -> None:
    """h and c are those of the reference; gates are those by which its states come out of each other."""
    x_BTX = seen.x_BTI
    for layer, parts in enumerate(rebuilt(core, seen)):
        assert max(part.off for part in parts) < 1e-12
        for b, length in enumerate(seen.lengths_B.tolist()):
            for d, part in enumerate(parts):
                begin = tuple(one[layer * core.directions + d, b : b + 1] for one in seen.state)
                order = torch.arange(length).flip(0) if d else torch.arange(length)
                found = states(core, core.weights(layer, d), x_BTX[b, order], begin)
                own = {name: value[b, order] for name, value in part.values().items()}
                for name, at in (("h", 0), ("c", 1))[: core.cell.states]:
                    expected = torch.cat([one[at] for one in found[1:]]) if length else own[name]
                    torch.testing.assert_close(own[name], expected, rtol=0, atol=1e-12)
                assert_gates_lead_on(core, own, found)
                assert not any(value[b, length:].any() for value in part.values().values())
        x_BTX = torch.cat([part.h_BTH for part in parts], -1)


def assert_gates_lead_on(core: Recurrent, own: dict[str, Tensor], found: list[State]) -> None:
    for t, (before, after) in enumerate(pairwise(found)):
        gate = {name: value[t] for name, value in own.items()}
        if core.cell.kind == "rnn":
            assert torch.allclose(after[0][0], gate["hidden"])
        elif core.cell.kind == "gru":
            z = gate["update"]
            assert torch.allclose(after[0][0], (1 - z) * before[0][0] + z * gate["candidate"])
        else:
            assert torch.allclose(after[1][0], gate["forget"] * before[1][0] + gate["input"] * gate["candidate"])
            assert torch.allclose(after[0][0], gate["output"] * after[1][0].tanh())


@every_cell
@settings(max_examples=6, deadline=None, derandomize=True)
@given(
    lengths=st.lists(st.integers(0, 5), min_size=1, max_size=4),
    layers=st.integers(1, 2),
    bidirectional=st.booleans(),
    learnt=st.booleans(),
    told=st.booleans(),
)
def test_every_step_is_that_of_the_cells(name, lengths, layers, bidirectional, learnt, told):
    core = module(name, layers=layers, bidirectional=bidirectional, learnt_initial_state=learnt)
    x_BTI = torch.randn(len(lengths), max(lengths) + 1, INPUT, dtype=torch.float64)
    state = outer(draw_state(core, len(lengths))) if told else None
    assert_is_the_cells(core, seen_in(core, x_BTI, torch.tensor(lengths), state))


def test_a_reset_gate_is_the_one_that_the_candidate_was_made_with():
    """Of a gru h tells nothing of r but through the candidate: what the weights make of it by hand."""
    core = module("gru-before")
    x_BTI = torch.randn(2, 4, INPUT, dtype=torch.float64)
    (part,) = rebuilt(core, seen_in(core, x_BTI))[0]
    weights, t = core.weights(0, 0), 2
    rows_H = slice(0, HIDDEN)
    r_BH = torch.sigmoid(
        x_BTI[:, t] @ weights.weight_ih[rows_H].T
        + part.h_BTH[:, t - 1] @ weights.weight_hh[rows_H].T
        + weights.bias[rows_H]
    )
    torch.testing.assert_close(part.gates["reset"][:, t], r_BH)


@every_cell
@pytest.mark.parametrize("path", ["kernels", "torch", "padded", "one step"])
def test_on_every_path_it_is_what_the_core_wrote(name, path, monkeypatch):
    core = module(name, dtype=torch.float32, layers=2, bidirectional=True).eval()
    if path == "torch":
        monkeypatch.setattr(choice.kernels, "trouble", lambda cell: "none here")
    if path == "padded":
        monkeypatch.setattr(core, "_by_rows", core._by_batch)
    steps = 1 if path == "one step" else 40
    with torch.no_grad():
        ragged = seen_in(core, torch.randn(5, steps, INPUT), torch.tensor([steps, 0, 1, steps, steps // 2]))
        whole = seen_in(core, torch.randn(3, steps, INPUT))
    for seen in (ragged, whole):
        top = rebuilt(core, seen)
        assert max(part.off for parts in top for part in parts) < 1e-5
        h_BTE = torch.cat([part.h_BTH for part in top[-1]], -1)
        torch.testing.assert_close(h_BTE, seen.y_BTE, rtol=0, atol=1e-5)


def test_what_a_wrong_output_is_off_by_is_told():
    core = module("lstm")
    seen = seen_in(core, torch.randn(2, 3, INPUT, dtype=torch.float64))
    y_BTE = seen.y_BTE.clone()
    y_BTE[0, -1, 0] += 0.25  # at the last step, which no further one reads
    assert rebuilt(core, seen._replace(y_BTE=y_BTE))[0][0].off == pytest.approx(0.25)


def test_padding_dropout_and_the_generator_play_no_part():
    core = module("gru-after", layers=2, layer_dropout=0.5).eval()
    x_BTI, lengths_B = torch.randn(2, 4, INPUT, dtype=torch.float64), torch.tensor([4, 2])
    dirty_BTI = x_BTI.clone()
    dirty_BTI[1, 2:] = torch.nan
    before = torch.random.get_rng_state()
    clean, dirty = (named(rebuilt(core, seen_in(core, one, lengths_B))) for one in (x_BTI, dirty_BTI))
    assert torch.equal(before, torch.random.get_rng_state())
    assert list(clean) == [f"layer{n}.forward.{what}" for n in (1, 2) for what in ("reset", "update", "candidate", "h")]
    assert all(torch.equal(clean[key], dirty[key]) for key in clean)


def test_without_examples_or_steps_there_is_nothing_to_see():
    core = module("lstm", bidirectional=True)
    for shape in ((0, 3, INPUT), (2, 0, INPUT)):
        (parts,) = rebuilt(core, seen_in(core, torch.zeros(shape, dtype=torch.float64)))
        assert all(value.shape == (*shape[:2], HIDDEN) for part in parts for value in part.values().values())
