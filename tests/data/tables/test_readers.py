"""Files to tables: what is read is what was written, and every fault is named with its file and line."""

import codecs
import csv
import gzip
import json
import os
import random

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rnncli.data.tables import records, table
from rnncli.data.tables.sources import read, read_file
from rnncli.errors import DataError

CELL = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=12)
RELAXED = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


def rows_of(found):
    return [tuple(found.row(i).values()) for i in range(len(found))]


def fault(path, content, **options):
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(DataError) as caught:
        read(path, **options)
    return caught.value.message


@RELAXED
@given(st.lists(st.tuples(CELL, CELL), min_size=1, max_size=12), st.sampled_from(["\n", "\r\n"]))
def test_any_text_survives_being_written_and_read_as_csv(tmp_path, rows, end):
    rows = [row for row in rows if any(cell.strip() for cell in row)] or [("a", "b")]
    path = tmp_path / "round.csv"
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator=end, quoting=csv.QUOTE_ALL)
        writer.writerows([("text", "label"), *rows])
    assert rows_of(read_file(path)) == rows


def test_a_row_knows_the_line_it_begins_on_though_fields_hold_line_ends(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text('text,label\n"one\ntwo\n\nthree",x\n\nfour,y\n,\n"five\r\nsix",z\nseven,w\n', newline="")
    found = read_file(path)
    assert [found.place(i).rsplit(":", 1)[1] for i in range(4)] == ["2", "7", "9", "11"]
    assert found.row(0)["text"] == "one\ntwo\n\nthree"
    assert found.dropped == {"empty row": 2}


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_line_ends_of_any_system_are_understood(tmp_path, end):
    path = tmp_path / "a.csv"
    path.write_bytes(end.join(["text,label", "a,b", "c,d"]).encode())
    assert rows_of(read_file(path)) == [("a", "b"), ("c", "d")]


@pytest.mark.parametrize(
    ("name", "content", "line", "says"),
    [
        ("ragged.csv", "text,label\na,b\nc\n", 3, "1 field where the header has 2"),
        ("wide.csv", "text,label\na,b\nc,d,e\n", 3, "3 fields"),
        ("after.csv", 'text,label\na,b\n"c\nd",e\nf,g,h\n', 5, "3 fields"),
        ("open.csv", 'text,label\na,b\n"c,d\ne,f\n', 3, "never closed"),
        ("stray.csv", 'text,label\n"a" b,c\n', 2, "behind a closing quote"),
        ("twice.csv", "text,text\na,b\n", 1, 'two columns are called "text"'),
        ("place.csv", "text,__place__\na,b\n", 1, "taken"),
        ("nul.csv", "text,label\na,b\nc\0,d\n", 3, "binary"),
        ("image.csv", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", 3, "binary"),
        ("mixed.csv", "text,label\n好吃得很 真的,b\n".encode() + "难吃,坏\n".encode("gb18030"), 3, "utf-8"),
        ("latin.csv", "text,label\ncafé au lait,été\n".encode("latin-1"), 2, "not utf-8"),
        ("accents.csv", "text,label\nGröße,b\nGröße und klein,c\n".encode("latin-1"), 2, "not utf-8"),
        ("utf16.csv", codecs.BOM_UTF16_LE + "text,label\na".encode("utf-16-le") + b"\x00\xd8\n\0", 2, "not utf-16"),
        ("ragged.tsv", "text\tlabel\na\tb\tc\n", 2, "3 fields"),
        ("broken.jsonl", '{"text": "a"}\n{"text": \n', 2, "not JSON"),
        ("array.jsonl", '{"text": "a"}\n["b"]\n', 2, "list where an object"),
        ("deep.jsonl", '{"a": ' + "[" * 100_000 + "]" * 100_000 + "}", 1, "not JSON"),
        ("half.jsonl", '{"text": "a"}\n{"text": "\\ud800"}\n', 2, "surrogate"),
        ("place.jsonl", '{"__place__": 1}\n', 1, "taken"),
    ],
)
def test_a_fault_is_named_with_its_file_and_line(tmp_path, name, content, line, says):
    path = tmp_path / name
    message = fault(path, content)
    assert message.startswith(f"{path}:{line}: ")
    assert says in message
    assert "\n" not in message


@pytest.mark.parametrize(
    ("content", "suggested"),
    [
        ("text,label\ncafé au lait,été\n".encode("latin-1"), "latin-1 (or cp1252, gb18030, "),
        ("text,label\nGröße – „klein“,b\n".encode("cp1252"), "cp1252 (or latin-1, gb18030, "),
        ("text,label\n好吃得很,b\n".encode() + "难吃,坏\n".encode("gb18030"), "gb18030 (or latin-1, cp1252, "),
        ("text,label\nとても美味しい,良\n".encode("shift_jis"), "gb18030 (or latin-1, cp1252, "),
    ],
)
def test_the_encoding_that_is_likelier_is_suggested_first(tmp_path, content, suggested):
    (tmp_path / "x.csv").write_bytes(content)
    with pytest.raises(DataError) as raised:
        read_file(tmp_path / "x.csv")
    assert f"data.encoding={suggested}" in raised.value.hint


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("empty.csv", "", "empty"),
        ("blank.csv", "\n\n", "nothing but blank lines"),
        ("header.csv", "text,label\n", "a header and no rows"),
        ("commas.csv", "text,label\n,\n , \n", "a header and no rows"),
        ("empty.jsonl", "\n\n", "no JSON objects"),
        ("broken.parquet", "PAR1 and no more", "not a readable Parquet file"),
        ("broken.csv.gz", gzip.compress(b"text,label\na,b\n" * 500, mtime=0)[:-20], "cannot be read"),
        ("plain.csv.gz", "text,label\na,b\n", "cannot be read"),
        ("notes.docx", "x", 'no reader for files that end in ".docx"'),
        ("reviews", "x", 'no reader for files that end in "reviews"'),
    ],
)
def test_a_file_that_cannot_be_used_is_named(tmp_path, name, content, says):
    path = tmp_path / name
    message = fault(path, content)
    assert message.startswith(f"{path}: ")
    assert says in message


