"""Pooling over valid steps, against the same sums taken one example at a time."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.autograd import gradcheck

from rnncli.heads.pooling import KINDS, Pooling

E = 6
lengths_lists = st.lists(st.integers(0, 5), min_size=1, max_size=4)


def pooling(kind: str, directions: int = 1) -> Pooling:
    torch.manual_seed(0)
    return Pooling(E, kind, directions=directions).double()


def batch(lengths: list[int], extra: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    torch.manual_seed(1)
    return torch.randn(len(lengths), max(lengths) + extra, E, dtype=torch.float64), torch.tensor(lengths)


def expected(head: Pooling, kind: str, y_TE: torch.Tensor) -> torch.Tensor:
    if not len(y_TE):
        return y_TE.new_zeros(E)
    if kind == "last":
        return y_TE[-1] if head.directions == 1 else torch.cat([y_TE[-1, : E // 2], y_TE[0, E // 2 :]])
    if kind == "mean":
        return y_TE.mean(0)
    if kind == "max":
        return y_TE.max(0).values
    hidden_TE = torch.tanh(y_TE @ head.project.weight.T + head.project.bias)
    weights_T = torch.softmax(hidden_TE @ head.score.weight[0], 0)
    return sum((w * y_E for w, y_E in zip(weights_T, y_TE, strict=True)), y_TE.new_zeros(E))


@pytest.mark.parametrize("kind", [*KINDS, "mean+max", "last+attention+mean"])
@pytest.mark.parametrize("directions", [1, 2])
@settings(max_examples=25, deadline=None, derandomize=True)
@given(lengths=lengths_lists, extra=st.integers(0, 2))
def test_each_example_is_pooled_over_its_own_steps(kind, directions, lengths, extra):
    head = pooling(kind, directions)
    y_BTE, lengths_B = batch(lengths, extra)
    pooled = head(y_BTE, lengths_B)
    assert pooled.shape == (len(lengths), head.output_size)
    for b, length in enumerate(lengths):
        alone = torch.cat([expected(head, part, y_BTE[b, :length]) for part in kind.split("+")])
        torch.testing.assert_close(pooled[b], alone)


@pytest.mark.parametrize("kind", KINDS)
def test_padding_has_no_influence_and_no_gradient(kind):
    head = pooling(kind, directions=2)
    y_BTE, lengths_B = batch([3, 0, 1], extra=1)
    clean = head(y_BTE, lengths_B)
    padding = torch.arange(4) >= lengths_B[:, None]
    dirty = y_BTE.clone()
    dirty[padding] = float("nan")
    dirty.requires_grad_()
    pooled = head(dirty, lengths_B)
    assert torch.equal(pooled, clean)
    pooled.square().sum().backward()
    assert not dirty.grad[padding].any()
    assert all(parameter.grad.isfinite().all() for parameter in head.parameters())


@pytest.mark.parametrize("kind", KINDS)
def test_gradients_are_exact(kind):
    head = pooling(kind, directions=2)
    y_BTE, lengths_B = batch([3, 0, 1])
    assert gradcheck(lambda y_BTE: head(y_BTE, lengths_B), y_BTE.requires_grad_())


@settings(max_examples=25, deadline=None, derandomize=True)
@given(lengths=lengths_lists)
def test_attention_sums_to_one_over_valid_steps(lengths):
    head = pooling("mean+attention")
    y_BTE, lengths_B = batch(lengths)
    weights_BT = head.weights(y_BTE, lengths_B)
    assert weights_BT.shape == y_BTE.shape[:2]
    for weights_T, length in zip(weights_BT, lengths, strict=True):
        assert not weights_T[length:].any()
        assert (weights_T[:length] > 0).all()
        assert weights_T.sum().item() == pytest.approx(1.0 if length else 0.0, abs=1e-6)


def test_low_precision_pools_in_low_precision():
    for kind in KINDS:
        head = Pooling(E, kind).bfloat16()
        y_BTE, lengths_B = batch([3, 0, 2])
        assert head(y_BTE.bfloat16(), lengths_B).dtype == torch.bfloat16


def test_the_names_of_parameters_stay_as_checkpoints_hold_them():
    assert set(Pooling(E, "attention").state_dict()) == {"project.weight", "project.bias", "score.weight"}
    assert not Pooling(E, "mean+max").state_dict()


@pytest.mark.parametrize(
    ("kind", "directions", "message"),
    [("median", 1, "'median'"), ("mean+", 1, "''"), ("mean+mean", 1, "twice"), ("last", 4, "4 directions")],
)
def test_a_pooling_that_makes_no_sense_is_refused(kind, directions, message):
    with pytest.raises(ValueError, match=message):
        Pooling(E, kind, directions=directions)


def test_only_attention_has_weights():
    with pytest.raises(ValueError, match="no attention"):
        pooling("mean").weights(*batch([2]))
