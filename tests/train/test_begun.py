"""Weights of a trained model in the places of a new one, held to a loop over all places."""

from __future__ import annotations

import random
from itertools import product

import numpy as np
import pytest
import torch

from rnncli.train.begun import brought_over


@pytest.mark.parametrize("seed", range(20))
def test_every_place_that_both_have_is_brought_over_and_no_other(seed):
    draw = random.Random(seed)
    rows, columns, old_rows, old_columns = (draw.sample("abcdefg", draw.randrange(6)) for _ in range(4))
    plain = draw.randrange(4)
    drawn = -torch.rand(len(rows), plain, len(columns)) - 1
    trained = torch.rand(len(old_rows), plain, len(old_columns))
    new, old = {"table": (rows, None, columns)}, {"tab*": (old_rows, None, old_columns)}
    found = brought_over({"table": drawn}, {"table": trained}, new, old)["table"].numpy()
    for (i, row), k, (j, column) in product(enumerate(rows), range(plain), enumerate(columns)):
        known = row in old_rows and column in old_columns
        wanted = trained[old_rows.index(row), k, old_columns.index(column)] if known else drawn[i, k, j]
        assert found[i, k, j] == np.float32(wanted)


def test_weights_without_names_are_brought_over_whole():
    trained = {"scale": torch.tensor(2.0), "bias": torch.ones(3)}
    drawn = {"scale": torch.tensor(0.0), "bias": torch.zeros(3)}
    found = brought_over(drawn, trained, {}, {})
    assert (float(found["scale"]), found["bias"].tolist()) == (2.0, [1, 1, 1])
    assert drawn["bias"].tolist() == [0, 0, 0]


@pytest.mark.parametrize(
    ("drawn", "trained", "new", "said"),
    [
        ({"a": torch.ones(2)}, {"a": torch.ones(3)}, {}, r"a has the shape \[3\] there and \[2\] here"),
        ({"a": torch.ones(2)}, {"a": torch.ones(2, 1)}, {}, "a has the shape"),
        ({"a": torch.ones(2)}, {"b": torch.ones(2)}, {}, "only one of them has a"),
        ({"a": torch.ones(2)}, {"a": torch.ones(2)}, {"a": ("xyz",)}, "a has 2 places for 3 names"),
        ({"a": torch.ones(2)}, {"a": torch.ones(2)}, {"a": ("xy",)}, "a has the shape"),
    ],
)
def test_models_that_are_not_alike_are_told_by_the_weight(drawn, trained, new, said):
    with pytest.raises(ValueError, match=said):
        brought_over(drawn, trained, new, {})