def test_a_field_beyond_the_limit_is_taken_for_an_open_quote(tmp_path, monkeypatch):
    monkeypatch.setattr(records, "FIELD_LIMIT", 1000)
    assert ":2: a quote opened here is never closed" in fault(
        tmp_path / "a.csv", 'text,label\n"' + "a," * 900 + '",b\n'
    )


def test_a_row_of_a_million_characters_is_read_whole(tmp_path):
    path = tmp_path / "long.csv"
    path.write_text("text,label\n" + "ab " * 400_000 + ",x\n")
    assert len(next(read_file(path).texts("text"))) == 1_200_000


@pytest.mark.parametrize(
    ("encoding", "found"),
    [
        ("utf-8", "utf-8"),
        ("utf-8-sig", "utf-8-sig"),
        ("utf-16", "utf-16"),
        ("utf-32", "utf-32"),
        ("gb18030", "gb18030"),
    ],
)
@pytest.mark.parametrize("named", [False, True])
def test_encodings_are_found_out_or_taken_as_named(tmp_path, encoding, found, named):
    path = tmp_path / "a.csv"
    path.write_bytes("text,label\n很快，好吃，味道足,好\n没有送水,坏\n".encode(encoding))
    got = read_file(path, encoding if named else "auto")
    assert rows_of(got) == [("很快，好吃，味道足", "好"), ("没有送水", "坏")]
    assert bool(got.notes) == (found == "gb18030" and not named)


