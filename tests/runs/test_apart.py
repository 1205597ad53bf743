"""Predictions that are files of their own, with a predictor that only knows the names of its files."""

from __future__ import annotations

from pathlib import Path

import pytest

from rnncli.errors import UsageError
from rnncli.runs.apart import inputs_apart, joint_form, targets, write_apart, write_joint


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


def test_a_folder_for_what_is_printed_is_refused(folder):
    with pytest.raises(UsageError, match="--out is for forms"):
        inputs_apart(Namer(), ["a.wav"], "text", folder)


class Tabler(Namer):
    """Writes all its rows into one table."""

    formats = joint = ("csv", "jsonl")
    whole = ()


def test_all_rows_go_into_one_file_whose_ending_tells_the_form(tmp_path):
    assert joint_form(Tabler(), None) == ""
    assert joint_form(Namer(), tmp_path / "rows.csv") == ""
    assert joint_form(Tabler(), tmp_path / "rows.CSV") == "csv"
    out = tmp_path / "new/rows.jsonl"
    assert joint_form(Tabler(), out) == "jsonl"
    write_joint(iter([["a\n", "b\n"], ["c\n"]]), out)
    assert out.read_text(encoding="utf-8") == "a\nb\nc\n"
    for wrong, hint in ((out, "--out"), (tmp_path / "rows", "rows.csv"), (tmp_path / "rows.txt", "rows.csv")):
        with pytest.raises(UsageError) as caught:
            joint_form(Tabler(), wrong)
        assert hint in caught.value.hint
