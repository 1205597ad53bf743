"""The rivals of a classifier: sane where the answer is known."""

import numpy as np
import pytest

from rnncli.tasks.classify.labels import Labels
from rnncli.tasks.sentiment.extras import baselines

TRAIN = ["a good film", "good fun", "so good", "a bad film", "bad luck", "so bad", "not good", "not good at all"] * 4
TRUTH = np.array([1, 1, 1, 0, 0, 0, 0, 0] * 4)
TWO = Labels({"bad": 5, "good": 3})
TEST, WANTED = ["good", "bad", "a not good film", "so good fun"], np.array([1, 0, 0, 1])


def test_the_majority_is_the_most_frequent_class_of_training():
    labels = Labels({"a": 3, "b": 9, "c": 4})
    test = (["x"] * 4, np.array([0, 1, 1, 2]))
    found = baselines.rivals(str.split, (["x y", "y z", "z x"], np.array([0, 1, 2])), test, labels)["majority"].values()
    assert found["accuracy"] == 0.5
    assert found["f1_macro"] == pytest.approx(2 * 0.5 / 1.5 / 3)


@pytest.mark.parametrize("rival", [baselines.nb_svm, baselines.n_grams_and_logistic])
def test_word_counts_and_pairs_of_words_are_learnt(rival):
    assert rival(str.split, (TRAIN, TRUTH), (TEST, WANTED), TWO).values()["accuracy"] == 1.0


@pytest.mark.parametrize("rival", [baselines.nb_svm, baselines.n_grams_and_logistic])
def test_more_than_two_classes_are_told_apart_even_where_one_is_missing(rival):
    train = ["red wine", "red rose", "blue sky", "blue sea", "green leaf", "green grass"] * 3
    truth = np.array([0, 0, 1, 1, 3, 3] * 3)
    found = rival(
        str.split, (train, truth), (["red", "blue", "green"], np.array([0, 1, 3])), Labels(dict.fromkeys("rbxg", 1))
    )
    assert found.values()["accuracy"] == 1.0


def test_several_labels_are_scored_one_by_one():
    train = ["red wine", "red sky", "blue sky", "blue sea", "red blue"] * 4
    truth = np.array([[1, 0, 1], [1, 0, 1], [0, 1, 1], [0, 1, 1], [1, 1, 1]] * 4, dtype=np.float32)
    test = (["red", "blue", "red and blue"], np.array([[1, 0, 1], [0, 1, 1], [1, 1, 1]], dtype=np.float32))
    labels = Labels(dict.fromkeys("rbs", 1), several=True)
    found = baselines.n_grams_and_logistic(str.split, (train, truth), test, labels)
    assert found.values()["f1_micro"] > 0.9


def test_log_count_ratios_are_the_paper_s():
    found = baselines._log_ratio(np.array([3, 0, 1]), np.array([0, 2, 1]))
    p, q = np.array([4, 1, 2]) / 7, np.array([1, 3, 2]) / 6
    np.testing.assert_allclose(found, np.log(p / q))
