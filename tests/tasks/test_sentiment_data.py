"""What is read of labelled texts: labels that are the same in every split, several of them, joined columns."""

import csv
import json
import math
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from rnncli.data.tables.sheet import ColumnsAsked, read_sheet
from rnncli.data.text.units import SplitUnits
from rnncli.data.text.vocabulary import Vocabulary
from rnncli.errors import DataError
from rnncli.tasks.action.data import read_corpus as read_clips
from rnncli.tasks.action.schema import RECIPE as ACTION
from rnncli.tasks.sentiment.data import count_labels, read_corpus, read_part
from rnncli.tasks.sentiment.portable import TextTables
from rnncli.tasks.sentiment.predictor import TextPredictor
from rnncli.tasks.sentiment.schema import RECIPE

TEXTS = [f"word{i} and more" for i in range(40)]


def write(path, labels, name="label", **columns):
    """A table of any kind, of the texts, their labels and further columns."""
    rows = [{"text": text, name: label} for text, label in zip(TEXTS, labels, strict=False)]
    for other, values in columns.items():
        rows = [row | {other: value} for row, value in zip(rows, values, strict=True)]
    if path.suffix == ".parquet":
        pq.write_table(pa.Table.from_pylist(rows), path)
    elif path.suffix == ".jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    else:
        with path.open("w", newline="") as stream:
            csv.writer(stream).writerows([rows[0], *(row.values() for row in rows)])


def corpus(folder, **data):
    return read_corpus(RECIPE(data={"root": str(folder), "drop_duplicates": False} | data))


WHOLE = [0, 1] * 20
FORMS = {
    "int.csv": WHOLE,
    "double.csv": [float(label) for label in WHOLE],
    "text.csv": [f"{label}.00 " for label in WHOLE],
    "one.jsonl": [1.0, 0, *WHOLE[2:]],
    "text.jsonl": ["0", "1.0"] * 20,
    "int.parquet": WHOLE,
    "double.parquet": [None if at == 4 else float(label) for at, label in enumerate(WHOLE)],
    "nan.parquet": [math.nan if at == 4 else float(label) for at, label in enumerate(WHOLE)],
    "list.jsonl": [[label] for label in WHOLE],
}


@pytest.mark.parametrize("train", FORMS)
@pytest.mark.parametrize("test", ["int.csv", "double.csv", "one.jsonl", "double.parquet"])
def test_whole_numbers_are_one_label_in_every_split_and_form(tmp_path, train, test):
    write(tmp_path / f"train{train}", FORMS[train])
    write(tmp_path / f"test{test}", FORMS[test])
    found = corpus(tmp_path, train=f"train{train}", test=f"test{test}")
    assert {label for part in found.parts.values() for label in count_labels(part)} == {"0", "1"}
    said = [note for note in found.notes if "whole numbers" in note]
    assert len(said) == (not {train, test} <= {"int.csv", "int.parquet", "list.jsonl"})
    assert sum(count_labels(read_part(RECIPE(), tmp_path / f"train{train}").parts["test"]).values()) >= 39


@pytest.mark.parametrize(
    ("name", "labels", "names"),
    [
        ("a.jsonl", [True, False], {"true", "false"}),
        ("a.parquet", [True, False], {"true", "false"}),
        ("a.csv", ["True", "False"], {"True", "False"}),
        ("a.csv", ["0.5", "1.0"], {"0.5", "1"}),
        ("a.jsonl", [2.5, 3], {"2.5", "3"}),
        ("a.csv", ["v1.0", "v2.0"], {"v1.0", "v2.0"}),
        ("a.csv", ["neg|x", "pos"], {"neg|x", "pos"}),
    ],
)
def test_labels_stay_as_they_are_written(tmp_path, name, labels, names):
    write(tmp_path / name, labels * 20)
    assert set(count_labels(corpus(tmp_path, train=name).parts["train"])) == names


SEVERAL = [["neg", "x"], ["pos"], ["x|y"], ["neg", "pos"]] * 10


@pytest.mark.parametrize("form", [list, str, json.dumps])
@pytest.mark.parametrize("name", ["a.jsonl", "a.csv", "a.parquet"])
def test_lists_of_labels_are_several_or_refused_with_what_to_type(tmp_path, name, form):
    write(tmp_path / name, [form(row) for row in SEVERAL])
    found = corpus(tmp_path, train=name, multi_label=True)
    assert set(count_labels(found.parts["train"])) == {"neg", "x", "pos", "x|y"}
    assert "several labels a text" in found.headline
    with pytest.raises(DataError, match=r'a list of 2 labels, "neg", "x", where a text has one') as caught:
        corpus(tmp_path, train=name)
    assert "data.multi_label=true" in caught.value.hint
    assert caught.value.message.split(": ")[0].endswith((":1", ":2"))


def test_no_label_in_a_list_is_no_label(tmp_path):
    write(tmp_path / "a.jsonl", [["a"], ["b"], [], ["a"], ["b"]] * 8)
    assert corpus(tmp_path, train="a.jsonl").dropped == {"no label": 8}
    assert not corpus(tmp_path, train="a.jsonl", multi_label=True).dropped


TITLES = [f"Title number {i}" for i in range(40)]


def test_a_further_column_of_texts_is_told_and_can_be_joined(tmp_path):
    write(tmp_path / "a.csv", ["a", "b"] * 20, title=TITLES, date=[f"2026-01-{i:02} 10:00" for i in range(40)])
    alone = corpus(tmp_path, train="a.csv")
    assert 'only column "text" is read, not "title": data.text_column=[text,title] joins them' in alone.notes
    for named in (("title", "text"), ("3", "1")):
        both = corpus(tmp_path, train="a.csv", text_column=named)
        found = {text for part in both.parts.values() for text in part.texts()}
        assert found == {f"{title} {text}" for title, text in zip(TITLES, TEXTS, strict=True)}
        assert 'text columns "title" and "text"' in both.headline
        assert not any("joins them" in note for note in both.notes)
    assert not any("joins" in note for note in corpus(tmp_path, train="a.csv", text_column="text").notes)


