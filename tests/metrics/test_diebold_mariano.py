"""Differences of forecasts by origin, against the papers written out."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from rnncli.metrics.crossed import Crossed
from rnncli.metrics.diebold_mariano import autocovariances, mean_spread
from rnncli.metrics.paired import RANDOMISED, Parts, difference
from rnncli.metrics.statistics import Statistics, Sums


def statistic(first, second, h):
    """Harvey, Leybourne and Newbold's S* of two lists of losses, as their section 2 has it."""
    n = len(first)
    d = [b - a for a, b in zip(first, second, strict=True)]
    mean = sum(d) / n
    gamma = [sum((d[t] - mean) * (d[t - k] - mean) for t in range(k, n)) / n for k in range(h)]
    variance = (gamma[0] + 2 * sum(gamma[1:])) / n
    return mean / math.sqrt(variance) * math.sqrt((n + 1 - 2 * h + h * (h - 1) / n) / n)


def losses(origins, series=1, overlap=1, seed=0):
    """Losses of two forecasts (O, S), those of origins that overlap alike."""
    random = np.random.default_rng(seed)
    shocks = random.normal(0, 1, (2, origins + overlap - 1, series))
    moving = sum(shocks[:, k : k + origins] for k in range(overlap))
    return np.abs(moving + random.normal(0, 0.3, moving.shape)) + np.array([0, 0.2])[:, None, None]


def parts(loss_OS, overlap=1):
    origins, series = loss_OS.shape
    counts = np.column_stack([loss_OS.ravel(), np.ones(loss_OS.size)])
    design = Crossed(np.repeat(np.arange(origins), series), np.tile(np.arange(series), origins), overlap)
    return Parts(counts, lambda sums: sums[..., 0] / sums[..., 1], design)


@pytest.mark.parametrize(("origins", "overlap"), [(8, 1), (12, 1), (30, 3), (92, 1), (60, 12)])
@pytest.mark.parametrize("series", [1, 5])
def test_the_statistic_is_that_of_the_paper(origins, overlap, series):
    first, second = losses(origins, series, overlap, seed=origins)
    found = difference([parts(first, overlap)], [parts(second, overlap)])
    expected = statistic(first.mean(1), second.mean(1), overlap)
    freedom = int(origins / overlap - 1)
    assert found.value == pytest.approx(second.mean() - first.mean())
    assert found.p == pytest.approx(2 * stats.t.sf(abs(expected), freedom))
    half = stats.t.ppf(0.975, freedom) * found.value / expected
    assert (found.low, found.high) == (pytest.approx(found.value - half), pytest.approx(found.value + half))
    assert found.test == f"Diebold-Mariano test, small-sample form, over {origins} origins"
    assert not found.seeds


def test_without_overlap_it_is_students_test_of_paired_losses():
    first, second = losses(15)
    found = difference([parts(first)], [parts(second)])
    assert found.p == pytest.approx(stats.ttest_rel(second[:, 0], first[:, 0]).pvalue)


def test_the_losses_of_one_time_count_once_however_many_series_share_them():
    first, second = losses(12)
    alone = difference([parts(first)], [parts(second)])
    copied = difference([parts(first.repeat(40, axis=1))], [parts(second.repeat(40, axis=1))])
    assert copied.p == pytest.approx(alone.p)


def test_equal_forecasts_do_not_differ():
    first, _ = losses(12)
    found = difference([parts(first)], [parts(first)])
    assert (found.value, found.low, found.high, found.p) == (0, 0, 0, 1)


def test_origins_with_other_numbers_of_steps_weigh_as_much_as_in_the_metric():
    """The jackknife's pseudo-values of a ratio, by leaving out origin after origin."""
    random = np.random.default_rng(2)
    steps = random.integers(1, 9, 20).astype(float)
    sums = [random.gamma(2, 1, 20) * steps for _ in range(2)]
    both = [
        Parts(np.column_stack([one, steps]), lambda s: s[..., 0] / s[..., 1], Crossed(np.arange(20), np.zeros(20)))
        for one in sums
    ]
    pseudo = []
    for o in range(20):
        kept = np.arange(20) != o
        whole = [one.sum() / steps.sum() for one in sums]
        without = [one[kept].sum() / steps[kept].sum() for one in sums]
        values = [20 * w - 19 * x for w, x in zip(whole, without, strict=True)]
        pseudo.append(values[1] - values[0])
    found = difference(both[:1], both[1:])
    assert (found.high - found.low) / 2 == pytest.approx(stats.t.ppf(0.975, 19) * np.std(pseudo, ddof=1) / 20**0.5)


