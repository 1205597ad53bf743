"""The CRF against brute force over all paths."""

import itertools
import time

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from rnncli.heads.chain import ChainLayout, ChainProducts, Logarithms
from rnncli.heads.crf import CRF


def every_path(crf, scores_TK):
    """All allowed tag sequences with their scores, in fp64, written down straight from the definition."""
    T, K = scores_TK.shape
    if T == 0:
        return {(): torch.tensor(0.0, dtype=torch.float64)}
    found = {}
    for path in itertools.product(range(K), repeat=T):
        pairs = list(itertools.pairwise(path))
        allowed = crf.allowed_start_K[path[0]] and crf.allowed_end_K[path[-1]]
        if not (allowed and all(crf.allowed_KK[i, j] for i, j in pairs)):
            continue
        score = crf.start_K[path[0]] + crf.end_K[path[-1]] + sum(scores_TK[t, k] for t, k in enumerate(path))
        found[path] = (score + sum(crf.transition_KK[i, j] for i, j in pairs)).double()
    return found


@st.composite
def chains(draw):
    """A CRF in fp64 with some pairs forbidden, scores, and lengths with zero and one among them."""
    K = draw(st.integers(2, 4))
    lengths = draw(st.lists(st.integers(0, 4), min_size=1, max_size=4))
    generator = torch.Generator().manual_seed(draw(st.integers(0, 10**6)))
    scale = draw(st.sampled_from([0.1, 2.0, 30.0]))
    allowed_KK = torch.rand(K, K, generator=generator) < 0.7
    start_K, end_K = torch.rand(K, generator=generator) < 0.8, torch.rand(K, generator=generator) < 0.8
    allowed_KK[0], start_K[0], end_K[0] = True, True, True  # tag 0 keeps every length possible
    allowed_KK[:, 0] = True
    crf = CRF(K, allowed_KK=allowed_KK, allowed_start_K=start_K, allowed_end_K=end_K).double()
    for parameter in crf.parameters():
        parameter.data = torch.randn(parameter.shape, generator=generator, dtype=torch.float64) * scale
    T = max(lengths) + draw(st.integers(0, 2))
    scores_BTK = torch.randn(len(lengths), T, K, generator=generator, dtype=torch.float64) * scale
    return crf, scores_BTK, torch.tensor(lengths)


@settings(max_examples=25, deadline=None)
@given(chains(), st.randoms(use_true_random=False))
def test_the_loss_is_that_of_the_definition(chain, random):
    crf, scores_BTK, lengths_B = chain
    tags_BT = torch.zeros(scores_BTK.shape[:2], dtype=torch.int64)
    wanted = []
    for b, length in enumerate(lengths_B.tolist()):
        paths = every_path(crf, scores_BTK[b, :length])
        path = random.choice(sorted(paths))
        tags_BT[b, :length] = torch.tensor(path, dtype=torch.int64)
        wanted.append(torch.logsumexp(torch.stack(list(paths.values())), 0) - paths[path])
    torch.testing.assert_close(crf.loss(scores_BTK, tags_BT, lengths_B), torch.stack(wanted), rtol=1e-9, atol=1e-9)


@settings(max_examples=25, deadline=None)
@given(chains())
def test_marginals_and_best_paths_are_those_of_the_definition(chain):
    crf, scores_BTK, lengths_B = chain
    marginals_BTK, best_BT = crf.marginals(scores_BTK, lengths_B), crf.best(scores_BTK, lengths_B)
    for b, length in enumerate(lengths_B.tolist()):
        paths = every_path(crf, scores_BTK[b, :length])
        shares = torch.stack(list(paths.values())).softmax(0)
        wanted_TK = torch.zeros_like(scores_BTK[b])
        for path, share in zip(paths, shares, strict=True):
            for t, k in enumerate(path):
                wanted_TK[t, k] += share
        torch.testing.assert_close(marginals_BTK[b], wanted_TK)
        found = tuple(best_BT[b, :length].tolist())
        assert paths[found].item() == pytest.approx(max(paths.values()).item())
        assert not best_BT[b, length:].any()


