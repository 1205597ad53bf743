"""Intervals of forecasts: blocks of origins, and whole series."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnncli.metrics.bootstrap import interval
from rnncli.metrics.crossed import Crossed
from rnncli.metrics.statistics import Statistics, Sums
from rnncli.metrics.student import expanded, student_quantile


def mean(sums):
    return {"mean": sums[..., 0] / sums[..., 1]}


def statistics(values_OS, overlap=1):
    origins, series = values_OS.shape
    design = Crossed(np.repeat(np.arange(origins), series), np.tile(np.arange(series), origins), overlap)
    counts = np.column_stack([values_OS.ravel(), np.ones(values_OS.size)])
    return Statistics((Sums(counts, mean, design=design),))


def crossed(origins, series, overlap=1):
    return Crossed(np.repeat(np.arange(origins), series), np.tile(np.arange(series), origins), overlap)


def weights(design, resamples=50, seed=1):
    return np.concatenate(list(design.weights(resamples, seed)))


@given(st.integers(1, 12), st.integers(1, 6), st.integers(1, 5))
def test_a_cell_is_drawn_as_often_as_its_origin_times_as_often_as_its_series(origins, series, overlap):
    design = crossed(origins, series, overlap)
    for weight_N in weights(design, 5):
        weight_OS = weight_N.reshape(origins, series)
        assert np.linalg.matrix_rank(weight_OS) == 1
        assert weight_OS.sum() == origins * series
        of_origin, of_series = weight_OS.sum(1) / series, weight_OS.sum(0) / origins
        np.testing.assert_allclose(np.outer(of_origin, of_series), weight_OS)


def test_blocks_are_of_consecutive_origins_and_go_round():
    design = crossed(9, 1, 3)
    seen = set()
    for weight_N in weights(design, 300):
        # Nine origins in three blocks of three: whatever is drawn comes in runs, from any place.
        starts = [at for at in range(9) for _ in range(int(weight_N[at] - min(weight_N[at], weight_N[at - 1])))]
        assert len(starts) <= 3
        seen.update(starts)
    assert seen == set(range(9))


def test_every_origin_is_drawn_as_often_as_any_other():
    assert weights(crossed(20, 1, 4), 4000).mean(0) == pytest.approx(np.ones(20), abs=0.06)


def test_one_origin_draws_series_and_one_series_draws_origins():
    assert crossed(1, 8).varies
    assert np.unique(weights(crossed(1, 8), 50)).size > 1
    assert crossed(8, 1).varies
    assert not crossed(1, 1).varies
    assert not crossed(5, 1, 4).varies  # less than two blocks
    assert (weights(crossed(5, 1, 4), 5) == 1).all()
    assert statistics(np.ones((1, 1))).intervals(resamples=10, confidence=0.95, seed=1) == {}


def test_one_origin_is_the_bootstrap_over_series():
    values = np.random.default_rng(0).normal(0, 1, (1, 200))
    found = statistics(values).intervals(resamples=4000, confidence=0.95, seed=1)["mean"]
    half = student_quantile(0.95, 199) * values.std(ddof=1) / 200**0.5
    assert found == pytest.approx((values.mean() - half, values.mean() + half), abs=0.01)


def test_the_same_seed_draws_the_same_and_many_units_are_drawn_in_chunks():
    design = crossed(300, 20)
    first, again, other = (weights(design, 60, seed) for seed in (1, 1, 2))
    assert len(list(design.weights(60, 1))) > 1
    assert (first == again).all()
    assert (first != other).any()


def test_origins_are_told_by_their_time_whatever_their_numbers():
    a = Crossed(np.array([5, 100, 7]), np.array([3, 3, 9]))
    assert a.origins[0] == 3
    assert a.origins[1].tolist() == [0, 2, 1]
    assert a.take(np.array([1, 2])).series[0] == 2


@pytest.mark.parametrize("units", [3, 5, 12, 100])
def test_an_interval_from_few_units_is_as_wide_as_students(units):
    """For a mean of normal values the bootstrap's quantiles are known: mean -+ z s sqrt((n - 1) / n) / sqrt(n)."""
    from scipy.stats import norm

    z = norm.ppf((1 + expanded(0.95, units)) / 2)
    expected = student_quantile(0.95, units - 1)
    assert z * ((units - 1) / units) ** 0.5 == pytest.approx(expected, rel=1e-6)


def test_few_blocks_widen_the_interval():
    assert crossed(12, 1, 1).confidence(0.95) > 0.95
    assert crossed(12, 1, 4).confidence(0.95) > crossed(12, 1, 1).confidence(0.95)
    assert crossed(1, 10_000).confidence(0.95) == pytest.approx(0.95, abs=1e-3)


@pytest.mark.parametrize(
    ("origins", "series", "overlap", "of_origin", "of_series"),
    [(12, 20, 1, 0.5, 0.5), (92, 1, 1, 1, 0), (1, 200, 1, 0, 1), (60, 7, 6, 0.5, 0.5), (5, 40, 1, 0.7, 0.2)],
)
def test_intervals_hold_the_truth_about_as_often_as_they_say(origins, series, overlap, of_origin, of_series):
    random = np.random.default_rng(3)
    held = plain = 0
    for seed in range(200):
        shocks = random.normal(0, of_origin, origins + overlap - 1)
        moving = np.convolve(shocks, np.ones(overlap), "valid") / overlap**0.5
        values = moving[:, None] + random.normal(0, of_series, series) + random.normal(0, 1, (origins, series))
        found = statistics(values, overlap)
        low, high = found.intervals(resamples=300, confidence=0.95, seed=seed)["mean"]
        held += low <= 0 <= high
        draws = random.choice(values.ravel(), (100, values.size)).mean(1)
        low, high = interval(draws, 0.95)
        plain += low <= 0 <= high
    assert held / 200 >= 0.9
    if origins > 1 and series > 1:
        assert plain / 200 < 0.9  # drawing windows as if they were independent promises too much


def test_a_share_of_rows_keeps_its_design():
    random = np.random.default_rng(0)
    whole = statistics(random.normal(0, 1, (12, 5)))
    rows = np.arange(60)[np.tile(np.arange(5), 12) == 2]
    alone = statistics(whole.families[0].counts_UC[rows, 0].reshape(12, 1))
    options = {"resamples": 100, "confidence": 0.9, "seed": 2}
    assert whole.take(rows).intervals(**options) == alone.intervals(**options)
