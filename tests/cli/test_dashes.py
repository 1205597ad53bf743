"""Texts that begin with a dash."""

import pytest

from rnncli.cli.dashes import texts_last
from rnncli.errors import UsageError
from tests.commands import rnncli

OPTIONS = {"--format": True, "--json": False, "-q": False, "--quiet": False, "-h": False}


@pytest.mark.parametrize(
    ("args", "texts"),
    [
        (["run", "-1 star, awful"], ["run", "-1 star, awful"]),
        (["run", "-5"], ["run", "-5"]),
        (["run", "--", "-h"], ["run", "-h"]),
        (["run", "-quite bad", "good"], ["run", "-quite bad", "good"]),
        (["run", "--so bad"], ["run", "--so bad"]),
        (["run", "-"], ["run", "-"]),
        (["run", "--format", "-x y", "good"], ["run", "good"]),
        (["run", "-)", "---", "-10 % ?", "—good"], ["run", "-)", "---", "-10 % ?", "—good"]),
    ],
)
def test_what_is_no_option_stands_behind_the_options_in_its_order(args, texts):
    found = texts_last(["--json", *args, "-q"] if "--" not in args else args, OPTIONS)
    assert found[found.index("--") + 1 :] == texts


@pytest.mark.parametrize("word", ["-awful", "--awful", "--jsom", "-x=3"])
def test_a_word_like_an_option_is_refused_with_what_to_type(word):
    with pytest.raises(UsageError) as caught:
        texts_last(["run", word], OPTIONS)
    assert f"-- {word}" in caught.value.hint
    assert ("did you mean --json" in caught.value.message) == (word == "--jsom")


def test_options_keep_their_values_wherever_they_stand():
    assert texts_last(["run", "--format", "csv", "--format=text", "-q", "-a b"], OPTIONS) == [
        *("--format", "csv", "--format=text", "-q"),
        *("--", "run", "-a b"),
    ]
    assert texts_last(["run", "--format"], OPTIONS) == ["--format", "--", "run"]


def test_predict_answers_them(trained):
    rows = rnncli("predict", trained, "-1 star, awful", "good", "-quite bad", "--json").lines
    assert [row["text"] for row in rows] == ["-1 star, awful", "good", "-quite bad"]
    refused = rnncli("predict", trained, "-awful")
    assert refused.code == 2
    assert "-- -awful" in refused.err
