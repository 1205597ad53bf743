import pytest
import torch

from rnncli.core.dropout import Dropout


@pytest.mark.parametrize("p", [0.1, 0.5, 0.87])
def test_the_share_that_is_dropped_is_p_and_the_mean_is_kept(p):
    torch.manual_seed(1)
    x = torch.ones(3, 701, 97)
    y = Dropout(p)(x)
    assert (y == 0).float().mean().item() == pytest.approx(p, abs=0.005)
    assert y.mean().item() == pytest.approx(1, abs=0.02)
    torch.testing.assert_close(y[y != 0].unique(), torch.tensor([1 / (1 - p)]), rtol=1e-4, atol=0)


def test_elements_are_dropped_independently_of_their_neighbours():
    torch.manual_seed(2)
    y = Dropout(0.5)(torch.ones(100_000)) != 0
    for distance in (1, 2, 3, 4, 7, 64):
        assert (y[:-distance] == y[distance:]).float().mean().item() == pytest.approx(0.5, abs=0.01)


def test_the_gradient_is_dropped_where_the_element_was():
    torch.manual_seed(3)
    x = torch.randn(50, 3, requires_grad=True)
    y = Dropout(0.4)(x)
    y.sum().backward()
    assert x.grad is not None
    assert torch.equal(x.grad != 0, y != 0)
    torch.testing.assert_close(x.grad * x.detach(), y.detach())


def test_the_seed_decides_and_evaluation_drops_nothing():
    x, dropout = torch.randn(2, 5), Dropout(0.5)
    torch.manual_seed(4)
    first = dropout(x)
    torch.manual_seed(4)
    assert torch.equal(dropout(x), first)
    assert dropout.eval()(x) is x
    assert Dropout(0.0)(x) is x


@pytest.mark.parametrize("shape", [(0,), (1,), (2, 0, 3), (5,), ()])
def test_any_number_of_elements_can_be_dropped(shape):
    assert Dropout(0.5)(torch.ones(shape)).shape == shape


def test_all_is_dropped_at_1_and_other_shares_are_refused():
    assert not Dropout(1.0)(torch.ones(9)).any()
    for p in (-0.1, 1.1):
        with pytest.raises(ValueError, match="not between 0 and 1"):
            Dropout(p)
