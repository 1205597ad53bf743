"""Sentences of rows of words, lists that were saved as text, and cells as a person means them."""

import json
import math

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from rnncli.data.tables.cells import is_other_list, label_text, list_in, written
from rnncli.data.tables.sentences import from_words, is_of_words, with_lists
from rnncli.data.tables.sources import read_file
from rnncli.errors import DataError

SENTENCES = [(["Ms", "Noma", "left"], ["O", "B-PER", "O"]), (["Go"], ["O"]), (["In", "Rome"], ["O", "B-LOC"])]
COLUMNS = ("Word", "Tag")


def words_file(path, column, ids, header="Word,Tag", gap=""):
    """A csv of words; ``ids`` gives the cell of a word by the sentence's number from 1 and whether it is the first."""
    lines = [f"{column}{header}"]
    for number, (words, tags) in enumerate(SENTENCES, start=1):
        lines += [f"{ids(number, at == 0)}{word},{tag}" for at, (word, tag) in enumerate(zip(words, tags, strict=True))]
        lines += [gap] * bool(gap)
    path.write_text("\n".join(lines) + "\n")
    return read_file(path)


def sentences(table):
    return list(zip(table.values("Word"), table.values("Tag"), strict=True))


@pytest.mark.parametrize(
    ("column", "ids"),
    [
        ("Sentence #,", lambda number, first: f"Sentence: {number}," if first else ","),
        ("sentence_id,", lambda number, first: f"{number},"),
        ("sentence_idx,", lambda number, first: f"{number}.0,"),
        ("Sent,", lambda number, first: f"s{number}," if first else " ,"),
        ("id,", lambda number, first: f"{number}," if first else ","),
        ("unnamed,sent_id,", lambda number, first: f"{number * 10 + first},doc{number},"),
    ],
)
def test_rows_of_words_are_grouped_by_the_column_of_sentences(tmp_path, column, ids):
    table = words_file(tmp_path / "a.csv", column, ids)
    assert is_of_words(table, COLUMNS)
    found = from_words(table, COLUMNS)
    assert sentences(found) == SENTENCES
    assert found.notes[-1].startswith(f"{tmp_path}/a.csv: 6 rows of words make 3 sentences, by column ")
    assert (found.place(1), found.place_of_word(2, 1)) == (f"{tmp_path}/a.csv:5", f"{tmp_path}/a.csv:7")


def test_a_column_may_be_named_and_blank_rows_part_sentences(tmp_path):
    given = words_file(tmp_path / "a.csv", "story,", lambda number, first: f"{number},")
    assert sentences(from_words(given, COLUMNS, "story")) == SENTENCES
    parted = from_words(words_file(tmp_path / "b.csv", "", lambda number, first: "", gap=","), COLUMNS)
    assert sentences(parted) == SENTENCES
    assert "by blank rows" in parted.notes[-1]
    assert not parted.dropped