def test_a_missing_title_leaves_the_text_alone(tmp_path):
    write(tmp_path / "a.csv", ["a", "b"] * 20, title=["", *TITLES[1:]])
    both = corpus(tmp_path, train="a.csv", text_column=["title", "text"])
    assert TEXTS[0] in {text for part in both.parts.values() for text in part.texts()}


def test_columns_go_by_number_where_a_file_has_no_header(tmp_path):
    with (tmp_path / "a.csv").open("w", newline="") as stream:
        csv.writer(stream).writerows(zip("ab" * 20, TEXTS, strict=True))
    with pytest.raises(DataError, match="no header"):
        corpus(tmp_path, train="a.csv")
    found = corpus(tmp_path, train="a.csv", header=False, text_column="2", label_column="1")
    assert sum(map(len, found.parts.values())) == 40
    one = corpus(tmp_path, train="a.csv", header=False, text_column="2")
    assert one.headline == found.headline + " (label guessed by name)"
    (tmp_path / "b.csv").write_text("a b c d e f,x,z\ng h i j k l,y,w\n")
    with pytest.raises(DataError, match="no column of texts by its name") as caught:
        corpus(tmp_path, train="b.csv")
    assert "data.header=false" in caught.value.hint


def test_new_texts_are_joined_as_those_of_training_were(tmp_path):
    recipe = RECIPE(data={"text_column": ("title", "text")})
    tables = TextTables(SplitUnits("word"), Vocabulary.from_counts({}), (), False, 0, ("title", "text"))
    reader = TextPredictor(SimpleNamespace(recipe=recipe, tables=tables), None, None)
    write(tmp_path / "a.csv", ["a", "b"] * 20, title=TITLES)
    sheet = read_sheet(tmp_path / "a.csv", ColumnsAsked(learnt={"text_column": ("title", "text")}))
    assert list(reader.rows(sheet))[:2] == [f"{TITLES[0]} {TEXTS[0]}", f"{TITLES[1]} {TEXTS[1]}"]
    assert reader.parse('{"text": "b", "title": "a"}') == "a b"
    assert reader.parse('{"text": "b"}') == "b"


def test_a_class_is_the_same_whole_number_for_clips_too(tmp_path):
    for number in range(20):
        np.save(tmp_path / f"{number}.npy", np.random.default_rng(number).normal(size=(5, 3)))
    for name, labels in (("train", [0.0, 1.0] * 10), ("test", [0, 1] * 10)):
        lines = [f"{number}.npy,{label}\n" for number, label in enumerate(labels)]
        (tmp_path / f"{name}.csv").write_text("frames,label\n" + "".join(lines))
    data = {"root": str(tmp_path), "train": "train.csv", "test": "test.csv"}
    parts = read_clips(ACTION(data=data)).parts
    assert {name for part in parts.values() for name in part.truths} == {"0", "1"}
    rows = [{"frames": f"{number}.npy", "label": ["a", "b"]} for number in range(20)]
    (tmp_path / "train.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    with pytest.raises(DataError, match=r"train\.jsonl:1: a list of 2 in column label"):
        read_clips(ACTION(data={"root": str(tmp_path), "train": "train.jsonl"}))


@pytest.mark.parametrize("several", [False, True])
@pytest.mark.parametrize("label", ["['a' 'b']", "{'a', 'b'}", {"choices": ["a"]}, "[['a'], ['b']]"])
def test_labels_that_are_objects_or_unreadable_lists_are_refused_by_line(tmp_path, label, several):
    write(tmp_path / "a.jsonl", ["a", label, "b"] * 10)
    with pytest.raises(DataError, match=r"a\.jsonl:2: the label .* is an object, or no list"):
        corpus(tmp_path, train="a.jsonl", multi_label=several)


@pytest.mark.parametrize("form", [list, str, json.dumps])
def test_texts_in_words_are_read_as_their_words(tmp_path, form):
    rows = [{"text": form(text.split()), "label": label} for text, label in zip(TEXTS, WHOLE, strict=True)]
    (tmp_path / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    parts = corpus(tmp_path, train="a.jsonl").parts
    assert sorted(text for part in parts.values() for text in part.texts()) == sorted(TEXTS)
    recipe = SimpleNamespace(data=SimpleNamespace(text_column="text", encoding="auto", header="auto"))
    tables = TextTables(SplitUnits("word"), Vocabulary.from_counts({}), (), False, 0)
    predictor = TextPredictor(SimpleNamespace(recipe=recipe, tables=tables), None, None)
    assert list(predictor.rows(read_sheet(tmp_path / "a.jsonl", ColumnsAsked()))) == TEXTS
    if form is list:
        assert list(predictor.listen(iter([json.dumps(rows[0])]), "stdin")) == TEXTS[:1]


def test_a_first_row_that_is_taken_for_names_by_number_is_told(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text(
        "good at first,joy\n" + "".join(f"{text},{label}\n" for text, label in zip(TEXTS, WHOLE, strict=True))
    )
    notes = corpus(tmp_path, train="a.csv", text_column="1", label_column="2").notes
    assert 'the first row is taken for names, "good at first", "joy": data.header=false reads it as data' in notes
    write(tmp_path / "b.csv", WHOLE)
    assert not any("first row" in note for note in corpus(tmp_path, train="b.csv").notes)
