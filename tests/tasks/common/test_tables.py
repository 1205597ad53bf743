"""Where the examples of a recipe come from."""

from __future__ import annotations

import pytest

from rnncli import tasks
from rnncli.errors import DataError, RecipeError
from rnncli.recipe import library
from rnncli.runs.recipes import load_recipe
from rnncli.tasks.common.tables import is_builtin, is_repository, source_of


@pytest.mark.parametrize("name", tasks.names())
def test_a_recipe_for_ones_own_data_does_not_learn_from_the_built_in_corpus_in_its_place(name, tmp_path):
    """Nor does a copy of it, whatever it is called."""
    library.copy(f"{name}/own-data", tmp_path / "mine.yaml")
    mine = load_recipe(str(tmp_path / "mine.yaml"), [])
    with pytest.raises(RecipeError, match=r"data\.train") as caught:
        tasks.load(name).read(mine)
    assert "data.train=" in caught.value.hint
    assert "data.source=builtin" in caught.value.hint


def test_data_of_ones_own_are_found_out_as_ever():
    recipe = load_recipe("sentiment/own-data", ["data.train=reviews.csv"])
    assert recipe.data.source == "own"
    assert not is_builtin(recipe.data, "a.csv")
    assert source_of(recipe.data) == "auto"
    assert is_repository(load_recipe("sentiment/own-data", ["data.train=owner/name"]).data)


def test_only_what_names_nothing_or_says_so_is_built_in():
    assert is_builtin(load_recipe("sentiment/default", []).data, "a.csv")
    assert is_builtin(load_recipe("sentiment/own-data", ["data.source=builtin"]).data, "a.csv")
    assert is_builtin(load_recipe("sentiment/own-data", ["data.source=auto"]).data, "a.csv")
    with pytest.raises(DataError, match="names no folder"):
        is_builtin(load_recipe("sentiment/own-data", ["data.source=folder"]).data, "a.csv")


@pytest.mark.parametrize("part", ["dev", "test"])
def test_a_part_without_anything_to_train_on_is_not_passed_over_for_the_builtin_corpus(part):
    recipe = load_recipe("sentiment/default", [f"data.{part}=mine.csv"])
    with pytest.raises(RecipeError, match=f"data.{part} names mine.csv, and what to train on is not named"):
        is_builtin(recipe.data, "reviews.csv")
