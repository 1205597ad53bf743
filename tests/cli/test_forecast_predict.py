"""Typing ``rnncli predict`` for a run of series: the built-in corpus, cut where a window of its test begins."""

from __future__ import annotations

import csv
import io
import json

import pyarrow.parquet as pq
import pytest

import rnncli as face
from tests.commands import rnncli

SMALL = (
    "model.hidden=8",
    "train.epochs=1",
    "data.windows=200",
    "data.horizon=14",
    "evaluation.origins=2",
    "evaluation.baselines=false",
    "evaluation.resamples=20",
    "evaluation.page=false",
    "compute.threads=1",
    "compute.device=cpu",
)
NAMES = "shop,day,cutoff,mean,q0.025,q0.1,q0.5,q0.9,q0.975"


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    path = tmp_path_factory.mktemp("runs") / "shops"
    done = rnncli("forecast", *SMALL, "--out", path)
    assert done.code == 0, done.err
    return path


@pytest.fixture(scope="module")
def windows(run):
    return [json.loads(line) for line in (run / "predictions/test.jsonl").read_text(encoding="utf-8").splitlines()]


@pytest.fixture(scope="module")
def files(run, windows, tmp_path_factory):
    """The corpus up to the first cutoff of test, and holidays and promotions behind it."""
    from rnncli.tasks.forecast.builtin import COLUMNS, builtin

    folder, cutoff = tmp_path_factory.mktemp("files"), windows[0]["cutoff"]
    table = builtin()
    rows = [table.row(at) for at in range(len(table))]
    for name, columns, kept in (
        ("history.csv", COLUMNS, [row for row in rows if str(row["day"]) <= cutoff]),
        ("known.csv", ("shop", "day", "holiday", "promotion"), [row for row in rows if str(row["day"]) > cutoff]),
    ):
        with (folder / name).open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, columns, extrasaction="ignore")
            writer.writeheader()
            writer.writerows(kept)
    return folder / "history.csv", folder / "known.csv"


def test_a_cut_history_gives_the_forecasts_of_the_run(run, windows, files):
    history, known = files
    done = rnncli("predict", run, history, "--future", known, "--quantiles", "0.1,0.9")
    assert done.code == 0, done.err
    assert "behind what is forecast, not used" in done.err
    first = [window for window in windows if window["cutoff"] == windows[0]["cutoff"]]
    assert len(first) == 8
    for window in first:
        rows = [row for row in done.lines if row["shop"] == window["series"]]
        assert {row["cutoff"] for row in rows} == {window["cutoff"]}
        for name, values in (("mean", window["mean"]), ("q0.1", window["quantiles"][1])):
            assert [row[name] for row in rows] == pytest.approx(values, rel=1e-6)


def test_without_a_history_it_goes_on_behind_the_data_of_the_run(run, tmp_path):
    done = rnncli("predict", run)
    assert (done.code, done.err) == (0, "")
    assert len(done.lines) == 8 * 14
    assert (done.lines[0]["cutoff"], done.lines[0]["day"]) == ("2024-12-31", "2025-01-01")
    out = tmp_path / "new/january.csv"
    assert rnncli("predict", run, "--out", out).out == f"{out}\n"
    text = out.read_text(encoding="utf-8")
    assert text.splitlines()[0] == NAMES
    found = list(csv.DictReader(io.StringIO(text)))
    assert [float(row["mean"]) for row in found] == [row["mean"] for row in done.lines]
    assert rnncli("predict", run, "--format", "csv").out == text
    assert rnncli("predict", run, "--to", "tsv").out.replace("\t", ",") == text
    assert rnncli("predict", run, "--out", out.with_suffix(".parquet")).code == 0
    assert pq.read_table(out.with_suffix(".parquet")).to_pylist() == done.lines
    again = rnncli("predict", run, "--out", out)
    assert again.code == 2
    assert "exists already" in again.err


def test_a_pipe_is_read_as_a_history(run, files):
    history, known = files
    text = history.read_text(encoding="utf-8")
    named = rnncli("predict", run, history, "--future", known, "--format", "csv")
    assert rnncli("predict", run, "-", "--future", known, "--format", "csv", stdin=text).out == named.out
    shown = rnncli("predict", run, "--example").out
    assert shown.startswith("shop,day,sales,holiday,promotion\nairport,")
    assert len(rnncli("predict", run, "-", stdin=shown).lines) == 14


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("--quantiles", "0.5,1.2"), 2, "1.2: a level lies between 0 and 1"),
        (("--quantiles", "90"), 2, "--quantiles 0.9"),
        (("--quantiles", "high"), 2, "numbers are wanted"),
        (("--format", "xml"), 2, "there are: csv, jsonl"),
        (("--out", "folder"), 2, "--out folder.csv"),
        (("--future", "none.csv"), 3, "none.csv: no such file"),
        (("none.csv",), 3, "none.csv: no such file"),
        (("1 2 3",), 3, "goes on behind a table"),
    ],
)
def test_what_is_wrong_is_said_with_what_to_type(arguments, code, words, run):
    done = rnncli("predict", run, *arguments)
    assert done.code == code
    assert words in done.err.replace("\n", " ")
    assert done.out == ""


def test_a_history_needs_what_is_known_ahead(run, files):
    done = rnncli("predict", run, files[0])
    assert done.code == 3
    said = " ".join(done.err.split())
    assert "holiday, promotion of airport are not given for any of the 14 steps" in said
    assert "--future FILE" in said


def test_python_takes_files_rows_and_data_frames(run, files):
    import pandas as pd

    history, known = files
    model = face.load(run)
    rows = model.predict(history, future=known, quantiles=[0.5])
    assert model.predict(str(history), future=str(known), quantiles=[0.5]) == rows
    frame, ahead = pd.read_csv(history), pd.read_csv(known)
    assert model.predict(frame, future=ahead, quantiles=[0.5]) == rows
    assert model.predict(frame.to_dict("records"), future=ahead.to_dict("records"), quantiles=[0.5]) == rows
    assert list(pd.DataFrame(rows).columns) == ["shop", "day", "cutoff", "mean", "q0.5"]
    assert model.predict()[0]["cutoff"] == "2024-12-31"
    for wrong in (3, {"shop": "airport"}, [3], b"history.csv"):
        with pytest.raises(TypeError, match="a path, or rows as dictionaries"):
            model.predict(wrong)
    with pytest.raises(TypeError, match="future"):
        model.predict(frame, future=3)
