import pytest

from rnncli.errors import RecipeError
from rnncli.metrics.direction import CLASSIFICATION, higher_is_better, is_better


def test_losses_and_error_rates_are_better_when_lower_and_all_else_when_higher():
    assert [name for name in CLASSIFICATION if not higher_is_better(name)] == [
        "log_loss",
        "brier",
        "calibration_error",
    ]
    assert not higher_is_better("wer")
    assert higher_is_better("anything_else")


def test_an_unknown_metric_is_named_with_the_nearest_ones():
    with pytest.raises(RecipeError) as caught:
        higher_is_better("acuracy", CLASSIFICATION)
    assert caught.value.message == 'there is no metric "acuracy"'
    assert "accuracy" in caught.value.hint
    with pytest.raises(RecipeError) as caught:
        higher_is_better("zzz", ["wer", "cer"])
    assert caught.value.hint == "the metrics are cer, wer"


def test_a_figure_beats_none_and_nan_beats_nothing():
    nan = float("nan")
    assert is_better("accuracy", 0.5, None)
    assert is_better("accuracy", 0.5, nan)
    assert is_better("accuracy", 0.5, 0.4)
    assert is_better("log_loss", 0.4, 0.5)
    assert not is_better("log_loss", 0.5, 0.5)
    assert not is_better("accuracy", nan, 0.1)
    assert not is_better("accuracy", nan, None)
