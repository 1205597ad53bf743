"""Tokens, their numbers, and files that keep them."""

import json
from collections import Counter

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rnncli.data.text.vocabulary import Vocabulary
from rnncli.errors import RunError

TOKENS = st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=6), unique=True, max_size=20)


def test_tokens_are_ordered_by_count_then_by_themselves():
    counts = Counter({"b": 2, "a": 2, "c": 5, "d": 1, "<pad>": 9})
    assert Vocabulary.from_counts(counts).tokens == ("c", "a", "b", "d")
    assert Vocabulary.from_counts(counts, min_count=2, max_size=2).tokens == ("c", "a")


def test_encoding_knows_its_tokens_and_nothing_else():
    vocabulary = Vocabulary(("a", "b"), ("<pad>", "<unk>", "<bos>"))
    codes = vocabulary.encode(["b", "x", "a", "<pad>", "<bos>"])
    assert codes.dtype == np.int32
    assert codes.tolist() == [4, 1, 3, 1, 1]
    assert vocabulary.decode([2, 3, 0]) == ["<bos>", "a", "<pad>"]
    assert (len(vocabulary), vocabulary.special("<bos>"), vocabulary.pad, vocabulary.unknown) == (5, 2, 0, 1)
    assert vocabulary.encode([]).shape == (0,)


def test_coverage_is_the_share_of_running_tokens():
    assert Vocabulary(("a",)).coverage({"a": 3, "b": 1}) == 0.75
    assert Vocabulary(("a",)).coverage({}) == 1


def test_a_vocabulary_of_twice_the_same_token_is_refused():
    with pytest.raises(ValueError, match="twice"):
        Vocabulary(("a", "a"))
    with pytest.raises(ValueError, match="specials"):
        Vocabulary(("a",), ("<unk>", "<pad>"))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(TOKENS)
def test_any_tokens_survive_being_saved_and_loaded(tmp_path, tokens):
    vocabulary = Vocabulary.from_counts(Counter(tokens))
    vocabulary.save(tmp_path / "v.json")
    assert Vocabulary.load(tmp_path / "v.json", size=len(vocabulary)) == vocabulary
    assert [path.name for path in tmp_path.iterdir()] == ["v.json"]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda text: text[: len(text) // 2], ":5: damaged or cut short"),
        (lambda text: text.replace('"vocabulary"', '"text units"'), "holds text units, not vocabulary"),
        (lambda text: "[]", "holds list, not vocabulary"),
        (lambda text: text.replace('"b",\n', ""), "4 entries, not 5 as it says itself"),
        (lambda text: text.replace('"b"', '"a"'), "a token occurs twice"),
        (lambda text: text.replace('"b"', "2"), "no strings"),
        (lambda text: text.replace('"<pad>",\n', ""), "specials begin with"),
        (lambda text: json.dumps({"kind": "vocabulary"}), "missing"),
        (lambda text: "\0\x01", "damaged"),
    ],
)
def test_a_damaged_file_is_a_run_error_that_names_it(tmp_path, change, says):
    path = tmp_path / "v.json"
    Vocabulary(("a", "b", "c")).save(path)
    path.write_text(change(path.read_text()))
    with pytest.raises(RunError) as caught:
        Vocabulary.load(path)
    assert caught.value.message.startswith(str(path))
    assert says in caught.value.message


def test_a_vocabulary_of_another_size_than_the_model_is_a_run_error(tmp_path):
    Vocabulary(("a",)).save(tmp_path / "v.json")
    with pytest.raises(RunError, match="3 entries, not 10 as the model has"):
        Vocabulary.load(tmp_path / "v.json", size=10)
    with pytest.raises(RunError, match="cannot be read"):
        Vocabulary.load(tmp_path / "none.json")
    with pytest.raises(RunError, match="cannot be written"):
        Vocabulary(("a",)).save(tmp_path / "none" / "v.json")
    (tmp_path / "bytes.json").write_bytes(b"\xff\xfe\xff")
    with pytest.raises(RunError, match="not a text file"):
        Vocabulary.load(tmp_path / "bytes.json")
