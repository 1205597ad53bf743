"""The next symbol: exact softmax in chunks, its gradients, and the estimate by drawn symbols."""

import pytest
import torch
from torch import nn
from torch.nn import functional

from rnncli.heads import symbols
from rnncli.heads.symbols import SymbolHead, chances


def head(size=8, width=6, count=10):
    torch.manual_seed(3)
    return SymbolHead(size, nn.Parameter(torch.randn(count, width)))


@pytest.mark.parametrize("width", [8, 6])
@pytest.mark.parametrize("at_once", [1 << 21, 40, 1])
def test_loss_and_gradients_are_those_of_one_softmax(width, at_once, monkeypatch):
    monkeypatch.setattr(symbols, "LOGITS", at_once)
    one, y = head(width=width), torch.randn(23, 8, requires_grad=True)
    target = torch.randint(0, 10, (23,))
    weights = [*one.parameters(), y]
    found = torch.autograd.grad(one.loss(y, target) * 3, weights)
    wanted = torch.autograd.grad(functional.cross_entropy(one(y), target) * 3, weights)
    for mine, theirs in zip(found, wanted, strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(one.nats(y, target), functional.cross_entropy(one(y), target, reduction="none"))


def test_symbols_that_are_always_drawn_give_the_exact_loss():
    one, y, target = head(), torch.randn(50, 8), torch.randint(0, 10, (50,))
    torch.testing.assert_close(one.drawn_loss(y, target, torch.ones(10)), one.loss(y, target))


def test_the_sum_over_other_symbols_is_estimated_without_bias():
    one, y, target = head(count=40), torch.randn(1, 8), torch.tensor([7])
    chance = torch.full((40,), 0.3)
    logits = one(y)[0]
    others = (logits.exp().sum() - logits[7].exp()).item()
    losses = torch.stack([one.drawn_loss(y, target, chance) for _ in range(4000)])
    # exp(loss) = 1 + others / exp(true logit)
    assert ((losses.exp() - 1).mean() * logits[7].exp()).item() == pytest.approx(others, rel=0.05)


def test_chances_add_up_and_frequent_symbols_are_always_drawn():
    count = torch.tensor([100_000, 5000, *[3] * 500, 0])
    chance = chances(count, 100)
    assert chance.sum().item() == pytest.approx(100, rel=1e-3)
    assert chance[0] == chance[1] == 1
    assert 0 < chance[-1] < chance[2] < 1