@settings(max_examples=25, deadline=None)
@given(chains())
def test_log_marginals_are_those_of_the_definition_sequence_after_sequence(chain):
    crf, scores_BTK, lengths_B = chain
    wanted = []
    for b, length in enumerate(lengths_B.tolist()):
        paths = every_path(crf, scores_BTK[b, :length])
        shares = torch.stack(list(paths.values())).softmax(0)
        wanted_TK = torch.zeros_like(scores_BTK[b, :length])
        for path, share in zip(paths, shares, strict=True):
            for t, k in enumerate(path):
                wanted_TK[t, k] += share
        wanted.append(wanted_TK)
    torch.testing.assert_close(crf.log_marginals(scores_BTK, lengths_B).exp(), torch.cat(wanted))


@settings(max_examples=8, deadline=None)
@given(chains())
def test_gradients_of_log_marginals_are_those_of_finite_differences(chain):
    crf, scores_BTK, lengths_B = chain
    crf.requires_grad_(False)
    weights = torch.randn(int(lengths_B.sum()), scores_BTK.shape[-1], dtype=torch.float64)
    start, pairs = ((one / 20).requires_grad_() for one in (scores_BTK, crf.transition_KK))

    def told(scores, transitions):
        del crf.transition_KK
        crf.transition_KK = transitions
        log_marginals_PK = crf.log_marginals(scores, lengths_B)
        return (log_marginals_PK.clamp(min=-50) * weights).sum()

    assert torch.autograd.gradcheck(told, (start, pairs))


@settings(max_examples=25, deadline=None)
@given(chains(), st.randoms(use_true_random=False))
def test_shares_of_neighbouring_tags_multiply_to_the_probability_of_the_whole(chain, random):
    crf, scores_BTK, lengths_B = chain
    tags_BT = crf.best(scores_BTK, lengths_B)
    alone_BT, given_BT = crf.shares(scores_BTK, tags_BT, lengths_B)
    for b, length in enumerate(lengths_B.tolist()):
        paths = every_path(crf, scores_BTK[b, :length])
        shares = torch.stack(list(paths.values())).softmax(0).tolist()
        best = tuple(tags_BT[b, :length].tolist())
        start = random.randrange(length + 1)
        end = random.randint(start, length)
        wanted = sum(share for path, share in zip(paths, shares, strict=True) if path[start:end] == best[start:end])
        found = (alone_BT[b, start:end][:1].prod() * given_BT[b, start:end][1:].prod()).item()
        assert found == pytest.approx(wanted, abs=1e-9)
        assert not alone_BT[b, length:].any()
        assert not given_BT[b, length:].any()


@settings(max_examples=8, deadline=None)
@given(chains())
def test_gradients_are_those_of_finite_differences(chain):
    crf, scores_BTK, lengths_B = chain
    tags_BT = crf.best(scores_BTK, lengths_B)
    scores_BTK = (scores_BTK / 10).requires_grad_()
    names = [name for name, _ in crf.named_parameters()]
    given = [(parameter.detach() / 10).requires_grad_() for parameter in crf.parameters()]

    def loss(scores, *parameters):
        values = dict(zip(names, parameters, strict=True))
        return torch.func.functional_call(_Loss(crf), {f"crf.{k}": v for k, v in values.items()}, (scores,))

    class _Loss(torch.nn.Module):
        def __init__(self, crf):
            super().__init__()
            self.crf = crf

        def forward(self, scores):
            return self.crf.loss(scores, tags_BT, lengths_B)

    assert torch.autograd.gradcheck(loss, (scores_BTK, *given))


