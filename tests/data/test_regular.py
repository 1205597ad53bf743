"""Pipes, devices and names that are no paths, wherever a file is wanted: refused at once, nothing is opened."""

import gzip
import os
import socket
from pathlib import Path

import numpy as np
import pytest

from rnncli.data.audio.features import read_features
from rnncli.data.audio.sound import RecordingError, read_blocks, read_sound
from rnncli.data.encodings import MAX_UNPACKED, detect, open_bytes
from rnncli.data.regular import is_pipe, require_regular
from rnncli.data.tables.sources import read
from rnncli.data.text.vectors import read_vectors
from rnncli.data.text.vocabulary import Vocabulary
from rnncli.data.video.decoding import Picking, read_video
from rnncli.data.video.frames import ClipError, FrameFile, read_frames
from rnncli.errors import DataError


def pipe(path: Path) -> Path:
    os.mkfifo(path)
    return path


def test_a_file_a_folder_and_what_is_not_there_are_left_to_others(tmp_path):
    (tmp_path / "a.csv").write_text("x", encoding="utf-8")
    for path in (tmp_path, tmp_path / "a.csv", tmp_path / "none.csv", tmp_path / "a.csv" / "none"):
        require_regular(path)
        assert not is_pipe(path)


def test_a_link_is_what_it_leads_to(tmp_path):
    (tmp_path / "to").symlink_to(pipe(tmp_path / "pipe"))
    assert is_pipe(tmp_path / "to")
    with pytest.raises(DataError, match="to: a pipe, where a file is wanted"):
        require_regular(tmp_path / "to")


def test_a_socket_is_named(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # a socket's path may be short only
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind("s.csv")
        with pytest.raises(DataError, match=r"s.csv: a socket"):
            require_regular("s.csv")


@pytest.mark.parametrize("name", ["x" * 300, "a\0b", "loop"])
def test_what_is_no_path_is_said(tmp_path, name):
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(DataError, match="cannot be read: "):
        require_regular(tmp_path / name)
    assert not is_pipe(tmp_path / name)


@pytest.mark.parametrize("name", ["a.csv", "a.tsv", "a.jsonl", "a.parquet", "a.csv.gz"])
def test_no_reader_of_tables_waits_for_a_pipe_or_reads_a_device(tmp_path, name):
    with pytest.raises(DataError, match="a pipe, where a file is wanted"):
        read(pipe(tmp_path / name))
    (tmp_path / f"zero.{name}").symlink_to("/dev/zero")
    with pytest.raises(DataError, match="a device, where a file is wanted"):
        read(tmp_path / f"zero.{name}")


def test_no_other_reader_waits_for_a_pipe_or_reads_a_device(tmp_path):
    named = pipe(tmp_path / "named")
    for path in (named, Path("/dev/zero")):
        for reading in (read_sound, read_blocks, read_features):
            with pytest.raises(RecordingError, match="where a file is wanted") as caught:
                reading(path)
            assert caught.value.reason == "no regular file"
        with pytest.raises(DataError, match="where a file is wanted"):
            read_vectors(path, Vocabulary(("a",)))
        with pytest.raises(DataError, match="where a file is wanted"):
            detect(path)
        for reading in (lambda path: read_frames(FrameFile(path)), lambda path: next(read_video(path, Picking()))):
            with pytest.raises(ClipError, match="where a file is wanted") as caught:
                reading(path)
            assert caught.value.reason == "no regular file"


def test_a_small_file_that_unpacks_to_much_more_is_refused_where_texts_are_not(tmp_path, monkeypatch):
    monkeypatch.setattr("rnncli.data.encodings.MAX_UNPACKED", 1 << 20)
    bomb = tmp_path / "bomb.csv.gz"
    bomb.write_bytes(gzip.compress(b"text,label\n" + b"a" * (1 << 25)))
    with pytest.raises(DataError, match=r"bomb.csv.gz: its [\d,]+ bytes unpack to more than [\d,]+: hardly data"):
        detect(bomb)
    lines = "\n".join(f"text number {n} is good,{n % 2}" for n in range(100_000))
    (tmp_path / "texts.csv.gz").write_bytes(gzip.compress(lines.encode()))
    with open_bytes(tmp_path / "texts.csv.gz") as stream:
        assert stream.read().decode() == lines
    assert MAX_UNPACKED > 1 << 25


def test_a_vectors_file_without_line_ends_is_not_read_to_its_end(tmp_path):
    (tmp_path / "long.vec").write_bytes(b"a " + b"1 " * (1 << 23))
    with pytest.raises(DataError):
        read_vectors(tmp_path / "long.vec", Vocabulary(("a",)), dimension=3)
    (tmp_path / "good.vec").write_text("a 1 2 3\n", encoding="utf-8")
    found = read_vectors(tmp_path / "good.vec", Vocabulary(("a",)), dimension=3)
    assert np.array_equal(found.matrix[-1], [1, 2, 3])
