"""Labels that are numbers, held against scikit-learn."""

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score, mean_absolute_error

from rnncli.metrics.classification import class_statistics, label_statistics
from rnncli.metrics.ordinal import number_sums, numbers_of
from rnncli.metrics.statistics import Statistics


@pytest.mark.parametrize("numbers", [(1, 2, 3, 4, 5), (0, 1, 2), (-2, 0, 1, 7)])
def test_error_and_kappa_are_those_of_scikit_learn(numbers):
    random = np.random.default_rng(len(numbers))
    truth = random.integers(0, len(numbers), 300)
    predicted = np.where(random.random(300) < 0.6, truth, random.integers(0, len(numbers), 300))
    values = np.array(numbers)
    found = label_statistics(truth, predicted, len(numbers), None, values.astype(float)).values()
    every = list(range(min(numbers), max(numbers) + 1))  # where numbers are missing, distances stay those of numbers
    kappa = cohen_kappa_score(values[truth], values[predicted], weights="quadratic", labels=every)
    assert found["quadratic_kappa"] == pytest.approx(kappa)
    assert found["mean_absolute_error"] == pytest.approx(mean_absolute_error(values[truth], values[predicted]))


def test_probabilities_are_scored_by_their_most_probable_number_and_have_intervals():
    probabilities = np.array([[0.7, 0.2, 0.1], [0.2, 0.5, 0.3], [0.6, 0.1, 0.3], [0.1, 0.1, 0.8]] * 20)
    statistics = class_statistics([0, 2, 2, 2] * 20, probabilities, numbers_K=np.array([1.0, 2.0, 3.0]))
    assert statistics.values()["mean_absolute_error"] == pytest.approx(3 / 4)
    low, high = statistics.intervals(resamples=100, confidence=0.95, seed=1)["quadratic_kappa"]
    assert low < statistics.values()["quadratic_kappa"] < high
    assert {"mean_absolute_error", "quadratic_kappa"} <= set(statistics.parts())


def test_a_kappa_without_any_variance_is_not_defined():
    assert np.isnan(Statistics((number_sums([3, 3], [3, 3]),)).values()["quadratic_kappa"])


@pytest.mark.parametrize(
    ("labels", "numbers"),
    [
        (["1", "2", "3"], [1, 2, 3]),
        (["-1", "0", "+1"], [-1, 0, 1]),
        (["1.0", "2.0", "5.0"], [1, 2, 5]),
        (["0", "1"], None),
        (["1", "2", "many"], None),
        (["1.5", "2", "3"], None),
        (["1", "01", "2"], None),
        (["1 star", "2 stars", "3 stars"], None),
    ],
)
def test_labels_are_numbers_where_all_are_whole_ones_and_more_than_two(labels, numbers):
    found = numbers_of(labels)
    assert (None if found is None else found.tolist()) == numbers
