"""The weights of the recurrent layers: how they are drawn, named and shaped."""

import pytest
import torch

from rnncli.core.recurrent import Recurrent

from .layers import CELLS, HIDDEN, INPUT, assert_near

every_cell = pytest.mark.parametrize("name", CELLS)


@every_cell
def test_the_same_seed_gives_the_same_weights(name):
    drawn = []
    for seed in (5, 5, 6):
        torch.manual_seed(seed)
        drawn.append(Recurrent(INPUT, HIDDEN, layers=2, bidirectional=True, **CELLS[name]).state_dict())
    assert all(torch.equal(drawn[0][key], drawn[1][key]) for key in drawn[0])
    assert not torch.equal(drawn[0]["weight_ih_l0"], drawn[2]["weight_ih_l0"])


def test_both_resets_start_from_the_same_weights():
    torch.manual_seed(3)
    before = Recurrent(INPUT, HIDDEN, reset="before").state_dict()
    torch.manual_seed(3)
    after = Recurrent(INPUT, HIDDEN, reset="after").state_dict()
    assert set(after) - set(before) == {"bias_hh_l0"}
    assert all(torch.equal(before[key], after[key]) for key in before)


def test_initial_weights_are_orthogonal_by_gate_and_the_forget_gate_is_open():
    core = Recurrent(INPUT, HIDDEN, cell="lstm")
    for gate_HH in core.weight_hh_l0.detach().split(HIDDEN):
        assert_near(gate_HH @ gate_HH.T, torch.eye(HIDDEN), 1e-5)
    assert core.weight_ih_l0.abs().max() <= (6 / (INPUT + HIDDEN)) ** 0.5
    assert core.bias_l0.tolist() == [0.0] * HIDDEN + [1.0] * HIDDEN + [0.0] * 2 * HIDDEN


def test_the_names_and_shapes_of_parameters_stay_as_checkpoints_hold_them():
    shapes = {
        name: tuple(value.shape)
        for name, value in Recurrent(
            3, 4, reset="after", layers=2, bidirectional=True, learnt_initial_state=True
        ).state_dict().items()
    }  # fmt: skip
    expected = {"initial_h": (4, 4)}
    for layer, width in ((0, 3), (1, 8)):
        for suffix in ("", "_reverse"):
            expected |= {
                f"weight_ih_l{layer}{suffix}": (12, width),
                f"weight_hh_l{layer}{suffix}": (12, 4),
                f"bias_l{layer}{suffix}": (12,),
                f"bias_hh_l{layer}{suffix}": (4,),
            }
    assert shapes == expected
    lstm = Recurrent(3, 4, cell="lstm", learnt_initial_state=True)
    assert set(lstm.state_dict()) == {"weight_ih_l0", "weight_hh_l0", "bias_l0", "initial_h", "initial_c"}
