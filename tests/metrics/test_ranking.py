import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, roc_auc_score

from rnncli.metrics.ranking import Ranking, average_precision, one_vs_rest, roc_auc, roc_auc_one_vs_rest

scored = st.lists(st.tuples(st.booleans(), st.integers(0, 6)), min_size=2, max_size=40).filter(
    lambda rows: 0 < sum(truth for truth, _ in rows) < len(rows)
)


@settings(max_examples=50)
@given(scored)
def test_areas_agree_with_scikit_learn_with_many_ties(rows):
    truth, score = zip(*rows, strict=True)
    assert roc_auc(truth, score) == pytest.approx(roc_auc_score(truth, score), abs=1e-9)
    assert average_precision(truth, score) == pytest.approx(average_precision_score(truth, score), abs=1e-9)


@given(scored)
def test_the_roc_area_is_the_share_of_pairs_in_the_right_order(rows):
    wins = [
        (above > below) + (above == below) / 2
        for positive, above in rows
        if positive
        for negative, below in rows
        if not negative
    ]
    assert roc_auc(*zip(*rows, strict=True)) == pytest.approx(np.mean(wins), abs=1e-9)


@given(scored, st.randoms())
def test_neither_the_order_nor_the_scale_of_scores_matters(rows, random):
    expected = roc_auc(*zip(*rows, strict=True))
    random.shuffle(rows)
    truth, score = zip(*rows, strict=True)
    assert roc_auc(truth, np.exp(score)) == pytest.approx(expected, abs=1e-12)
    assert roc_auc(truth, -np.array(score)) == pytest.approx(1 - expected, abs=1e-12)


@given(scored, st.integers(0, 2**31))
def test_weights_count_an_example_as_often_as_they_say(rows, seed):
    truth, score = (np.array(column) for column in zip(*rows, strict=True))
    weights = np.random.default_rng(seed).integers(0, 4, (3, len(rows)))
    areas, precisions = Ranking(truth, score).areas(weights)
    for weight, area, precision in zip(weights, areas, precisions, strict=True):
        repeated = np.repeat(truth, weight), np.repeat(score, weight)
        assert area == pytest.approx(roc_auc(*repeated), abs=1e-9, nan_ok=True)
        assert precision == pytest.approx(average_precision(*repeated), abs=1e-9, nan_ok=True)


@pytest.mark.parametrize("average", ["macro", "weighted"])
def test_one_against_the_rest_agrees_with_scikit_learn(average):
    random = np.random.default_rng(3)
    probabilities = random.dirichlet(np.ones(5), 300)
    truth = random.choice(5, 300, p=[0.5, 0.2, 0.1, 0.1, 0.1])
    expected = roc_auc_score(truth, probabilities, multi_class="ovr", average=average)
    assert roc_auc_one_vs_rest(truth, probabilities, average) == pytest.approx(expected, abs=1e-9)
    precisions = [float(ranking.areas()[1]) for ranking in one_vs_rest(truth, probabilities)]
    assert np.mean(precisions) == pytest.approx(average_precision_score(np.eye(5)[truth], probabilities), abs=1e-9)


def test_a_class_without_examples_is_left_out_of_the_mean():
    random = np.random.default_rng(4)
    probabilities, truth = random.dirichlet(np.ones(3), 50), random.integers(0, 2, 50)
    expected = np.mean([roc_auc(truth == k, probabilities[:, k]) for k in (0, 1)])
    assert roc_auc_one_vs_rest(truth, probabilities) == pytest.approx(expected)


@pytest.mark.parametrize("truth", [[True, True], [False, False], []])
def test_one_kind_of_example_alone_has_no_area_and_gives_no_warning(truth):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert np.isnan(roc_auc(truth, np.arange(len(truth))))
    assert np.isnan(average_precision([False, False], [0.1, 0.2]))


def test_scores_that_are_not_numbers_are_refused():
    with pytest.raises(ValueError, match="not a number"):
        roc_auc([True, False], [0.5, float("nan")])
