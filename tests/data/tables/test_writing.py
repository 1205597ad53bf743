"""Rows written as tables: whatever the values, they come back."""

from __future__ import annotations

import csv
import io
import json

import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnncli.data.tables.sheet import ColumnsAsked, read_sheet
from rnncli.data.tables.writing import lines, write_parquet

TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12)


@pytest.mark.parametrize(("form", "separator"), [("csv", ","), ("tsv", "\t")])
@given(rows=st.lists(st.tuples(TEXT, TEXT), max_size=5))
def test_any_text_comes_back_from_separated_text(form, separator, rows):
    written = "".join(lines(form, ["a", "b"], [[{"a": a, "b": b} for a, b in rows]]))
    assert list(csv.reader(io.StringIO(written, newline=""), delimiter=separator)) == [["a", "b"], *map(list, rows)]


def test_values_that_are_no_texts_are_written_plainly():
    row = {"a": True, "b": None, "c": float("nan"), "d": [1, "ü"], "e": 2**70, "f": 1.5}
    assert "".join(lines("csv", list(row), [[row]])) == 'a,b,c,d,e,f\ntrue,,,"[1, ""ü""]",1180591620717411303424,1.5\n'
    (text,) = lines("jsonl", list(row), [[row]])
    assert json.loads(text) == row | {"c": None}


def test_parquet_has_the_types_that_are_said(tmp_path):
    with (tmp_path / "a.parquet").open("wb") as file:
        write_parquet(file, {"a": str, "b": float, "c": list}, [[{"a": "007"}], [{"b": 0.5, "c": ["x"]}]])
    assert pq.read_table(tmp_path / "a.parquet").to_pylist() == [
        {"a": "007", "b": None, "c": None},
        {"a": None, "b": 0.5, "c": '["x"]'},
    ]


def test_a_sheet_holds_all_rows_as_they_came(tmp_path):
    (tmp_path / "a.csv").write_bytes('\ufeffid,text\r\n007,"a\r\nb"\r\n\r\n,\r\nid,text\r\n" 1",""\r\n'.encode())
    sheet = read_sheet(tmp_path / "a.csv", ColumnsAsked())
    assert sheet.columns == ("id", "text")
    found = [(number, *row.values()) for number, row in sheet.rows]
    assert found == [(2, "007", "a\r\nb"), (5, "", ""), (6, "id", "text"), (7, " 1", "")]
    (tmp_path / "a.jsonl").write_text('{"id": 12345678901234567890, "more": {"a": [1.0]}}\n{"text": "x"}\n')
    sheet = read_sheet(tmp_path / "a.jsonl", ColumnsAsked())
    assert sheet.columns == ("id", "more", "text")
    assert next(iter(sheet.rows)) == (1, {"id": 12345678901234567890, "more": {"a": [1.0]}})
