import pytest

from rnncli import tasks
from rnncli.errors import RecipeError
from rnncli.metrics.metric import LOSS, Metric, by_name, require


def test_losses_and_error_rates_are_better_when_lower_and_all_else_when_higher():
    lower = {"log_loss", "brier", "calibration_error", "wer", "cer", "wer_greedy", "cer_greedy", "loss"}
    lower |= {"mean_absolute_error"}
    for task in ("sentiment", "tagging", "action", "captioning", "speech"):
        for name, metric in tasks.metrics(task).items():
            assert metric.better == ("lower" if name in lower else "higher"), (task, name)


def test_what_is_no_share_of_anything_is_plain():
    plain = {"log_loss", "brier", "calibration_error", "loss", "mean_absolute_error", "quadratic_kappa"}
    for task in ("sentiment", "tagging", "action", "captioning", "speech"):
        assert {name for name, metric in tasks.metrics(task).items() if metric.unit == "plain"} <= plain


def test_forecasts_err_in_units_of_their_own_and_their_intervals_should_cover_what_they_promise():
    shares = {name for name, metric in tasks.metrics("forecast").items() if metric.unit == "share"}
    assert shares == {"coverage_80", "coverage_95"}
    for name, metric in tasks.metrics("forecast").items():
        assert metric.better == ("nominal" if name in shares else "lower"), name


def test_an_undeclared_metric_is_refused_with_the_nearest_ones():
    with pytest.raises(RecipeError) as caught:
        require("acuracy", tasks.metrics("sentiment"))
    assert caught.value.message == 'there is no metric "acuracy"'
    assert "accuracy" in caught.value.hint
    with pytest.raises(RecipeError) as caught:
        require("zzz", ["wer", "cer"])
    assert caught.value.hint == "the metrics are cer, wer"


def test_every_task_has_a_loss():
    assert by_name([Metric("mae", better="lower", unit="plain")]).keys() == {"mae", LOSS.name}


def test_a_number_beats_none_and_nan_beats_nothing():
    nan, accuracy, mae = float("nan"), Metric("accuracy"), Metric("mae", better="lower")
    assert accuracy.beats(0.5, None)
    assert accuracy.beats(0.5, nan)
    assert accuracy.beats(0.5, 0.4)
    assert mae.beats(0.4, 0.5)
    assert not mae.beats(0.5, 0.5)
    assert not accuracy.beats(nan, 0.1)
    assert not accuracy.beats(nan, None)


def test_a_metric_is_read_by_its_title_or_its_name():
    assert Metric("roc_auc").words == "roc auc"
    assert Metric("f1", title="f1 of spam").words == "f1 of spam"


def test_a_metric_with_a_nominal_value_is_better_the_nearer_it_is():
    coverage = Metric("coverage", better="nominal", nominal=0.95)
    assert coverage.beats(0.93, 0.99)
    assert coverage.beats(0.96, 0.93)
    assert not coverage.beats(1.0, 0.94)
    assert not coverage.beats(float("nan"), 0.5)
    assert coverage.beats(0.1, None)
    assert [Metric("x", better=one).badness(3) for one in ("higher", "lower")] == [-3, 3]