def test_the_note_of_a_fallback_encoding_names_it_and_the_line_that_decided(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes("text,label\nplain,x\n好吃,坏\n".encode("gb18030"))
    assert read_file(path).notes == (f"{path}: read as gb18030, because line 3 is not utf-8",)


def test_a_named_encoding_that_does_not_fit_or_does_not_exist_is_an_error(tmp_path):
    path = tmp_path / "a.csv"
    assert f"{path}:2: not ascii" in fault(path, "text\ncafé\n", encoding="ascii")
    assert '"utf-9" (did you mean "utf-8"?)' in fault(path, "text\ncafé\n", encoding="utf-9")
    assert 'no encoding called "hex"' in fault(path, "text\ncafé\n", encoding="hex")


def test_an_undecodable_byte_far_into_a_file_is_placed_at_its_line(tmp_path):
    path = tmp_path / "a.csv"
    line = "é" * 40 + ",x\n"  # such that a character lies across the edge of a chunk
    content = ("text,label\n" + line * 30_000).encode() + b"caf\xe9,x\n"
    assert fault(path, content, encoding="utf-8").startswith(f"{path}:30002: not utf-8")


def test_semicolons_and_tabs_in_a_csv_are_understood_and_said(tmp_path):
    for mark, name in ((";", "semicolons"), ("\t", "tabs")):
        path = tmp_path / "a.csv"
        path.write_text(f"text{mark}label\na, b{mark}c\n")
        found = read_file(path)
        assert rows_of(found) == [("a, b", "c")]
        assert found.notes == (f"{path}: fields are separated by {name}",)


def test_tabs_are_read_with_quoting_or_without(tmp_path):
    path = tmp_path / "a.tsv"
    path.write_text('text\tlabel\n"a\tb"\tx\n')
    assert rows_of(read_file(path)) == [("a\tb", "x")]
    path.write_text('text\tlabel\n"a" b\tx\n"c\ty\n')
    found = read_file(path)
    assert rows_of(found) == [('"a" b', "x"), ('"c', "y")]
    assert found.notes == (f"{path}: quotes taken as plain characters",)


def test_a_column_without_a_name_is_called_by_its_number(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text(",text\n0,a\n")
    assert read_file(path).columns == ["column 1", "text"]


def test_packed_text_is_unpacked(tmp_path):
    path = tmp_path / "a.jsonl.gz"
    path.write_bytes(gzip.compress(b'{"text": "a"}\n'))
    assert rows_of(read_file(path)) == [("a",)]


VALUE = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**40), 2**40), st.text(st.characters(codec="utf-8"), max_size=5)
)


@RELAXED
@given(
    st.lists(
        st.dictionaries(st.sampled_from("abc"), st.lists(VALUE, max_size=3) | VALUE, min_size=1), min_size=1, max_size=9
    )
)
def test_a_json_column_keeps_its_values_or_is_their_json_text(tmp_path, rows):
    path = tmp_path / "a.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    found = read_file(path)
    for name in found.columns:
        written, got = [row.get(name) for row in rows], list(found.values(name))
        as_text = [v if v is None or isinstance(v, str) else json.dumps(v, ensure_ascii=False) for v in written]
        assert got in (written, as_text)


def test_json_types_are_kept_widened_or_made_text_across_batches(tmp_path, monkeypatch):
    monkeypatch.setattr("rnncli.data.tables.objects.BATCH_ROWS", 2)
    rows = [
        {"tokens": [], "n": 1, "mixed": 1, "object": {"x": 1}},
        {"tokens": ["a"], "n": 2, "mixed": 2, "late": None},
        {"tokens": ["b", "c"], "n": 2.5, "mixed": "three", "late": [1]},
        {"tokens": None, "n": None, "mixed": True, "big": 2**70},
    ]
    path = tmp_path / "a.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    found = read_file(path)
    assert list(found.values("tokens")) == [[], ["a"], ["b", "c"], None]
    assert list(found.values("n")) == [1, 2, 2.5, None]
    assert list(found.values("mixed")) == ["1", "2", "three", "true"]
    assert list(found.values("object")) == ['{"x": 1}', None, None, None]
    assert list(found.values("late")) == [None, None, [1], None]
    assert list(found.values("big"))[3] == str(2**70)
    assert found.place(3) == f"{path}:4"


