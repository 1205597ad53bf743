"""Parts as they are given, carved or drawn as folds, and that they share no group."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pytest

from rnncli.data.tables.sources import ALL
from rnncli.errors import DataError
from rnncli.recipe.schema import DataSection
from rnncli.tasks.common.splitting import Parting


@dataclass(frozen=True)
class People:
    """Numbered examples of some people."""

    rows: np.ndarray
    people: int = 6

    def __len__(self) -> int:
        return len(self.rows)

    def take(self, rows: np.ndarray) -> People:
        return People(self.rows[rows], self.people)

    def column(self, name: str, key: str) -> Iterator[str]:
        return (str(row % 3) for row in self.rows)

    def place(self, row: int) -> str:
        return f"x.csv:{row}"

    @property
    def groups(self) -> list[str]:
        return [f"p{row % self.people}" for row in self.rows]


WHOLE = People(np.arange(60))


def cut(data, parts, seed=1, groups=True):
    return Parting(data, seed, lambda one: one.rows % 2, lambda one: one.groups if groups else None)(parts)[0]


def test_carved_parts_share_no_group():
    for seed in range(10):
        found = cut(DataSection(dev_fraction=0.2, test_fraction=0.2), {ALL: WHOLE}, seed)
        people = [set(one.groups) for one in found.values()]
        assert sum(map(len, people)) == len(set().union(*people)) == 6


def test_as_many_folds_as_groups_leave_each_out_once():
    left_out = []
    for fold in range(6):
        found = cut(DataSection(folds=6, fold=fold), {ALL: WHOLE})
        assert len(set(found["test"].groups)) == 1
        assert not set(found["dev"].groups) & set(found["train"].groups)
        left_out += set(found["test"].groups)
    assert sorted(left_out) == [f"p{n}" for n in range(6)]


@pytest.mark.parametrize("groups", [True, False])
def test_every_example_is_tested_in_one_fold(groups):
    found = [cut(DataSection(folds=3, fold=fold), {ALL: WHOLE}, groups=groups) for fold in range(3)]
    assert sorted(row for one in found for row in one["test"].rows) == list(range(60))
    assert all(sorted(row for part in one.values() for row in part.rows) == list(range(60)) for one in found)


def test_a_column_numbers_the_folds():
    found = cut(DataSection(folds=3, fold=1, fold_column="fold"), {ALL: WHOLE}, groups=False)
    assert set(found["test"].rows % 3) == {1}


def test_groups_that_do_not_suffice_are_refused():
    with pytest.raises(DataError):
        cut(DataSection(folds=7, fold=0), {ALL: WHOLE})


def test_what_is_missing_is_carved_of_train_and_told():
    parts, said = Parting(DataSection(dev_fraction=0.1), 1)({"train": WHOLE, "test": WHOLE})
    assert {name: len(part) for name, part in parts.items()} == {"train": 54, "dev": 6, "test": 60}
    assert "dev of train: split 90/10 by seed 1: train 54, dev 6" in said
