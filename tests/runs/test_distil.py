"""A model taught by others is a run like others: recorded, resumed, and no other than the plain one at weight 0."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from rnncli.errors import Interrupted
from rnncli.runs import start
from rnncli.runs.recipes import load_recipe
from rnncli.train.loop import StepDone
from tests.commands import TINY, reviews, rnncli
from tests.tasks.tagged import conll

BEST = Path("checkpoints/best/model.safetensors")
MORE = (*(key for key in TINY if "epochs" not in key), "train.epochs=2", "train.patience=0")
TAGGER = (*(key for key in MORE if "evidence" not in key), "model.characters=0", "model.affixes=0")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Reviews, two runs that learnt them, and texts without labels."""
    folder = tmp_path_factory.mktemp("distil")
    (folder / "reviews.csv").write_text(reviews(60), encoding="utf-8")
    (folder / "texts.txt").write_text("a good film\na bad soup\nnot so good\n", encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for seed in (1, 2):
            done = rnncli("sentiment", "--data", "reviews.csv", *MORE, f"seed={seed}", "--out", f"teachers/{seed}")
            assert done.code == 0, done.err
        assert rnncli("sentiment", "--data", "reviews.csv", *MORE, "--out", "plain").code == 0
    return folder


RUNS = ("by-rows", "by-run")


@pytest.fixture
def here(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(folder)
    return folder


def distil(*words: object) -> Any:
    return rnncli("distil", *words, "sentiment/own-data", "data.train=reviews.csv", *MORE)


def test_a_student_that_gives_teachers_no_weight_is_the_plain_run_bit_for_bit(here: Path) -> None:
    done = distil("teachers/1", "teachers/2", "distil.weight=0", "--out", "unmoved")
    assert done.code == 0, done.err
    assert (here / "unmoved" / BEST).read_bytes() == (here / "plain" / BEST).read_bytes()
    assert distil("teachers", "--out", "moved").code == 0
    assert (here / "moved" / BEST).read_bytes() != (here / "plain" / BEST).read_bytes()


def test_a_student_alone_with_its_teachers_learns_to_say_what_they_say(here: Path) -> None:
    keys = ("distil.weight=1", "train.epochs=40", "train.learning_rate=1e-2")
    assert distil("teachers/1", *keys, "--out", "pupil").code == 0
    said = [rnncli("predict", run, "texts.txt").lines for run in ("teachers/1", "pupil")]
    for theirs, ours in zip(*said, strict=True):
        for label, share in theirs["probabilities"].items():
            assert ours["probabilities"][label] == pytest.approx(share, abs=0.15)


def test_an_interrupted_student_goes_on_without_its_teachers(here: Path) -> None:
    (here / "gone").mkdir()
    for seed in ("1", "2"):
        shutil.copytree(here / "teachers" / seed, here / "gone" / seed)
    words = ("gone", "--unlabelled", "texts.txt")
    assert distil(*words, "--out", "peace").code == 0
    options = {"distil.teachers": ("TEACHER", ["gone"]), "distil.unlabelled": ("--unlabelled", "texts.txt")}
    recipe = load_recipe("sentiment/own-data", ["data.train=reviews.csv", *MORE], options)

    def stop(happening: object) -> None:
        if isinstance(happening, StepDone) and (happening.epoch, happening.done) == (2, 1):
            raise KeyboardInterrupt

    with pytest.raises((KeyboardInterrupt, Interrupted)):
        start.start(recipe, out=here / "stopped", observe=stop)
    shutil.rmtree(here / "gone")
    done = rnncli("run", "--resume", "stopped")
    assert done.code == 0, done.err
    assert (here / "stopped" / BEST).read_bytes() == (here / "peace" / BEST).read_bytes()
    reports = [json.loads((here / run / "report.json").read_text()) for run in ("peace", "stopped")]
    assert reports[0]["baselines"] == reports[1]["baselines"]
    assert reports[0]["notes"] == reports[1]["notes"]
    assert "accuracy" in reports[0]["baselines"]["teachers"]


def test_rows_of_another_program_teach_as_the_run_that_said_them(here: Path) -> None:
    texts = [line.split(",")[0] for line in reviews(60).splitlines()[1:]]
    (here / "all.txt").write_text("\n".join(texts) + "\n", encoding="utf-8")
    said = rnncli("predict", "teachers/1", "all.txt").out
    (here / "said.jsonl").write_text(said, encoding="utf-8")
    assert distil("said.jsonl", "--out", "by-rows").code == 0
    assert distil("teachers/1", "--out", "by-run").code == 0
    losses = [json.loads((here / run / "metrics.jsonl").read_text().splitlines()[-1])["loss"] for run in RUNS]
    assert losses[0] == pytest.approx(losses[1], abs=1e-4)
    (here / "said.jsonl").write_text("".join(said.splitlines(keepends=True)[:20]), encoding="utf-8")
    done = distil("said.jsonl", "--out", "lacking")
    assert done.code == 3
    assert "says nothing of" in done.err


def test_teachers_that_may_know_the_test_part_are_told_of(here: Path) -> None:
    done = distil("teachers/1", "teachers/2", "--out", "told")
    assert "teachers/2 was not tested on" in done.err
    assert "teachers/1 was not tested on" not in done.err


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("teachers/1",), 2, "behind the teachers a recipe is wanted|name teachers"),
        (("sentiment/own-data",), 2, "name teachers, and then a recipe"),
        (("teachers/1", "teachers/2"), 2, "a recipe is wanted"),
        (("teachers/1", "forecast/default"), 2, "a model of task forecast cannot be taught"),
        (("teachers/1", "tagging/default"), 2, "a run of task sentiment cannot teach tagging"),
        (("nowhere", "sentiment/default"), 4, "no run is there"),
        (("teachers/1", "sentiment/own-data", "data.train=stars.csv"), 3, "not the same labels"),
        (("nowhere.jsonl", "sentiment/default"), 3, "there is no such file"),
    ],
)
def test_what_cannot_be_taught_is_a_sentence(here: Path, words: tuple[str, ...], code: int, said: str) -> None:
    (here / "stars.csv").write_text(reviews(60).replace("positive", "5"), encoding="utf-8")
    done = rnncli("distil", *words, "--out", "never")
    assert done.code == code
    assert any(part in done.err for part in said.split("|")), done.err
    assert not (here / "never").exists()


@pytest.mark.parametrize("head", ["crf", "softmax"])
def test_taggers_teach_taggers_of_other_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, head: str) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.conll").write_text(conll(80), encoding="utf-8")
    (tmp_path / "texts.txt").write_text("Noma met Vara\nThe doctor left\n", encoding="utf-8")
    assert rnncli("tagging", "--data", "a.conll", *TAGGER, "seed=2", "--out", "teacher").code == 0
    keys = ("data.train=a.conll", *TAGGER, f"model.head={head}")
    plain = rnncli("run", "tagging/own-data", *keys, "--out", "plain")
    assert plain.code == 0, plain.err
    unmoved = rnncli("distil", "teacher", "tagging/own-data", *keys, "distil.weight=0", "--out", "unmoved")
    assert unmoved.code == 0, unmoved.err
    assert (tmp_path / "unmoved" / BEST).read_bytes() == (tmp_path / "plain" / BEST).read_bytes()
    keys = (*keys, "data.min_count=2", "--unlabelled", "texts.txt")
    taught = rnncli("distil", "teacher", "tagging/own-data", *keys, "--out", "taught")
    assert taught.code == 0, taught.err
    assert rnncli("predict", "taught", "texts.txt").code == 0