def test_many_rows_of_single_words_that_nothing_groups_are_refused(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("Word,Tag\n" + "a,O\nb,B-X\n" * 20)
    with pytest.raises(DataError, match="each row is a single word") as caught:
        from_words(read_file(path), COLUMNS)
    assert "data.sentence_column=NAME" in caught.value.hint
    path.write_text("Word,Tag\n" + "a b,O O\nc,B-X\n" * 20)
    assert not is_of_words(read_file(path), COLUMNS)


def test_numbers_of_sentences_in_parquet_may_be_missing_or_double(tmp_path):
    path = tmp_path / "a.parquet"
    ids = [1.0, None, math.nan, 2.0, 3.0, None]
    words = [word for row, _ in SENTENCES for word in row]
    tags = [tag for _, row in SENTENCES for tag in row]
    pq.write_table(pa.table({"sentence": ids, "Word": words, "Tag": tags}), path)
    assert sentences(from_words(read_file(path), COLUMNS)) == SENTENCES


@pytest.mark.parametrize("form", [str, json.dumps, lambda row: str(tuple(row)), lambda row: f"  {row} "])
def test_lists_that_were_saved_as_text_are_lists(tmp_path, form):
    rows = [(["it's", 'a "b"', "c,"], ["O", "B-X", "O"]), (["né", "]", "["], ["O", "O", "O"])]
    objects = [{"Word": form(words), "Tag": form(tags), "other": "a b"} for words, tags in rows]
    (tmp_path / "a.jsonl").write_text("\n".join(map(json.dumps, objects)))
    found = with_lists(read_file(tmp_path / "a.jsonl"), COLUMNS)
    assert sentences(found) == rows
    assert list(found.texts("other")) == ["a b", "a b"]
    assert found.notes == tuple(
        f'{tmp_path}/a.jsonl: the texts in column "{name}" are read as lists' for name in COLUMNS
    )


def test_texts_with_brackets_are_no_lists_and_lists_of_another_manner_are_refused(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text('Word,Tag\n[ laughs ],O O O\n"[ ""a"" b, c ] d",O O O O\n')
    assert with_lists(read_file(path), COLUMNS).notes == ()
    path.write_text("Word,Tag\n" + "\"['a', 'b']\",O O\n" * 3 + "\"['a', 'b\",O O\n")
    with pytest.raises(DataError, match=r"a\.csv:5: .* is a list neither in JSON"):
        with_lists(read_file(path), COLUMNS)
    for text in ("['a' 'b']", "[0 0 3]", "['a', f(1)]", '["a", "b"'):
        path.write_text("Word,Tag\n" + f'"{text.replace(chr(34), 2 * chr(34))}",O\n')
        if text.endswith("]"):
            with pytest.raises(DataError, match=r"a\.csv:2: .* is a list neither in JSON nor as Python writes one"):
                with_lists(read_file(path), COLUMNS)
        else:
            assert with_lists(read_file(path), COLUMNS).notes == ()


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("['a', 'b']", ["a", "b"]),
        ('["a", null, 2]', ["a", None, 2]),
        ("[]", []),
        ("('a',)", ["a"]),
        ("['a' 'b']", None),
        ("[a, b]", None),
        ("['a', ['b']]", None),
        ("[laughs]", None),
        ("('a')", None),
        ("__import__('os')", None),
        ("[" * 5000 + "]" * 5000, None),
        ("['" + "a', '" * 5000 + "b']", ["a"] * 5000 + ["b"]),
    ],
)
def test_only_plain_lists_are_parsed(text, found):
    assert list_in(text) == found


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"), (1.0, "1"), ("1.0", "1"), (" 2.00 ", "2"), (-1.0, "-1"), ("-0.0", "0"), (2.5, "2.5"), ("0.5", "0.5"),
        (True, "true"), ("True", "True"), (False, "false"), (None, ""), (math.nan, ""), (1e300, "1e+300"),
        ("v1.0", "v1.0"), ("01.0", "01.0"), ("1.0.0", "1.0.0"), ("10", "10"), (math.inf, "inf"),
    ],
)  # fmt: skip
def test_a_label_is_the_same_however_its_library_wrote_it(value, text):
    assert label_text(value) == text
    assert written("1.0") == "1.0"


def test_cells_that_pandas_left_for_blank_ones_go_on_with_the_sentence(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("Sentence #,Word,Tag\n" + "Sentence: 1,Ada,O\nnan,met,O\nNaN,Bo,O\nSentence: 2,Cleo,O\n" * 2)
    assert [len(words) for words in from_words(read_file(path), COLUMNS).values("Word")] == [3, 1, 3, 1]


def test_lists_of_another_manner_and_objects_are_told_from_words():
    for text in ("['a' 'b']", "[1 2]", "[['a']]", '[{"a": 1}]', "{'a', 'b'}", "{'a'}", '{"choices": ["a"]}'):
        assert is_other_list(text), text
    for text in ("", "[", "[a]", "[a] b", "[sic]", "{a}", "['a']", "[1]", "['a', 'b']", "[1, 2]", "pos"):
        assert not is_other_list(text), text
