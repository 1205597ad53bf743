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
from rnncli.runs.interrupt import interrupt_on_signals, interruptible
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


ENDING = [number for number in (signal.SIGINT, signal.SIGTERM, getattr(signal, "SIGHUP", None)) if number]


@pytest.fixture
def answered():
    """Signals are answered as the command line has it."""
    before = {number: signal.getsignal(number) for number in ENDING}
    for number in ENDING[1:]:
        signal.signal(number, signal.SIG_DFL)
    interrupt_on_signals()
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def read(tmp_path, monkeypatch):
    (tmp_path / "reviews.csv").write_text(reviews(), encoding="utf-8")
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("how", ENDING)
@pytest.mark.parametrize(
    "when", ["runs.start.lock.held", "runs.prepare.place", "tasks.sentiment.data.read", "runs.prepare.Trainer"]
)
@pytest.mark.usefixtures("answered", "read")
def test_a_signal_before_training_leaves_nothing(how, when, monkeypatch):
    monkeypatch.setattr(f"rnncli.{when}", lambda *_, **__: signal.raise_signal(how))
    done = rnncli(*RECIPE, "run")
    assert done.code == 130
    assert "error interrupted before training began; nothing was kept" in done.err
    assert not Path("run").exists()


@pytest.mark.parametrize("how", ENDING)
@pytest.mark.parametrize("when", ["score.evaluate", "start.predictions", "start.gradient_reach"])
@pytest.mark.usefixtures("answered", "read")
def test_a_signal_while_scoring_says_how_to_go_on(how, when, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(f"rnncli.runs.{when}", lambda *_, **__: signal.raise_signal(how))
        done = rnncli(*RECIPE, "run")
    assert done.code == 130
    assert "rnncli run --resume run" in done.err
    record = json.loads(Path("run/run.json").read_text())
    assert (record["state"], record["exit_code"]) == ("interrupted", 130)
    if how == ENDING[-1]:
        assert rnncli("run", "--resume", "run").code == 0


@pytest.mark.parametrize("how", ENDING)
@pytest.mark.usefixtures("answered", "read")
def test_a_signal_while_the_end_is_written_down_does_not_hide_it(how, monkeypatch):
    written = RunDirectory.write_record

    def struck(run, **fields):
        if fields.get("ended"):
            signal.raise_signal(how)
        written(run, **fields)

    monkeypatch.setattr(RunDirectory, "write_record", struck)
    assert rnncli(*RECIPE, "run").code == 0
    assert json.loads(Path("run/run.json").read_text())["state"] == "finished"


@pytest.mark.parametrize("how", ENDING)
@pytest.mark.usefixtures("answered", "read")
def test_a_signal_ends_other_commands_too(how, monkeypatch):
    monkeypatch.setattr("rnncli.runs.listing.list_runs", lambda *_: signal.raise_signal(how))
    done = rnncli("runs", "list", ".")
    assert (done.code, done.out) == (130, "")
    assert "error interrupted" in done.err


@pytest.mark.skipif(len(ENDING) < 3, reason="no SIGHUP")
def test_what_nohup_ignores_stays_ignored():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        interrupt_on_signals()
        with interruptible() as stopped:
            signal.raise_signal(signal.SIGHUP)
        assert not stopped.is_set()
        assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)
