"""The Transformer against its equations, step by step in numpy; what holds of every core is in test_recurrent."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.autograd import gradcheck

from rnncli.core.reach import outermost, shares
from rnncli.core.transformer import Transformer

from .layers import INPUT, any_module, gradients

WIDTH = 8


def build(**settings) -> Transformer:
    """With lively weights, in fp64."""
    torch.manual_seed(3)
    core = Transformer(INPUT, WIDTH, **settings).double()
    with torch.no_grad():
        for parameter in core.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.3)
    return core.eval()


def normed(x_H, norm):
    weight, bias = (part.detach().numpy() for part in (norm.weight, norm.bias))
    return (x_H - x_H.mean()) / np.sqrt(x_H.var() + 1e-5) * weight + bias


def linear(layer, x):
    return layer.weight.detach().numpy() @ x + layer.bias.detach().numpy()


def turned(x_D, step):
    """The pairs of a head as complex numbers, turned by angles that fall geometrically."""
    half = len(x_D) // 2
    pairs = (x_D[:half] + 1j * x_D[half:]) * np.exp(1j * step * 10_000.0 ** (-np.arange(half) / half))
    return np.concatenate([pairs.real, pairs.imag])


def by_equations(core: Transformer, x_TI: np.ndarray) -> np.ndarray:
    """Outputs (T, H) of one sequence without padding: each step, each head by itself."""
    x_TH = [linear(core.read, x_I) for x_I in x_TI]
    share = WIDTH // core.heads
    for block in core.blocks:
        read = [normed(x_H, block.norm_attention) for x_H in x_TH]
        asked, keys, values = ([linear(one, x) for x in read] for one in (block.query, block.key, block.value))
        for t in range(len(x_TH)):
            seen = [s for s in range(len(x_TH)) if not core.causal or t - core.context <= s <= t]
            found = []
            for n in range(core.heads):
                own = slice(n * share, (n + 1) * share)
                fits = np.array([turned(asked[t][own], t) @ turned(keys[s][own], s) for s in seen]) / np.sqrt(share)
                weight = np.exp(fits - fits.max())
                found.append(sum(w * values[s][own] for w, s in zip(weight / weight.sum(), seen, strict=True)))
            x_TH[t] = x_TH[t] + linear(block.join, np.concatenate(found))
        x_TH = [
            x_H + linear(block.narrow, np.maximum(0, linear(block.wide, normed(x_H, block.norm_feed_forward))))
            for x_H in x_TH
        ]
    return np.array([normed(x_H, core.norm) for x_H in x_TH]).reshape(-1, WIDTH)


@pytest.mark.parametrize("bidirectional", [False, True])
@settings(max_examples=8, deadline=None, derandomize=True)
@given(
    lengths=st.lists(st.integers(0, 6), min_size=1, max_size=3),
    heads=st.sampled_from([1, 2, 4]),
    layers=st.integers(1, 2),
    context=st.sampled_from([1, 3, 20]),
)
def test_outputs_are_those_of_the_equations(bidirectional, lengths, heads, layers, context):
    core = build(heads=heads, layers=layers, context=context, bidirectional=bidirectional, feed_forward=2)
    x_BTI = torch.randn(len(lengths), max(lengths), INPUT, dtype=torch.float64)
    y_BTH, _ = core(x_BTI, torch.tensor(lengths))
    single_BTH, _ = core.float()(x_BTI.float(), torch.tensor(lengths), need_state=False)
    core = core.double()
    for x_TI, length, y_TH, single_TH in zip(x_BTI.numpy(), lengths, y_BTH, single_BTH, strict=True):
        expected = torch.from_numpy(by_equations(core, x_TI[:length]))
        torch.testing.assert_close(y_TH[:length], expected, rtol=0, atol=1e-6)  # weights went through fp32
        torch.testing.assert_close(single_TH[:length].double(), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("bidirectional", [False, True])
def test_gradients_pass_gradcheck_on_unequal_lengths(bidirectional):
    core = build(heads=2, layers=1, context=2, bidirectional=bidirectional, feed_forward=1)
    x_BTI = torch.randn(3, 4, INPUT, dtype=torch.float64, requires_grad=True)
    lengths_B = torch.tensor([4, 0, 1])
    names = [name for name, _ in core.named_parameters()]

    def run(x_BTI, *parameters):
        return torch.func.functional_call(core, dict(zip(names, parameters, strict=True)), (x_BTI, lengths_B))[0]

    assert gradcheck(run, (x_BTI, *core.parameters()), fast_mode=True)


def test_pieces_of_any_size_give_the_gradients_of_one_pass():
    core = build(heads=2, layers=2, context=3)
    x_BTI = torch.randn(2, 9, INPUT, dtype=torch.float64, requires_grad=True)
    truth = gradients(core, [core(x_BTI)[0]], x_BTI)
    state, found = None, []
    for piece_BTI in x_BTI.split([1, 4, 0, 2, 2], 1):
        y_BTH, state = core(piece_BTI, None, state)
        found.append(y_BTH)
    for ours, expected in zip(gradients(core, [torch.cat(found, 1)], x_BTI), truth, strict=True):
        torch.testing.assert_close(ours, expected, rtol=0, atol=1e-9)


def test_reading_forward_nothing_is_known_of_what_comes_nor_of_what_lies_beyond_all_contexts():
    core = build(heads=2, layers=2, context=2)
    x_BTI = torch.randn(1, 9, INPUT, dtype=torch.float64, requires_grad=True)
    (dx_BTI,) = torch.autograd.grad(core(x_BTI)[0][0, 6].sum(), x_BTI)
    felt = dx_BTI[0].abs().sum(-1) > 0
    assert felt.tolist() == [False, False, True, True, True, True, True, False, False]  # two layers of two steps


def test_the_same_seed_gives_the_same_weights_and_dropout_counts_in_training_alone():
    torch.manual_seed(1)
    one = Transformer(INPUT, WIDTH, layer_dropout=0.5, variational_dropout=0.5)
    torch.manual_seed(1)
    other = Transformer(INPUT, WIDTH)
    x_BTI = torch.ones(2, 5, INPUT)
    assert torch.equal(one.eval()(x_BTI)[0], other(x_BTI)[0])
    assert not torch.equal(one.train()(x_BTI)[0], one(x_BTI)[0])


def test_how_far_gradients_reach_is_measured_too():
    core = build(heads=2, layers=1, context=20)
    assert outermost(torch.nn.Sequential(core)) == [core]
    x_BTI, lengths_B = torch.randn(4, 6, INPUT, dtype=torch.float64), torch.tensor([6, 2, 0, 5])
    found = shares([core], lambda: core(x_BTI, lengths_B))
    assert list(found) == ["forward"]
    assert found["forward"][0] == 1
    assert (found["forward"] > 0).all()


def test_autocast_gives_its_own_precision():
    core = any_module("transformer", dtype=torch.float32)
    with torch.autocast("cpu", torch.bfloat16):
        y_BTH, state = core(torch.randn(2, 4, INPUT))
        assert "cpu, bf16" in core.kernel("cpu")
    assert y_BTH.dtype == torch.bfloat16
    core(torch.randn(2, 4, INPUT), None, state)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Transformer(3, 6, heads=2), "heads of an even width"),
        (lambda: Transformer(3, 8, context=0), "context"),
        (lambda: Transformer(3, 8)(torch.zeros(2, 3)), "not \\(batch, time, 3\\)"),
        (lambda: Transformer(3, 8)(torch.zeros(2, 3, 3), torch.tensor([1, 4])), "between 0 and 3"),
        (lambda: Transformer(3, 8)(torch.zeros(2, 3, 3), None, torch.zeros(1, 2, 8)), "state"),
        (lambda: Transformer(3, 8)(torch.zeros(2, 3, 3), None, Transformer(3, 8).initial_state(3)), "state"),
    ],
)
def test_shapes_that_do_not_fit_are_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_what_computes_is_told():
    assert "the 7 steps before" in Transformer(3, 8, context=7).kernel("cpu")
    above = Transformer(3, 8, bidirectional=True, gru=True)
    assert "the whole sequence" in above.kernel("cpu")
    assert "gru(before)" in above.kernel("cpu")
    assert (above.output_size, above.directions) == (16, 2)
