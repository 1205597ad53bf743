"""How far work has come reaches who asked to hear it, and nobody else."""

from __future__ import annotations

import gzip

import numpy as np
import pytest

from rnncli.data import progress
from rnncli.data.encodings import detect, open_text
from rnncli.data.tables.records import BATCH_ROWS
from rnncli.metrics.bootstrap import resample_weights, resampled_counts
from rnncli.runs import advance
from rnncli.runs.advance import Advanced, advancing
from rnncli.tasks.common.tables import table_of


@pytest.fixture
def told():
    """All that is told."""
    found: list[tuple[str, int, int]] = []
    with progress.heard(lambda *one: found.append(one)):
        yield found


def test_nobody_hears_what_is_told_outside():
    found = []
    with progress.heard(lambda *one: found.append(one)):
        progress.tell("clips", 1, 2)
    progress.tell("clips", 2, 2)
    assert found == [("clips", 1, 2)]


def test_an_item_counts_once_it_was_used(told):
    seen = [(item, len(told)) for item in progress.counted("clips", "abc", 3)]
    assert seen == [("a", 0), ("b", 1), ("c", 2)]
    assert told == [("clips", done, 3) for done in (1, 2, 3)]


def test_reading_a_large_file_tells_its_megabytes_and_changes_no_byte(told, tmp_path, monkeypatch):
    monkeypatch.setattr(progress, "SMALLEST_FILE", 1)
    text = "".join(f"line {n}\n" for n in range(300_000))
    (tmp_path / "large.txt").write_text(text)
    with open_text(tmp_path / "large.txt", detect(tmp_path / "large.txt")) as stream:
        assert stream.read() == text
    assert {(what, total) for what, _, total in told} == {("MB of large.txt", 3)}
    counts = [done for _, done, _ in told]
    assert counts.count(0) <= 2  # once in each of two passes
    assert max(counts) == 3


def test_small_and_packed_files_are_read_as_ever(told, tmp_path):
    (tmp_path / "small.txt").write_text("one\n")
    (tmp_path / "packed.txt.gz").write_bytes(gzip.compress(b"two\n"))
    for name, text in (("small.txt", "one\n"), ("packed.txt.gz", "two\n")):
        with open_text(tmp_path / name, detect(tmp_path / name)) as stream:
            assert stream.read() == text
    assert told == []


def test_the_rows_of_a_column_are_told_whole_or_picked(told):
    count = BATCH_ROWS + 5
    table = table_of("t", ["text"], [[str(n)] for n in range(count)])
    assert list(table.texts("text")) == [str(n) for n in range(count)]
    assert told == [("rows", BATCH_ROWS, count), ("rows", count, count)]
    told.clear()
    picked = table.take(np.arange(0, count, 2))
    assert list(picked.texts("text")) == [str(n) for n in range(0, count, 2)]
    assert told[-1] == ("rows", len(picked), len(picked))


def test_resamples_are_told_and_stay_as_they_are(told):
    for draws in (resample_weights(50_000, 10, 1), resampled_counts([20_000] * 20_000, 20, 1)):
        told.clear()
        total = sum(len(one) for one in draws)
        assert told[-1] == ("resamples", total, total)
        assert len(told) > 1


def test_events_come_now_and_then_and_with_the_last(monkeypatch):
    monkeypatch.setattr(advance, "ADVANCE_SECONDS", 1000.0)
    heard: list[Advanced] = []
    with advancing(heard.append):
        for done in range(1, 101):
            progress.tell("clips", done, 100)
        progress.tell("clips", 1, 100)
    assert heard == [Advanced("clips", 1, 100), Advanced("clips", 100, 100)]
