"""Help: what it lists, that nothing heavy is imported for it, and that it comes quickly."""

from __future__ import annotations

import importlib
import inspect
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from rnncli import tasks
from rnncli.cli import menu
from tests.commands import PYTHON, TINY, own_environment, rnncli

HEAVY = ("torch", "torchaudio", "datasets", "sklearn", "numpy", "scipy", "pyarrow", "pandas", "safetensors")
BARE = """
import typer

app = typer.Typer(rich_markup_mode="rich")
app.command("one")(lambda: None)
app.command("two")(lambda: None)
app()
"""


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


def test_no_metadata_of_packages_are_read_for_help_where_none_brings_a_task(tmp_path):
    """With zip files and email beside them, they take a tenth of its time."""
    shown = "import sys; from rnncli.cli.main import app; app(sys.argv[1:], standalone_mode=False);"
    code = shown + "print('importlib.metadata' in sys.modules, file=sys.stderr)"
    command = [sys.executable, "-c", code, "--help"]
    done = subprocess.run(command, cwd=tmp_path, env=own_environment(), capture_output=True, text=True, timeout=60)
    assert done.stderr.strip() == "False"


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
        assert loaded - {"rnncli.cli.command", "rnncli.cli.terminal", "rnncli.cli.progressline"} == {*always, *own}


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
    assert wrong.stderr == 'error there is no command "sentimnt"\ntry   rnncli sentiment\n'
    command = ("sentiment", "--data", "reviews.csv", *TINY, "--out", "run")
    done = typed(*command)
    assert done.returncode == 0, done.stderr
    assert json.loads((here / "run/run.json").read_text())["argv"] == ["rnncli", *command]


@pytest.mark.alone
def test_help_takes_little_longer_than_typers_own(tmp_path):
    """Of the processor's time; the least of nine, for what else a machine does can only add to it.

    Where typer's own help of two commands takes 0.3 s, ours takes at most 0.4: a quarter more, because eighteen
    commands in three panels are more to draw, and 20 ms, by which such a least differs on a busy machine.
    """
    bare = tmp_path / "bare.py"
    bare.write_text(BARE, encoding="utf-8")
    ours, theirs = [], []
    for _ in range(9):
        ours.append(processor_time([*PYTHON, "--help"], tmp_path))
        theirs.append(processor_time([sys.executable, str(bare), "--help"], tmp_path))
    assert min(ours) < 1.25 * min(theirs) + 0.02


def processor_time(command, here):
    process = subprocess.Popen(command, cwd=here, env=own_environment(), stdout=subprocess.DEVNULL)
    used = os.wait4(process.pid, 0)[2]
    process.returncode = 0
    return used.ru_utime + used.ru_stime


def test_the_help_of_a_task_shows_three_examples_that_begin_with_its_command():
    done = rnncli("sentiment", "--help")
    assert len(re.findall(r"^\W*rnncli sentiment\b", done.out, re.MULTILINE)) == 3
