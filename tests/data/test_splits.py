"""Splits and folds are fair, whole and repeatable."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnncli.data import splits
from rnncli.errors import DataError

PARTS = {"train": 0.8, "dev": 0.1, "test": 0.1}
LABELS = st.lists(st.integers(3, 60), min_size=1, max_size=5).map(lambda sizes: np.repeat(np.arange(len(sizes)), sizes))


@settings(deadline=None)
@given(LABELS, st.integers(0, 5))
def test_a_stratified_split_takes_each_example_once_and_each_class_by_its_fraction(labels, seed):
    labels = np.random.default_rng(seed).permutation(labels)
    parts = splits.split(PARTS, seed=seed, labels=labels)
    assert sorted(np.concatenate(list(parts.values()))) == list(range(len(labels)))
    for part, members in parts.items():
        assert (np.diff(members) > 0).all()
        for label, count in Counter(labels.tolist()).items():
            have = int((labels[members] == label).sum())
            assert have >= 1
            assert abs(have - count * PARTS[part]) < (1 if count >= 20 else 2)


def test_a_split_depends_on_its_seed_alone():
    labels = ["a", "b"] * 100
    one, same, other = (splits.split(PARTS, seed=seed, labels=labels)["test"] for seed in (1, 1, 2))
    assert one.tolist() == same.tolist() != other.tolist()


def test_largest_remainders_take_what_rounding_leaves():
    parts = splits.split({"train": 0.5, "dev": 0.3, "test": 0.2}, seed=1, size=9)  # 4.5, 2.7, 1.8
    assert {part: len(members) for part, members in parts.items()} == {"train": 4, "dev": 3, "test": 2}


def test_a_class_with_too_few_examples_is_named():
    with pytest.raises(DataError, match='class "rare" has 2 examples, too few for 3 parts'):
        splits.split(PARTS, seed=1, labels=["often"] * 20 + ["rare"] * 2)
    with pytest.raises(DataError, match='class "rare" has 1 example, too few for 5 folds'):
        splits.folds(5, seed=1, labels=["often"] * 20 + ["rare"])
    with pytest.raises(DataError, match="do not add up to 1"):
        splits.split({"train": 0.8, "test": 0.1}, seed=1, size=10)


def test_a_part_of_fraction_zero_is_left_out():
    assert list(splits.split({"train": 0.5, "dev": 0, "test": 0.5}, seed=1, size=4)) == ["train", "test"]


@settings(deadline=None)
@given(LABELS, st.integers(2, 3), st.integers(0, 5))
def test_folds_differ_by_one_example_at_most_in_all_and_in_each_class(labels, count, seed):
    fold = splits.folds(count, seed=seed, labels=labels)
    sizes = np.bincount(fold, minlength=count)
    assert np.ptp(sizes) <= 1
    for label in np.unique(labels):
        assert np.ptp(np.bincount(fold[labels == label], minlength=count)) <= 1


@settings(deadline=None)
@given(st.integers(6, 40), st.integers(0, 5))
def test_groups_stay_whole_in_splits_and_folds(count, seed):
    draw = np.random.default_rng(seed)
    groups, labels = draw.integers(0, count, 400), draw.integers(0, 2, 400)
    parts = splits.split({"train": 0.6, "test": 0.4}, seed=seed, labels=labels, groups=groups)
    assert not set(groups[parts["train"]]) & set(groups[parts["test"]])
    assert len(parts["train"]) + len(parts["test"]) == 400
    assert 0.35 < len(parts["train"]) / 400 < 0.8
    fold = splits.folds(3, seed=seed, labels=labels, groups=groups)
    assert all(len(set(fold[groups == group])) == 1 for group in set(groups))


def test_fewer_groups_than_parts_is_an_error():
    with pytest.raises(DataError, match="nothing is left for the"):
        splits.split(PARTS, seed=1, size=9, groups=["a"] * 9)
    with pytest.raises(DataError, match="fewer groups than the 3 folds"):
        splits.folds(3, seed=1, size=9, groups=["a"] * 9)


def test_a_column_of_split_names_understands_the_usual_words():
    parts = splits.by_name(["Train", "validation", "test", "training", "dev"])
    assert {name: members.tolist() for name, members in parts.items()} == {"train": [0, 3], "dev": [1, 4], "test": [2]}
    with pytest.raises(DataError, match=r'a\.csv:3: "tset" names no split'):
        splits.by_name(["train", "tset"], lambda i: f"a.csv:{i + 2}")


def test_a_column_of_fold_numbers_is_taken_as_it_stands():
    assert splits.by_number(["3", "1", " 3"]).tolist() == [3, 1, 3]
    with pytest.raises(DataError, match=r'a\.csv:3: "x" is not the number of a fold'):
        splits.by_number(["1", "x"], lambda i: f"a.csv:{i + 2}")
    with pytest.raises(DataError, match="a single number"):
        splits.by_number(["1", "1"])


KEYS = st.lists(st.text(st.characters(codec="utf-8"), max_size=2), max_size=30)


@settings(deadline=None)
@given(KEYS, KEYS)
def test_duplicates_and_overlaps_are_those_that_a_set_finds(one, other):
    seen, later = set(), []
    for i, key in enumerate(one):
        later += [i] if key in seen else []
        seen.add(key)
    assert splits.duplicates(one).tolist() == later
    assert splits.duplicates(splits.fingerprints(one)).tolist() == later
    assert splits.overlap(one, other).tolist() == [i for i, key in enumerate(other) if key in seen]


def test_fingerprints_keep_eight_bytes_a_key():
    assert splits.fingerprints(str(i) for i in range(1000)).nbytes == 8000


def test_a_few_large_groups_still_leave_no_part_empty():
    groups = [group for group in range(3) for _ in range(30)]
    for seed in range(5):
        parts = splits.split({"train": 0.9, "dev": 0.05, "test": 0.05}, seed=seed, labels=[0] * 90, groups=groups)
        assert [len(part) for part in parts.values()] == [30, 30, 30]


def test_as_many_folds_as_groups_are_the_groups():
    groups = ["a", "b", "c", "a", "a", "b"]
    found = splits.folds(3, seed=1, groups=groups, size=6, labels=[0, 1, 0, 1, 0, 1])
    assert found.tolist() == [0, 1, 2, 0, 0, 1]
