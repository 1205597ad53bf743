"""The correction of intervals, against ranks counted out and coverage over many draws."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from rnncli.metrics import conformal
from rnncli.metrics.conformal import Conformal, between_levels

LEVELS = (0.025, 0.1, 0.5, 0.9, 0.975)


def errors(seed: int, windows: int, steps: int = 1) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Truth, quantiles that are too narrow and off, scales, and all scored."""
    random = np.random.default_rng(seed)
    scale_W = random.uniform(0.5, 20, windows)
    truth_WH = scale_W[:, None] * random.gamma(2, 1, (windows, steps))
    quantile_Q = 1.2 + 0.3 * stats.norm.ppf(LEVELS)
    quantile_WHQ = scale_W[:, None, None] * quantile_Q + np.zeros((windows, steps, 1))
    return truth_WH, quantile_WHQ, scale_W, np.ones((windows, steps), dtype=bool)


@pytest.mark.parametrize("windows", [39, 60, 200])
def test_values_lie_beyond_a_quantile_no_more_often_than_its_level_says(windows):
    """Over many draws of dev and one new window each, with errors that do not look like the forecast's."""
    above, draws = np.zeros((2, len(LEVELS))), 1500
    for seed in range(draws):
        truth, quantile, scale, scored = errors(seed, windows + 1)
        fitted = Conformal.fit(truth[1:], quantile[1:], scale[1:], scored[1:], LEVELS)
        found = fitted.apply(quantile[:1], scale[:1])[0, 0]
        above += [truth[0, 0] <= found, truth[0, 0] >= found]
    under, over = above / draws
    tolerance = 3 * np.sqrt(0.25 / draws)
    for level, below_it, above_it in zip(LEVELS, under, over, strict=True):
        if level > 0.5:
            assert level - 3 * np.sqrt(level * (1 - level) / draws) <= below_it <= level + 1 / (windows + 1) + tolerance
        elif level < 0.5:
            assert above_it >= 1 - level - 3 * np.sqrt(level * (1 - level) / draws)
        else:
            assert abs(below_it - 0.5) <= tolerance + 1 / windows


def test_the_rank_is_counted_from_the_end_that_the_level_is_near():
    """Of errors 1 .. 99 in either direction: ceil(100 * 0.9) = the 90th from below, and the 90th from above is 10."""
    truth = np.arange(1.0, 100)[:, None]
    zeros, ones = np.zeros((99, 1, 3)), np.ones(99)
    fitted = Conformal.fit(truth, zeros, ones, np.ones((99, 1), dtype=bool), [0.1, 0.5, 0.9])
    assert fitted.offset_HQ.tolist() == [[10, 50, 90]]
    assert fitted.errors_H.tolist() == [99]
    few = Conformal.fit(truth[:50], zeros[:50], ones[:50], np.ones((50, 1), dtype=bool), [0.1, 0.5, 0.9])
    assert few.offset_HQ.tolist() == [[5, 25.5, 46]]


def test_too_few_errors_give_the_largest_and_none_corrects_nothing():
    truth, quantile, scale, scored = errors(1, 5)
    fitted = Conformal.fit(truth, quantile, scale, scored, LEVELS)
    ratio = (truth[:, 0, None] - quantile[:, 0]) / scale[:, None]
    assert fitted.offset_HQ[0, 0] == ratio[:, 0].min()
    assert fitted.offset_HQ[0, -1] == ratio[:, -1].max()
    nothing = Conformal.fit(truth, quantile, scale, ~scored, LEVELS)
    assert not nothing.offset_HQ.any()
    assert nothing.errors_H.tolist() == [0]
    np.testing.assert_array_equal(nothing.apply(quantile, scale), quantile)
    assert not Conformal.fit(truth[:0], quantile[:0], scale[:0], scored[:0], LEVELS).offset_HQ.any()


def test_steps_with_few_errors_take_those_of_their_neighbours(monkeypatch):
    monkeypatch.setattr(conformal, "FEWEST_ERRORS", 10)
    truth, quantile, scale, scored = errors(2, 12, steps=6)
    scored[4:, 3] = False
    scored[:, 5] = False
    fitted = Conformal.fit(truth, quantile, scale, scored, LEVELS)
    assert fitted.errors_H.tolist() == [12, 12, 12, 12 + 4 + 12, 12, 12]
    near = slice(2, 5)
    keep = scored[:, near]
    ratio = ((truth[:, near, None] - quantile[:, near]) / scale[:, None, None])[keep]
    flat = Conformal.fit(
        ratio[:, None, 0],
        ratio[:, None] * 0 + ratio[:, None, :1] - ratio[:, None],
        np.ones(28),
        np.ones((28, 1), bool),
        LEVELS,
    )
    np.testing.assert_allclose(fitted.offset_HQ[3], flat.offset_HQ[0])


