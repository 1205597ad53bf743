"""How commands speak: results on stdout, all else on stderr, plain where nobody looks, and quickly."""

from __future__ import annotations

import importlib
import inspect
import json
import os
import pty
import re
import select
import shutil
import statistics
import subprocess
import sys
from pathlib import Path

import pytest

from rnncli import tasks
from rnncli.cli import menu
from rnncli.recipe import library
from tests.commands import PYTHON, TINY, own_environment, reviews, rnncli, start_rnncli, train

ANSI = "\x1b"
HEAVY = ("torch", "torchaudio", "datasets", "sklearn", "numpy", "scipy", "pyarrow", "pandas", "safetensors")
BARE = """
import typer

app = typer.Typer(rich_markup_mode="rich")
app.command("one")(lambda: None)
app.command("two")(lambda: None)
app()
"""
FIELDS = {
    *("task", "recipe", "split", "examples", "dropped", "metrics", "labels", "confusion", "per_class", "baselines"),
    *("model", "training"),
}


def train_here(*arguments):
    return rnncli("sentiment", "--data", "reviews.csv", *TINY, *arguments)


def test_help_imports_nothing_heavy_and_is_quick(tmp_path):
    code = (
        "import sys; from rnncli.cli.main import app; app(sys.argv[1:], standalone_mode=False);"
        f"print([name for name in {HEAVY!r} if name in sys.modules], file=sys.stderr)"
    )
    for arguments in (["--help"], ["sentiment", "--help"], ["recipes", "list"], ["recipes", "--help"]):
        command = [sys.executable, "-c", code, *arguments]
        done = subprocess.run(command, cwd=tmp_path, env=own_environment(), capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        assert done.stderr.strip() == "[]"


def test_help_builds_no_command_and_a_command_no_other(tmp_path):
    """Only what was called is imported."""
    shown = "import sys; from rnncli.cli.main import app; app(sys.argv[1:], standalone_mode=False);"
    code = shown + "print(sorted(m for m in sys.modules if m.startswith('rnncli.cli.')), file=sys.stderr)"
    always = ["rnncli.cli.main", "rnncli.cli.menu", "rnncli.cli.streams"]
    for arguments, own in ((["--help"], set()), (["ngram", "--help"], {"rnncli.cli.ngram"})):
        command = [sys.executable, "-c", code, *arguments]
        done = subprocess.run(command, cwd=tmp_path, env=own_environment(), capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        loaded = set(re.findall(r"'([^']+)'", done.stderr))
        assert loaded - {"rnncli.cli.command", "rnncli.cli.terminal"} == {*always, *own}


def test_each_line_of_the_help_is_what_its_command_says_of_itself():
    lines = menu.entries()
    assert len(lines) == len({line.name for line in lines}) > len(tasks.names())
    for line in lines:
        command = menu.build(line)
        first = inspect.cleandoc(command.help).split("\n\n")[0].replace("\n", " ")
        assert line.summary == first, line.name
        assert line.panel == "Tasks" or line.name not in tasks.names()


def test_every_module_of_a_command_is_on_the_menu():
    """A file with a function of its own name, or with an app, is a command."""
    files = (file.stem for file in Path(menu.__file__).parent.glob("*.py"))
    found = (importlib.import_module(f"rnncli.cli.{name}") for name in files if name not in ("child", "__init__"))
    modules = {m.__name__ for m in found if hasattr(m, "app") or hasattr(m, m.__name__.split(".")[-1])}
    placed = {f"rnncli.cli.{line.place.split(':')[0]}" for line in menu.COMMANDS}
    assert modules - {"rnncli.cli.main", "rnncli.cli.command"} == placed


def test_completion_lists_every_command_and_every_option(tmp_path):
    def completed(words):
        environment = own_environment() | {
            "COMP_WORDS": words,
            "COMP_CWORD": str(words.count(" ")),
            "_RNNCLI_COMPLETE": "complete_bash",
        }
        done = subprocess.run(PYTHON, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60)
        return done.stdout.split()

    assert sorted(completed("rnncli ")) == sorted(line.name for line in menu.entries())
    assert completed("rnncli ev") == ["evaluate"]
    assert completed("rnncli runs ") == ["list", "show", "rm"]
    assert set(completed("rnncli evaluate --")) == {"--data", "--split", "--json", "--quiet", "--debug", "--help"}
    assert "--text-column" in completed("rnncli sentiment --")


def test_python_dash_m_is_the_same_command(here):
    """By its name too, and in what a run records of how it was begun."""

    def typed(*arguments):
        command = [sys.executable, "-m", "rnncli", *arguments]
        return subprocess.run(command, cwd=here, env=own_environment(), capture_output=True, text=True, timeout=90)

    assert typed("--version").stdout == rnncli("--version").out
    shown = typed("run", "--help").stdout
    assert re.search(r"Usage: rnncli run \[OPTIONS\]", shown)
    wrong = typed("sentimnt")
    assert wrong.returncode == 2
    assert "Usage: rnncli [OPTIONS]" in wrong.stderr
    assert "Did you mean 'sentiment'" in wrong.stderr
    command = ("sentiment", "--data", "reviews.csv", *TINY, "--out", "run")
    done = typed(*command)
    assert done.returncode == 0, done.stderr
    assert json.loads((here / "run/run.json").read_text())["argv"] == ["rnncli", *command]


@pytest.mark.alone
def test_help_takes_little_longer_than_typers_own(tmp_path):
    """Of the processor's time, which other work on the machine does not lengthen.

    Where typer's own help of two commands takes 0.3 s, ours takes at most 0.4: a quarter more, because eighteen
    commands in three panels are more to draw, and 20 ms, which is what two medians of nine differ by on a busy machine.
    """
    bare = tmp_path / "bare.py"
    bare.write_text(BARE, encoding="utf-8")
    ours, theirs = [], []
    for _ in range(9):
        ours.append(processor_time([*PYTHON, "--help"], tmp_path))
        theirs.append(processor_time([sys.executable, str(bare), "--help"], tmp_path))
    assert statistics.median(ours) < 1.25 * statistics.median(theirs) + 0.02


def processor_time(command, here):
    process = subprocess.Popen(command, cwd=here, env=own_environment(), stdout=subprocess.DEVNULL)
    used = os.wait4(process.pid, 0)[2]
    process.returncode = 0
    return used.ru_utime + used.ru_stime


def test_the_help_of_a_task_shows_three_examples_that_begin_with_its_command():
    done = rnncli("sentiment", "--help")
    assert len(re.findall(r"^\W*rnncli sentiment\b", done.out, re.MULTILINE)) == 3


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
    assert {"place", "truth", "text", "label", "probabilities"} == set(rows[0])


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


def in_a_terminal(command, cwd, **environment):
    """What a command shows on a terminal of 80 columns, and its exit code."""
    pid, screen = pty.fork()
    if pid == 0:
        os.chdir(cwd)
        os.execvpe(PYTHON[0], [*PYTHON, *command], own_environment() | {"COLUMNS": "80", "LINES": "24"} | environment)
    shown = b""
    while True:
        try:
            part = os.read(screen, 65536)
        except OSError:
            break
        if not part:
            break
        shown += part
    return shown.decode(), os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def plain(shown):
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown)


def test_a_terminal_gets_colours_a_bar_and_eighty_columns(here):
    wide = "an extraordinarily long label number "
    text = reviews().replace(",positive", f",{wide}one").replace(",negative", f",{wide}two")
    (here / "reviews.csv").write_text(text, encoding="utf-8")
    command = ["sentiment", "--data", "reviews.csv", *TINY, "train.epochs=2"]
    shown, code = in_a_terminal(command, here)
    assert code == 0, shown
    assert "\x1b[1m" in shown
    assert "accuracy" in shown
    for line in re.split(r"[\r\n]+", plain(shown)):
        assert len(line) <= 80, line
    run = next((here / "runs").iterdir())
    shown, code = in_a_terminal(["predict", str(run), "good \x1b[2J film", "bad"], here)
    assert code == 0
    assert "probability" in shown
    assert "\x1b[2J" not in shown
    assert "␛[2J" in shown


def test_no_color_takes_the_colours_away(here, trained):
    shown, code = in_a_terminal(["evaluate", str(trained)], here, NO_COLOR="1")
    assert code == 0, shown
    assert not re.search(r"\x1b\[[0-9;]*3\dm", shown)


def test_control_characters_of_data_cannot_steer_a_terminal(here):
    evil = "\x1b[2J\x1b]0;owned\x07\u202e"
    text = reviews().replace("film", f"film{evil}").replace(",positive", f",pos{evil}")
    (here / f"x{evil}.csv").write_text(text, encoding="utf-8")
    done = rnncli("sentiment", "--data", f"x{evil}.csv", *TINY)
    assert done.code == 0, done.err
    checked = rnncli("data", "check", "sentiment/own-data", f'data.train="x{json.dumps(evil)[1:-1]}.csv"')
    assert checked.code == 0, checked.err
    for told in (done.out, done.err, checked.out, checked.err):
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f\u202e]", told), told
    assert rnncli("sentiment", "--data", f"no{evil}.csv").err.isprintable() is False
    assert not re.search("[\x1b\x07\u202e]", rnncli("sentiment", "--data", f"no{evil}.csv").err)


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
