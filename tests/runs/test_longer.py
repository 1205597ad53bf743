"""A finished run that goes on to more epochs is the run that was begun with so many."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import rnncli as library
from rnncli.errors import Interrupted, UsageError
from rnncli.runs import start
from rnncli.runs.directory import RunDirectory, read_json
from rnncli.runs.recipes import read_run_recipe
from rnncli.train.loop import EpochDone
from tests.commands import TINY, reviews, rnncli

TIMED = ("seconds",)
TEXT = ("text", "data.unit=character", "model.hidden=8", "model.embedding=4", "model.members=1")
TEXT = (
    *TEXT,
    "train.window=8",
    "train.batch_size=2",
    "evaluation.help=false",
    "evaluation.samples=1",
    "evaluation.sample_length=20",
)


@pytest.fixture
def texts(tmp_path: Path) -> list[str]:
    """The arguments of a tiny run of sentiment."""
    (tmp_path / "mine.csv").write_text(reviews(), encoding="utf-8")
    keys = [key for key in TINY if not key.startswith("train.epochs")]
    return ["sentiment", "--data", str(tmp_path / "mine.csv"), *keys, "train.patience=0"]


def written(run: Path) -> dict[str, object]:
    """All that a run learnt and measured, but for how long it took."""
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    report = read_json(run / "report.json")
    report["training"] = {"epochs": report["training"]["epochs"], "best": report["training"]["best_epoch"]}
    files = [*run.glob("checkpoints/*/model.safetensors"), *run.glob("vocab/*"), *run.glob("predictions/*")]
    found: dict[str, object] = {str(file.relative_to(run)): file.read_bytes() for file in files if file.is_file()}
    return found | {
        "metrics": [{key: value for key, value in line.items() if key not in TIMED} for line in lines],
        "report": report,
        "recipe": (run / "recipe.yaml").read_text(),
    }


def test_two_epochs_and_three_more_are_five(texts: list[str], tmp_path: Path) -> None:
    short, whole = tmp_path / "short", tmp_path / "whole"
    assert rnncli(*texts, "train.epochs=2", "--out", short).code == 0
    assert rnncli(*texts, "train.epochs=5", "--out", whole).code == 0
    done = rnncli("run", "--resume", short, "train.epochs=5")
    assert done.code == 0, done.err
    assert written(short) == written(whole)
    again = rnncli("run", "--resume", short)
    assert again.code == 0
    assert written(short) == written(whole)


def test_texts_go_on_with_the_state_that_they_carry(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("the cat sat on the mat, and the dog lay by the door.\n" * 30)
    keys = [*TEXT, "--data", tmp_path / "mine.txt", "train.schedule=constant"]
    keys += [key for key in TINY if key.startswith(("evaluation", "compute"))]
    short, whole = tmp_path / "short", tmp_path / "whole"
    assert rnncli(*keys, "train.epochs=2", "--out", short).code == 0
    assert rnncli(*keys, "train.epochs=4", "--out", whole).code == 0
    assert rnncli("text", "--resume", short, "train.epochs=4").code == 0
    assert written(short) == written(whole)


def test_python_goes_on_likewise_and_the_page_is_made_anew(texts: list[str], tmp_path: Path) -> None:
    run = tmp_path / "run"
    assert rnncli(*texts, "train.epochs=1", "evaluation.page=true", "--out", run).code == 0
    page = (run / "report.html").stat().st_mtime_ns
    assert library.run(resume=run, train={"epochs": 2}).report.training.epochs == 2
    assert (run / "report.html").stat().st_mtime_ns > page


def test_the_old_report_stays_until_the_new_one_is_there(texts: list[str], tmp_path: Path) -> None:
    run = tmp_path / "run"
    assert rnncli(*texts, "train.epochs=1", "--out", run).code == 0

    def stop(event: object) -> None:
        if isinstance(event, EpochDone) and event.epoch == 2:
            raise KeyboardInterrupt

    with pytest.raises(Interrupted):
        start.resume(run, changes=["train.epochs=4"], observe=stop)
    assert RunDirectory(run).read_report().training.epochs == 1
    assert rnncli("report", run).code == 0
    assert rnncli("run", "--resume", run).code == 0
    assert RunDirectory(run).read_report().training.epochs == 4


def test_each_fold_goes_on(texts: list[str], tmp_path: Path) -> None:
    run = tmp_path / "run"
    assert rnncli(*texts, "train.epochs=1", "data.folds=2", "--out", run).code == 0
    assert rnncli("run", "--resume", run, "train.epochs=2").code == 0
    assert [len(RunDirectory(run / "folds" / one).read_metrics()) for one in "01"] == [2, 2]
    assert read_run_recipe(run / "recipe.yaml").train.epochs == 2


@pytest.mark.parametrize(
    ("keys", "epochs", "said"),
    [
        (["train.schedule=cosine", "train.epochs=2"], "3", "train.schedule=cosine"),
        (["train.epochs=2"], "2", "it has 2 epochs already"),
        (["train.epochs=2"], "many", "a number of epochs is wanted"),
        (["train.epochs=9", "train.patience=1", "train.learning_rate=1e-9"], "20", "train.patience"),
    ],
)
def test_what_cannot_go_on_says_why(texts: list[str], tmp_path: Path, keys: list[str], epochs: str, said: str) -> None:
    run = tmp_path / "run"
    assert rnncli(*texts, *keys, "--out", run).code == 0
    before = written(run)
    done = rnncli("run", "--resume", run, f"train.epochs={epochs}")
    assert done.code == 2
    assert said in " ".join(done.err.split())
    assert written(run) == before
    assert RunDirectory(run).is_done


def test_a_run_whose_data_are_gone_stays_what_it_was(texts: list[str], tmp_path: Path) -> None:
    run = tmp_path / "run"
    assert rnncli(*texts, "train.epochs=1", "--out", run).code == 0
    before = written(run)
    (tmp_path / "mine.csv").rename(tmp_path / "gone.csv")
    done = rnncli("run", "--resume", run, "train.epochs=2")
    assert done.code == 3
    assert written(run) == before
    assert RunDirectory(run).is_done
    done = rnncli("run", "--resume", run, f"data.train={tmp_path / 'gone.csv'}", "train.epochs=2")
    assert done.code == 0, done.err


def test_a_command_with_another_number_of_epochs_says_what_to_type(texts: list[str], tmp_path: Path) -> None:
    assert rnncli(*texts, "train.epochs=1", "--out", tmp_path / "run").code == 0
    done = rnncli(*texts, "train.epochs=2", "--resume", tmp_path / "run")
    assert done.code == 2
    assert "run train.epochs=2 without the rest" in " ".join(done.err.split())


def test_resuming_keeps_to_all_else(texts: list[str], tmp_path: Path) -> None:
    assert rnncli(*texts, "train.epochs=1", "--out", tmp_path / "run").code == 0
    with pytest.raises(UsageError, match=r"model\.hidden"):
        library.run(resume=tmp_path / "run", model={"hidden": 9})
