import numpy as np
import pytest
import sklearn.metrics
from hypothesis import given
from hypothesis import strategies as st
from sklearn.calibration import calibration_curve

from rnncli.metrics.calibration import binned_error, bins, brier, calibration_error, log_loss


def drawn(seed, classes, examples=400):
    random = np.random.default_rng(seed)
    return random.integers(0, classes, examples), random.dirichlet(np.ones(classes), examples)


@pytest.mark.parametrize("classes", [2, 3, 7])
def test_log_loss_and_brier_score_agree_with_scikit_learn(classes):
    truth, probabilities = drawn(1, classes)
    labels = list(range(classes))
    assert log_loss(truth, probabilities) == pytest.approx(
        sklearn.metrics.log_loss(truth, probabilities, labels=labels), abs=1e-9
    )
    target = np.eye(classes)[truth]
    assert brier(truth, probabilities) == pytest.approx(
        np.mean([sklearn.metrics.mean_squared_error(t, p) for t, p in zip(target, probabilities, strict=True)])
        * classes
        / 2,
        abs=1e-9,
    )
    if classes == 2:
        expected = sklearn.metrics.brier_score_loss(truth, probabilities[:, 1])
        assert brier(truth, probabilities) == pytest.approx(expected, abs=1e-9)


def test_a_certain_mistake_costs_much_but_not_infinitely_much():
    assert log_loss([0], [[0.0, 1.0]]) == pytest.approx(sklearn.metrics.log_loss([0], [[0.0, 1.0]], labels=[0, 1]))
    assert log_loss([1], [[0.0, 1.0]]) == 0


@pytest.mark.parametrize("seed", range(4))
def test_the_calibration_error_is_the_gap_of_scikit_learns_curve_weighted_by_bin(seed):
    truth, probabilities = drawn(seed, 3)
    confidence, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == truth
    happened, said = calibration_curve(right, confidence, n_bins=15, strategy="uniform")
    sizes = [((k / 15 < confidence) & (confidence <= (k + 1) / 15)).sum() for k in range(15)]
    sizes = [size for size in sizes if size]
    expected = np.average(np.abs(happened - said), weights=sizes)
    assert calibration_error(truth, probabilities) == pytest.approx(expected, abs=1e-9)


def test_a_bin_holds_its_upper_end_and_the_first_also_zero():
    assert bins(np.array([0.0, 1 / 15, 0.067, 0.5, 1.0])).tolist() == [0, 0, 1, 7, 14]


def test_believable_probabilities_have_a_small_error_and_boasts_a_large_one():
    random = np.random.default_rng(2)
    probability = random.random(50_000)
    happened = random.random(50_000) < probability
    assert binned_error(happened, probability) < 0.01
    assert binned_error(happened, np.ones(50_000)) == pytest.approx(0.5, abs=0.01)
    assert np.isnan(binned_error([], []))


@given(st.integers(0, 10_000), st.integers(2, 6), st.integers(1, 30))
def test_errors_stay_within_zero_and_one_and_ignore_the_order_of_examples(seed, classes, examples):
    truth, probabilities = drawn(seed, classes, examples)
    order = np.random.default_rng(seed).permutation(examples)
    for metric in (brier, calibration_error):
        assert 0 <= metric(truth, probabilities) <= 1
        assert metric(truth[order], probabilities[order]) == pytest.approx(metric(truth, probabilities))
