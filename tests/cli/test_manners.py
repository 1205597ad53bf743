"""How commands speak: results on stdout, all else on stderr, and plain where nobody looks."""

from __future__ import annotations

import json
import re
import select
import shutil
import statistics
import subprocess

import pytest

from rnncli.recipe import library
from tests.commands import PYTHON, TINY, own_environment, reviews, rnncli, start_rnncli, train

ANSI = "\x1b"
FIELDS = {
    *("task", "recipe", "split", "examples", "dropped", "metrics", "labels", "confusion", "per_class", "baselines"),
    *("model", "training", "advice"),
}


def train_here(*arguments):
    return rnncli("sentiment", "--data", "reviews.csv", *TINY, *arguments)


def test_piped_output_has_no_control_codes_and_no_cut_cell(here):
    label = "a label that is much longer than any terminal is wide, " * 3
    (here / "reviews.csv").write_text(reviews().replace(",positive", f',"{label.strip()}"'), encoding="utf-8")
    done = train_here()
    assert done.code == 0, done.err
    for text in (done.out, done.err):
        assert ANSI not in text
        assert "…" not in text
        assert "\r" not in text
    assert label.strip() in done.out
    assert "/reviews.csv" in done.out or "reviews.csv" in done.err
    for command in (["data", "check", "sentiment/own-data", "data.train=reviews.csv"], ["recipes", "list"], ["doctor"]):
        done = rnncli(*command)
        assert done.code == 0, done.err
        assert ANSI not in done.out + done.err
        assert "…" not in done.out


def test_one_plain_line_tells_of_each_epoch_where_there_is_no_terminal(here):
    done = train_here("train.epochs=3", "train.patience=0")
    assert len(re.findall(r"^ +[123] +\d\.\d+ ", done.err, re.MULTILINE)) == 3


def test_every_command_speaks_json(here, trained):
    commands = [
        ["sentiment", "--data", "reviews.csv", *TINY],
        ["run", "sentiment/own-data", "data.train=reviews.csv", "--dry-run", *TINY],
        ["evaluate", trained],
        ["recipes", "list"],
        ["recipes", "show", "sentiment/default"],
        ["recipes", "copy", "sentiment/default", "mine.yaml"],
        ["recipes", "validate", "sentiment/default", "sentiment/imdb"],
        ["data", "check", "sentiment/own-data", "data.train=reviews.csv"],
        ["doctor"],
    ]
    for command in commands:
        done = rnncli(*command, "--json")
        assert done.code == 0, (command, done.err)
        assert done.json
    done = rnncli("predict", trained, "good", "bad", "--json")
    assert [sorted(row) for row in done.lines] == [["label", "probabilities", "text"]] * 2


def test_json_of_a_command_that_fails_is_nothing_at_all(here):
    done = rnncli("sentiment", "--data", "no.csv", "--json")
    assert (done.code, done.out) == (3, "")


def test_validating_several_recipes_tells_of_each(here):
    (here / "bad.yaml").write_text("task: sentiment\nseed: x\ncolour: red\n")
    done = rnncli("recipes", "validate", "sentiment/default", "bad.yaml", "--json")
    assert done.code == 2
    good, bad = done.json
    assert (good["valid"], good["problems"]) == (True, [])
    assert (bad["valid"], len(bad["problems"])) == (False, 2)


def test_quiet_says_nothing_but_results_and_errors(here, trained):
    done = train_here("--quiet")
    assert done.code == 0
    assert done.err == ""
    assert "accuracy" in done.out
    assert rnncli("evaluate", trained, "--quiet").err == ""
    assert "error " in rnncli("evaluate", "none", "--quiet").err


def test_debug_shows_where_an_error_came_from(here):
    assert "Traceback" in rnncli("sentiment", "--data", "no.csv", "--debug").err


def test_a_defect_is_called_one_and_kept_in_the_log(here, monkeypatch):
    monkeypatch.setattr("rnncli.runs.score.evaluate", lambda *_, **__: 1 / 0)
    done = train_here("--out", "run")
    assert done.code == 1
    assert "defect" in done.err
    assert "Traceback" not in done.err
    assert "ZeroDivisionError" in (here / "run" / "log.txt").read_text()


def test_the_report_has_exactly_the_fields_that_programs_read(here):
    report = train_here("--json", "evaluation.baselines=true", "evaluation.resamples=20").json
    assert FIELDS | {"confidence", "positive", "about", "reach", "notes", "mistakes", "tables"} == set(report)
    assert report == json.loads(next(here.glob("runs/*/report.json")).read_text())
    assert set(report["metrics"]["accuracy"]) == {"value", "low", "high", "unit", "better"}
    assert set(report["per_class"][0]) == {"label", "precision", "recall", "f1", "support"}
    assert set(report["model"]) == {"cell", "layers", "hidden", "bidirectional", "parameters"}
    assert set(report["training"]) == {"seconds", "epochs", "best_epoch", "examples_per_second", "device"}
    assert set(report["baselines"]) == {"majority", "n-grams + logistic", "nb-svm"}
    assert all(isinstance(figures["accuracy"], float) for figures in report["baselines"].values())
    assert (report["task"], report["recipe"], report["split"]) == ("sentiment", "own-data", "test")
    assert report["examples"] == sum(map(sum, report["confusion"])) == 6


def test_the_report_of_a_cross_validation_has_its_folds(here):
    report = train_here("--json", "data.folds=3").json
    assert set(report) >= FIELDS | {"folds"}
    assert [fold["fold"] for fold in report["folds"]] == [0, 1, 2]
    values = [fold["metrics"]["accuracy"] for fold in report["folds"]]
    assert report["metrics"]["accuracy"]["value"] == pytest.approx(statistics.mean(values))
    assert report["metrics"]["accuracy"]["deviation"] == pytest.approx(statistics.stdev(values))
    assert sum(map(sum, report["confusion"])) == 60


