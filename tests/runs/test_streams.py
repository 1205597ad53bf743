"""Stdin and pipes as lines of UTF-8: whatever the locale, as they come, never waited for without end."""

import io
import os
import threading

import pytest

from rnncli.errors import DataError
from rnncli.runs import streams


def test_stdin_and_pipes_are_streams_and_texts_and_files_are_not(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "file").write_text("a", encoding="utf-8")
    reader, writer = os.pipe()
    for name in ("-", "/dev/stdin", "/dev/fd/0", str(tmp_path / "pipe"), f"/dev/fd/{reader}"):
        assert streams.is_stream(name)
    for name in ("a fine film", str(tmp_path / "file"), str(tmp_path), "/dev/zero", "x" * 5000, "a\0b", ""):
        assert not streams.is_stream(name)
    os.close(reader)
    os.close(writer)


def test_lines_keep_their_ends_and_lose_the_mark_of_their_encoding():
    found = list(streams.lines(io.BytesIO(b"\xef\xbb\xbfgood\r\n\nb\xc3\xa4d\rlast"), "stdin"))
    assert found == ["good\r\n", "\n", "bäd\r", "last"]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"good\n\xff\n", "stdin:2: not UTF-8"),
        (b"caf\xe9\n", "stdin:1: not UTF-8"),
        (b"\xff\xfeg\0o\0", "stdin:1: a NUL byte"),
        (b"good\n\xed\xa0\x80\n", "stdin:2: not UTF-8"),
        (b"a\n" * 3 + b"\x80", "stdin:4: not UTF-8"),
    ],
)
def test_what_is_no_text_is_refused_with_its_line(content, says):
    with pytest.raises(DataError, match=says):
        list(streams.lines(io.BytesIO(content), "stdin"))


def test_a_line_without_an_end_is_not_kept(monkeypatch):
    monkeypatch.setattr(streams, "MAX_LINE", 100)
    assert list(streams.lines(io.BytesIO(b"a" * 98 + b"\n"), "stdin")) == ["a" * 98 + "\n"]
    with pytest.raises(DataError, match="stdin:1: a line of more than 100 bytes"):
        list(streams.lines(io.BytesIO(b"a" * 200), "stdin"))


def test_a_pipe_is_read_when_somebody_writes_to_it(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    writing = threading.Thread(target=lambda: (tmp_path / "pipe").write_bytes(b"one\ntwo\n"), daemon=True)
    writing.start()
    with streams.opened(str(tmp_path / "pipe"), None) as stream:
        assert list(streams.lines(stream, "pipe")) == ["one\n", "two\n"]
    writing.join()


def test_a_pipe_to_which_nobody_writes_ends_in_a_sentence(tmp_path, monkeypatch):
    monkeypatch.setattr(streams, "PATIENCE", 0.1)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(DataError, match="pipe: a pipe to which nobody writes"):
        streams.opened(str(tmp_path / "pipe"), None)


def test_a_closed_stdin_and_a_device_end_in_a_sentence():
    with pytest.raises(DataError, match="stdin is closed"):
        streams.opened("-", None)
    with pytest.raises(DataError, match="/dev/zero: a device"):
        streams.require_known("/dev/zero")
    streams.require_known("a fine film")


def test_what_came_before_an_error_is_answered_first():
    def examples():
        yield "one"
        raise DataError("then")

    found = streams.waiting(examples(), 4)
    assert next(found) == ["one"]
    with pytest.raises(DataError, match="then"):
        next(found)
