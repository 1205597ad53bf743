"""One definition of a metric gives its value, its interval, its groups and its parts."""

import numpy as np
import pytest
import sklearn.metrics as sk

from rnncli.metrics.bootstrap import resample_weights, resampled_counts
from rnncli.metrics.classification import class_statistics, multilabel_statistics
from rnncli.metrics.statistics import Areas, Statistics, Sums, shares


def simulated(examples=300, classes=3, seed=0):
    random = np.random.default_rng(seed)
    probabilities = random.dirichlet(np.full(classes, 0.7), examples)
    truth = (probabilities.cumsum(axis=1) > random.random((examples, 1))).argmax(axis=1)
    return truth, probabilities.round(2) / probabilities.round(2).sum(1, keepdims=True)


def test_some_of_the_rows_are_worth_what_they_are_worth_alone():
    truth, probabilities = simulated()
    rows = np.random.default_rng(1).permutation(300)[:120]
    taken = class_statistics(truth, probabilities).take(rows)
    alone = class_statistics(truth[rows], probabilities[rows])
    assert taken.values() == pytest.approx(alone.values(), nan_ok=True)
    options = {"resamples": 50, "confidence": 0.9, "seed": 3}
    for name, ends in taken.intervals(**options).items():
        assert np.allclose(ends, alone.intervals(**options)[name]), name


def test_parts_add_up_to_the_values():
    for found in (class_statistics(*simulated(), 1), multilabel_statistics(simulated()[1] > 0.4, simulated(seed=2)[1])):
        values = found.values()
        parts = found.parts()
        assert set(values) - set(parts) == {"roc_auc", "average_precision"}
        assert {name: part.value() for name, part in parts.items()} == pytest.approx({n: values[n] for n in parts})
        assert all(len(part.counts_NC) == 300 for part in parts.values())


def test_areas_under_weights_are_those_of_scikit_learn():
    truth, probabilities = simulated(80, 2)
    weights_RN = np.concatenate(list(resample_weights(80, 5, seed=1)))
    found = Areas(truth[:, None] == [1], probabilities[:, [1]]).drawn(weights_RN)
    for r, weights_N in enumerate(weights_RN):
        expected = sk.roc_auc_score(truth, probabilities[:, 1], sample_weight=weights_N)
        assert found["roc_auc"][r] == pytest.approx(expected)
        expected = sk.average_precision_score(truth, probabilities[:, 1], sample_weight=weights_N)
        assert found["average_precision"][r] == pytest.approx(expected)


def test_an_interval_is_that_of_the_metric_written_out_for_each_resample():
    counts_N2 = np.random.default_rng(0).integers(1, 9, (60, 2)).astype(float)
    found = Statistics(shares(["ratio"], [counts_N2])).intervals(resamples=200, confidence=0.8, seed=5)
    draws = np.concatenate(list(resample_weights(60, 200, seed=5)))
    values = [(weights_N @ counts_N2[:, 0]) / (weights_N @ counts_N2[:, 1]) for weights_N in draws]
    assert found["ratio"] == pytest.approx(tuple(np.quantile(values, [0.1, 0.9])))


def test_units_of_few_kinds_are_drawn_by_their_number():
    kind_N = np.array([0] * 30 + [1] * 50 + [2] * 20)
    family = Sums(np.array([[1.0, 1], [0, 1], [2, 1]]), lambda sums: {"mean": sums[..., 0] / sums[..., 1]}, kind_N)
    found = Statistics((family,))
    assert found.values() == {"mean": pytest.approx(0.7)}
    draws = np.concatenate(list(resampled_counts([30, 50, 20], 300, seed=2)))
    expected = np.quantile(draws @ [1, 0, 2] / 100, [0.025, 0.975])
    assert found.intervals(resamples=300, confidence=0.95, seed=2)["mean"] == pytest.approx(tuple(expected))


def test_what_drawing_again_says_nothing_of_has_a_value_alone():
    family = Sums(np.eye(3), lambda sums: {"kinds": (sums > 0).sum(-1)}, resampled=False)
    found = Statistics((family, *shares(["one"], [np.ones((3, 2))])))
    assert found.values() == {"kinds": 3, "one": 1}
    assert set(found.intervals(resamples=10, confidence=0.9, seed=1)) == set(found.parts()) == {"one"}
