"""Predictions that are files of their own, with a predictor that only knows the names of its files."""

from __future__ import annotations

from pathlib import Path

import pytest

from rnncli.errors import UsageError
from rnncli.runs.answers import Predicting
from rnncli.runs.apart import inputs_apart, targets, write_apart
from rnncli.runs.tabled import TableOut, table_form
from rnncli.tasks.predictors import Predictor


class Namer:
    """Writes the name of each file, as subtitles or as a line."""

    formats, whole, example, together = ("text", "srt"), ("srt",), "a.wav", 1

    def expand(self, text):
        return (
            sorted(str(one) for one in Path(text).iterdir() if one.suffix != ".srt") if Path(text).is_dir() else [text]
        )

    def closing(self):
        return ""

    def parse(self, text):
        return text

    def read(self, path, form=""):
        return iter([str(path)])

    def predict(self, examples):
        return [{"file": one} for one in examples]

    def text(self, example, row, form=""):
        return f"1\n{Path(row['file']).name}\n\n"

    def table(self, rows):
        return ["file"], [[row["file"]] for row in rows]


@pytest.fixture
def folder(tmp_path):
    for name in ("a.wav", "b.wav", "b.flac"):
        (tmp_path / name).write_bytes(b"")
    return tmp_path


def test_several_subtitles_are_a_file_each_beside_what_is_said(folder):
    files = inputs_apart(Namer(), [str(folder)], "srt", None)
    written = list(write_apart(Namer(), files, "srt", None))
    assert [path.name for path in written] == ["a.srt", "b.flac.srt", "b.wav.srt"]
    assert all(path.parent == folder for path in written)
    assert (folder / "a.srt").read_text(encoding="utf-8") == "1\na.wav\n\n"


def test_they_go_into_a_folder_that_is_named_and_is_made(folder, tmp_path):
    files = [str(folder / "a.wav")]
    assert inputs_apart(Namer(), files, "srt", tmp_path / "new/out") == files
    assert list(write_apart(Namer(), files, "srt", tmp_path / "new/out")) == [tmp_path / "new/out/a.srt"]


@pytest.mark.parametrize(
    ("inputs", "form"), [(["a.wav"], "srt"), (["a.wav", "b.wav"], "text"), (["a.wav", "b.wav"], ""), (["-"], "srt")]
)
def test_one_or_what_can_follow_each_other_is_printed(folder, inputs, form):
    assert inputs_apart(Namer(), inputs, form, None) == []


def test_nothing_is_overwritten_and_nothing_begun_where_one_is_there(folder):
    (folder / "b.wav.srt").write_text("mine", encoding="utf-8")
    with pytest.raises(UsageError, match="exists already"):
        list(write_apart(Namer(), inputs_apart(Namer(), [str(folder)], "srt", None), "srt", None))
    assert (folder / "b.wav.srt").read_text(encoding="utf-8") == "mine"
    assert not (folder / "a.srt").exists()


def test_two_inputs_never_have_one_file():
    with pytest.raises(UsageError, match="two inputs"):
        targets(["one/a.wav", "two/a.wav"], "srt", Path("out"))
    assert targets(["one/a.wav", "two/a.wav"], "srt", None) == [Path("one/a.srt"), Path("two/a.srt")]


def test_a_table_is_told_by_its_form_or_by_the_ending_of_its_file(tmp_path):
    namer: Predictor = Namer()  # type: ignore[assignment]
    assert table_form(namer, "", "", None) == table_form(namer, "", "srt", tmp_path) == ""
    assert table_form(namer, "", "", tmp_path / "rows.CSV") == "csv"
    assert table_form(namer, "jsonl", "", tmp_path / "rows.txt") == "jsonl"
    assert table_form(namer, "text", "", tmp_path / "rows.txt") == ""
    (tmp_path / "there.csv").touch()
    for to, out, hint in (
        ("xml", None, "csv, tsv"),
        ("parquet", None, "--out FILE.parquet"),
        ("", "rows", "rows.csv"),
        ("", "rows.txt", "--format srt"),
        ("", "there.csv", "--out"),
    ):
        with pytest.raises(UsageError) as caught:
            table_form(namer, to, "", None if out is None else tmp_path / out)
        assert hint in caught.value.hint


def test_rows_of_a_predictor_that_knows_no_tables_are_a_table_too(tmp_path):
    namer: Predictor = Namer()  # type: ignore[assignment]
    found = Predicting(namer, iter([["a.wav"], ["b.wav"]]))
    TableOut(found).write(tmp_path / "new/rows.tsv", "tsv")
    assert (tmp_path / "new/rows.tsv").read_text(encoding="utf-8") == "file\na.wav\nb.wav\n"
