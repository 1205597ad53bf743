"""What training measures, as TensorBoard reads it back."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pytest

from rnncli.errors import Interrupted
from rnncli.runs import start
from rnncli.runs.recipes import data_keys, load_recipe
from rnncli.train.loop import StepDone
from tests.commands import TINY, reviews, rnncli

KEYS = (*TINY, "train.epochs=3", "train.patience=0", "train.batch_size=2", "evaluation.tensorboard=true")


@pytest.fixture
def texts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file of texts, where the test is."""
    (tmp_path / "mine.csv").write_text(reviews(), encoding="utf-8")
    monkeypatch.chdir(tmp_path)


def points(run: str) -> dict[str, list[tuple[int, float]]]:
    """Step and value of each point by its name."""
    module = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    found = module.EventAccumulator(f"{run}/tensorboard", size_guidance={"scalars": 0}).Reload()
    return {tag: [(one.step, one.value) for one in found.Scalars(tag)] for tag in found.Tags()["scalars"]}


def epochs(run: str) -> list[dict[str, float]]:
    return [json.loads(line) for line in Path(run, "metrics.jsonl").read_text().splitlines()]


@pytest.mark.usefixtures("texts")
def test_it_reads_what_metrics_jsonl_says() -> None:
    assert rnncli("sentiment", "--data", "mine.csv", *KEYS, "--out", "run").code == 0
    found = points("run")
    assert [step for step, _ in found["train/loss"]] == [24, 48, 72]
    assert [value for _, value in found["train/loss"]] == pytest.approx([one["loss"] for one in epochs("run")])
    accuracies = [one["metrics"]["accuracy"] for one in epochs("run")]  # pyright: ignore[reportIndexIssue]
    assert [value for _, value in found["dev/accuracy"]] == pytest.approx(accuracies)
    steps = [step for step, _ in found["train/loss_of_step"]]
    assert steps == [10, 20, 30, 40, 50, 60, 70]
    assert [step for step, norm in found["train/gradient_norm"] if norm > 0] == steps
    assert {round(rate, 6) for _, rate in found["train/learning_rate"]} == {0.003}


@pytest.mark.usefixtures("texts")
def test_a_resumed_run_has_no_point_twice() -> None:
    whole = load_recipe("sentiment/own-data", KEYS, data_keys("mine.csv", "test"))
    start.start(whole, out=Path("whole"))

    for stop in ((2, 5), (2, 24)):

        def interrupt(event: object, stop: tuple[int, int] = stop) -> None:
            if isinstance(event, StepDone) and (event.epoch, event.done) == stop:
                raise KeyboardInterrupt

        run = Path(f"run-{stop[1]}")
        with pytest.raises(Interrupted):
            start.start(whole, out=run, observe=interrupt)
        start.resume(run)
        assert len(list((run / "tensorboard").iterdir())) == 2
        assert points(str(run)) == points("whole")


@pytest.mark.usefixtures("texts")
def test_a_lengthened_run_goes_on_behind_its_points() -> None:
    short = (*(key for key in KEYS if key != "train.epochs=3"), "train.epochs=1")
    assert rnncli("sentiment", "--data", "mine.csv", *short, "--out", "run").code == 0
    assert rnncli("run", "--resume", "run", "train.epochs=2").code == 0
    assert [value for _, value in points("run")["train/epoch"]] == [1, 2]


@pytest.mark.usefixtures("texts")
def test_without_the_package_it_is_said_before_anything_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *more: None if name == "tensorboard" else find(name))
    done = rnncli("sentiment", "--data", "mine.csv", *KEYS, "--out", "run")
    assert done.code == 2
    assert 'pip install "rnncli[tensorboard]"' in done.err
    assert not Path("run").exists()