def test_a_sequence_does_not_depend_on_its_batch_mates_or_on_padding():
    torch.manual_seed(1)
    crf = CRF(5)
    torch.nn.init.normal_(crf.transition_KK)
    scores_BTK, lengths_B = torch.randn(6, 9, 5), torch.tensor([9, 0, 3, 1, 7, 3])
    tags_BT = torch.randint(5, (6, 9))
    together = crf.loss(scores_BTK, tags_BT, lengths_B)
    spoilt = scores_BTK.masked_fill(torch.arange(9)[:, None] >= lengths_B[:, None, None], torch.nan)
    torch.testing.assert_close(crf.loss(spoilt, tags_BT, lengths_B), together)
    for b, length in enumerate(lengths_B.tolist()):
        one = slice(b, b + 1)
        torch.testing.assert_close(
            crf.loss(scores_BTK[one, :length], tags_BT[one, :length], lengths_B[one])[0], together[b]
        )
        assert crf.best(scores_BTK[one], lengths_B[one])[0].tolist() == crf.best(scores_BTK, lengths_B)[b].tolist()


@pytest.mark.parametrize("size", [1e4, 1e8, 1e30])
def test_extreme_scores_give_finite_losses_and_gradients_in_fp32(size):
    torch.manual_seed(2)
    crf = CRF(4)
    scores_BTK = (torch.randn(3, 200, 4) * size).requires_grad_()
    tags_BT = torch.randint(4, (3, 200))
    loss = crf.loss(scores_BTK, tags_BT, torch.tensor([200, 1, 50])).sum()
    loss.backward()
    assert torch.isfinite(loss)
    assert all(torch.isfinite(x.grad).all() for x in (scores_BTK, *crf.parameters()))
    marginals_BTK = crf.marginals(scores_BTK.detach(), torch.tensor([200, 1, 50]))
    torch.testing.assert_close(marginals_BTK[0].sum(-1), torch.ones(200))
    best_BT = scores_BTK.detach().argmax(-1)
    assert torch.equal(crf.best(scores_BTK.detach(), torch.tensor([200, 200, 200])), best_BT)


def test_forbidden_pairs_are_never_decoded_and_learn_nothing():
    allowed_KK = torch.tensor([[True, False], [True, True]])
    crf = CRF(2, allowed_KK=allowed_KK)
    scores_BTK = torch.tensor([[[9.0, 0.0], [0.0, 9.0], [0.0, 9.0]]])
    assert crf.best(scores_BTK, torch.tensor([3])).tolist() == [[1, 1, 1]]
    crf.loss(scores_BTK, torch.tensor([[1, 1, 0]]), torch.tensor([3])).sum().backward()
    assert crf.transition_KK.grad[0, 1] == 0
    assert crf.loss(scores_BTK, torch.tensor([[0, 1, 1]]), torch.tensor([3])).item() == float("inf")


def test_half_precision_scores_are_summed_in_fp32():
    crf = CRF(3)
    loss = crf.loss(
        torch.randn(2, 4, 3, dtype=torch.bfloat16), torch.zeros(2, 4, dtype=torch.int64), torch.tensor([4, 2])
    )
    assert loss.dtype == torch.float32


def test_shapes_that_do_not_fit_are_refused():
    crf = CRF(3)
    with pytest.raises(ValueError, match="scores of shape"):
        crf.best(torch.zeros(2, 4, 5), torch.tensor([4, 2]))
    with pytest.raises(ValueError, match="lengths"):
        crf.best(torch.zeros(2, 4, 3), torch.tensor([5, 2]))
    with pytest.raises(ValueError, match="allowed_KK"):
        CRF(3, allowed_KK=torch.ones(2, 2))


