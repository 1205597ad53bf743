"""``rnncli runs``: what is under a folder."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import threading
import time

import pytest

from rnncli.runs import lock
from rnncli.runs.listing import facts
from tests.commands import PYTHON, own_environment, rnncli
from tests.runs.made import made_run

FIELDS = {"path", "task", "recipe", "state", "metric", "title", "score", "unit", "epochs", "age", "size"}


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A finished run, one that failed, one that was killed, a damaged one; the first is the oldest."""
    monkeypatch.chdir(tmp_path)
    made_run(tmp_path / "runs/done")
    for name, state in (("failed", "failed"), ("killed", "running"), ("torn", "finished")):
        made_run(tmp_path / "runs/cells" / name, state=state)
    for name in ("failed", "killed"):
        (tmp_path / "runs/cells" / name / "report.json").unlink()
    (tmp_path / "runs/cells/torn/recipe.yaml").write_text("task: [")
    old = time.time() - 3 * 86400
    for file in (tmp_path / "runs/done").rglob("*"):
        os.utime(file, (old, old))
    return tmp_path


def test_a_run_whose_files_are_being_replaced_is_listed(here):
    run, ended = here / "runs/done", threading.Event()

    def train():
        while not ended.is_set():
            for name in "abcdefgh":
                (run / name).mkdir()
                (run / name / "model").write_bytes(b"")
            for name in "abcdefgh":
                (run / name / "model").unlink()
                (run / name).rmdir()

    training = threading.Thread(target=train)
    training.start()
    try:
        until = time.monotonic() + 1
        while time.monotonic() < until:
            assert facts(run).state == "finished"
    finally:
        ended.set()
        training.join()


def test_every_run_is_listed_with_state_score_age_and_size(here):
    rows = rnncli("runs", "list", "--json").json
    assert all(set(row) == FIELDS for row in rows)
    assert rows[0]["path"] == "runs/done"
    assert rows[0]["age"] == pytest.approx(3 * 86400, abs=60)
    states = {row["path"].split("/")[-1]: row["state"] for row in rows}
    assert states == {"done": "finished", "failed": "failed", "killed": "stopped", "torn": "damaged"}
    report = json.loads((here / "runs/done/report.json").read_text())
    assert rows[0]["score"] == report["metrics"]["accuracy"]["value"]
    assert rows[0]["size"] == sum(file.stat().st_size for file in (here / "runs/done").rglob("*") if file.is_file())
    lines = rnncli("runs", "list").out.splitlines()
    assert lines[1].split()[:3] == ["runs/done", "finished", "accuracy"]
    assert "3 days ago" in lines[1]


def test_a_run_at_work_is_said_to_be(here):
    with lock.held(here / "runs/cells/killed", "run"):
        states = [row["state"] for row in rnncli("runs", "list", "--json").json if "killed" in row["path"]]
        assert states == ["running"]
        refused = rnncli("runs", "rm", "runs/cells/killed", "runs/done", "--yes")
        assert refused.code == 4
        assert f"process {os.getpid()} works on this run" in refused.err
    assert (here / "runs/done").exists()
    assert (here / "runs/cells/killed").exists()


def test_a_run_is_shown_with_its_command_and_report(here):
    done = rnncli("runs", "show", "runs/done")
    assert done.code == 0
    assert "state     finished" in done.out
    assert "accuracy" in done.out
    found = rnncli("runs", "show", "runs/done", "--json").json
    assert set(found) == FIELDS | {"record", "report"}
    assert found["report"]["task"] == "sentiment"
    assert rnncli("runs", "show", "runs/cells/failed").code == 0


def test_runs_are_removed_only_when_told_to(here):
    asked = rnncli("runs", "rm", "runs/done")
    assert asked.code == 2
    assert "--yes" in asked.err
    assert (here / "runs/done").exists()
    assert rnncli("runs", "rm", "runs/done", "runs/cells/failed", "--yes").code == 0
    assert not (here / "runs/done").exists()
    assert not (here / "runs/cells/failed").exists()
    assert (here / "runs/cells/torn").exists()


def test_on_a_terminal_one_is_asked(here):
    for answer, stays in (("n\n", True), ("y\n", False)):
        leader, follower = pty.openpty()
        command = [*PYTHON, "runs", "rm", "runs/done"]
        process = subprocess.Popen(command, cwd=here, env=own_environment(), stdin=follower, stderr=subprocess.DEVNULL)
        os.write(leader, answer.encode())
        process.wait(60)
        os.close(leader)
        os.close(follower)
        assert (here / "runs/done").exists() == stays


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["list", "nowhere"], 4, "no such folder"),
        (["show", "nowhere"], 4, "no such run"),
        (["rm", "runs", "--yes"], 2, "a folder of runs"),
        (["rm", "nowhere", "--yes"], 4, "no such run"),
    ],
)
def test_what_is_no_run_is_a_sentence(here, arguments, code, says):
    done = rnncli("runs", *arguments)
    assert done.code == code
    assert says in done.err
    assert (here / "runs/done").exists()


def test_a_run_that_is_worked_on_cannot_be_resumed_twice(here, monkeypatch):
    monkeypatch.setattr(lock, "PATIENCE", 0.1)
    with lock.held(here / "runs/cells/killed", "run"):
        done = rnncli("run", "--resume", "runs/cells/killed")
    assert done.code == 4
    assert f"process {os.getpid()} works on this run" in done.err
