"""Batches end with every run done once, whatever is done to them."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from rnncli.batch.child import accelerators, shares
from rnncli.batch.estimate import estimates
from rnncli.batch.ledger import Ledger
from rnncli.batch.plan import plan, read_batch, recognised, run_name, split_values
from rnncli.errors import RecipeError, UsageError
from tests.commands import TINY, own_environment, reviews, rnncli, start_rnncli
from tests.runs.made import made_run

STUB = Path(__file__).with_name("stub.py")
DRIVER = (
    "import sys; from rnncli.batch import child;"
    f"child.COMMAND = (sys.executable, {str(STUB)!r});"
    "from rnncli.cli.main import main; main()"
)
RUNS = 16
"""Of a batch that is killed at random: more than are done before the last kill."""
SEEDS = ("sentiment/own-data", "--set", "data.train=reviews.csv")


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "reviews.csv").write_text(reviews(), encoding="utf-8")
    return tmp_path


def start_batch(here: Path, *arguments: str, seconds: float = 0.1) -> subprocess.Popen[str]:
    """A batch in a process of its own whose runs only pretend."""
    report = here / "stub.json"
    if not report.exists():
        report.write_bytes((made_run(here / "made") / "report.json").read_bytes())
    return subprocess.Popen(
        [sys.executable, "-c", DRIVER, "batch", *arguments],
        cwd=here,
        env=own_environment() | {"STUB_REPORT": str(report), "STUB_SECONDS": str(seconds)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def logs(folder: Path) -> dict[str, list[str]]:
    return {path.parent.name: path.read_text().splitlines() for path in folder.glob("*/log.txt")}


def workers(folder: Path) -> list[int]:
    """The processes that began a run."""
    return [int(line.split()[-1]) for lines in logs(folder).values() for line in lines if "begun by" in line]


def alive(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def assert_each_done_once(folder: Path, runs: int) -> None:
    reports = {path.parent.name for path in folder.glob("*/report.json")}
    finished = [line["run"] for line in Ledger(folder).lines() if line["event"] == "finished"]
    begun = {line["run"] for line in Ledger(folder).lines() if line["event"] == "begun"}
    assert len(reports) == runs
    assert sorted(finished) == sorted(reports)
    assert begun == reports
    assert all(sum("finished" in line for line in lines) == 1 for lines in logs(folder).values())
    assert not list(folder.glob(".new-*"))


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="asks the kernel of Linux")
def test_a_batch_killed_three_times_at_random_ends_with_every_run_done_once(here):
    seeds = f"seed={','.join(map(str, range(RUNS)))}"
    command = (*SEEDS, "--set", seeds, "--jobs", "2", "--out", "out")
    draw = random.Random(5)
    for kill in range(3):
        batch = start_batch(here, *command, seconds=0.2)
        deadline = time.monotonic() + 60
        while len(list((here / "out").glob("*/report.json"))) < 3 * kill + 1 and time.monotonic() < deadline:
            time.sleep(0.02)
        time.sleep(draw.uniform(0, 0.6))
        batch.kill()
        batch.communicate()
        # What it had begun does not go on unseen.
        deadline = time.monotonic() + 10
        while any(map(alive, workers(here / "out"))) and time.monotonic() < deadline:
            time.sleep(0.02)
        assert not any(map(alive, workers(here / "out")))
    done = len(list((here / "out").glob("*/report.json")))
    assert 0 < done < RUNS
    batch = start_batch(here, *command)
    _, err = batch.communicate(timeout=120)
    assert batch.returncode == 0, err
    assert_each_done_once(here / "out", RUNS)
    again = start_batch(here, *command, "--json")
    out, err = again.communicate(timeout=60)
    assert again.returncode == 0, err
    assert [run["before"] for run in json.loads(out)["runs"]] == [True] * RUNS
    assert_each_done_once(here / "out", RUNS)


def test_two_batches_on_one_folder_do_not_disturb_each_other(here):
    command = (*SEEDS, "--set", "seed=1,2,3,4", "--jobs", "2", "--out", "out")
    first, second = (start_batch(here, *command, seconds=2) for _ in range(2))
    ends = [(batch.communicate(timeout=120)[1], batch.returncode) for batch in (first, second)]
    assert sorted(code for _, code in ends) == [0, 4]
    assert any("works on this batch" in err for err, code in ends if code == 4)
    assert_each_done_once(here / "out", 4)


def test_a_batch_waits_for_a_run_that_another_process_works_on(here):
    alone = start_batch(here, *SEEDS, "--set", "seed=1", "--out", "out", seconds=0)
    alone.communicate(timeout=60)
    assert alone.returncode == 0
    run = next((here / "out").glob("*/report.json")).parent
    (run / "report.json").rename(here / "report.json")
    hold = (
        "import sys, time; from pathlib import Path; from rnncli.runs import lock\n"
        "run, report = map(Path, sys.argv[1:])\n"
        "with lock.held(run, 'run'):\n"
        "    print('held', flush=True); time.sleep(2); report.rename(run / 'report.json')\n"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", hold, str(run), str(here / "report.json")],
        env=own_environment(),
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdout is not None
    holder.stdout.readline()
    batch = start_batch(here, *SEEDS, "--set", "seed=1", "--out", "out")
    _, err = batch.communicate(timeout=60)
    assert batch.returncode == 0, err
    assert f"waiting for process {holder.pid}" in err
    holder.communicate()


def test_a_failing_run_is_named_and_the_others_are_done(here):
    command = (*SEEDS, "--set", "name=a,fail,c", "--jobs", "2", "--out", "out")
    batch = start_batch(here, *command, "--json")
    out, err = batch.communicate(timeout=60)
    assert batch.returncode == 5
    found = json.loads(out)
    states = {run["name"]: (run["state"], run["exit_code"]) for run in found["runs"]}
    failing = "sentiment-own-data-name=fail"
    assert states.pop(failing) == ("failed", 3)
    assert set(states.values()) == {("finished", 0)}
    assert "1 of 3 runs failed: sentiment-own-data-name=fail" in err
    assert "failed with 3: train.csv: no such file" in err
    assert f"\n{failing}: train.csv: no such file\n" in err
    assert len(found["comparison"]["settings"]) == 2
    failed = [line for line in Ledger(here / "out").lines() if line["event"] == "failed"]
    assert [(line["run"], line["error"]) for line in failed] == [(failing, "train.csv: no such file")]


def test_the_cause_of_a_failed_run_is_told_with_quiet_too(here):
    batch = start_batch(here, *SEEDS, "--set", "name=a,fail", "--out", "out", "--quiet")
    out, err = batch.communicate(timeout=60)
    assert batch.returncode == 5
    assert "sentiment-own-data-name=fail: train.csv: no such file\n" in err
    assert "begun" not in err
    assert "accuracy" in out


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_a_run_that_was_killed_is_called_so(here):
    """And not by the last thing that it said."""
    batch = start_batch(here, *SEEDS, "--set", "seed=1", "--out", "out", "--quiet", seconds=30)
    deadline = time.monotonic() + 60
    while not workers(here / "out") and time.monotonic() < deadline:
        time.sleep(0.05)
    os.kill(workers(here / "out")[0], signal.SIGKILL)
    _, err = batch.communicate(timeout=60)
    assert batch.returncode == 5
    assert "sentiment-own-data: killed by signal 9\n" in err


def test_an_interrupt_lets_the_runs_end_and_says_how_to_go_on(here):
    command = (*SEEDS, "--set", "seed=1,2,3", "--jobs", "2", "--out", "out")
    batch = start_batch(here, *command, seconds=30)
    deadline = time.monotonic() + 60
    while len(workers(here / "out")) < 2 and time.monotonic() < deadline:
        time.sleep(0.05)
    batch.send_signal(signal.SIGINT)
    _, err = batch.communicate(timeout=60)
    assert batch.returncode == 130
    assert "0 of 3 runs done" in err
    assert "the same command again" in err
    assert not any(map(alive, workers(here / "out")))
    assert [line["event"] for line in Ledger(here / "out").lines()] == ["begun", "begun", "interrupted", "interrupted"]


def test_a_batch_of_real_runs_trains_compares_and_keeps_a_log_of_each(here):
    sets = [part for key in TINY for part in ("--set", key)]
    command = ("batch", *SEEDS, *sets, "--set", "model.cell=rnn,gru", "--out", "out", "--jobs", "2", "--json")
    batch = start_rnncli(*command, cwd=here)
    out, err = batch.communicate(timeout=200)
    assert batch.returncode == 0, err
    found = json.loads(out)
    assert set(found) == {"out", "runs", "comparison"}
    fields = {"name", "path", "state", "seconds", "exit_code", "error", "metric", "score", "unit", "before"}
    assert all(set(run) == fields for run in found["runs"])
    names = [f"sentiment-own-data-model.cell={cell}" for cell in ("rnn", "gru")]
    assert [run["name"] for run in found["runs"]] == names
    assert found["comparison"]["keys"] == ["model.cell"]
    for run in found["runs"]:
        record = json.loads((here / run["path"] / "run.json").read_text())
        assert record["argv"][:3] == ["rnncli", "run", "sentiment/own-data"]
        assert (
            run["score"] == json.loads((here / run["path"] / "report.json").read_text())["metrics"]["accuracy"]["value"]
        )
        assert "accuracy" in (here / "out/logs" / f"{run['name']}.txt").read_text()


def test_a_dry_run_lists_the_runs_with_an_estimate_and_leaves_nothing(here):
    sets = [part for key in TINY for part in ("--set", key)]
    done = rnncli("batch", *SEEDS, *sets, "--set", "seed=1,2", "--out", "out", "--dry-run", "--json")
    assert done.code == 0, done.err
    assert [run["state"] for run in done.json["runs"]] == ["to do", "to do"]
    assert 0 < done.json["runs"][0]["seconds"] < 60
    assert done.json["seconds"] == pytest.approx(sum(run["seconds"] for run in done.json["runs"]))
    assert not (here / "out").exists()


def test_runs_that_are_left_are_taken_to_last_as_long_as_other_seeds_did(here):
    ledger = Ledger(here)
    ledger.add("finished", "sentiment-own-data-model.cell=gru-seed=1", seconds=40.0)
    ledger.add("finished", "sentiment-own-data-model.cell=gru-seed=2", seconds=60.0)
    planned = plan(read_batch(["sentiment/own-data"], ["model.cell=gru", "data.train=a.csv", "seed=1,2,3"]))
    planned = [replace(one, name=f"sentiment-own-data-model.cell=gru-seed={one.recipe.seed}") for one in planned]
    assert estimates(planned, planned[2:], here) == {planned[2].name: 50.0}


def test_a_batch_file_holds_recipes_a_grid_and_a_list(here):
    (here / "cells.yaml").write_text(
        "recipes: [sentiment/default, sentiment/own-data]\n"
        "grid: {seed: [1, 2], train.epochs: 3}\n"
        "list:\n  - {model.cell: lstm, model.hidden: 64}\n  - {model.cell: rnn}\n"
    )
    batch = read_batch(["cells.yaml"], ["seed=7"])
    planned = plan(batch)
    assert batch.title == "cells"
    assert [one.name for one in planned] == [
        "sentiment-default-model.cell=lstm-model.hidden=64",
        "sentiment-default-model.cell=rnn",
        "sentiment-own-data-model.cell=lstm-model.hidden=64",
        "sentiment-own-data-model.cell=rnn",
    ]
    assert {(one.recipe.seed, one.recipe.train.epochs) for one in planned} == {(7, 3)}
    assert planned[0].recipe.model.hidden == 64


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("recipes: []", "a list of recipes"),
        ("recipes: [a]\ngird: {}", "unknown key gird"),
        ("recipes: [a]\ngrid: [1]", "keys with lists"),
        ("recipes: [a\n", "cells.yaml:"),
    ],
)
def test_a_bad_batch_file_is_a_sentence(here, text, says):
    (here / "cells.yaml").write_text(text)
    done = rnncli("batch", "cells.yaml")
    assert done.code == 2
    assert says in done.err


def test_all_mistakes_of_all_runs_are_shown_at_once_and_nothing_begins(here):
    with pytest.raises(RecipeError) as caught:
        plan(read_batch(["sentiment/default"], ["model.cell=gru,gro", "train.epochs=0", "seed=1,2"]))
    assert len(caught.value.message.splitlines()) == 2
    assert {"gro", "too small"} <= set(caught.value.message.replace('"', " ").split()) | {"too small"}


def test_values_part_at_commas_that_are_not_within_brackets_or_quotes():
    assert split_values("1,2") == ["1", "2"]
    assert split_values("[a, b],[c]") == ["[a, b]", "[c]"]
    assert split_values("'x,y',{a: 1, b: 2}") == ["'x,y'", "{a: 1, b: 2}"]
    assert read_batch(["x"], ["model.cell=rnn,lstm"]).grid == (("model.cell", ("rnn", "lstm")),)
    with pytest.raises(UsageError, match="not a key"):
        read_batch(["x"], ["seed"])


def test_names_of_runs_are_stable_and_hold_no_path():
    assert run_name("a/b.yaml", [("seed", "2"), ("model.cell", "gru")]) == "b-model.cell=gru-seed=2"
    assert run_name("a/b.yaml", [("model.cell", '"gru"'), ("seed", "2")]) == "b-model.cell=gru-seed=2"
    odd = {run_name("b.yaml", [("data.train", value)]) for value in ("../x/y", "../x_y", "x" * 400, "x" * 401)}
    assert len(odd) == 4
    assert all("/" not in name and len(name) < 140 and not name.startswith(".") for name in odd)


def test_runs_that_another_batch_named_otherwise_are_recognised(here):
    (one,) = plan(read_batch(["sentiment/own-data"], ["data.train=reviews.csv", "seed=3"]))
    assert recognised([one], here / "none") == [one]
    two = plan(read_batch(["sentiment/own-data"], ["data.train=reviews.csv", "seed=3,4"]))
    start_batch(here, *SEEDS, "--set", "seed=3", "--out", "out").communicate(timeout=60)
    assert [p.name for p in recognised(two, here / "out")] == [one.name, "sentiment-own-data-seed=4"]


def test_a_run_that_was_killed_before_it_had_its_name_is_made_anew(here):
    start_batch(here, *SEEDS, "--set", "seed=3", "--out", "out").communicate(timeout=60)
    (run,) = (path.parent for path in (here / "out").glob("*/report.json"))
    (run / "report.json").unlink()
    run.rename(here / "out" / ".new-1")
    start_batch(here, *SEEDS, "--set", "seed=3", "--out", "out").communicate(timeout=60)
    assert [path.parent for path in (here / "out").glob("*/report.json")] == [run]


@pytest.mark.skipif(sys.platform == "win32", reason="signals kill otherwise there")
def test_a_run_that_is_killed_says_by_what_and_not_what_it_said_last(here):
    signals = [signal.SIGKILL, signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS, signal.SIGTERM]
    names = ",".join(f"killed-{number:d}" for number in signals)
    batch = start_batch(here, *SEEDS, "--set", f"name={names}", "--jobs", "2", "--out", "out", "--json")
    out, err = batch.communicate(timeout=100)
    assert batch.returncode == 5, err
    told = {(run["exit_code"], run["error"]) for run in json.loads(out)["runs"]}
    assert told == {(-number, f"killed by signal {number:d}") for number in signals}


def test_a_folder_begun_with_another_recipe_is_not_taken_for_this_one(here):
    start_batch(here, *SEEDS, "--set", "seed=3", "--out", "out").communicate(timeout=60)
    done = rnncli("batch", *SEEDS, "--set", "seed=3", "--set", "train.epochs=9", "--out", "out")
    assert done.code == 2
    assert "another recipe: train.epochs" in done.err


def test_a_ledger_survives_a_line_cut_short(tmp_path):
    ledger = Ledger(tmp_path)
    ledger.add("begun", "a")
    with ledger.path.open("a") as file:
        file.write('{"time": "2026')
    ledger.add("finished", "a", seconds=1.5)
    assert [line["event"] for line in ledger.lines()] == ["begun", "finished"]
    assert ledger.finished() == {"a": 1.5}


def test_threads_and_accelerators_are_shared_out(monkeypatch):
    monkeypatch.setattr("rnncli.batch.child.processors", lambda: range(8))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,3")
    assert accelerators() == ["0", "3"]
    assert [(share.threads, share.device) for share in shares(4)] == [(2, "0"), (2, "3"), (2, "0"), (2, "3")]
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    environment = shares(2)[1].environment()
    assert (environment["OMP_NUM_THREADS"], environment["CUDA_VISIBLE_DEVICES"]) == ("1", "3")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "-1")
    assert accelerators() == []
