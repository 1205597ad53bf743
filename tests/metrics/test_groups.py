import numpy as np
import pytest
from scipy import stats

from rnncli.metrics.groups import FEWEST, gap, length_group
from rnncli.metrics.metric import Metric
from rnncli.metrics.paired import Parts, share

NAMES = ("a", "b", "c", "d")


def parts_of(trial: int, rates, sizes=(40, 60, 50, 30)) -> tuple[Parts, list[str]]:
    random = np.random.default_rng(trial)
    group_N = [name for name, size in zip(NAMES, sizes, strict=False) for _ in range(size)]
    right_N = np.array([random.random() < rates[NAMES.index(name)] for name in group_N])
    return Parts(np.column_stack([right_N, np.ones(len(right_N))]).astype(float), share), group_N


def p_of(trial: int, rates) -> float:
    found = gap(Metric("accuracy"), *parts_of(trial, rates), seed=trial, resamples=0)
    assert found is not None
    return found.p


@pytest.fixture
def few_rounds(monkeypatch):
    """Fewer regroupings than anybody wants to see, for tests of hundreds of gaps; p is exact for any number of them."""
    monkeypatch.setattr("rnncli.metrics.groups.ROUNDS", 199)


@pytest.mark.usefixtures("few_rounds")
def test_groups_that_are_alike_part_by_chance_as_often_as_p_says():
    rejected = np.mean([p_of(trial, (0.8,) * 4) <= 0.05 for trial in range(200)])
    assert rejected <= stats.binom.ppf(0.999, 200, 0.05) / 200


@pytest.mark.usefixtures("few_rounds")
def test_a_group_that_is_worse_is_found():
    assert np.mean([p_of(trial, (0.85, 0.85, 0.85, 0.4)) <= 0.05 for trial in range(50)]) > 0.9


@pytest.mark.usefixtures("few_rounds")
def test_the_interval_allows_for_the_choice_of_the_farthest_pair():
    for rates in ((0.8,) * 4, (0.9, 0.8, 0.7, 0.6)):
        covered = 0
        for trial in range(150):
            found = gap(Metric("accuracy"), *parts_of(trial, rates), seed=trial, resamples=200)
            assert found is not None
            truth = rates[NAMES.index(found.best)] - rates[NAMES.index(found.worst)]
            covered += found.low <= truth <= found.high
        assert covered >= stats.binom.ppf(0.001, 150, 0.95)


def test_the_interval_of_two_large_groups_is_that_of_their_difference():
    parts, group_N = parts_of(3, (0.9, 0.5), sizes=(400, 500))
    found = gap(Metric("accuracy"), parts, group_N, resamples=4000)
    assert found is not None
    means = [parts.take(np.flatnonzero(np.array(group_N) == name)).value() for name in ("a", "b")]
    error = sum(mean * (1 - mean) / size for mean, size in zip(means, (400, 500), strict=True)) ** 0.5
    half = stats.norm.ppf(0.975) * error
    assert (found.low, found.high) == pytest.approx((found.difference - half, found.difference + half), abs=0.1 * half)


def test_groups_without_any_spread_have_an_interval_of_no_width():
    found = gap(Metric("accuracy"), *parts_of(1, (1.0, 0.0), sizes=(40, 60)))
    assert found is not None
    assert found.low == found.difference == found.high == 1
    none = gap(Metric("accuracy"), *parts_of(1, (0.9, 0.5), sizes=(40, 60)), resamples=0)
    assert none is not None
    assert np.isnan(none.low)


def test_the_gap_names_the_best_and_the_worst_by_what_is_better():
    parts, group_N = parts_of(1, (0.9, 0.5, 0.7, 0.7))
    means = {name: parts.take(np.flatnonzero(np.array(group_N) == name)).value() for name in NAMES}
    high, low = max(means, key=lambda name: means[name]), min(means, key=lambda name: means[name])
    found = gap(Metric("accuracy"), parts, group_N)
    assert found is not None
    assert (found.best, found.worst) == (high, low)
    assert found.difference == pytest.approx(means[high] - means[low])
    rate = gap(Metric("wer", better="lower"), parts, group_N)
    assert rate is not None
    assert (rate.best, rate.worst) == (low, high)


def test_small_groups_take_no_part():
    parts, group_N = parts_of(1, (0.8, 0.8, 0.8, 0.0), sizes=(40, 60, 50, FEWEST - 1))
    found = gap(Metric("accuracy"), parts, group_N)
    assert found is not None
    assert found.worst != "d"
    assert gap(Metric("accuracy"), *parts_of(1, (0.8, 0.8), sizes=(40, 5))) is None


def test_lengths_fall_into_ranges_that_double():
    ranges = {length: length_group(length) for length in (0, 1, 4, 5, 9, 10, 19, 20, 39, 40, 1279)}
    assert list(dict.fromkeys(ranges.values())) == ["0", "1-4", "5-9", "10-19", "20-39", "40-79", "640-1279"]


def test_a_metric_that_should_be_near_a_value_has_no_gap():
    parts, group_N = parts_of(1, (0.9, 0.5, 0.5, 0.1))
    assert gap(Metric("accuracy"), parts, group_N, resamples=10) is not None
    assert gap(Metric("coverage", better="nominal", nominal=0.5), parts, group_N, resamples=10) is None
