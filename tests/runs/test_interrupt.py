"""A run stopped at any moment and gone on with ends as the run that was left in peace."""

from __future__ import annotations

import json
import random
import signal
import time
from pathlib import Path

import pytest

from rnncli.errors import Interrupted
from rnncli.runs import start
from rnncli.runs.directory import RunDirectory
from rnncli.runs.recipes import load_recipe, read_run_recipe
from rnncli.train import checkpoint
from rnncli.train.loop import StepDone
from tests.commands import TINY, reviews, rnncli, start_rnncli

EPOCHS = 3
RECIPE = (
    "sentiment",
    "--data",
    "reviews.csv",
    *TINY,
    f"train.epochs={EPOCHS}",
    "train.batch_size=8",
    "train.patience=0",
    "--out",
)
EVERY_STEP = "train.checkpoint_seconds=0.001"
BEST = Path("checkpoints/best/model.safetensors")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("interrupt")
    (folder / "reviews.csv").write_text(reviews(80, long=12), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def peace(folder):
    """The run that nobody interrupts, and that saves its state after epochs only."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        done = rnncli(*RECIPE, "peace")
    assert done.code == 0, done.err
    return folder / "peace"


def epochs(run: Path) -> list[int]:
    return [json.loads(line)["epoch"] for line in (run / "metrics.jsonl").read_text().splitlines()]


def progress(run: Path) -> tuple[int, int]:
    """The epoch and batch of the last saved state; (0, 0) while there is none. Raises if anything is unreadable."""
    if not run.exists():
        return 0, 0
    opened = RunDirectory.open(run)
    read_run_recipe(opened.recipe)
    assert opened.read_record()["argv"]
    if not checkpoint.exists(opened.last):
        return 0, 0
    found = checkpoint.load(opened.last).meta["progress"]
    return found["epoch"], found["position"]


def stop_at(run: Path, moment: tuple[int, int], how: signal.Signals) -> tuple[int, str, str]:
    """Start the run, or go on with it, and send ``how`` once its saved state has come to ``moment``."""
    command = ("run", "--resume", run.name) if run.exists() else (*RECIPE, run.name, EVERY_STEP)
    process = start_rnncli(*command, cwd=run.parent)
    deadline = time.monotonic() + 100
    while progress(run) < moment and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.002)
    process.send_signal(how)
    out, err = process.communicate(timeout=100)
    return process.returncode, out, err


def assert_ends_like(peace: Path, run: Path) -> None:
    """Go on with ``run`` to its end here: the same weights, the same epochs, the same figures."""
    done = rnncli("run", "--resume", run, "--json")
    assert done.code == 0, done.err
    assert (run / BEST).read_bytes() == (peace / BEST).read_bytes()
    assert epochs(run) == epochs(peace) == list(range(1, EPOCHS + 1))
    ours, theirs = (json.loads((path / "report.json").read_text()) for path in (run, peace))
    assert ours["metrics"] == theirs["metrics"]
    assert ours["training"]["best_epoch"] == theirs["training"]["best_epoch"]


def test_an_interrupt_saves_says_how_to_go_on_and_loses_nothing(folder, peace):
    run = folder / "interrupted"
    code, out, err = stop_at(run, (2, random.Random(1).randrange(1, 8)), signal.SIGINT)
    assert code == 130, err
    assert out == ""
    assert "error interrupted; the state is saved" in err
    assert "try   go on with: rnncli run --resume interrupted" in err
    assert "Traceback" not in err
    record = json.loads((run / "run.json").read_text())
    assert (record["state"], record["exit_code"]) == ("interrupted", 130)
    assert progress(run)[0] in range(2, EPOCHS + 1)
    assert_ends_like(peace, run)


def test_kills_at_any_moments_leave_a_readable_run_and_the_same_weights(folder, peace):
    run, draw = folder / "killed", random.Random(2)
    for epoch in (1, 2):
        code, _, err = stop_at(run, (epoch, draw.randrange(1, 8)), signal.SIGKILL)
        assert code == -signal.SIGKILL, err
        progress(run)
    assert_ends_like(peace, run)


def test_a_finished_run_is_only_reported_again(peace):
    before = {file: file.read_bytes() for file in peace.rglob("*") if file.is_file()}
    done = rnncli("run", "--resume", peace, "--json")
    assert done.code == 0
    assert done.json == json.loads((peace / "report.json").read_text())
    assert {file: file.read_bytes() for file in peace.rglob("*") if file.is_file()} == before


@pytest.mark.parametrize(("stop", "how"), [(1, signal.SIGINT), (6, signal.SIGTERM), (9, signal.SIGINT)])
def test_a_signal_at_any_step_of_a_cross_validation_loses_nothing(stop, how, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "reviews.csv").write_text(reviews(40), encoding="utf-8")
    keys = [
        *TINY,
        "data.train=reviews.csv",
        "data.folds=2",
        "train.epochs=2",
        "train.batch_size=8",
        "model.evidence=on",
    ]
    recipe, steps = load_recipe("sentiment/own-data", keys), []

    def count(happening):
        if isinstance(happening, StepDone):
            steps.append(happening)
            if len(steps) == stop:
                signal.raise_signal(how)

    with pytest.raises(Interrupted, match="the state is saved") as caught:
        start.start(recipe, out=Path("run"), observe=count)
    assert len(steps) == stop
    assert caught.value.hint == "go on with: rnncli run --resume run"
    resumed, peace = start.resume(Path("run")), start.start(recipe, out=Path("peace"))
    assert resumed.report.metrics == peace.report.metrics
    assert len(resumed.report.folds) == 2
    for fold in "01":
        assert (Path("run/folds") / fold / BEST).read_bytes() == (Path("peace/folds") / fold / BEST).read_bytes()


def test_an_interrupt_while_the_data_are_read_leaves_nothing(tmp_path, monkeypatch):
    (tmp_path / "reviews.csv").write_text(reviews(), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("rnncli.tasks.sentiment.data.read", lambda *_, **__: signal.raise_signal(signal.SIGINT))
    done = rnncli(*RECIPE, "run")
    assert done.code == 130
    assert "nothing was kept" in done.err
    assert not Path("run").exists()


def test_an_interrupt_while_scoring_says_how_to_go_on(tmp_path, monkeypatch):
    (tmp_path / "reviews.csv").write_text(reviews(), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr("rnncli.runs.score.evaluate", lambda *_, **__: signal.raise_signal(signal.SIGINT))
        done = rnncli(*RECIPE, "run")
    assert done.code == 130
    assert "rnncli run --resume run" in done.err
    assert rnncli("run", "--resume", "run").code == 0
