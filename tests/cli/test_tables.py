"""Tables in, tables out: the user's rows as they came, each with its prediction beside it."""

from __future__ import annotations

import csv
import io
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import rnncli as face
from tests.commands import rnncli

LONG = "12345678901234567890"
TABLE = f'id,Text,label,note\n007,"good, and\nshort",x,"a ""b"""\n{LONG},,y, z \n1.0,bad film,y,\n'
"""A row without a text, and a column that is called as a prediction is."""
BARE = "good film,x\nbad,y\ngood film,y\nbad,x\nbad,z\ngood film,z\n"
ADDED = ["predicted_label", "probability", "probability_negative", "probability_positive"]


@pytest.fixture
def table(here):
    (here / "new.csv").write_text(TABLE, encoding="utf-8", newline="")
    return here / "new.csv"


def rows_of(text, delimiter=","):
    return list(csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter))


def test_the_users_columns_are_kept_in_order_and_predictions_added(trained, table):
    done = rnncli("predict", trained, table, "--out", "answers.csv")
    assert (done.code, done.out) == (0, "answers.csv\n")
    assert '"label" is called "predicted_label"' in done.err
    assert "1 row without a prediction: 1 empty text" in done.err
    rows = rows_of((table.parent / "answers.csv").read_text(encoding="utf-8"))
    assert list(rows[0]) == ["id", "Text", "label", "note", *ADDED]
    given = rows_of(TABLE)
    assert [{name: row[name] for name in given[0]} for row in rows] == given
    assert [row["predicted_label"] for row in rows[:2]] == [rows[0]["predicted_label"], ""]
    assert rows[1]["probability"] == ""
    plain = rnncli("predict", trained, "good, and\nshort", "bad film").lines
    for row, found in zip((rows[0], rows[2]), plain, strict=True):
        assert row["predicted_label"] == found["label"]
        assert float(row["probability"]) == found["probabilities"][found["label"]]
        assert float(row["probability_negative"]) == found["probabilities"]["negative"]
    again = rnncli("predict", trained, table, "--out", "answers.csv")
    assert (again.code, "exists already" in again.err) == (2, True)
    assert not list(table.parent.glob("*.new"))


def test_each_form_holds_the_same(trained, table):
    first = rows_of(rnncli("predict", trained, table, "--to", "csv").out)
    assert rows_of(rnncli("predict", trained, table, "--to", "tsv").out, "\t") == first
    found = rnncli("predict", trained, table, "--to", "jsonl").lines
    assert [row["id"] for row in found] == ["007", LONG, "1.0"]
    assert [str(row["probability"] or "") for row in found] == [row["probability"] for row in first]
    assert rnncli("predict", trained, table, "--out", "a.parquet").code == 0
    read = pq.read_table("a.parquet")
    assert read.schema.field("id").type == pa.string()
    assert read.to_pylist() == found
    for source in ("a.parquet", "b.jsonl"):
        (table.parent / "b.jsonl").write_text(
            "".join(json.dumps({"k": row["id"], "text": row["Text"]}) + "\n" for row in found)
        )
        again = rows_of(rnncli("predict", trained, source, "--to", "csv").out)
        name = "predicted_probability" if source == "a.parquet" else "probability"
        assert [row[name] for row in again] == [row["probability"] for row in first]


def test_without_a_form_of_output_rows_are_lines_of_json_as_texts_are(trained, table):
    rows = rnncli("predict", trained, table).lines
    assert [row["text"] for row in rows] == ["good, and\nshort", "", "bad film"]
    assert rows[1] == {"text": "", "label": None, "probabilities": None}
    assert rnncli("predict", trained, table, "--json").lines == rows
    assert rnncli("predict", trained, "-", stdin=TABLE).lines == rows
    model = face.load(trained)
    assert model.predict(table) == model.predict(str(table)) == rows


def test_python_takes_rows_and_data_frames(trained, table):
    import pandas as pd

    model, rows = face.load(trained), rnncli("predict", trained, table).lines
    frame = pd.read_csv(table, dtype={"id": str})
    assert model.predict(frame) == model.predict(frame.to_dict("records")) == rows
    assert model.predict(frame.rename(columns={"Text": "quote"}), column="quote") == rows
    assert model.predict(frame[:0]) == []
    with pytest.raises(face.errors.DataError, match="which one holds them") as caught:
        model.predict([{"a": "x", "b": "y"}])
    assert "a, b" in caught.value.hint


def test_texts_make_a_table_of_texts(trained, here):
    (here / "texts.txt").write_text("good film\nso, bad\n", encoding="utf-8")
    rows = rows_of(rnncli("predict", trained, "texts.txt", "--to", "csv").out)
    assert list(rows[0]) == ["text", "label", *ADDED[1:]]
    assert [row["text"] for row in rows] == ["good film", "so, bad"]
    lines = '{"text": "good film", "id": "007"}\n{"text": "so, bad"}\n'
    assert [row["id"] for row in rows_of(rnncli("predict", trained, "-", "--to", "csv", stdin=lines).out)] == [
        "007",
        "",
    ]


