import numpy as np
import pytest

from rnncli.metrics.bootstrap import (
    affordable,
    centred_interval,
    interval,
    resample_weights,
    resampled_counts,
    resampled_sums,
)


def test_every_resample_draws_as_many_examples_as_there_are():
    weights = np.concatenate(list(resample_weights(300, 1000, seed=1)))
    assert weights.shape == (1000, 300)
    assert (weights.sum(axis=1) == 300).all()
    assert weights.mean(axis=0) == pytest.approx(1, abs=0.25)


def test_the_same_seed_draws_the_same_and_another_draws_otherwise():
    parts = np.random.default_rng(0).random((50, 2))
    assert (resampled_sums(parts, 20, 1) == resampled_sums(parts, 20, 1)).all()
    assert (resampled_sums(parts, 20, 1) != resampled_sums(parts, 20, 2)).any()
    assert resampled_sums(parts, 0, 1).shape == (0, 2)


def test_resampling_counts_varies_as_much_as_resampling_examples():
    counts = np.array([700, 200, 100])
    examples = np.repeat(np.eye(3), counts, axis=0)
    drawn = np.concatenate(list(resampled_counts(counts, 4000, 1)))
    assert (drawn.sum(axis=1) == 1000).all()
    assert drawn.mean(axis=0) == pytest.approx(counts, rel=0.02)
    assert drawn.std(axis=0) == pytest.approx(resampled_sums(examples, 4000, 2).std(axis=0), rel=0.06)


def test_the_interval_of_a_mean_covers_the_truth_about_as_often_as_it_says():
    random = np.random.default_rng(5)
    covered = 0
    for trial in range(300):
        sample = random.random(200) < 0.8
        low, high = interval(resampled_sums(sample[:, None], 300, trial)[:, 0] / 200)
        covered += low <= 0.8 <= high
    assert 0.91 <= covered / 300 <= 0.98


def test_the_interval_is_the_middle_share_of_what_is_defined():
    values = np.append(np.arange(101.0), np.nan)
    assert interval(values, 0.9) == pytest.approx((5, 95))
    assert np.isnan(interval([np.nan, np.nan])).all()
    assert np.isnan(interval([])).all()


def test_a_centred_interval_lies_about_the_value_and_above_zero():
    low, high = centred_interval(np.array([0.3, 0.4, 0.5]), 0.05, 0.9)
    assert low == 0
    assert high == pytest.approx(0.14)
    assert np.isnan(centred_interval([np.nan], 0.1)).all()


def test_resamples_are_cut_where_they_would_take_too_long_but_never_below_a_hundred():
    assert affordable(1000, 200_000) == 1000
    assert affordable(1000, 1_000_000) == 200
    assert affordable(1000, 10**9) == 100
    assert affordable(50, 10**9) == 50