def autograd_loss(crf, scores_BTK, tags_BT):
    """The same loss by a plain loop over steps that autograd differentiates, for equal lengths."""
    B, T, _ = scores_BTK.shape
    a_BK = crf.start_K + scores_BTK[:, 0]
    rows = torch.arange(B)
    path_B = crf.start_K[tags_BT[:, 0]] + scores_BTK[rows, 0, tags_BT[:, 0]] + crf.end_K[tags_BT[:, -1]]
    for t in range(1, T):
        a_BK = torch.logsumexp(a_BK.unsqueeze(2) + crf.transition_KK, 1) + scores_BTK[:, t]
        path_B = path_B + crf.transition_KK[tags_BT[:, t - 1], tags_BT[:, t]] + scores_BTK[rows, t, tags_BT[:, t]]
    return torch.logsumexp(a_BK + crf.end_K, 1) - path_B


def measured(losses, crf, scores_BTK, repeats=9):
    """For each loss the least of a few processor times with its gradients, taken in turn; the scores' gradients."""
    times, gradients = [[] for _ in losses], []
    for _ in range(repeats):
        gradients = []
        for loss, its in zip(losses, times, strict=True):
            scores = scores_BTK.clone().requires_grad_()
            crf.zero_grad()
            begun = time.process_time()
            loss(scores).sum().backward()
            its.append(time.process_time() - begun)
            gradients.append(scores.grad)
    return [min(its) for its in times], gradients


@pytest.mark.alone
def test_the_analytic_gradient_equals_that_of_an_autograd_loop_in_less_than_half_the_time(record_property):
    torch.manual_seed(3)
    crf, scores_BTK, tags_BT = CRF(23), torch.randn(32, 40, 23), torch.randint(23, (32, 40))
    torch.nn.init.normal_(crf.transition_KK)
    losses = lambda s: crf.loss(s, tags_BT, torch.full((32,), 40)), lambda s: autograd_loss(crf, s, tags_BT)
    (ours, loops), (grad_BTK, wanted_BTK) = measured(losses, crf, scores_BTK)
    torch.testing.assert_close(grad_BTK, wanted_BTK, rtol=1e-3, atol=1e-5)
    record_property("milliseconds", f"{1e3 * ours:.1f} against {1e3 * loops:.1f}")
    assert 2 * ours < loops


@torch.no_grad()
def test_sums_of_products_and_of_logarithms_agree():
    torch.manual_seed(4)
    crf = CRF(6, allowed_KK=torch.rand(6, 6) < 0.8).double()
    torch.nn.init.normal_(crf.transition_KK)
    lengths_B = torch.tensor([7, 1, 0, 12, 12])
    weights = crf._weights(torch.randn(5, 12, 6, dtype=torch.float64) * 3)
    layout = ChainLayout(lengths_B, weights.scores_BTK)
    rows_PK = layout.rows(weights.scores_BTK)
    products, logarithms = ChainProducts(weights, layout, rows_PK), Logarithms(weights, layout, rows_PK)
    assert products.exact()
    weights_Q = torch.rand(len(layout.later_Q), dtype=torch.float64)
    torch.testing.assert_close(products.log_z(), logarithms.log_z())
    torch.testing.assert_close(products.nodes(), logarithms.nodes())
    torch.testing.assert_close(products.pairs(weights_Q), logarithms.pairs(weights_Q))
    tags_Q = torch.randint(6, (2, len(layout.later_Q)))
    torch.testing.assert_close(products.pair(*tags_Q), logarithms.pair(*tags_Q))


@torch.no_grad()
def test_scores_too_far_apart_for_products_are_noticed():
    scores_BTK = torch.tensor([[[0.0, -900.0, 0.0], [0.0, 0.0, 0.0]]])
    layout = ChainLayout(torch.tensor([2]), scores_BTK)
    crf = CRF(3)
    weights = crf._weights(scores_BTK)
    assert ChainProducts(weights, layout, layout.rows(scores_BTK)).exact()  # what is lost comes to nothing
    crf = CRF(3, allowed_start_K=torch.tensor([False, True, False]))
    weights = crf._weights(scores_BTK)
    assert not ChainProducts(weights, layout, layout.rows(scores_BTK)).exact()
