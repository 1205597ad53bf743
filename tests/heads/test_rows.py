"""What is said of a text does not depend on those beside it, to the last place."""

import pytest
import torch
from torch import nn

from rnncli.core.recurrent import Recurrent
from rnncli.heads.pooling import Pooling
from rnncli.heads.rows import by_row


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize(("width", "classes"), [(1, 1), (7, 2), (128, 2), (256, 3), (300, 14)])
def test_a_row_is_the_same_alone_and_among_others(width, classes, bias):
    torch.manual_seed(width)
    layer, x_BI = nn.Linear(width, classes, bias=bias), torch.randn(96, width)
    with torch.no_grad():
        together = by_row(layer, x_BI)
        assert torch.equal(torch.cat([by_row(layer, row) for row in x_BI.split(1)]), together)
        assert torch.equal(torch.cat([by_row(layer, rows) for rows in x_BI.split(7)]), together)
        torch.testing.assert_close(together, layer(x_BI))


def test_what_is_learnt_goes_through_the_layer_itself():
    layer, x_BI = nn.Linear(5, 2), torch.randn(3, 5)
    assert torch.equal(by_row(layer, x_BI), layer(x_BI))
    by_row(layer, x_BI).sum().backward()
    assert layer.weight.grad is not None


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
@pytest.mark.parametrize("pooling", ["last", "mean+max"])
def test_a_classifier_of_any_cell_answers_alike_alone_and_among_others(cell, pooling):
    """96 sequences of 1 to 30 steps: all together, some of equal length, and each by itself."""
    torch.manual_seed(3)
    core = Recurrent(16, 24, cell=cell, bidirectional=True).eval()
    pool, layer = Pooling(48, pooling, directions=2), nn.Linear(48 * (1 + pooling.count("+")), 2)
    lengths_B, x_BTI = torch.arange(96) % 30 + 1, torch.randn(96, 30, 16)

    def answer(rows_B, steps):
        y_BTE, _ = core(x_BTI[rows_B, :steps], lengths_B[rows_B])
        return by_row(layer, pool(y_BTE, lengths_B[rows_B])).softmax(-1)

    with torch.no_grad():
        together = answer(torch.arange(96), 30)
        for number in range(0, 96, 5):
            steps = int(lengths_B[number])
            alike = torch.nonzero(lengths_B == steps).flatten()
            assert torch.equal(answer(torch.tensor([number]), steps)[0], together[number])
            assert torch.equal(answer(alike, steps), together[alike])
