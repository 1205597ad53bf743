"""What a shell completes, as its own script asks for it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys

import pytest

from rnncli import tasks
from rnncli.cli import completion, menu
from rnncli.cli.keys import RecipeKeys
from tests.commands import PYTHON, own_environment


def completed(here, words):
    """What bash is given for a line; words are parted as it parts them."""
    asked = {"COMP_WORDS": words, "COMP_CWORD": str(words.count(" ")), "_RNNCLI_COMPLETE": "complete_bash"}
    done = subprocess.run(
        PYTHON, cwd=here, env=own_environment() | asked, capture_output=True, text=True, timeout=60, check=False
    )
    return done.stdout.split()


@pytest.fixture
def runs(tmp_path, monkeypatch):
    """A folder with two runs and a batch of one."""
    for name in ("runs/one", "runs/two", "batch/three"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "run.json").write_text("{}")
    (tmp_path / "mine.yaml").write_text("task: sentiment\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_every_command_and_every_option_is_listed(tmp_path):
    assert sorted(completed(tmp_path, "rnncli ")) == sorted(line.name for line in menu.entries())
    assert completed(tmp_path, "rnncli ev") == ["evaluate"]
    assert completed(tmp_path, "rnncli runs ") == ["list", "show", "rm"]
    options = {"--data", "--split", "--score", "--json", "--quiet", "--debug", "--help"}
    assert set(completed(tmp_path, "rnncli evaluate --")) == options
    assert "--text-column" in completed(tmp_path, "rnncli sentiment --")


def test_recipes_settings_and_runs_are_completed(runs):
    assert "sentiment/imdb" in completed(runs, "rnncli run sentiment/")
    assert completed(runs, "rnncli run mi") == ["mine.yaml"]
    assert completed(runs, "rnncli sentiment model.ce") == [f"model.cell={cell}" for cell in ("rnn", "lstm", "gru")]
    assert completed(runs, "rnncli run sentiment/default train.ep") == ["train.epochs=auto"]
    assert completed(runs, "rnncli predict runs/") == ["runs/one", "runs/two"]


def test_bash_which_parts_words_at_equals_signs_gets_the_value_alone(runs):
    assert completed(runs, "rnncli sentiment model.cell =") == ["rnn", "lstm", "gru"]
    assert completed(runs, "rnncli sentiment model.cell = l") == ["lstm"]


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash")
def test_the_script_that_bash_is_given_completes_a_setting(runs):
    script = 'eval "$(rnncli --show-completion bash)"; COMP_WORDS=(rnncli sentiment model.cell = l); COMP_CWORD=4;'
    (runs / "rnncli").write_text(f'#!/bin/sh\nexec {sys.executable} -m rnncli "$@"\n')
    (runs / "rnncli").chmod(0o755)
    environment = own_environment() | {
        "PATH": f"{runs}:/usr/bin:/bin",
        "_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1",
    }
    script += '_rnncli_completion rnncli; echo "${COMPREPLY[@]}"'
    command = ["bash", "-c", script]
    done = subprocess.run(command, cwd=runs, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout.split() == ["lstm"], done.stderr


def test_each_key_comes_with_what_it_takes_and_a_value_that_the_recipe_takes():
    for name in tasks.names():
        keys = RecipeKeys.of_task(name)
        assert "task" not in keys.paths
        for key in keys.paths:
            assert keys.about(key)
    keys = RecipeKeys.of_task("sentiment")
    assert keys.about("train.momentum") == "a number, at least 0 and below 1: of sgd"
    assert keys.values("model.bidirectional") == ("true", "false")
    assert keys.values("model.hidden") == (json.dumps(keys._schema().model.hidden),)


def test_folders_of_runs_are_completed_where_several_are_wanted(runs):
    assert completion.runs("") == ["batch/three", "runs/one", "runs/two"]
    assert completion.runs_and_folders("")[:2] == ["batch", "runs"]
    assert completion.runs("nothing/") == []


def test_completion_imports_nothing_heavy(tmp_path):
    code = (
        "import sys; from rnncli.cli import completion; from rnncli.cli.keys import RecipeKeys;"
        "RecipeKeys.of_task('speech'); completion.recipes(''); completion.runs('');"
        "print([name for name in ('torch', 'numpy', 'pyarrow', 'sklearn') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=own_environment(), capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
