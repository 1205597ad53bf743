"""What the runs of a batch are held against."""

from __future__ import annotations

from pathlib import Path

import pytest

from rnncli.batch.plan import plan, read_batch
from rnncli.cli.batch import _bases
from rnncli.errors import RecipeError, UsageError


def batch():
    return plan(read_batch(["sentiment/own-data"], ["data.train=reviews.csv", "model.cell=lstm,gru", "seed=1,2"]))


@pytest.mark.parametrize(
    ("named", "cells"),
    [("", "lstm"), ("model.cell=gru", "gru"), ("{first}", "lstm"), ("runs/x/{first}", "lstm")],
)
def test_the_base_of_a_batch_is_a_setting_or_a_run_and_else_the_first(named, cells):
    found = batch()
    named = named.format(first=found[0].name)
    chosen = _bases(named, found, Path("runs/x"))
    recipes = {one.name: one.recipe for one in found}
    assert {recipes[name].model.cell for name in chosen} == {cells}
    assert len(chosen) == (1 if "x/" in named or named == found[0].name else 2)


def test_a_base_that_is_none_is_refused_before_anything_is_begun():
    with pytest.raises(UsageError, match="none of the runs or settings of this batch"):
        _bases("model.cell=rnn", batch(), Path("runs/x"))


def test_a_batch_file_names_its_base(tmp_path):
    (tmp_path / "cells.yaml").write_text(
        "recipes: sentiment/own-data\nbase: model.cell=gru\ngrid:\n  model.cell: [lstm, gru]\n", encoding="utf-8"
    )
    assert read_batch([str(tmp_path / "cells.yaml")], ["data.train=reviews.csv"]).base == "model.cell=gru"
    (tmp_path / "cells.yaml").write_text("recipes: sentiment/own-data\nbase: [1]\n", encoding="utf-8")
    with pytest.raises(RecipeError, match="base must be"):
        read_batch([str(tmp_path / "cells.yaml")], [])
