"""The verdict: what is said, when, and that its sizes and intervals are right."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from scipy import stats

from rnncli.metrics.crossed import Crossed
from rnncli.metrics.metric import LOSS, Metric
from rnncli.metrics.paired import Parts, share
from rnncli.report import advice
from rnncli.report.build import Advice, Classes, Estimate, Fold, Report
from rnncli.report.reading import report_of
from rnncli.report.render import shown_metrics
from rnncli.report.rivals import MODEL, best_rival, leaders
from tests.report.samples import scored
from tests.report.test_build import bare

SPLIT = {"test": "", "split_column": ""}
SIZES = {"train": 8000, "dev": 1000, "test": 1000}


def answers(right: int, of: int, *, first: int = 0) -> Parts:
    """So many right answers, from the example ``first`` on."""
    hits = np.zeros(of)
    hits[np.arange(first, first + right) % of] = 1
    return Parts(np.column_stack([hits, np.ones(of)]), share)


def judged(model: Parts, rival: Parts, metric: str = "accuracy") -> tuple[Report, advice.Match]:
    value = model.value()
    made = bare(scored(len(model.counts_NC), {metric: (value, value - 0.02, value + 0.02)}))
    made = dataclasses.replace(made, baselines={"worse": {metric: None}, "other": {metric: rival.value()}})
    found = advice.match_of_examples(made, metric, model, {"other": rival})
    assert found is not None
    return made, found


def said(made: Report, match: advice.Match) -> str:
    return advice.of_match(made, match).says


def test_a_model_that_beats_its_rival_on_the_same_examples_is_said_to():
    made, match = judged(answers(900, 1000), answers(800, 1000))
    assert said(made, match).startswith("the model beats its best rival, other, by 10.0 points of accuracy")
    assert "on the same 1,000 test examples" in said(made, match)
    assert advice.of_size(made, match, SPLIT, SIZES) is None


def test_a_rival_that_beats_the_model_is_said_to_and_what_to_try():
    made, match = judged(answers(800, 1000), answers(900, 1000))
    assert said(made, match).startswith("a simpler method, other, beats the model by 10.0 points of accuracy (95 % int")
    assert match.low < match.high < 0
    assert f"interval +{-100 * match.high:.1f} .. +{-100 * match.low:.1f}, on" in said(made, match)
    assert "rnncli batch RECIPE --set" in advice.of_match(made, match).do


def test_for_an_error_rate_less_is_better():
    made, match = judged(answers(100, 1000), answers(200, 1000), "wer")
    assert match.gap == pytest.approx(0.1)
    assert said(made, match).startswith("the model beats its best rival, other, by 10.0 points of wer")


def test_equal_answers_are_neither():
    made, match = judged(answers(50, 50), answers(50, 50))
    assert "does as well as its best rival, other: accuracy 100.0" in said(made, match)
    assert advice.of_size(made, match, SPLIT, SIZES) is None


def test_the_size_that_is_named_tells_the_difference_four_times_out_of_five():
    # 55 examples that only the model gets right, 45 that only the rival does, of 1,000: one point, by chance or not.
    made, match = judged(answers(755, 1000), answers(745, 1000, first=55))
    assert "not shown to beat" in said(made, match)
    line = advice.of_size(made, match, SPLIT, SIZES)
    assert line is not None
    wanted = int(line.says.split("about ")[1].split(" ")[0].replace(",", ""))
    random = np.random.default_rng(1)
    drawn = random.multinomial(wanted, [0.055, 0.045, 0.9], size=2000)
    ahead, behind = drawn[:, 0], drawn[:, 1]
    z = (ahead - behind) / np.sqrt(ahead + behind)  # the sign test of each draw
    assert 0.75 < (z > 1.96).mean() < 0.87
    least = float(line.says.split("differences of ")[1].split(" ")[0])
    assert least > 1.0


def test_of_so_few_examples_that_no_test_tells_anything_that_is_said():
    made, match = judged(answers(0, 5), answers(5, 5))
    assert not match.sure
    assert "neither for the better one" in advice.of_match(made, match).do
    line = advice.of_size(made, dataclasses.replace(match, low=-1.1, high=-0.9), SPLIT, SIZES)
    assert line is not None
    assert line.says == "no test can tell two models apart on 5 examples; on 6 it may"
    assert "data.test_fraction" not in line.do
    assert judged(answers(0, 6), answers(6, 6))[1].sure


@pytest.mark.parametrize(
    ("split", "sizes", "wanted", "do"),
    [
        (SPLIT, SIZES, 3000, "data.test_fraction=0.3"),
        (SPLIT, SIZES, 30_000, "data.folds=5"),
        ({"test": "test.csv"}, SIZES, 3000, "more examples to test on"),
        ({"test": "", "split_column": "part"}, SIZES, 3000, "more examples to test on"),
    ],
)
def test_what_to_do_about_few_test_examples_follows_how_they_were_split(split, sizes, wanted, do):
    assert do in advice._more_tests(split, sizes, wanted)


def test_rivals_of_which_only_figures_are_known_are_held_against_the_interval_of_the_model():
    made = dataclasses.replace(bare(scored(40, {"accuracy": (0.9, 0.8, 0.95)})), baselines={"mean": {"accuracy": 0.5}})
    match = advice.match_of_examples(made, "accuracy", None, {})
    assert match is not None
    assert said(made, match) == (
        "the model beats its best rival, mean, by 40.0 points of accuracy (95 % interval +30.0 .. +45.0)"
    )


def test_a_cross_validation_is_judged_by_its_folds():
    values = [(0.8, 0.7), (0.82, 0.75), (0.79, 0.74), (0.81, 0.77)]
    folds = tuple(Fold(i, 50, 1.0, 1, {"accuracy": a}, {"other": {"accuracy": b}}) for i, (a, b) in enumerate(values))
    made = dataclasses.replace(
        bare(scored(200, {"accuracy": 0.805})), folds=folds, baselines={"other": {"accuracy": 0.74}}
    )
    match = advice.match_of_folds(made, "accuracy")
    test = stats.ttest_rel(*zip(*values, strict=True))
    ends = test.confidence_interval(0.95)
    assert match is not None
    assert (match.low, match.high) == (pytest.approx(ends.low), pytest.approx(ends.high))
    assert match.sure
    assert "over 4 folds" in said(made, match)


def test_no_rivals_means_no_comparison():
    assert advice.match_of_examples(bare(scored(9, {"accuracy": 0.5})), "accuracy", None, {}) is None


def classes(*rows: tuple[str, float | None, int]) -> Report:
    made = [{"label": n, "precision": p, "recall": p, "f1": p, "support": s} for n, p, s in rows]
    return bare(scored(9, {"accuracy": 0.5}, classes=Classes.of(per_class=made)))


def test_classes_that_are_never_predicted_are_named_with_what_may_mend_it():
    found = advice.of_classes(classes(("a", 0.5, 5), ("b", None, 3), ("c", None, 0), ("d", 0.1, 4)), ["train.epochs"])
    assert found is not None
    assert found.says == "1 of 3 classes is never predicted (test examples): b (3)"
    keys = ["train.epochs", "train.class_weights"]
    assert "train.class_weights=balanced" in advice.of_classes(classes(("a", 0.5, 5), ("b", None, 3)), keys).do
    assert advice.of_classes(classes(("a", 0.5, 5), ("b", 0.0, 3)), keys) is None


def test_a_model_with_one_answer_is_said_to_have_learnt_nothing():
    found = advice.of_classes(classes(("a", 0.5, 5), ("b", None, 3)), [])
    assert found is not None
    assert found.says.startswith("nothing but a is ever predicted")


def history(losses, watched):
    return [{"metrics": {"loss": loss}, "watched": one} for loss, one in zip(losses, watched, strict=True)]


@pytest.mark.parametrize(
    ("losses", "watched", "epochs", "says"),
    [
        ([0.9, 0.7, 0.5], [0.5, 0.6, 0.7], 3, "the last of 3 epochs was the best and the loss of dev still fell"),
        ([0.9, 0.7, 0.5], [0.5, 0.8, 0.7], 3, "the loss of dev still fell, from 0.700 to 0.500 in the last epoch"),
        ([0.9, 0.5, 0.6], [0.5, 0.6, 0.7], 3, "the last of 3 epochs was the best"),
        ([0.9, 0.5, 0.6], [0.5, 0.7, 0.6], 3, ""),
        ([0.9, 0.7, 0.5], [0.5, 0.6, 0.7], 9, ""),
        ([0.9], [0.5], 1, "there was one epoch"),
        ([0.9, 0.5, 0.4999], [0.5, 0.7, 0.7], 3, ""),
        ([0.9, None, 0.5], [None, None, None], 3, ""),
        ([0.05, 0.009, 0.001], [0.05, 0.009, 0.001], 3, ""),
    ],
)
def test_training_that_ended_too_soon_is_told_by_its_history(losses, watched, epochs, says):
    found = advice.of_training([history(losses, watched)], Metric("accuracy"), epochs)
    if says:
        assert found is not None
        assert found.says.startswith(says)
        assert found.do == f"train longer: train.epochs={max(5, 2 * epochs)}"
    else:
        assert found is None


def test_a_watched_loss_that_hardly_falls_is_no_reason_to_go_on():
    losses = [0.9, 0.7, 0.6, 0.51, 0.5, 0.499]
    assert advice.of_training([history(losses, losses)], LOSS, 6) is None
    few = advice.of_training([history(losses[-3:], losses[-3:])], LOSS, 3)
    assert few is not None
    assert few.says == "the last of 3 epochs was the best"
    going_on = advice.of_training([history(losses[-3:], losses[-3:])], LOSS, 3, goes_on=True)
    assert going_on is not None
    assert going_on.do == "train longer: rnncli run --resume RUN train.epochs=6"


def test_folds_that_ended_too_soon_are_counted_where_they_are_most():
    early, done = history([0.9, 0.5], [0.5, 0.7]), history([0.5, 0.9], [0.7, 0.5])
    found = advice.of_training([early, early, done], Metric("accuracy"), 2)
    assert found is not None
    assert found.says.startswith("in 2 of 3 folds the last of 2 epochs")
    assert advice.of_training([early, done, done], Metric("accuracy"), 2) is None


def test_dev_that_is_far_better_than_test_is_told_and_chance_is_not():
    values = {"accuracy": (0.7, 0.66, 0.74), "wer": (0.3, 0.26, 0.34)}
    made = dataclasses.replace(bare(scored(400, values)), split="test")
    found = advice.of_dev(made, "accuracy", 0.95, {"dev": 400})
    assert found is not None
    assert found.says.startswith("dev is far better than test: accuracy 95.0 against 70.0")
    assert advice.of_dev(made, "wer", 0.05, {"dev": 400}) is not None
    assert advice.of_dev(made, "accuracy", 0.74, {"dev": 400}) is None
    assert advice.of_dev(made, "accuracy", 0.95, {"dev": 10}) is None  # a few of them say little
    assert advice.of_dev(made, "wer", 0.5, {"dev": 400}) is None
    assert advice.of_dev(made, "accuracy", None, {"dev": 400}) is None
    assert advice.of_dev(dataclasses.replace(made, split="dev"), "accuracy", 0.95, {"dev": 400}) is None


def test_a_figure_that_could_be_anything_is_told():
    assert advice.of_width(bare(scored(9, {"accuracy": (0.7, 0.4, 0.9)})), "accuracy", SPLIT) is not None
    assert advice.of_width(bare(scored(900, {"accuracy": (0.7, 0.68, 0.72)})), "accuracy", SPLIT) is None


def test_few_examples_without_a_mistake_prove_little():
    def told(examples, value=1.0):
        return advice.of_width(bare(scored(examples, {"accuracy": (value, value, value)})), "accuracy", SPLIT)

    few = told(2)
    assert few is not None
    assert few.says.startswith("2 test examples without a mistake may be chance: a model that is wrong on 78 % of all")
    assert stats.binom.pmf(0, 2, 0.7764) == pytest.approx(0.05, abs=1e-3)
    one = told(1)
    assert one is not None
    assert one.says.startswith("1 test example without")
    assert told(40) is None
    assert told(2, 0.5) is None


@pytest.mark.parametrize(
    ("model", "rival", "says"),
    [
        (answers(50, 100), answers(45, 100), "the model is not shown to do better than one answer to everything, maj"),
        (answers(50, 100), answers(50, 100), "the model does no better than one answer to everything, majority"),
        (answers(800, 1000), answers(900, 1000), "one answer to everything, majority, beats the model by 10.0 points"),
    ],
)
def test_one_answer_to_everything_is_not_recommended(model, rival, says):
    made, match = judged(model, rival)
    found = advice.of_match(made, dataclasses.replace(match, rival="majority"))
    assert found.says.startswith(says)
    assert "use that" not in found.line
    assert "simpler" not in found.line


def test_the_most_important_findings_stand_first_and_five_at_most():
    found = [Advice(f"found {rank}", "do", rank) for rank in (40, 10, 30, 20, 60, 50, 10)]
    assert advice.written(found) == tuple(f"found {rank}: do" for rank in (10, 20, 30, 40, 50))


def forecasts(losses, overlap=1) -> Parts:
    """Losses of one series from origins that follow each other."""
    design = Crossed(np.arange(len(losses)), np.zeros(len(losses)), overlap)
    return Parts(np.column_stack([losses, np.ones(len(losses))]), share, design)


def test_forecasts_are_judged_by_their_origins():
    random = np.random.default_rng(0)
    mine, theirs = (forecasts(random.gamma(9, 0.1 * level, 24)) for level in (1.0, 1.6))
    made, match = judged(mine, theirs, "log_loss")
    assert match.test == "Diebold-Mariano test, small-sample form, over 24 origins"
    assert said(made, match).endswith("on the same 24 test examples, " + match.test + ")")
    test = stats.ttest_rel(theirs.counts_NC[:, 0], mine.counts_NC[:, 0]).confidence_interval(0.95)
    assert (match.low, match.high) == (pytest.approx(test.low), pytest.approx(test.high))


def test_one_span_of_time_shows_nothing_and_asks_for_more_origins():
    made, match = judged(forecasts(np.array([0.1, 0.2, 0.1]), 2), forecasts(np.array([0.5, 0.6, 0.5]), 2), "log_loss")
    assert not match.sure
    assert "not shown to beat its best rival, other: +0.400 of log loss (too few to test" in said(made, match)
    assert advice.of_size(made, match, SPLIT, SIZES) is None
    assert "evaluation.origins=24" in advice._more_tests({"origins": 12}, SIZES, 900)


def test_a_metric_that_should_be_near_a_value_is_no_ground_for_a_verdict():
    metric = Metric("coverage", better="nominal", nominal=0.95)
    found = dataclasses.replace(
        scored(50, {"accuracy": 0.5}), metrics={"coverage": Estimate.of(metric, 0.93, 0.9, 0.96)}
    )
    made = dataclasses.replace(bare(found), baselines={"other": {"coverage": 1.0}, "near": {"coverage": 0.96}})
    assert advice.match_of_examples(made, "coverage", None, {}) is None
    assert advice.match_of_folds(made, "coverage") is None
    assert best_rival(made, "coverage") == ("near", 0.96)
    assert leaders(made, "coverage") == {"near"}
    nearer = dataclasses.replace(made, baselines={"other": {"coverage": 1.0}})
    assert leaders(nearer, "coverage") == {MODEL}
    assert report_of(made.to_dict()) == made
    sizes = {"train": 100, "dev": 50, "test": 50}
    assert advice.of_dev(made, "coverage", 0.99, sizes) is None  # dev is no nearer than test
    loss = Estimate.of(Metric("loss", better="lower", unit="plain"), 0.3)
    both = dataclasses.replace(made, metrics={**made.metrics, "loss": loss})
    assert shown_metrics(both) == ["coverage", "loss"]  # as declared: it is not read first for being a share
    assert shown_metrics(dataclasses.replace(both, metrics=dict(reversed(both.metrics.items())))) == [
        "loss",
        "coverage",
    ]