def test_a_run_keeps_what_the_design_says(here):
    run = train(here / "reviews.csv", here / "run")
    files = {str(file.relative_to(run)) for file in run.rglob("*") if file.is_file()}
    assert files == {
        *(
            ".lock",
            "recipe.yaml",
            "run.json",
            "metrics.jsonl",
            "report.json",
            "report.html",
            "log.txt",
            "predictions/test.jsonl",
        ),
        *("vocab/vocabulary.json", "vocab/units.json", "vocab/labels.json"),
        *("checkpoints/best/model.safetensors", "checkpoints/best/meta.json"),
        *(f"checkpoints/last/{name}" for name in ("model.safetensors", "training.safetensors", "meta.json")),
    }
    record = json.loads((run / "run.json").read_text())
    assert {"argv", "versions", "device", "reasons", "seed", "state", "exit_code"} <= set(record)
    rows = [json.loads(line) for line in (run / "predictions/test.jsonl").read_text().splitlines()]
    for row in rows:
        expected = {"place", "truth", "text", "label", "probabilities"}
        assert set(row) - {"adds"} == expected
        assert "adds" not in row or row["label"] != row["truth"]


def test_a_dry_run_leaves_nothing_behind(here):
    done = train_here("--dry-run")
    assert done.code == 0, done.err
    assert "one batch" in done.out
    assert [path.name for path in here.iterdir()] == ["reviews.csv"]


def test_example_prints_a_line_that_predict_takes(trained):
    example = rnncli("predict", trained, "--example").out
    assert example.count("\n") == 1
    assert rnncli("predict", trained, "-", stdin=example).lines[0]["text"] == example.strip()


def test_predict_takes_texts_files_and_streams_alike(here, trained):
    (here / "x.jsonl").write_text('{"text": "good film", "n": 1}\n{"text": "bad", "n": 2}\n')
    (here / "x.txt").write_text("good film\r\nbad\n")
    rows = rnncli("predict", trained, "good film", "bad").lines
    assert rnncli("predict", trained, "x.jsonl").lines == rows
    assert rnncli("predict", trained, "x.txt").lines == rows
    assert rnncli("predict", trained, stdin="good film\r\nbad\n").lines == rows
    assert len(rnncli("predict", trained, "reviews.csv").lines) == 60
    assert rnncli("predict", trained, "-", stdin="").out == ""


def test_predict_answers_each_line_of_a_stream_before_the_next_one_comes(tmp_path, trained):
    process = start_rnncli("predict", trained, "-", cwd=tmp_path)
    assert process.stdin
    assert process.stdout
    for text in ("good film", "", "bad 电影 \x1b[31m", '{"text": "good"}'):
        process.stdin.write(text + "\n")
        process.stdin.flush()
        assert select.select([process.stdout], [], [], 90)[0], "no answer while the stream is open"
        row = json.loads(process.stdout.readline())
        assert row["text"] == ("good" if text.startswith("{") else text)
        assert sum(row["probabilities"].values()) == pytest.approx(1, abs=1e-5)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (0, ""), err


def test_a_reader_that_goes_away_is_no_error(tmp_path, trained):
    process = start_rnncli("predict", trained, "-", cwd=tmp_path)
    assert process.stdin
    assert process.stdout
    process.stdout.close()
    process.stdin.write("good\n" * 2000)
    process.stdin.close()
    process.wait(timeout=90)
    assert process.stderr
    with process.stderr as told:
        assert told.read() == ""
    assert process.returncode == 0


def test_recipes_in_a_loop_need_no_terminal(here):
    for name in ("one", "two", "three"):
        (here / f"{name}.yaml").write_text("task: sentiment\ndata: {train: reviews.csv}\n")
        assert rnncli("run", f"{name}.yaml", *TINY, "--quiet").code == 0
    runs = sorted(path.name for path in (here / "runs").iterdir())
    assert runs == ["sentiment-one-1", "sentiment-three-1", "sentiment-two-1"]


def test_a_run_without_streams_to_read_works(here):
    command = [*PYTHON, "run", "sentiment/own-data", "data.train=reviews.csv", *TINY, "--json"]
    done = subprocess.run(
        command, cwd=here, env=own_environment(), stdin=subprocess.DEVNULL, capture_output=True, timeout=90
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["task"] == "sentiment"


def test_runs_are_numbered_and_never_overwritten(here):
    first, second = train_here("--quiet"), train_here("--quiet")
    assert (first.code, second.code) == (0, 0)
    assert sorted(path.name for path in (here / "runs").iterdir()) == [
        "sentiment-reviews-1",
        "sentiment-reviews-2",
    ]


def test_a_copied_recipe_is_the_shipped_one(here):
    assert rnncli("recipes", "copy", "sentiment/imdb").code == 0
    shipped = next(one for one in library.find() if one.name == "sentiment/imdb")
    assert (here / "imdb.yaml").read_bytes() == shipped.path.read_bytes()


def test_a_run_can_be_moved(here, trained):
    before = rnncli("predict", trained, "good film").out
    shutil.copytree(trained, here / "elsewhere")
    assert rnncli("predict", "elsewhere", "good film").out == before


def test_resume_takes_the_recipe_that_the_run_was_begun_with(here):
    command = ("run", "sentiment/own-data", "data.train=reviews.csv", *TINY)
    begun = rnncli(*command, "--out", "run", "--json")
    assert begun.code == 0, begun.err
    again = rnncli(*command, "--resume", "run", "--json")
    assert (again.code, again.json) == (0, begun.json)