def test_parquet_columns_keep_their_types_and_rows_are_numbered(tmp_path):
    path = tmp_path / "a.parquet"
    columns = {
        "text": ["a", "b"],
        "label": pa.array(["x", "y"]).dictionary_encode(),
        "tokens": [["a"], []],
        "n": [1, 2],
    }
    pq.write_table(pa.table(columns), path)
    found = read_file(path)
    assert rows_of(found) == [("a", "x", ["a"], 1), ("b", "y", [], 2)]
    assert found.place(1) == f"{path}:2"


def test_views_of_a_table_agree_with_a_list_of_its_rows(tmp_path, monkeypatch):
    monkeypatch.setattr(records, "BATCH_ROWS", 7)
    monkeypatch.setattr(table, "BATCH_ROWS", 5)
    path = tmp_path / "a.csv"
    path.write_text("text\n" + "".join(f"row {i}\n" for i in range(100)))
    found, expected = read_file(path), [f"row {i}" for i in range(100)]
    picked = np.random.default_rng(1).integers(0, 100, 60)
    view = found.take(picked).take(np.arange(59, -1, -1))
    assert list(found.texts("text")) == expected
    assert list(view.texts("text")) == [expected[i] for i in picked[::-1]]
    assert view.place(0) == f"{path}:{picked[-1] + 2}"
    assert list(found.take([]).texts("text")) == []
    with pytest.raises(IndexError):
        view.place(60)


def test_a_missing_column_is_an_error_with_the_nearest_name(tmp_path):
    path = tmp_path / "a.csv"
    assert 'no column "txt" (did you mean "Text"?)' in fault(path, "Text,Label\na,b\n", columns=["txt"])


def test_no_temporary_file_is_left_and_a_full_disk_is_a_data_error(tmp_path, monkeypatch):
    path = tmp_path / "a.csv"
    path.write_text("text\na\n")
    room = tmp_path / "room"
    room.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(room))
    found = read_file(path)
    assert list(room.iterdir()) == []
    assert rows_of(found) == [("a",)]
    with pytest.raises(DataError):
        read_file(tmp_path / "a.csv", "nonsense")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "nowhere"))
    with pytest.raises(DataError, match="no temporary copy can be written") as caught:
        read_file(path)
    assert "TMPDIR" in caught.value.hint


def test_memory_stays_flat_while_a_large_file_is_read(tmp_path):
    path = tmp_path / "large.csv"
    draw = random.Random(1)
    words = [f"word{i}" for i in range(5000)]
    with path.open("w") as stream:
        stream.write("text,label\n")
        for i in range(200_000):
            stream.write(f"{' '.join(draw.choices(words, k=20))},{i % 2}\n")
    before = pa.total_allocated_bytes()
    resident = _resident()
    found = read_file(path)
    assert sum(map(len, found.texts("text"))) > 20_000_000
    assert len(found) == 200_000
    assert pa.total_allocated_bytes() - before < 4_000_000  # the columns are mapped, not held
    assert _resident() - resident < 60_000_000


def _resident():
    """Bytes of this process's own memory, pages of mapped files apart; 0 where the system does not say."""
    try:
        with open("/proc/self/statm") as stream:
            _, resident, shared = stream.read().split()[:3]
    except OSError:
        return 0
    return (int(resident) - int(shared)) * os.sysconf("SC_PAGE_SIZE")


def test_real_reviews_read_as_the_csv_module_reads_them(real_data):
    path = real_data / "sentiment" / "rt-polarity.csv"
    with path.open(newline="", encoding="utf-8") as stream:
        expected = list(csv.reader(stream))
    found = read_file(path)
    assert found.columns == expected[0]
    assert list(zip(*(found.texts(column) for column in found.columns), strict=True)) == [
        tuple(r) for r in expected[1:]
    ]


def test_chinese_among_latin_letters_is_read_as_gb18030(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes("text,label\n用Python写的A和B代码,好\n不好,坏\n".encode("gb18030"))
    assert rows_of(read_file(path))[0] == ("用Python写的A和B代码", "好")
