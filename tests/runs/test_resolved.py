"""The recipe of a run says what was used, and run again gives the same run; what was asked for is kept beside it."""

from __future__ import annotations

import json
import random
from pathlib import Path

import numpy as np
import pytest

from rnncli.recipe.schema import AUTOMATIC
from rnncli.runs import start
from rnncli.runs.directory import RunDirectory, write_json
from rnncli.runs.recipes import asked_recipe, differences, flat, load_recipe, read_run_recipe
from tests.commands import reviews, rnncli
from tests.tasks.clips import dots, write_clips
from tests.tasks.recordings import write_recordings
from tests.tasks.tagged import conll

BEST = "checkpoints/best/model.safetensors"
OPEN = {"data.encoding", "data.header", "data.day_first", "data.cache", "compute.device", "compute.precision"}
"""Keys that stay ``auto``: each file has an encoding, first row and dates of its own, each machine a place to work."""
OPEN |= {"data.lookback"}
"""Where it is ``auto``, short series look back on less."""
FEW = (
    "model.hidden=8",
    "train.epochs=1",
    "evaluation.baselines=false",
    "evaluation.resamples=20",
    "evaluation.page=false",
    "compute.threads=1",
    "compute.device=cpu",
)


def texts(here: Path) -> list[str]:
    (here / "mine.csv").write_text(reviews(), encoding="utf-8")
    return ["sentiment", "model.embedding=8"]


def chinese(here: Path) -> list[str]:
    draw = random.Random(1)
    rows = [f"{''.join(draw.choices('的一是不了人我在有他', k=8))}{'好坏'[n % 2]},{n % 2}" for n in range(60)]
    (here / "mine.csv").write_text("review,label\n" + "\n".join(rows) + "\n", encoding="utf-8")
    return ["sentiment", "model.embedding=8"]


def words(here: Path) -> list[str]:
    (here / "mine.csv").write_text(conll(), encoding="utf-8")
    (here / "mine.csv").rename(here / "mine.conll")
    return ["tagging", "data.train=mine.conll", "model.embedding=8"]


def characters(here: Path) -> list[str]:
    draw = random.Random(1)
    lines = [f"{draw.choice('甲乙丙丁')} {draw.choice(['O', 'B-PER'])}\n" for _ in range(240)]
    text = "".join(line + ("\n" if n % 6 == 5 else "") for n, line in enumerate(lines))
    (here / "mine.conll").write_text(text, encoding="utf-8")
    return ["tagging", "data.train=mine.conll", "model.embedding=8"]


def clips(here: Path) -> list[str]:
    write_clips(here).rename(here / "mine.csv")
    return ["action", "model.projection=8", "data.cache=none"]


def captions(here: Path) -> list[str]:
    (here / "clips").mkdir()
    lines = ["frames,caption"]
    for number in range(36):
        label = ("rise", "fall", "stay")[number % 3]
        np.save(here / "clips" / f"{number}.npy", dots(label, number))
        lines.append(f"clips/{number}.npy,the dots {label}")
    (here / "mine.csv").write_text("\n".join(lines) + "\n")
    return ["captioning", "model.projection=8", "model.embedding=8", "data.cache=none"]


def recordings(here: Path) -> list[str]:
    write_recordings(here).rename(here / "mine.csv")
    return ["speech", "data.rate=8000", "data.bins=20", "data.cache=none", "model.channels=8", "model.layers=1"]


def sales(here: Path) -> list[str]:
    days = np.arange("2025-01-01", "2025-07-01", dtype="datetime64[D]").tolist()
    rows = [f"{shop},{day},{n % 7 + len(shop)}" for shop in ("a", "bb") for n, day in enumerate(days)]
    (here / "mine.csv").write_text("shop,day,sold\n" + "\n".join(rows) + "\n", encoding="utf-8")
    return ["forecast", "data.horizon=7", "data.target_column=sold"]


def wide(here: Path) -> list[str]:
    days = np.arange("2025-01-01", "2025-07-01", dtype="datetime64[D]").tolist()
    rows = [f"{day},{n % 7},{n % 5 - 2}" for n, day in enumerate(days)]
    (here / "mine.csv").write_text("day,south,north\n" + "\n".join(rows) + "\n", encoding="utf-8")
    return ["forecast", "data.horizon=7", "evaluation.origins=2"]


USED = {
    texts: {"data.text_column": "text", "data.unit": "word", "model.evidence": "on", "train.batch_size": 4},
    chinese: {"data.text_column": "review", "data.unit": "character", "model.evidence": "on"},
    words: {"data.token_column": "1", "data.tag_column": "2", "data.tag_scheme": "IOB2", "model.characters": 32},
    characters: {"model.characters": 0, "model.affixes": 0, "model.pairs": 4, "train.best_by": "f1"},
    clips: {"data.frames_column": "frames", "data.label_column": "label", "train.patience": 0},
    captions: {"data.caption_column": "caption", "data.unit": "word", "decoding.lexicon": "none"},
    sales: {"data.series_column": "shop", "data.frequency": "D", "data.season": [7], "data.calendar": ["weekday"]},
    wide: {"data.series_column": "", "data.target_column": ["north", "south"], "data.non_negative": False},
    recordings: {"data.audio_column": "audio", "data.speaker_column": "speaker", "decoding.lexicon": "none"},
}


def used(run: Path) -> dict[str, object]:
    return flat(read_run_recipe(run / "recipe.yaml").model_dump(mode="json"))


