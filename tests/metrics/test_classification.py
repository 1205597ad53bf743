import time

import numpy as np
import pytest
import sklearn.metrics

from rnncli.metrics.bootstrap import resample_weights
from rnncli.metrics.calibration import binned_error
from rnncli.metrics.classification import (
    CLASSIFICATION,
    MULTILABEL,
    OF_ONE_LABEL,
    class_statistics,
    classification_metrics,
    minority,
    multilabel_metrics,
    multilabel_statistics,
    prediction_metrics,
)
from rnncli.metrics.confusion import Confusion

OPTIONS = {"resamples": 1000, "confidence": 0.95, "seed": 1}


def classification_intervals(truth, probabilities, positive=None, **options):
    return class_statistics(truth, probabilities, positive).intervals(**{**OPTIONS, **options})


def multilabel_intervals(truth, probabilities, **options):
    return multilabel_statistics(truth, probabilities).intervals(**{**OPTIONS, **options})


def simulated(seed, examples=400, classes=2):
    """Probabilities that are right about themselves: the truth is drawn from them."""
    random = np.random.default_rng(seed)
    probabilities = random.dirichlet(np.full(classes, 0.7), examples)
    truth = (probabilities.cumsum(axis=1) > random.random((examples, 1))).argmax(axis=1)
    return truth, probabilities


def tagged(seed, examples=300, labels=4):
    random = np.random.default_rng(seed)
    probabilities = random.random((examples, labels))
    return random.random((examples, labels)) < probabilities, probabilities


def test_two_classes_get_every_metric_and_agree_with_scikit_learn():
    truth, probabilities = simulated(1)
    predicted = probabilities.argmax(axis=1)
    metrics = classification_metrics(truth, probabilities, positive=0)
    assert set(metrics) == set(CLASSIFICATION)
    expected = {
        "accuracy": sklearn.metrics.accuracy_score(truth, predicted),
        "precision": sklearn.metrics.precision_score(truth, predicted, pos_label=0),
        "recall": sklearn.metrics.recall_score(truth, predicted, pos_label=0),
        "f1": sklearn.metrics.f1_score(truth, predicted, pos_label=0),
        "f1_macro": sklearn.metrics.f1_score(truth, predicted, average="macro"),
        "roc_auc": sklearn.metrics.roc_auc_score(truth, probabilities[:, 1]),
        "average_precision": sklearn.metrics.average_precision_score(truth == 0, probabilities[:, 0]),
        "log_loss": sklearn.metrics.log_loss(truth, probabilities),
        "brier": sklearn.metrics.brier_score_loss(truth, probabilities[:, 1]),
    }
    assert {name: metrics[name] for name in expected} == pytest.approx(expected, abs=1e-9)


def test_many_classes_agree_with_scikit_learn_and_have_no_figure_of_one_label_unless_asked():
    truth, probabilities = simulated(2, classes=6)
    metrics = classification_metrics(truth, probabilities)
    assert set(metrics) == set(CLASSIFICATION) - set(OF_ONE_LABEL)
    assert metrics["roc_auc"] == pytest.approx(
        sklearn.metrics.roc_auc_score(truth, probabilities, multi_class="ovr"), abs=1e-9
    )
    assert metrics["average_precision"] == pytest.approx(
        sklearn.metrics.average_precision_score(np.eye(6)[truth], probabilities), abs=1e-9
    )
    confusion = Confusion([str(k) for k in range(6)])
    confusion.add(truth, probabilities.argmax(axis=1))
    own = {"accuracy": confusion.accuracy(), **confusion.averages()}
    assert {name: metrics[name] for name in own} == pytest.approx(own, abs=1e-12)
    row = confusion.per_class()[2]
    one = classification_metrics(truth, probabilities, positive=2)
    assert [one[name] for name in OF_ONE_LABEL] == pytest.approx([row[name] for name in OF_ONE_LABEL])


def test_labels_alone_give_the_metrics_that_need_no_probabilities():
    truth, probabilities = simulated(3)
    whole = classification_metrics(truth, probabilities, positive=1)
    partial = prediction_metrics(truth, probabilities.argmax(axis=1), classes=2, positive=1)
    assert partial == {name: whole[name] for name in partial}
    assert set(whole) - set(partial) == {
        "roc_auc",
        "average_precision",
        "log_loss",
        "brier",
        "calibration_error",
    }


def test_multi_label_metrics_agree_with_scikit_learn():
    truth, probabilities = tagged(4)
    metrics = multilabel_metrics(truth, probabilities, threshold=0.4)
    predicted = probabilities >= 0.4
    assert set(metrics) == set(MULTILABEL)
    flat = truth.ravel().astype(int), probabilities.ravel()
    expected = {
        "accuracy": sklearn.metrics.accuracy_score(truth, predicted),
        "f1_macro": sklearn.metrics.f1_score(truth, predicted, average="macro"),
        "f1_micro": sklearn.metrics.f1_score(truth, predicted, average="micro"),
        "f1_weighted": sklearn.metrics.f1_score(truth, predicted, average="weighted"),
        "roc_auc": sklearn.metrics.roc_auc_score(truth, probabilities),
        "average_precision": sklearn.metrics.average_precision_score(truth, probabilities),
        "log_loss": sklearn.metrics.log_loss(*flat),
        "brier": sklearn.metrics.brier_score_loss(*flat),
        "calibration_error": binned_error(*flat),
    }
    assert {name: metrics[name] for name in expected} == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("classes", [2, 5])
