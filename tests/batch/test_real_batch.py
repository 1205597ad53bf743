"""Batches whose runs really train: what takes minutes."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from rnncli.batch.ledger import BEGUN, FAILED, FINISHED, Ledger
from rnncli.runs import lock
from tests.commands import TINY, reviews, rnncli, start_rnncli

pytestmark = [pytest.mark.slow, pytest.mark.long]

RUNS, EPOCHS = 24, 2
FAILING = "sentiment-default-data.source=file-data.train=absent.csv"
COMMAND = ("batch", "cells.yaml", "--jobs", "2", "--out", "out")


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A folder with a batch of 24 short runs on the corpus that rnncli makes itself, and one that must fail."""
    monkeypatch.chdir(tmp_path)
    always = dict(key.split("=") for key in TINY) | {"train.epochs": EPOCHS}
    cells = ("rnn", "lstm", "gru")
    each = [f"  - {{model.cell: {cell}, seed: {seed}}}" for seed in range(RUNS // len(cells)) for cell in cells]
    each.insert(5, "  - {data.source: file, data.train: absent.csv}")
    grid = "\n".join(f"  {key}: {value}" for key, value in always.items())
    text = "recipes: [sentiment/default]\ngrid:\n" + grid + "\nlist:\n" + "\n".join(each) + "\n"
    (tmp_path / "cells.yaml").write_text(text, encoding="utf-8")
    return tmp_path


@pytest.fixture
def start(here):
    """Starts the batch in a process of its own; what still runs in the end is killed."""
    started: list[subprocess.Popen[str]] = []

    def begin(*more: str) -> subprocess.Popen[str]:
        started.append(start_rnncli(*COMMAND, *more, cwd=here))
        return started[-1]

    yield begin
    for batch in started:
        if batch.poll() is None:
            kill(batch, with_runs=True)


def children(process: int) -> list[int]:
    try:
        return [int(child) for child in Path(f"/proc/{process}/task/{process}/children").read_text().split()]
    except OSError:
        return []


def alive(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def wait(until, seconds: float = 300.0) -> None:
    for _ in range(round(20 * seconds)):
        if until():
            return
        time.sleep(0.05)
    raise AssertionError("waited in vain")


def wait_for_reports(out: Path, count: int) -> None:
    wait(lambda: len(reports(out)) >= count)


def kill(batch: subprocess.Popen[str], *, with_runs: bool) -> None:
    """SIGKILL the batch; its runs, unless they are killed as well, are told by the kernel and end by themselves."""
    runs = children(batch.pid)
    for run in runs if with_runs else ():
        os.kill(run, signal.SIGKILL)
    batch.kill()
    batch.communicate()
    wait(lambda: not any(map(alive, runs)))


def reports(folder: Path) -> dict[str, int]:
    """The finished runs, and when each was."""
    return {file.parent.name: file.stat().st_mtime_ns for file in folder.glob("*/report.json")}


def attempts(folder: Path) -> Iterator[tuple[str, list[dict]]]:
    """What the ledger tells of each run."""
    lines = list(Ledger(folder).lines())
    for name in sorted({line["run"] for line in lines}):
        yield name, [line for line in lines if line["run"] == name]


@pytest.mark.timeout(1800)
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="asks the kernel of Linux")
def test_a_batch_of_real_runs_killed_three_times_ends_with_every_run_done_once(here, start):
    out, draw, seen = here / "out", random.Random(), {}
    for number in range(3):
        batch = start()
        wait_for_reports(out, 4 * number + 1)
        time.sleep(draw.uniform(0, 4))
        assert batch.poll() is None
        if number == 1:
            second = start()
            _, err = second.communicate(timeout=120)
            assert (second.returncode, "works on this batch" in err) == (4, True)
        kill(batch, with_runs=number == 2)
        assert {name: reports(out)[name] for name in seen} == seen  # what is done is left alone
        seen = reports(out)
    assert 0 < len(seen) < RUNS
    batch = start("--json")
    found, err = batch.communicate(timeout=1500)
    assert batch.returncode == 5, err
    assert f"1 of {RUNS + 1} runs failed: {FAILING}" in err
    runs = json.loads(found)["runs"]
    assert {run["name"]: run["state"] for run in runs if run["state"] != FINISHED} == {FAILING: FAILED}
    assert sum(run["before"] for run in runs) == len(seen)
    assert {name: reports(out)[name] for name in seen} == seen
    assert_consistent(out, runs)
    assert_as_if_undisturbed(here, out)


def assert_consistent(out: Path, runs: list[dict]) -> None:
    """Directories and ledger tell the same: each run begun perhaps several times, and finished once, at the end."""
    done = reports(out)
    assert set(done) == {run["name"] for run in runs} - {FAILING}
    assert len(done) == RUNS
    for name, lines in attempts(out):
        events = [line["event"] for line in lines]
        if name == FAILING:
            assert set(events) == {BEGUN, FAILED}
            assert "absent.csv" in lines[-1]["error"]
            assert not (out / name / "report.json").exists()
            continue
        assert events == [BEGUN] * (len(events) - 1) + [FINISHED]
        assert 2 <= len(events) <= 5
        epochs = [json.loads(line)["epoch"] for line in (out / name / "metrics.jsonl").read_text().splitlines()]
        assert epochs == list(range(1, EPOCHS + 1))
        record = json.loads((out / name / "run.json").read_text())
        assert (record["state"], record["exit_code"]) == ("finished", 0)
        assert lock.holder(out / name) == 0
    assert not list(out.glob(".new-*"))


def assert_as_if_undisturbed(here: Path, out: Path) -> None:
    """A run that was interrupted ends as one does that was not."""
    disturbed = [name for name, lines in attempts(out) if len(lines) > 2 and name != FAILING]
    assert disturbed
    for name in disturbed[:2]:
        assert rnncli("run", out / name / "recipe.yaml", "--out", here / "again" / name, "--quiet").code == 0
        one, two = (json.loads((run / "report.json").read_text()) for run in (out / name, here / "again" / name))
        assert one["metrics"] == two["metrics"]
        assert one["reach"] == two["reach"]


@pytest.mark.alone
def test_two_at_a_time_are_half_as_long_again_as_fast_as_one_after_the_other(here):
    if len(os.sched_getaffinity(0)) < 2:
        pytest.skip("one processor")
    (here / "reviews.csv").write_text(reviews(400, long=30), encoding="utf-8")
    sets = [part for key in (*TINY, "data.train=reviews.csv", "seed=1,2,3,4") for part in ("--set", key)]
    command = ("sentiment/own-data", *sets, "--set", "train.epochs=8")

    def seconds(jobs: str, turn: int) -> float:
        begun = time.monotonic()
        batch = start_rnncli("batch", *command, "--jobs", jobs, "--out", f"{jobs}-{turn}", cwd=here)
        batch.communicate(timeout=300)
        assert batch.returncode == 0
        return time.monotonic() - begun

    # Whatever else the machine does may fall on one of the two, but hardly on the same one three times.
    assert any(seconds("1", turn) / seconds("2", turn) > 1.5 for turn in range(3))