def test_one_origin_is_tested_over_series():
    first, second = losses(1, 60)
    found = difference([parts(first)], [parts(second)])
    plain = [Parts(parts(one).counts_NC, parts(one).score) for one in (first, second)]
    expected = difference(plain[:1], plain[1:])
    assert (found.value, found.p, found.low, found.high) == (expected.value, expected.p, expected.low, expected.high)
    assert expected.test == RANDOMISED
    assert found.test == "approximate randomisation over 60 series"


def test_origins_that_all_overlap_are_no_more_than_one_for_each_series():
    first, second = losses(5, 30, overlap=4)
    found = difference([parts(first, 4)], [parts(second, 4)])
    assert found.test == "approximate randomisation over 30 series"
    means = [parts(one.mean(0, keepdims=True)) for one in (first, second)]
    assert found.p == difference(means[:1], means[1:]).p


def test_one_series_from_one_time_tells_nothing():
    first, second = losses(3, 1, overlap=2)
    found = difference([parts(first, 2)], [parts(second, 2)])
    assert found.value == pytest.approx(second.mean() - first.mean())
    assert math.isnan(found.low)
    assert math.isnan(found.high)
    assert found.p == 1


def test_other_seeds_add_their_variance():
    random = np.random.default_rng(5)
    first, second = losses(40, 3)
    runs = [[parts(one + shift) for shift in random.normal(0, 0.3, 3)] for one in (first, second)]
    found = difference(*runs)
    values = [[one.value() for one in group] for group in runs]
    mean = [np.mean([one.counts_NC[:, 0].reshape(40, 3).mean(1) for one in group], axis=0) for group in runs]
    spreads = [np.var(mean[1] - mean[0], ddof=1) / 40, *(np.var(group, ddof=1) / 3 for group in values)]
    freedom = int(sum(spreads) ** 2 / sum(one**2 / df for one, df in zip(spreads, (39, 2, 2), strict=True)))
    assert found.seeds
    half = stats.t.ppf(0.975, freedom) * sum(spreads) ** 0.5
    assert (found.high - found.low) / 2 == pytest.approx(half)


@given(st.lists(st.floats(-1e3, 1e3), min_size=2, max_size=40), st.integers(1, 40))
def test_the_spread_is_never_negative(values, overlap):
    found = mean_spread(np.array(values), overlap)
    if 2 * overlap <= len(values):
        assert found is not None
        assert found.variance >= 0
        assert found.freedom >= 1


def test_autocovariances_are_those_of_loops():
    values = np.random.default_rng(0).normal(3, 1, 23)
    apart = values - values.mean()
    for lag, found in enumerate(autocovariances(values, 23)):
        assert found == pytest.approx(sum(apart[t] * apart[t - lag] for t in range(lag, 23)) / 23, abs=1e-12)


@pytest.mark.parametrize(("origins", "overlap"), [(12, 1), (12, 2), (100, 10), (400, 96)])
def test_forecasts_that_are_as_good_are_rarely_told_apart(origins, overlap):
    random = np.random.default_rng(1)
    told = 0
    for _ in range(500):
        gaps = np.convolve(random.normal(0, 1, origins + overlap - 1), np.ones(overlap), "valid")
        found = difference([parts(np.zeros((origins, 1)), overlap)], [parts(gaps[:, None], overlap)])
        told += found.p <= 0.05
    assert 0.02 < told / 500 < 0.1


def test_the_parts_of_statistics_carry_their_design():
    first, second = losses(12, 4)
    families = [
        Sums(parts(one).counts_NC, lambda s: {"mae": s[..., 0] / s[..., 1]}, design=parts(one).design)
        for one in (first, second)
    ]
    both = [Statistics((family,)).take(np.arange(44)).parts()["mae"] for family in families]
    assert difference(both[:1], both[1:]).test.endswith("over 11 origins")
