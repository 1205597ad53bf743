"""Parts that share no group."""

import numpy as np
import pyarrow as pa
import pytest

from rnncli.data.sources import ALL
from rnncli.data.table import PLACE, Table
from rnncli.errors import DataError
from rnncli.recipe.schema import DataSection
from rnncli.tasks.frames.clips import FramePart
from rnncli.tasks.frames.reader import Clip, Sampling
from rnncli.tasks.parting import Parting


def part(count=60, people=6):
    table = Table("x.csv", pa.table({"fold": [str(n % 3) for n in range(count)], PLACE: list(range(count))}))
    groups = [f"p{n % people}" for n in range(count)]
    clip = Clip(np.zeros((1, 1), dtype=np.float32), "clip", Sampling(), 1, (1,))
    return FramePart(table, [clip] * count, [f"c{n % 2}" for n in range(count)], groups)


def cut(data, parts, seed=1):
    return Parting(data, seed, lambda one: one.truths, lambda one: one.groups)(parts)[0]


def test_carved_parts_share_no_group():
    for seed in range(10):
        found = cut(DataSection(dev_fraction=0.2, test_fraction=0.2), {ALL: part()}, seed)
        people = [set(one.groups) for one in found.values()]
        assert sum(map(len, people)) == len(set().union(*people)) == 6


def test_as_many_folds_as_groups_leave_each_out_once():
    left_out = []
    for fold in range(6):
        found = cut(DataSection(folds=6, fold=fold), {ALL: part()})
        assert len(set(found["test"].groups)) == 1
        assert not set(found["dev"].groups) & set(found["train"].groups)
        left_out += set(found["test"].groups)
    assert sorted(left_out) == [f"p{n}" for n in range(6)]


def test_fewer_folds_keep_groups_whole():
    found = [cut(DataSection(folds=3, fold=fold), {ALL: part()}) for fold in range(3)]
    assert all(len(set(one["test"].groups)) == 2 for one in found)
    assert np.sum([len(one["test"]) for one in found]) == 60


def test_groups_that_do_not_suffice_are_refused():
    with pytest.raises(DataError):
        cut(DataSection(folds=7, fold=0), {ALL: part()})
