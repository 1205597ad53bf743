"""How far back gradients arrive, against a case known in closed form and against whole Jacobians of the equations."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from rnncli.core.reach import outermost, shares
from rnncli.core.recurrent import Recurrent
from rnncli.core.reference import reference

LENGTHS = torch.tensor([7, 3, 0, 6])


def jacobian_shares(core: Recurrent, x_BTI, lengths_B, direction: int) -> list[float]:
    """By the definition: every entry of every Jacobian, from the reference cells."""
    layers = [[core.weights(n, d) for d in range(core.directions)] for n in range(core.layers)]
    squares: dict[int, list[tuple[float, float]]] = {}
    for x_TI, length in zip(x_BTI, lengths_B.tolist(), strict=True):
        if not length:
            continue

        def end(x, length=length):
            y_TE = reference(core.cell, layers, x[None], [length])[0][0]
            return y_TE[0, core.hidden_size :] if direction else y_TE[length - 1, : core.hidden_size]

        J_HTI = torch.autograd.functional.jacobian(end, x_TI[:length])
        norms_T = J_HTI.square().sum((0, 2))
        norms_K = norms_T if direction else norms_T.flip(0)
        for k, norm in enumerate(norms_K.tolist()):
            squares.setdefault(k, []).append((norm, norms_K[0].item()))
    return [(sum(n for n, _ in found) / sum(f for _, f in found)) ** 0.5 for _, found in sorted(squares.items())]


@pytest.mark.parametrize("a", [0.5, 1.0, 1.25])
def test_of_a_linear_recurrence_the_share_is_a_power(a):
    torch.manual_seed(1)
    core = Recurrent(3, 4, cell="rnn", activation="relu", bidirectional=True)
    with torch.no_grad():
        for d in range(2):
            core.weights(0, d).weight_hh.copy_(a * torch.eye(4))
            core.weights(0, d).weight_ih.abs_()
    x_BTI = torch.rand(5, 12, 3)  # nothing is negative anywhere, so the relu never bends
    found = shares([core], lambda: core(x_BTI))
    assert set(found) == {"forward", "reverse"}
    for share_K in found.values():
        torch.testing.assert_close(share_K, a ** torch.arange(12.0).double(), rtol=1e-5, atol=0)


@pytest.mark.parametrize(
    ("cell", "layers", "bidirectional"),
    [("rnn", 1, False), ("lstm", 1, False), ("gru", 1, True), ("lstm", 2, True)],
)
def test_shares_are_those_of_whole_jacobians(cell, layers, bidirectional):
    torch.manual_seed(2)
    core = Recurrent(3, 4, cell=cell, layers=layers, bidirectional=bidirectional).double()
    x_BTI = torch.randn(4, 7, 3, dtype=torch.float64)
    many_BTI, lengths_B = x_BTI.repeat(3000, 1, 1), LENGTHS.repeat(3000)  # each with a draw of its own
    found = shares([core], lambda: core(many_BTI, lengths_B, need_state=False))
    for direction, share_K in enumerate(found.values()):
        assert len(share_K) == 6  # as far as two of the three sequences that have steps go
        truth = jacobian_shares(core, x_BTI, LENGTHS, direction)[:6]
        assert share_K.tolist() == pytest.approx(truth, rel=0.05)


def test_padding_and_batch_mates_do_not_matter():
    torch.manual_seed(3)
    core = Recurrent(3, 4, cell="gru")
    x_BTI = torch.randn(1, 6, 3)
    alone = shares([core], lambda: core(x_BTI))["forward"]
    padded = torch.cat([x_BTI, torch.full((1, 3, 3), torch.nan)], 1)
    torch.testing.assert_close(shares([core], lambda: core(padded, torch.tensor([6])))["forward"], alone)


def test_a_stack_of_modules_is_measured_from_its_last_output_to_its_first_input():
    torch.manual_seed(4)
    whole = Recurrent(3, 4, cell="lstm", layers=2)
    cores = nn.ModuleList([Recurrent(3, 4, cell="lstm"), Recurrent(4, 4, cell="lstm")])
    for n, core in enumerate(cores):
        core.load_state_dict({name: getattr(whole, name.replace("_l0", f"_l{n}")) for name in core.state_dict()})
    x_BTI = torch.randn(2, 9, 3)
    apart = shares(outermost(nn.ModuleDict({"cores": cores})), lambda: cores[1](cores[0](x_BTI)[0]))
    torch.testing.assert_close(apart["forward"], shares([whole], lambda: whole(x_BTI))["forward"])


def test_layers_inside_a_part_of_the_model_give_way_to_those_at_its_top():
    inner = nn.ModuleDict({"characters": Recurrent(2, 2)})
    model = nn.ModuleDict({"words": inner, "core": Recurrent(2, 2)})
    assert outermost(model) == [model["core"]]
    assert outermost(inner) == [inner["characters"]]
    assert outermost(nn.Linear(2, 2)) == []


@pytest.mark.parametrize("lengths", [[0, 0], [0, 1]])
def test_without_steps_nothing_is_said(lengths):
    core = Recurrent(3, 4)
    found = shares([core], lambda: core(torch.randn(2, 1, 3), torch.tensor(lengths)))
    assert [len(share_K) for share_K in found.values()] == [1] * sum(lengths)


def test_gradients_asked_for_leave_none_behind():
    core = Recurrent(3, 4)
    with torch.no_grad():
        shares([core], lambda: core(torch.randn(2, 5, 3)))
    assert all(parameter.grad is None for parameter in core.parameters())
    assert not core._forward_hooks
    assert not core._forward_pre_hooks


def test_a_unit_that_is_shut_sends_nothing_back_and_has_no_share():
    core = Recurrent(3, 4, cell="rnn", activation="relu")
    with torch.no_grad():
        core.bias_l0.fill_(-100.0)
    assert shares([core], lambda: core(torch.randn(2, 5, 3))) == {}
