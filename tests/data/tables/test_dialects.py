"""What separates fields, whether there is a header, arrays of JSON: told from the file, never a row lost."""

import csv
import gzip
import json
import random

import pytest

from rnncli.data.tables.sources import read, read_file
from rnncli.errors import DataError

ROWS = [("bad , and long ; too", "neg"), ('a "fine" one', "pos"), ("so | so", "neg"), ("good", "pos"), ("x", "neg")] * 3


def rows_of(found):
    return [tuple(found.row(i).values()) for i in range(len(found))]


def write(path, separator, header=("text", "label"), rows=ROWS, **how):
    with path.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream, delimiter=separator, **how).writerows([header, *rows] if header else rows)
    return path


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("quoting", [csv.QUOTE_MINIMAL, csv.QUOTE_ALL])
@pytest.mark.parametrize(
    "header", [("text", "label"), ("text, full", "label"), ("text", "label; of it"), ("a|b", "c,d")]
)
def test_whatever_separates_fields_and_stands_in_them_all_rows_are_read(tmp_path, separator, quoting, header):
    found = read_file(write(tmp_path / "a.csv", separator, header, quoting=quoting))
    assert (found.columns, rows_of(found)) == (list(header), ROWS)
    said = {",": [], ";": ["semicolons"], "\t": ["tabs"], "|": ["|"]}[separator]
    assert list(found.notes) == [f"{tmp_path}/a.csv: fields are separated by {name}" for name in said]


def test_an_unquoted_comma_in_the_header_of_semicolons_does_not_matter(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("id;text, as written;label\n1;good, really, good;pos\n2;bad;neg\n")
    assert rows_of(read_file(path)) == [("1", "good, really, good", "pos"), ("2", "bad", "neg")]


def test_what_a_spreadsheet_says_of_its_separator_is_no_row(tmp_path):
    for separator in ";,\t":
        path = write(tmp_path / "a.csv", separator)
        path.write_text(f"sep={separator}\n{path.read_text()}")
        found = read_file(path)
        assert (found.columns, rows_of(found), found.place(0)) == (["text", "label"], ROWS, f"{path}:3")


def test_a_ragged_row_of_commas_is_named_though_other_marks_are_in_all_rows(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("text,label\n" + "a;b,x\n" * 9 + "a;b,c,x\n")
    with pytest.raises(DataError, match=r"a\.csv:11: 3 fields where the header has 2"):
        read_file(path)


@pytest.mark.parametrize("separator", [", ", ",  ", "; "])
def test_blanks_behind_what_separates_are_no_part_of_fields(tmp_path, separator):
    path = tmp_path / "a.csv"
    rows = [("neg", '"bad, and ""long"""'), ("pos", "good"), ("neg", '"so; so"')]
    path.write_text("\n".join(separator.join(row) for row in [("label", "text"), *rows]) + "\n")
    found = read_file(path)
    assert rows_of(found) == [("neg", 'bad, and "long"'), ("pos", "good"), ("neg", "so; so")]
    assert found.notes[-1] == f"{path}: a blank behind what separates fields is no part of them"


def test_blanks_that_were_written_stay(tmp_path):
    rows = [(" a", " x"), (" b, c", " y"), ("d", "x")]
    for quoting in (csv.QUOTE_ALL, csv.QUOTE_MINIMAL):
        assert rows_of(read_file(write(tmp_path / "a.csv", ",", rows=rows, quoting=quoting))) == rows


@pytest.mark.parametrize(
    "rows",
    [
        ROWS,
        [(f"{i}", f"text {i}") for i in (4, 0, 0, 2, 4)],
        [("0", f"id {i}", "NO_QUERY", f"tweet {i}") for i in range(9)],
        [(f"wav/{i}.wav", f"words {i}", "mary" if i % 2 else "john") for i in range(9)],
        [(f"text {i}", "0.5") for i in range(3)],
        [("2", f"title {i}", f"{i}: text") for i in range(4)],
    ],
)
@pytest.mark.parametrize("name", ["a.csv", "a.tsv", "a.txt"])
def test_a_first_row_that_is_data_is_refused_and_none_is_lost_without_a_header(tmp_path, rows, name):
    path = write(tmp_path / name, "," if name == "a.csv" else "\t", None, rows)
    with pytest.raises(DataError, match="no header: the first row reads as data") as caught:
        read_file(path)
    assert "data.header=false" in caught.value.hint
    found = read_file(path, header=False)
    assert rows_of(found) == rows
    assert found.columns == [str(n) for n in range(1, len(rows[0]) + 1)]
    assert found.place(1) == f"{path}:2"
    assert rows_of(read_file(path, header=True)) == [row for row in rows[1:] if row != rows[0]]


@pytest.mark.parametrize(
    ("header", "rows"),
    [
        (("text", "label"), ROWS),
        (("0", "1"), [("5", "2"), ("6", "3")]),
        (("country", "2019", "2020", "2021"), [("x", "1", "2", "3"), ("y", "1", "2", "4")]),
        (("word", "tag"), [(word, "N") for word in ("a", "word", "of", "a", "word", "and", "of", "none")]),
        (("How satisfied are you with all of it?", "label"), ROWS),
        (("", "text", "label"), [(str(i), *row) for i, row in enumerate(ROWS)]),
        (("text", "1"), ROWS),
    ],
)
def test_a_header_is_not_taken_for_data(tmp_path, header, rows):
    assert rows_of(read_file(write(tmp_path / "a.csv", ",", header, rows))) == rows


def test_a_header_that_comes_again_is_dropped_and_counted(tmp_path):
    found = read_file(write(tmp_path / "a.csv", ",", rows=[*ROWS, ("text", "label"), *ROWS, ("text", "label")]))
    assert (rows_of(found), found.dropped) == ([*ROWS, *ROWS], {"header repeated": 2})


def test_a_text_file_without_columns_is_refused(tmp_path):
    (tmp_path / "a.txt").write_text("just lines\nof text\n")
    with pytest.raises(DataError, match=r"a\.txt: a text without columns"):
        read(tmp_path / "a.txt")


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("name", ["a.json", "a.jsonl", "a.json.gz"])
def test_an_array_of_objects_is_read_as_lines_are(tmp_path, indent, name):
    draw = random.Random(1)
    objects = [{"text": f"a ] , [ {{ {i}", "n": [draw.random()], "label": i % 2} for i in range(50)]
    content = ("\n  " + json.dumps(objects, indent=indent) + "\n").encode()
    (tmp_path / name).write_bytes(gzip.compress(content) if name.endswith("gz") else content)
    found = read_file(tmp_path / name)
    assert [found.row(i) for i in range(len(found))] == objects
    assert found.place(1) == f"{tmp_path / name}:{10 if indent else 2}"
    assert not found.dropped


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('[{"a": 1},\n{"a": }]', "2: not JSON"),
        ('[{"a": 1},\n\n', "3: not JSON: the array is never closed"),
        ('[{"a": 1}\n\n', "1: not JSON: no comma"),
        ('[{"a": 1},\n {"a": 2} {"a": 3}]', "2: not JSON: no comma"),
        ('[{"a": 1}]\n[{"a": 2}]\n', "2: not JSON: text goes on behind the array"),
        ('[\n["b"]]', "2: a JSON list where an object"),
        ("[]", "the file holds no JSON objects"),
    ],
)
def test_a_fault_in_an_array_is_named_by_line(tmp_path, text, says):
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(DataError) as caught:
        read_file(tmp_path / "a.json")
    assert says in caught.value.message