def test_all_steps_together_are_taken_where_they_are_too_few_still():
    truth, quantile, scale, scored = errors(3, 2, steps=7)
    assert Conformal.fit(truth, quantile, scale, scored, LEVELS).errors_H.tolist() == [14] * 7


@settings(max_examples=30, deadline=None, derandomize=True)
@given(seed=st.integers(0, 10_000), dirt=st.sampled_from([np.nan, np.inf, 1e9]))
def test_what_is_not_scored_changes_nothing(seed, dirt):
    truth, quantile, scale, scored = errors(seed, 30, steps=3)
    scored = np.random.default_rng(seed).random(scored.shape) < 0.7
    clean = Conformal.fit(truth, quantile, scale, scored, LEVELS)
    dirty = Conformal.fit(np.where(scored, truth, dirt), quantile, scale, scored, LEVELS)
    np.testing.assert_array_equal(clean.offset_HQ, dirty.offset_HQ)


@pytest.mark.parametrize("scale", [0.0, np.nan, np.inf])
def test_a_window_without_a_scale_is_not_learnt_from(scale):
    truth, quantile, scale_W, scored = errors(5, 40)
    expected = Conformal.fit(truth[1:], quantile[1:], scale_W[1:], scored[1:], LEVELS)
    scale_W[0] = scale
    assert np.array_equal(Conformal.fit(truth, quantile, scale_W, scored, LEVELS).offset_HQ, expected.offset_HQ)


@settings(max_examples=30, deadline=None, derandomize=True)
@given(seed=st.integers(0, 10_000), factor=st.floats(0.01, 1000), shift=st.floats(-100, 100))
def test_corrected_quantiles_go_along_with_the_unit_and_never_cross(seed, factor, shift):
    truth, quantile, scale, scored = errors(seed, 50, steps=2)
    fitted = Conformal.fit(truth, quantile, scale, scored, LEVELS)
    found = fitted.apply(quantile, scale)
    assert (np.diff(found, axis=-1) >= 0).all()
    other = Conformal.fit(truth * factor + shift, quantile * factor + shift, scale * factor, scored, LEVELS)
    again = other.apply(quantile * factor + shift, scale * factor)
    np.testing.assert_allclose(again, found * factor + shift, rtol=1e-6, atol=1e-6)


def test_a_forecast_without_quantiles_gets_those_of_its_errors():
    random = np.random.default_rng(7)
    truth, scale = random.normal(0, 3, (5000, 1)), np.full(5000, 2.0)
    points = np.broadcast_to(np.zeros((5000, 1, 1)), (5000, 1, len(LEVELS)))
    fitted = Conformal.fit(truth, points, scale, np.ones((5000, 1), dtype=bool), LEVELS)
    np.testing.assert_allclose(fitted.apply(points[:1], scale[:1])[0, 0], stats.norm.ppf(LEVELS, scale=3), atol=0.25)


def test_a_correction_comes_back_from_its_arrays():
    truth, quantile, scale, scored = errors(8, 50, steps=2)
    fitted = Conformal.fit(truth, quantile, scale, scored, LEVELS)
    again = Conformal.from_dict(fitted.to_dict())
    assert again.levels == LEVELS
    assert again.errors_H.tolist() == [100, 100]
    np.testing.assert_array_equal(again.apply(quantile, scale), fitted.apply(quantile, scale))


def test_quantiles_between_and_beyond_the_levels_of_a_normal_distribution_are_exact():
    wanted = (0.001, 0.025, 0.05, 0.5, 0.6, 0.975, 0.99)
    found = stats.norm.ppf(LEVELS, 4, 3) @ between_levels(LEVELS, wanted)
    np.testing.assert_allclose(found, stats.norm.ppf(wanted, 4, 3))
    np.testing.assert_allclose(between_levels(LEVELS, LEVELS), np.eye(len(LEVELS)), atol=1e-12)


@settings(max_examples=50, deadline=None, derandomize=True)
@given(
    quantiles=st.lists(st.floats(-1e3, 1e3), min_size=5, max_size=5),
    wanted=st.lists(st.floats(0.001, 0.999), min_size=2, max_size=6),
)
def test_quantiles_between_levels_ascend(quantiles, wanted):
    found = np.sort(quantiles) @ between_levels(LEVELS, sorted(wanted))
    assert (np.diff(found) >= -1e-9).all()