STREAMS = [
    ("\ufeffid,text\n1,good\n", ["good"]),
    (",text,label\n0,good,x\n", ["good"]),
    ('text\ngood film\n"bad, bad"\n', ["good film", "bad, bad"]),
    ('id\ttext\n1\t"a\tb\nc"\n', ["a\tb\nc"]),
    ("well, good\nbad\n", ["well, good", "bad"]),
    ("good,bad\nso so, never again\nbad\n", ["good,bad", "so so, never again", "bad"]),
    ("good,bad\n", ["good,bad"]),
    ("Good film,bad actors\nnothing,more\n", ["Good film,bad actors", "nothing,more"]),
]


@pytest.mark.parametrize(("stdin", "texts"), STREAMS)
def test_a_stream_is_csv_where_its_header_says_so(trained, stdin, texts):
    done = rnncli("predict", trained, "-", stdin=stdin)
    assert done.code == 0, done.err
    assert [row["text"] for row in done.lines] == texts


@pytest.mark.parametrize(
    "stdin",
    [
        "review_id,quote\n1,good\n",
        "a;b\n1;2\n",
        'Review Id,Review Body\n17,"Good, and long"\n',
        "Key,Long quote,On\na,b,c\n",
    ],
)
def test_a_header_of_unknown_names_is_never_classified(trained, stdin):
    done = rnncli("predict", trained, "-", stdin=stdin)
    assert (done.code, done.out) == (3, "")
    assert "looks like csv with a header" in done.err
    assert "--column NAME, one of: " in done.err
    names = stdin.split("\n")[0].replace(";", ",").split(",")
    rows = rnncli("predict", trained, "-", "--column", names[1], stdin=stdin)
    assert rows.code == 0, rows.err
    assert rnncli("predict", trained, "-", "--format", "text", stdin=stdin).lines[0]["text"] == stdin.split("\n")[0]


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("new.csv", "--column", "txet"), 3, 'no column "txet" (did you mean "Text"?)'),
        (("odd.csv",), 3, "--column NAME, one of: id, quote"),
        (("new.csv", "--to", "xml"), 2, "there are: csv, tsv, jsonl, parquet"),
        (("new.csv", "--to", "parquet"), 2, "--out FILE.parquet"),
        (("new.csv", "--out", "answers"), 2, "--out answers.csv"),
        (("good film", "--column", "text"), 2, "no table was given"),
        (("bare.csv",), 3, "--column NUMBER reads it without a header"),
        (("good film", "--to", "text"), 2, "there are: csv, tsv, jsonl, parquet"),
        (("-", "--column", "txet"), 3, 'no column "txet"'),
    ],
)
def test_what_is_wrong_is_said_with_what_to_type(arguments, code, says, trained, table):
    (table.parent / "odd.csv").write_text("id,quote\n1,good\n", encoding="utf-8")
    (table.parent / "bare.csv").write_text(BARE, encoding="utf-8")
    done = rnncli("predict", trained, *arguments, stdin=TABLE)
    assert done.code == code
    assert says in " ".join(done.err.split())
    assert not list(table.parent.glob("answers*"))


def test_columns_are_named_counted_and_joined(trained, here):
    (here / "bare.csv").write_text(BARE, encoding="utf-8")
    assert [row["text"] for row in rnncli("predict", trained, "bare.csv", "--column", "1").lines][2:] == [
        "good film",
        "bad",
        "bad",
        "good film",
    ]
    (here / "two.csv").write_text("id,title,body\n1,good,film\n", encoding="utf-8")
    typed = ("--column", "title", "--text-column", "body")
    assert [row["text"] for row in rnncli("predict", trained, "two.csv", *typed).lines] == ["good film"]
    (here / "none.csv").write_text("id,text\n", encoding="utf-8")
    assert rnncli("predict", trained, "none.csv", "--to", "csv").out.startswith("id,text,label,")


def test_the_column_of_training_is_found_though_no_other_table_calls_it_so(here):
    from tests.commands import reviews, train

    (here / "quotes.csv").write_text(reviews().replace("text,label", "quote,label"), encoding="utf-8")
    run = train(here / "quotes.csv", here / "run", "data.text_column=quote", "evaluation.page=false")
    (here / "new.csv").write_text("id,Quote,lang\n7,good,en\n", encoding="utf-8")
    for source, stdin in (("new.csv", ""), ("-", (here / "new.csv").read_text(encoding="utf-8"))):
        assert [row["text"] for row in rnncli("predict", run, source, stdin=stdin).lines] == ["good"]