@pytest.mark.parametrize("make", USED)
def test_it_says_what_was_used_and_run_again_gives_the_same_run(make, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    task, *keys = make(tmp_path)
    keys = ["data.train=mine.csv", *keys, *FEW]
    asked = load_recipe(f"{task}/own-data", keys)
    start.start(asked, out=Path("one"))
    found = used(Path("one"))
    assert {key: found[key] for key in USED[make]} == USED[make]
    assert {key for key, value in found.items() if value == "auto"} <= OPEN
    assert all(isinstance(found[f"train.{key}"], int) for key in AUTOMATIC)
    assert found["train.best_by"] == json.loads(Path("one/run.json").read_text())["watched"]
    start.start(load_recipe("one/recipe.yaml", []), out=Path("two"))
    assert Path("one", BEST).read_bytes() == Path("two", BEST).read_bytes()
    assert Path("one/recipe.yaml").read_text() == Path("two/recipe.yaml").read_text()
    figures = [json.loads(Path(run, "report.json").read_text())["metrics"] for run in ("one", "two")]
    assert figures[0] == figures[1]
    again = asked_recipe(RunDirectory(Path("one")))
    assert again.model_copy(update={"data": asked.data}) == asked
    assert again.data.model_copy(update={"root": "."}) == asked.data


@pytest.fixture
def here(tmp_path, monkeypatch):
    (tmp_path / "mine.csv").write_text(reviews(), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


TEXTS = ("sentiment", "--data", "mine.csv", "model.embedding=8", *FEW)


def test_a_command_given_again_goes_on_with_the_run_that_it_began(here):
    assert rnncli(*TEXTS, "--out", "run").code == 0
    assert rnncli(*TEXTS, "--resume", "run").code == 0
    other = rnncli(*TEXTS, "data.unit=character", "--resume", "run")
    assert other.code == 2
    assert "differs in data.unit" in other.err


def test_a_run_of_before_is_gone_on_with_by_the_command_that_began_it(here):
    """Its recipe had the usual numbers where a recipe is open now, and no record of what was asked."""
    assert rnncli(*TEXTS, "--out", "run").code == 0
    asked = asked_recipe(RunDirectory(Path("run")))
    before = asked.model_copy(update={"train": asked.train.settled(asked.train.extent)})
    from rnncli.recipe.dump import dump

    Path("run/recipe.yaml").write_text(dump(before))
    record = json.loads(Path("run/run.json").read_text())
    del record["asked"]
    write_json(Path("run/run.json"), record)
    assert rnncli(*TEXTS, "--resume", "run").code == 0
    assert "differs in train.epochs" in rnncli(*TEXTS, "train.epochs=7", "--resume", "run").err


def test_a_further_file_is_read_as_the_run_was_asked_to_read_its_own(here):
    assert rnncli(*TEXTS, "--out", "run").code == 0
    (here / "more.csv").write_text(reviews(20).replace("text,label", "review,sentiment"), encoding="utf-8")
    done = rnncli("evaluate", "run", "--data", "more.csv", "--json")
    assert done.code == 0, done.err
    assert done.json["examples"] == 20


def test_seeds_of_one_command_are_one_setting_though_each_counts_its_own_steps(here):
    for seed in (1, 2):
        assert rnncli(*TEXTS, f"seed={seed}", "--out", f"seed-{seed}").code == 0
    text = Path("seed-2/recipe.yaml").read_text()
    Path("seed-2/recipe.yaml").write_text(text.replace("batch_size: 4", "batch_size: 5"))
    assert len(rnncli("compare", "seed-1", "seed-2", "--json").json["settings"]) == 1


def test_a_cross_validation_says_what_all_its_folds_used(here):
    folded = (*TEXTS, "data.folds=2", "--out", "run")
    assert rnncli(*folded).code == 0
    assert (used(Path("run"))["data.unit"], used(Path("run/folds/1"))["data.unit"]) == ("word", "word")
    assert used(Path("run"))["data.fold"] is None
    assert rnncli("run", "run/recipe.yaml", "--out", "again").code == 0
    one, two = (json.loads(Path(run, "report.json").read_text()) for run in ("run", "again"))
    assert one["metrics"] == two["metrics"]


def test_data_check_and_the_start_say_how_many_steps_there_will_be(here):
    keys = [key for key in TEXTS[3:] if not key.startswith("train.epochs")]
    found = rnncli("data", "check", "sentiment/own-data", "data.train=mine.csv", *keys, "--json").json
    row = next(table for table in found["tables"] if table["title"] == "steps of training")["rows"][0]
    assert row == {
        "examples in a batch, at most": "4",
        "steps an epoch": "12",
        "epochs, at most": "34",
        "steps in all": "408",
    }
    said = "12 steps an epoch of up to 4 examples instead of 50, as they are few: 34 epochs instead of 6"
    assert said in rnncli("sentiment", "--data", "mine.csv", *keys, "--dry-run").err


def test_a_recipe_left_open_is_that_of_a_run_of_before_with_the_usual_values():
    now = load_recipe("speech/own-data", ["data.train=mine.csv"])
    assert now.variation.strength == "auto"
    usual = now.having({"variation.strength": 1.0})
    before = usual.model_copy(update={"train": now.train.settled(now.train.extent)})
    assert differences(before, now) == []
    assert differences(before, now.having({"train.epochs": 31, "data.cache": "none"})) == ["data.cache", "train.epochs"]