def test_intervals_equal_those_of_repeating_the_whole_evaluation(classes):
    truth, probabilities = simulated(5, examples=150, classes=classes)
    fast = classification_intervals(truth, probabilities, resamples=200, seed=3)
    slow = []
    for weights in np.concatenate(list(resample_weights(150, 200, seed=3))):
        chosen = np.repeat(np.arange(150), weights.astype(int))
        slow.append(classification_metrics(truth[chosen], probabilities[chosen]))
    for name in ("roc_auc", "average_precision", "log_loss", "brier"):
        expected = np.quantile([metrics[name] for metrics in slow], [0.025, 0.975])
        assert fast[name] == pytest.approx(expected, abs=1e-9)
    # Cells of the confusion matrix are drawn by another stream: the same up to the noise of 200 resamples.
    for name in ("accuracy", "f1_macro", "precision_weighted"):
        expected = np.quantile([metrics[name] for metrics in slow], [0.025, 0.975])
        assert fast[name] == pytest.approx(expected, abs=0.03)


def test_multi_label_intervals_equal_those_of_repeating_the_whole_evaluation():
    truth, probabilities = tagged(6, examples=80)
    fast = multilabel_intervals(truth, probabilities, resamples=100, seed=3)
    slow = []
    for weights in np.concatenate(list(resample_weights(80, 100, seed=3))):
        chosen = np.repeat(np.arange(80), weights.astype(int))
        slow.append(multilabel_metrics(truth[chosen], probabilities[chosen]))
    for name in set(MULTILABEL) - {"calibration_error"}:
        expected = np.quantile([metrics[name] for metrics in slow], [0.025, 0.975])
        assert fast[name] == pytest.approx(expected, abs=1e-9), name


def test_every_interval_holds_its_value():
    for seed in range(5):
        truth, probabilities = simulated(seed, classes=3)
        metrics = classification_metrics(truth, probabilities)
        intervals = classification_intervals(truth, probabilities, resamples=300)
        assert set(intervals) == set(metrics)
        assert all(low <= metrics[name] <= high for name, (low, high) in intervals.items())


def test_intervals_cover_the_true_roc_area_and_accuracy_about_as_often_as_they_say():
    truth, probabilities = simulated(0, examples=200_000)
    true = classification_metrics(truth, probabilities)
    covered = np.zeros(2)
    for trial in range(200):
        sample = simulated(1000 + trial, examples=250)
        intervals = classification_intervals(*sample, resamples=200, seed=trial)
        for i, name in enumerate(("roc_auc", "accuracy")):
            covered[i] += intervals[name][0] <= true[name] <= intervals[name][1]
    assert (covered / 200 >= 0.88).all()
    assert (covered / 200 <= 0.99).all()


def test_a_thousand_resamples_of_many_examples_take_seconds():
    truth, probabilities = simulated(7, examples=40_000)
    start = time.process_time()
    intervals = classification_intervals(truth, probabilities, positive=1)
    assert time.process_time() - start < 8, "about 1 s on an idle core"
    assert intervals["accuracy"][1] - intervals["accuracy"][0] < 0.02


def test_many_classes_cost_no_more_than_the_cells_that_occur():
    random = np.random.default_rng(8)
    truth = random.integers(0, 2000, 3000)
    metrics = prediction_metrics(truth, truth, classes=2000)
    assert metrics["accuracy"] == metrics["f1_macro"] == 1


def test_one_class_alone_gives_undefined_areas_without_a_warning():
    metrics = classification_metrics([1, 1, 1], [[0.2, 0.8], [0.6, 0.4], [0.1, 0.9]], positive=0)
    assert np.isnan(metrics["roc_auc"])
    assert np.isnan(metrics["average_precision"])
    assert np.isnan(metrics["recall"])
    assert metrics["accuracy"] == pytest.approx(2 / 3)
    intervals = classification_intervals([1, 1, 1], [[0.2, 0.8], [0.6, 0.4], [0.1, 0.9]], resamples=50)
    assert np.isnan(intervals["roc_auc"]).all()


def test_no_resamples_give_no_intervals():
    assert classification_intervals([0], [[1.0, 0.0]], resamples=0) == {}
    assert multilabel_intervals([[0]], [[1.0]], resamples=0) == {}


@pytest.mark.parametrize(
    ("truth", "probabilities", "problem"),
    [
        ([0], [[float("nan"), 1.0]], "numbers from 0 to 1"),
        ([0], [[-1.0, 2.0]], "numbers from 0 to 1"),
        ([0, 1], [[0.5, 0.5]], "2 true labels"),
        ([2], [[0.5, 0.5]], "there are 2 labels"),
        ([], np.empty((0, 2)), "examples times labels"),
        ([0], [0.5, 0.5], "examples times labels"),
    ],
)
def test_what_cannot_be_scored_is_refused(truth, probabilities, problem):
    with pytest.raises(ValueError, match=problem):
        classification_metrics(truth, probabilities)


def test_the_minority_is_the_rarest_label_and_the_later_one_in_a_tie():
    assert minority([10, 3, 7]) == 1
    assert minority([5, 5]) == 1
    assert minority([3, 9]) == 0
