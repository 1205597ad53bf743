"""What tasks say is wrong with their data."""

from __future__ import annotations

import pytest

from rnncli import tasks
from rnncli.recipe.schema import Recipe
from rnncli.runs.recipes import load_recipe
from tests.commands import rnncli


def findings(task: str, recipe: Recipe) -> list[str]:
    loaded = tasks.load(task)
    return [one.says for one in loaded.findings(loaded.read(recipe))]


def texts(tmp_path, rows) -> list[str]:
    (tmp_path / "a.csv").write_text("text,label\n" + "".join(f"{row}\n" for row in rows), encoding="utf-8")
    return findings("sentiment", load_recipe("sentiment/own-data", [f"data.root={tmp_path}", "data.train=a.csv"]))


PLAIN = [f"good film {n},pos" for n in range(20)] + [f"bad film {n},neg" for n in range(20)]


def test_good_texts_have_no_findings(tmp_path):
    assert texts(tmp_path, PLAIN) == []


def test_equal_texts_with_two_labels_are_told_with_their_places(tmp_path):
    (said,) = texts(tmp_path, [*PLAIN, "so so,pos", "so so ,neg", "fine,pos"])
    assert said.startswith("1 of the texts stands there again with other labels (a.csv:")
    assert said.count("a.csv:4") == 2


@pytest.mark.parametrize("text", ["N/A", "null", "-", " NaN ", "(null)", "[deleted]", "—", "None", "#N/A"])
def test_texts_that_stand_for_no_text_are_told(tmp_path, text):
    (said,) = texts(tmp_path, [*PLAIN, f"{text},pos"])
    assert said == f'1 of the texts is "{text.strip()}" (a.csv:42 first)'


@pytest.mark.parametrize("text", ["nana", "nothing", "a - b", "null and void"])
def test_texts_that_only_look_alike_are_not(tmp_path, text):
    assert texts(tmp_path, [*PLAIN, f"{text},pos"]) == []


def test_labels_that_stand_for_none_are_told(tmp_path):
    rows = [f"middling film {n},nan" for n in range(20)]
    assert texts(tmp_path, [*PLAIN, *rows]) == ['"nan" is learnt as a label']


def test_texts_of_test_that_train_has_are_told(tmp_path):
    (tmp_path / "test.csv").write_text(
        "text,label\ngood film 1,pos\ngood film 2,pos\nbad film 3,neg\nother,neg\n", encoding="utf-8"
    )
    (tmp_path / "a.csv").write_text("text,label\n" + "\n".join(PLAIN) + "\n", encoding="utf-8")
    keys = [f"data.root={tmp_path}", "data.train=a.csv", "data.test=test.csv", "data.dev_fraction=0.05"]
    (said,) = findings("sentiment", load_recipe("sentiment/own-data", keys))
    assert said == "3 of the 4 texts of test (75 %) are also in train"


def test_sentences_with_other_tags_are_told(tmp_path):
    pairs = [f"w{n} A\nx B\n" for n in range(30)]
    (tmp_path / "a.conll").write_text("\n".join([*pairs, "w1 B\nx B\n"]), encoding="utf-8")
    keys = [f"data.root={tmp_path}", "data.train=a.conll"]
    (said,) = findings("tagging", load_recipe("tagging/own-data", keys))
    assert said.startswith("1 of the sentences stands there again with other tags")


def test_the_data_check_says_them_before_anything_is_trained(tmp_path, monkeypatch):
    texts(tmp_path, [*PLAIN, "N/A,pos"])
    monkeypatch.chdir(tmp_path)
    checked = rnncli("data", "check", "sentiment/own-data", "data.train=a.csv")
    assert checked.out.splitlines()[-1].startswith('- 1 of the texts is "N/A" (a.csv:42 first): if that means')
    (line,) = rnncli("data", "check", "sentiment/own-data", "data.train=a.csv", "--json").json["advice"]
    assert f"- {line}" in checked.out
