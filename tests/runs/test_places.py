"""Every file and folder that a recipe names is found again from anywhere by its run's copy."""

from __future__ import annotations

import pytest

from rnncli import tasks
from rnncli.runs.recipes import with_absolute_places

CASES = [
    ("sentiment", {"model.vectors": "a.vec"}, ["model.vectors"]),
    ("tagging", {"model.vectors": "../a.vec", "model.start": "b.h5"}, ["model.vectors", "model.start"]),
    ("action", {"data.weights": "w.safetensors", "data.cache": "kept"}, ["data.weights", "data.cache"]),
    ("action", {"data.weights": "hub", "data.cache": "none"}, []),
    ("speech", {"data.cache": "auto", "decoding.lm": "a.arpa", "decoding.lexicon": "words.txt"}, ["lm", "lexicon"]),
    ("speech", {"decoding.lm": "train", "decoding.lexicon": "none", "data.train": "a.tsv"}, []),
]


@pytest.mark.parametrize(("task", "values", "places"), CASES)
def test_a_relative_place_becomes_absolute_and_a_word_of_the_recipe_stays(tmp_path, monkeypatch, task, values, places):
    monkeypatch.chdir(tmp_path)
    found = with_absolute_places(tasks.schema(task)(task=task).having(values))
    assert found.data.root == str(tmp_path)
    for key, value in values.items():
        section, _, name = key.partition(".")
        is_place = any(key.endswith(one) for one in places)
        assert getattr(getattr(found, section), name) == (str((tmp_path / value).resolve()) if is_place else value)
    assert with_absolute_places(found) == found
