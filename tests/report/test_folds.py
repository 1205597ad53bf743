import dataclasses
import json

import numpy as np
import pytest
from scipy import stats

from rnncli.report.build import Classes, ClassFigures
from rnncli.report.folds import cross_validated
from rnncli.report.grids import metrics_grid
from rnncli.report.reading import report_of
from rnncli.report.render import render_report
from tests.report.samples import report, scored
from tests.report.test_build import bare


def test_metrics_are_means_with_the_deviation_and_interval_of_the_folds():
    folds = [report(seed=seed, examples=100) for seed in range(5)]
    whole = cross_validated(folds)
    values = [fold.metrics["accuracy"].value for fold in folds]
    low, high = stats.t.interval(0.95, 4, np.mean(values), stats.sem(values))
    accuracy = whole.metrics["accuracy"]
    assert (accuracy.value, accuracy.deviation) == pytest.approx((np.mean(values), np.std(values, ddof=1)))
    assert (accuracy.low, accuracy.high) == pytest.approx((low, high))
    assert whole.baselines["majority"]["accuracy"] == pytest.approx(0.5)
    assert [fold.metrics["accuracy"] for fold in whole.folds] == values


def test_counts_are_added_up_and_the_class_table_is_theirs():
    folds = [report(seed=seed, examples=100) for seed in range(3)]
    whole = cross_validated(folds)
    assert np.array_equal(whole.classes.confusion, sum(np.array(fold.classes.confusion) for fold in folds))
    assert whole.examples == 300
    assert whole.dropped == {"duplicate": 3}
    assert whole.training.epochs == 15
    assert whole.training.best_epoch is None
    hits, support = whole.classes.confusion[0][0], sum(whole.classes.confusion[0])
    assert whole.classes.per_class[0].recall == pytest.approx(hits / support)
    assert whole.classes.per_class[0].support == support


def test_labels_that_a_fold_did_not_see_are_counted_under_their_names():
    first = bare(scored(1, {"accuracy": 1.0}, classes=Classes.of(["a"], [[1]])))
    second = bare(scored(1, {"accuracy": 0.0}, classes=Classes.of(["b", "a"], [[0, 1], [0, 0]])))
    whole = cross_validated([first, second])
    assert whole.classes.labels == ("a", "b")
    assert whole.classes.confusion == ((1, 0), (1, 0))
    assert whole.classes.per_class[1] == ClassFigures("b", None, 0.0, 0.0, 1)


def test_undefined_figures_are_left_out_and_shares_stay_shares():
    values = [float("nan"), 1.0, 0.1]
    whole = cross_validated([bare(scored(1, {"roc_auc": value, "log_loss": value})) for value in values])
    assert whole.metrics["roc_auc"].value == pytest.approx(0.55)
    assert whole.metrics["roc_auc"].high == 1
    assert whole.metrics["log_loss"].high > 1
    assert whole.metrics["log_loss"].low == 0
    assert cross_validated([bare(scored(1, {"roc_auc": float("nan")}))]).metrics["roc_auc"].value is None
    assert cross_validated([bare(scored(1, {"roc_auc": 0.5}))]).metrics["roc_auc"].value == 0.5


def test_a_cross_validation_comes_back_from_its_json_as_it_was():
    whole = cross_validated([report(seed=seed, examples=60) for seed in range(2)])
    values = json.loads(json.dumps(whole.to_dict(), allow_nan=False))
    assert len(values["folds"]) == 2
    assert "deviation" in values["metrics"]["accuracy"]
    assert report_of(values) == whole


def test_the_most_confident_mistakes_of_all_folds_are_kept():
    sure = report()
    less = dataclasses.replace(sure, mistakes=(dataclasses.replace(sure.mistakes[0], confidence=0.6),))
    assert cross_validated([less, sure]).mistakes == sure.mistakes


def test_no_folds_are_refused():
    with pytest.raises(ValueError, match="without folds"):
        cross_validated([])


def test_folds_of_one_test_are_shown_without_means_and_deviations():
    folds = [report(seed=seed, examples=60) for seed in range(2)]
    mean = cross_validated(folds)
    whole = dataclasses.replace(mean, metrics=folds[0].metrics)
    assert (mean.is_mean, whole.is_mean) == (True, False)
    shown, before = ("\n".join(line.plain for line in render_report(one)) for one in (whole, mean))
    assert "deviation" in before
    assert "deviation" not in shown
    assert "\ntogether " in shown
    assert "deviation" not in metrics_grid(whole, list(whole.metrics)).heads