def test_a_link_that_leads_nowhere_is_named_and_others_are_followed(tmp_path):
    write(tmp_path / "a.csv", ",")
    (tmp_path / "b.csv").symlink_to("a.csv")
    assert rows_of(read(tmp_path / "b.csv")["all"]) == ROWS
    (tmp_path / "c.csv").symlink_to("nowhere")
    with pytest.raises(DataError, match=r"c\.csv: a link to nowhere, which is not there"):
        read(tmp_path / "c.csv")


@pytest.mark.parametrize(
    "header", [("text", "neg"), ("neg", "label"), ("0", "1"), ("1", "2"), ("\u200btext", "\ufefflabel")]
)
def test_names_that_are_usual_or_count_up_are_no_data(tmp_path, header):
    rows = [row if header[0] != "neg" else row[::-1] for row in ROWS]
    rows = [(text, str(len(label) % 2 + 1)) for text, label in rows] if header[0] in "01" else rows
    found = read_file(write(tmp_path / "a.csv", ",", header, rows))
    assert (found.columns, rows_of(found)) == ([name.strip("\u200b\ufeff") for name in header], rows)
    index = [(str(at), *row) for at, row in enumerate(rows)]
    assert len(read_file(write(tmp_path / "b.csv", ",", ("", *header), index))) == len(rows)


def test_numbers_that_count_up_over_numbers_are_data(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("0,1\n" + "0,3\n1,1\n" * 5)
    with pytest.raises(DataError, match="no header"):
        read_file(path)


@pytest.mark.parametrize(
    ("whole", "says"),
    [
        ({"text": {"0": "a b", "1": "c"}, "label": {"0": "x", "1": "y"}}, 'of columns, "text" the first'),
        ({"version": "1.0", "data": [{"text": "a b"}, {"text": "c"}]}, 'whose "data" holds the rows'),
    ],
)
def test_one_object_around_all_rows_is_refused_with_the_way_out(tmp_path, whole, says):
    (tmp_path / "a.json").write_text(json.dumps(whole))
    with pytest.raises(DataError, match=says):
        read_file(tmp_path / "a.json")


def test_a_file_of_one_object_may_have_lists_of_objects(tmp_path):
    one = {"text": "Ada met Bo", "entities": [{"start": 0}, {"start": 8}], "by": {"0": 1}}
    (tmp_path / "a.jsonl").write_text(json.dumps(one))
    assert len(read_file(tmp_path / "a.jsonl")) == 1
