"""Heads of a forecaster, against densities and quantiles of scipy and sums written out."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from torch.autograd import gradcheck

from rnncli.heads.counts import count_quantiles
from rnncli.heads.forecasts import (
    LOSSES,
    CountHead,
    PointHead,
    QuantileHead,
    StudentHead,
    WindowUnits,
    make_head,
)

LEVELS = (0.025, 0.1, 0.3, 0.5, 0.7, 0.9, 0.975)
B, H = 3, 4
NAMES = ("point", "quantiles", "student", "counts")
EVERY = [(name, loss) for name in NAMES for loss in LOSSES]


def units(level: float = 5.0, scale: float = 2.0) -> WindowUnits:
    return WindowUnits(level + torch.arange(B, dtype=torch.float64), scale + torch.arange(B, dtype=torch.float64))


def drawn(size: int, seed: int = 0, spread: float = 1.0) -> torch.Tensor:
    return spread * torch.randn(B, H, size, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def counts(seed: int = 1) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(seed).poisson(6, (B, H)).astype(np.float64))


def truths() -> torch.Tensor:
    """Whole numbers of the user, in scaled units, so that every head can take them."""
    return units().scaled(counts())


def weights() -> torch.Tensor:
    return torch.tensor([[1.0, 1, 0, 0.5], [0, 0, 0, 0], [1, 2, 1, 1]], dtype=torch.float64)


def mean_of(cost_BH: np.ndarray) -> float:
    return float((cost_BH * weights().numpy()).sum() / weights().numpy().sum())


def test_losses_of_a_point_are_those_of_the_books():
    raw = drawn(1)
    error = (truths() - raw[..., 0]).numpy()
    huber = np.where(abs(error) < 1, error**2 / 2, abs(error) - 0.5)
    for kind, cost in (("mae", abs(error)), ("mse", error**2), ("huber", huber)):
        assert PointHead(kind).loss(raw, truths(), weights(), units()).item() == pytest.approx(mean_of(cost))


def test_the_loss_of_quantiles_is_twice_the_pinball_loss():
    head, raw = QuantileHead(LEVELS, "mae"), drawn(len(LEVELS))
    quantiles, cost = head.quantiles(raw, LEVELS, units()).numpy(), np.zeros((B, H))
    for b in range(B):
        for h in range(H):
            for level, quantile in zip(LEVELS, quantiles[b, h], strict=True):
                y = truths()[b, h].item()
                cost[b, h] += (
                    2 / len(LEVELS) * (level * (y - quantile) if y > quantile else (1 - level) * (quantile - y))
                )
    assert head.loss(raw, truths(), weights(), units()).item() == pytest.approx(mean_of(cost))


def test_a_single_level_is_the_median_and_its_loss_the_absolute_error():
    head, raw = QuantileHead((0.5,), "mae"), drawn(1)
    assert torch.equal(head.point(raw, units()), raw[..., 0])
    torch.testing.assert_close(
        head.loss(raw, truths(), weights(), units()), PointHead("mae").loss(raw, truths(), weights(), units())
    )


def test_gaps_of_zero_channels_are_those_of_a_normal_distribution():
    raw = torch.zeros(B, H, len(LEVELS), dtype=torch.float64)
    found = QuantileHead(LEVELS, "mae").quantiles(raw, LEVELS, units())
    np.testing.assert_allclose(found[0, 0], stats.norm.ppf(LEVELS, scale=np.log(2)), atol=1e-12)


def test_the_mean_of_quantiles_is_that_of_a_value_drawn_among_them():
    """With many levels the distribution is nearly whole: the mean of an exponential one is 1 less its far tail."""
    levels = tuple((np.arange(2000) + 0.5) / 2000)
    head, quantiles = QuantileHead(levels, "mse"), stats.expon.ppf(levels)
    gaps = np.diff(quantiles) / np.diff(stats.norm.ppf(levels))
    raw = torch.from_numpy(np.concatenate([quantiles[head.middle : head.middle + 1], np.log(np.expm1(gaps))]))
    found = head.quantiles(raw[None, None], levels, units())
    np.testing.assert_allclose(found[0, 0], quantiles, atol=1e-9)
    assert head.point(raw[None, None], units()).item() == pytest.approx(1, abs=1e-3)


def test_a_level_that_is_not_learnt_is_refused():
    with pytest.raises(ValueError, match=r"level 0\.2, only 0\.025"):
        QuantileHead(LEVELS, "mae").quantiles(drawn(7), [0.1, 0.2], units())


@pytest.mark.parametrize("levels", [(), (0.5, 0.1), (0.1, 0.1), (0.0, 0.5), (0.5, 1.0)])
def test_levels_that_make_no_sense_are_refused(levels):
    with pytest.raises(ValueError, match="levels"):
        QuantileHead(levels, "mae")


def test_students_loss_is_the_density_of_scipy():
    head, raw = StudentHead(), drawn(3, spread=2.0)
    location, spread, freedom = (one.numpy() for one in head.parameters(raw))
    density = stats.t.logpdf(truths().numpy(), freedom, location, spread)
    assert head.loss(raw, truths(), weights(), units()).item() == pytest.approx(mean_of(-density), rel=1e-12)
    assert (freedom > 2).all()


@pytest.mark.parametrize("channel", [-30.0, -3.0, 0.0, 4.0, 100.0, 1e4])
def test_students_quantiles_are_those_of_scipy(channel):
    head, levels = StudentHead(), (0.001, *LEVELS)
    raw = torch.tensor([[[0.5, 0.3, channel]]], dtype=torch.float64)
    location, spread, freedom = (one.numpy()[..., None] for one in head.parameters(raw))
    expected = stats.t.ppf(levels, freedom, location, spread)
    np.testing.assert_allclose(head.quantiles(raw, levels, units()), expected, rtol=1e-4)


@pytest.mark.parametrize("dispersion", [-20.0, -3.0, 0.0, 3.0])
def test_the_loss_of_counts_is_the_probability_of_scipy(dispersion):
    head, raw = CountHead("mae"), drawn(2)
    raw[..., 1] = dispersion
    mean, found = (one.numpy() for one in head.parameters(raw, units()))
    density = stats.nbinom.logpmf(counts().numpy(), 1 / found, 1 / (1 + mean * found))
    assert head.loss(raw, truths(), weights(), units()).item() == pytest.approx(mean_of(-density), rel=1e-7)


def test_counts_of_next_to_no_dispersion_are_poissons():
    head, raw = CountHead("mse"), drawn(2)
    raw[..., 1] = -40
    mean = units().restore(head.point(raw, units())).numpy()
    expected = -stats.poisson.logpmf(counts().numpy(), mean)
    assert head.loss(raw, truths(), weights(), units()).item() == pytest.approx(mean_of(expected), rel=1e-4)


@pytest.mark.parametrize("location", [-50.0, -2.0, 0.0, 1.0, 40.0])
def test_quantiles_of_counts_are_whole_numbers_that_hold_their_level(location):
    head = CountHead("mae")
    raw = torch.tensor([[[location, 0.5]]], dtype=torch.float64)
    one = WindowUnits(torch.tensor([3.0]), torch.tensor([2.0]))
    mean, dispersion = (part.item() for part in head.parameters(raw, one))
    found = one.restore(head.quantiles(raw, LEVELS, one)[..., 0]).item(), one.restore(head.point(raw, one)).item()
    cumulated = stats.nbinom(1 / dispersion, 1 / (1 + mean * dispersion)).cdf
    for level, count in zip((LEVELS[0], 0.5), found, strict=True):
        assert count == pytest.approx(round(count), abs=1e-9)
        assert cumulated(round(count)) >= level
        assert count < 0.5 or cumulated(round(count) - 1) < level


def test_quantiles_of_counts_of_every_size_are_those_of_scipy():
    random, wanted = np.random.default_rng(3), np.array([0.001, *LEVELS, 0.999])
    mean = np.exp(random.uniform(-12, 9, 2000))
    dispersion = np.exp(random.uniform(-14, 4, 2000))
    mean[0], dispersion[1] = 0, 1e-6
    found = count_quantiles(mean, dispersion, wanted)
    expected = stats.nbinom.ppf(wanted, 1 / dispersion[:, None], 1 / (1 + mean * dispersion)[:, None])
    np.testing.assert_array_equal(found, expected)
    assert count_quantiles(mean[:0], dispersion[:0], wanted).shape == (0, len(wanted))


def test_the_mean_of_counts_is_the_location_far_above_0_and_above_0_below_it():
    head, raw = CountHead("mse"), torch.tensor([[[4.0, 0.0], [-2.5, 0.0], [-100.0, 0.0]]], dtype=torch.float64)
    one = WindowUnits(torch.tensor([3.0]), torch.tensor([2.0]))
    mean = one.restore(head.point(raw, one))[0].tolist()
    assert mean[0] == pytest.approx(11, abs=1e-9)
    assert 0 < mean[1] < 0.2
    assert 0 <= mean[2] < 1e-12
    assert head.loss(raw, one.scaled(torch.tensor([[9.0, 0, 2]])), torch.ones(1, 3), one).isfinite()


@pytest.mark.parametrize(("name", "loss"), EVERY)
def test_gradients_are_exact(name, loss):
    head = make_head(name, loss, LEVELS)
    raw = drawn(head.size).requires_grad_()
    assert gradcheck(lambda raw: head.loss(raw, truths(), weights(), units()), raw)


@pytest.mark.parametrize(("name", "loss"), EVERY)
def test_a_step_of_weight_0_changes_nothing(name, loss):
    head = make_head(name, loss, LEVELS)
    raw, dirty = drawn(head.size).requires_grad_(), truths()
    clean = head.loss(raw, dirty, weights(), units())
    (expected,) = torch.autograd.grad(clean, raw)
    dirty[weights() == 0] = torch.nan
    found = head.loss(raw, dirty, weights(), units())
    found.backward()
    assert torch.equal(found, clean)
    assert torch.equal(raw.grad, expected)
    assert not raw.grad[weights() == 0].any()


@pytest.mark.parametrize(("name", "loss"), EVERY)
def test_nothing_to_score_is_a_loss_of_0(name, loss):
    head = make_head(name, loss, LEVELS)
    raw = drawn(head.size).requires_grad_()
    found = head.loss(raw, torch.full((B, H), torch.nan), torch.zeros(B, H), units())
    found.backward()
    assert found.item() == 0
    assert not raw.grad.any()


@pytest.mark.parametrize(("name", "loss"), EVERY)
def test_a_window_has_its_own_forecast_and_its_share_of_the_loss(name, loss):
    head = make_head(name, loss, LEVELS)
    raw, whole, total = drawn(head.size), 0.0, weights().sum()
    for b in range(B):
        one = slice(b, b + 1)
        alone = WindowUnits(units().level_B[one], units().scale_B[one])
        whole += head.loss(raw[one], truths()[one], weights()[one], alone) * weights()[one].sum() / total
        torch.testing.assert_close(head.point(raw[one], alone), head.point(raw, units())[one], rtol=1e-14, atol=1e-14)
        found = head.quantiles(raw[one], LEVELS, alone)
        torch.testing.assert_close(found, head.quantiles(raw, LEVELS, units())[one], rtol=1e-14, atol=1e-14)
    torch.testing.assert_close(whole, head.loss(raw, truths(), weights(), units()))


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=25, deadline=None, derandomize=True)
@given(seed=st.integers(0, 10_000), spread=st.sampled_from([0.01, 1.0, 30.0, 1000.0]), low=st.booleans())
def test_quantiles_never_cross(name, seed, spread, low):
    head = make_head(name, "mae", LEVELS)
    raw = drawn(head.size, seed, spread).to(torch.bfloat16 if low else torch.float32)
    found = head.quantiles(raw, LEVELS, units())
    assert found.shape == (B, H, len(LEVELS))
    assert found.isfinite().all()
    assert (found.diff(dim=-1) >= 0).all()


@pytest.mark.parametrize("name", NAMES)
def test_the_point_lies_where_the_distribution_has_its_middle(name):
    head = make_head(name, "mae", LEVELS)
    raw = drawn(head.size)
    torch.testing.assert_close(head.point(raw, units()), head.quantiles(raw, [0.5], units())[..., 0])


@pytest.mark.parametrize("name", ["point", "quantiles", "student"])
@settings(max_examples=25, deadline=None, derandomize=True)
@given(seed=st.integers(0, 10_000), shift=st.floats(-10, 10))
def test_the_location_moves_the_whole_distribution(name, seed, shift):
    head = make_head(name, "mae", LEVELS)
    raw = drawn(head.size, seed)
    moved = raw.clone()
    moved[..., 0] += shift
    torch.testing.assert_close(head.point(moved, units()), head.point(raw, units()) + shift)
    expected = head.quantiles(raw, LEVELS, units()) + shift
    torch.testing.assert_close(head.quantiles(moved, LEVELS, units()), expected)
    torch.testing.assert_close(
        head.loss(moved, truths() + shift, weights(), units()), head.loss(raw, truths(), weights(), units())
    )


@settings(max_examples=25, deadline=None, derandomize=True)
@given(seed=st.integers(0, 10_000), factor=st.floats(0.01, 1000))
def test_means_of_counts_grow_with_the_scale(seed, factor):
    head, raw = CountHead("mse"), drawn(2, seed)
    larger = WindowUnits(units().level_B * factor, units().scale_B * factor)
    torch.testing.assert_close(head.point(raw, larger), head.point(raw, units()), rtol=1e-9, atol=1e-9)


def test_scaled_units_come_back():
    torch.testing.assert_close(units().scaled(units().restore(drawn(1)[..., 0])), drawn(1)[..., 0])


@pytest.mark.parametrize(("name", "loss"), EVERY)
def test_low_precision_is_scored_in_single(name, loss):
    head = make_head(name, loss, LEVELS)
    raw = drawn(head.size).to(torch.bfloat16)
    found = head.loss(raw, truths().float(), weights().float(), units())
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, head.loss(raw.float(), truths().float(), weights().float(), units()))
    assert head.point(raw, units()).dtype == head.quantiles(raw, LEVELS, units()).dtype == torch.float32


def test_large_counts_keep_their_digits_in_single():
    head, raw = CountHead("mse"), torch.tensor([[[0.25, -30.0]]])
    one = WindowUnits(torch.tensor([1e6]), torch.tensor([1e3]))
    count = torch.tensor([[1_000_900.0]])
    found = head.loss(raw, one.scaled(count).float(), torch.ones(1, 1), one).item()
    mean, dispersion = (part.item() for part in head.parameters(raw, one))
    assert found == pytest.approx(
        -stats.nbinom.logpmf(1_000_900, 1 / dispersion, 1 / (1 + mean * dispersion)), rel=1e-4
    )


@pytest.mark.parametrize(("name", "loss", "message"), [("points", "mae", "'points'"), ("point", "rmse", "'rmse'")])
def test_a_head_that_does_not_exist_is_refused(name, loss, message):
    with pytest.raises(ValueError, match=message):
        make_head(name, loss, LEVELS)
