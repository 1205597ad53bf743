import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import (
    accuracy_score,
    balanced_accuracy_score,
    confusion_matrix,
    multilabel_confusion_matrix,
    precision_recall_fscore_support,
)

from rnncli.metrics.confusion import Confusion, MultiLabelCounts

LABELS = ["a", "b", "c", "d"]
pairs = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), max_size=40)


def counted(rows):
    confusion = Confusion(LABELS)
    confusion.add([truth for truth, _ in rows], [predicted for _, predicted in rows])
    return confusion


def multi(seed, examples=60):
    random = np.random.default_rng(seed)
    truth, predicted = random.random((2, examples, 4)) < 0.4
    counts = MultiLabelCounts(LABELS)
    counts.add(truth, predicted)
    return counts, truth, predicted


@settings(max_examples=40)
@given(pairs.filter(bool))
def test_scores_agree_with_scikit_learn_whatever_labels_occur(rows):
    truth, predicted = zip(*rows, strict=True)
    confusion = counted(rows)
    assert confusion.counts_KK.tolist() == confusion_matrix(truth, predicted, labels=range(4)).tolist()
    assert confusion.accuracy() == pytest.approx(accuracy_score(truth, predicted), abs=1e-9)
    scores = confusion.averages()
    for average in ("macro", "micro", "weighted"):
        expected = precision_recall_fscore_support(truth, predicted, average=average, zero_division=0)[:3]
        ours = [scores[f"{name}_{average}"] for name in ("precision", "recall", "f1")]
        assert ours == pytest.approx(expected, abs=1e-9)


@settings(max_examples=40)
@given(pairs.filter(bool))
def test_per_class_rows_agree_with_scikit_learn_and_are_nan_where_undefined(rows):
    truth, predicted = zip(*rows, strict=True)
    expected = precision_recall_fscore_support(truth, predicted, labels=range(4), zero_division=np.nan)
    for k, row in enumerate(counted(rows).per_class()):
        ours = [row[name] for name in ("precision", "recall", "f1", "support")]
        assert ours == pytest.approx([column[k] for column in expected], abs=1e-9, nan_ok=True)
        assert row["label"] == LABELS[k]


@pytest.mark.parametrize("seed", range(5))
def test_balanced_accuracy_agrees_with_scikit_learn_also_without_a_class_in_the_truth(seed):
    random = np.random.default_rng(seed)
    truth = random.integers(0, 4, 80)
    predicted = np.where(random.random(80) < 0.5, truth, random.integers(0, 4, 80))
    assert counted(list(zip(truth, predicted, strict=True))).averages()["balanced_accuracy"] == pytest.approx(
        balanced_accuracy_score(truth, predicted), abs=1e-9
    )
    confusion = Confusion(LABELS)
    confusion.add([0, 0, 1], [0, 3, 1])
    assert confusion.averages()["balanced_accuracy"] == pytest.approx(0.75)


@given(pairs, pairs)
def test_merging_equals_counting_everything_at_once(first, second):
    assert (counted(first) + counted(second)).counts_KK.tolist() == counted(first + second).counts_KK.tolist()


@given(pairs.filter(bool), st.randoms())
def test_the_order_of_examples_does_not_matter_and_scores_stay_within_bounds(rows, random):
    shuffled = list(rows)
    random.shuffle(shuffled)
    scores = counted(rows).averages()
    assert counted(shuffled).averages() == scores
    assert all(0 <= value <= 1 for value in scores.values())


def test_the_most_confused_pairs_come_first_and_right_answers_never():
    confusion = Confusion(LABELS)
    confusion.add([0, 0, 0, 1, 2, 2, 3], [1, 1, 0, 1, 3, 0, 3])
    assert confusion.most_confused(2) == [("a", "b", 2), ("c", "a", 1)]
    assert len(confusion.most_confused(10)) == 3
    assert counted([(0, 0)]).most_confused(5) == []


def test_no_examples_give_nan_and_no_warning():
    confusion = Confusion(LABELS)
    confusion.add([], [])
    assert np.isnan(confusion.accuracy())
    assert np.isnan(list(confusion.averages().values())).all()
    assert np.isnan(MultiLabelCounts(LABELS).accuracy())


@pytest.mark.parametrize(("truth", "predicted"), [([0, 1], [0]), ([-1], [0]), ([0], [4]), ([0.5], [0]), ([[0]], [[0]])])
def test_what_is_not_a_pair_of_label_numbers_is_refused(truth, predicted):
    with pytest.raises(ValueError, match="label"):
        Confusion(LABELS).add(truth, predicted)


def test_counts_of_different_labels_do_not_add_up():
    with pytest.raises(ValueError, match="different labels"):
        Confusion(["a"]) + Confusion(["b"])
    with pytest.raises(ValueError, match="different labels"):
        MultiLabelCounts(["a"]) + MultiLabelCounts(["b"])


@pytest.mark.parametrize("seed", range(5))
def test_multi_label_scores_agree_with_scikit_learn(seed):
    counts, truth, predicted = multi(seed)
    assert counts.accuracy() == pytest.approx(accuracy_score(truth, predicted), abs=1e-9)
    scores = counts.averages()
    for average in ("macro", "micro", "weighted"):
        expected = precision_recall_fscore_support(truth, predicted, average=average)[:3]
        ours = [scores[f"{name}_{average}"] for name in ("precision", "recall", "f1")]
        assert ours == pytest.approx(expected, abs=1e-9)
    tables = multilabel_confusion_matrix(truth, predicted)
    assert counts.hits_K.tolist() == tables[:, 1, 1].tolist()
    assert counts.false_alarms_K.tolist() == tables[:, 0, 1].tolist()
    assert counts.misses_K.tolist() == tables[:, 1, 0].tolist()
    assert [row["support"] for row in counts.per_class()] == truth.sum(axis=0).tolist()


def test_multi_label_merging_equals_counting_everything_at_once():
    (first, truth_1, predicted_1), (second, truth_2, predicted_2) = multi(1), multi(2, 33)
    whole = MultiLabelCounts(LABELS)
    whole.add(np.concatenate([truth_1, truth_2]), np.concatenate([predicted_1, predicted_2]))
    merged = first + second
    assert merged.per_class() == whole.per_class()
    assert (merged.exact, merged.examples) == (whole.exact, whole.examples)


def test_multi_label_counts_refuse_rows_of_other_widths():
    with pytest.raises(ValueError, match="shapes"):
        MultiLabelCounts(LABELS).add([[1, 0]], [[1, 0]])
