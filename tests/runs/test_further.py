"""A run that begins with another one's best model, vocabulary and labels."""

from __future__ import annotations

import json
from collections.abc import Callable
from fnmatch import fnmatchcase
from pathlib import Path

import pytest
import torch

import rnncli as library
from rnncli.recipe.schema import Recipe
from rnncli.runs import further, start
from rnncli.runs.directory import RunDirectory
from rnncli.runs.events import unobserved
from rnncli.runs.prepare import prepare
from rnncli.runs.recipes import load_recipe
from rnncli.train import checkpoint
from tests.commands import TINY, reviews, rnncli
from tests.runs.test_resolved import FEW, captions, clips, recordings, sales, texts, words

BEST = "checkpoints/best/model.safetensors"


def prose(here: Path) -> list[str]:
    (here / "mine.csv").write_text("the cat sat on the mat, and the dog lay by the door.\n" * 20)
    (here / "mine.csv").rename(here / "mine.txt")
    return ["text", "data.train=mine.txt", "data.unit=character", "model.embedding=4", "model.tied=false"]


def prose_of_words(here: Path) -> list[str]:
    return [*prose(here)[:-3], "data.unit=word", "train.window=8", "model.embedding=8"]


def tunes(here: Path) -> list[str]:
    return ["music", "data.train=", "data.source=builtin", "model.embedding=8", "model.head_hidden=8"]


def captions_by_ctc(here: Path) -> list[str]:
    return [*captions(here), "model.head=ctc"]


def asked(make: Callable[[Path], list[str]], here: Path, *more: str) -> Recipe:
    task, *keys = make(here)
    sampled = ["evaluation.samples=0"] * (task in ("text", "music")) + ["evaluation.help=false"] * (task == "text")
    return load_recipe(f"{task}/own-data", ["data.train=mine.csv", *keys, *FEW, *sampled, *more])


@pytest.mark.parametrize("make", [texts, clips, captions_by_ctc, tunes])
def test_every_task_begins_with_the_weights_of_a_run(make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    recipe = asked(make, tmp_path)
    start.start(recipe, out=Path("one"))
    place = [f"data.train={recipe.data.train}", f"data.source={recipe.data.source}", "train.from_run=one"]
    again = load_recipe(f"{recipe.task}/own-data", [*place, "compute.device=cpu", "model.dropout=0.25"])
    found = prepare(None, again, unobserved)
    weights = checkpoint.load(Path("one/checkpoints/best")).model
    own = found.trainer.model.state_dict()
    assert own.keys() == weights.keys()
    assert all(torch.equal(own[name], weights[name]) for name in own)
    assert found.fitted.notes[0].startswith("training begins with the best model of one")
    for pattern in further.named_axes(found.fitted):
        assert any(fnmatchcase(name, pattern) for name in own) or pattern.startswith("head"), pattern


def more_words(here: Path) -> None:
    text = (here / "mine.conll").read_text()
    (here / "mine.conll").write_text(text.replace("B-", "B-NEW") + "Zanzibar B-OTHER\n\n")


def more_captions(here: Path) -> None:
    text = (here / "mine.csv").read_text()
    (here / "mine.csv").write_text(text.replace("the dots rise", "some points climb"))


def more_recordings(here: Path) -> None:
    lines = (here / "mine.csv").read_text().splitlines()
    (here / "mine.csv").write_text(
        "\n".join(line.replace("o", "ö") if number else line for number, line in enumerate(lines))
    )


def more_sales(here: Path) -> None:
    (here / "mine.csv").write_text((here / "mine.csv").read_text().replace("bb,", "new,"))


def more_prose(here: Path) -> None:
    (here / "mine.txt").write_text("the cow stood on the roof, and the dog lay by the window.\n" * 20)


GROWING = [
    (words, more_words, "tags: "),
    (captions, more_captions, "words: "),
    (recordings, more_recordings, "characters: "),
]
GROWING += [(sales, more_sales, "series: 2 of the run, 1 new (new)"), (prose, more_prose, "characters: ")]
GROWING += [(prose_of_words, more_prose, "words with the blank before them, digits, marks: ")]


@pytest.mark.parametrize(("make", "more", "said"), GROWING)
def test_what_is_new_stands_beside_what_a_run_knew(make, more, said, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    recipe = asked(make, tmp_path)
    start.start(recipe, out=Path("one"))
    more(tmp_path)
    place = [f"data.train={recipe.data.train}", "train.from_run=one", "compute.device=cpu"]
    found = prepare(None, load_recipe(f"{recipe.task}/own-data", [*place, *_columns(recipe)]), unobserved)
    begun = further.starting_point(found.recipe)
    assert begun is not None
    assert any(note.startswith(said) and " new (" in note for note in found.fitted.notes), found.fitted.notes
    new, old = further.named_axes(found.fitted), further.named_axes(begun.fitted)
    grew = 0
    for name, weight in found.trainer.model.state_dict().items():
        pattern = next((one for one in new if fnmatchcase(name, one)), None)
        if pattern is None:
            assert torch.equal(weight, begun.weights[name])
            continue
        names, before = new[pattern][0], old[pattern][0]
        assert names is not None
        assert before is not None
        grew += len(names) > len(before)
        shared = [(names.index(one), before.index(one)) for one in before if one in names]
        assert len(shared) == len(before)
        if len(new[pattern]) == 1:
            assert all(torch.equal(weight[place], begun.weights[name][known]) for place, known in shared)
    assert grew


def _columns(recipe: Recipe) -> list[str]:
    keys = ("target_column", "horizon", "cache", "rate", "bins")
    values = recipe.data.model_dump()
    return [f"data.{key}={values[key]}" for key in keys if key in values]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with two files of texts, the second of other words and another label, and a run on the first."""
    (tmp_path / "first.csv").write_text(reviews(), encoding="utf-8")
    second = reviews().replace("film", "movie").replace("bad", "plain").replace("negative", "mixed")
    (tmp_path / "second.csv").write_text(second, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    keys = [key for key in TINY if key != "model.evidence=off"]
    assert rnncli("sentiment", "--data", "first.csv", *keys, "--out", "first").code == 0
    return tmp_path


QUICK = ("train.epochs=1", "evaluation.baselines=false", "evaluation.page=false", "compute.device=cpu")


def test_words_and_labels_are_those_of_the_run_and_new_ones(here: Path) -> None:
    done = rnncli("sentiment", "--data", "second.csv", "--from", "first", *QUICK, "--out", "second")
    assert done.code == 0, done.err
    notes = json.loads(Path("second/report.json").read_text())["notes"]
    assert any(note.startswith("units: ") and "2 new (movie, plain)" in note for note in notes), notes
    assert "labels: 2 of the run, 1 new (mixed), whose weights are drawn anew" in notes
    assert "labels that no longer occur are kept: negative" in notes
    assert any("those of the run count for" in note for note in notes), notes
    labels = rnncli("predict", "second", "a good film", "--json").json["probabilities"]
    assert set(labels) == {"negative", "mixed", "positive"}


def test_its_recipe_is_the_model_of_the_run_and_runs_as_it_is(here: Path) -> None:
    assert rnncli("sentiment", "--data", "second.csv", "--from", "first", *QUICK, "--out", "second").code == 0
    assert rnncli("run", "second/recipe.yaml", "--out", "third").code == 0
    assert Path("second", BEST).read_bytes() == Path("third", BEST).read_bytes()
    assert Path("second/recipe.yaml").read_text() == Path("third/recipe.yaml").read_text()
    more = {"data": "second.csv", "compute": {"device": "cpu"}, "train": {"epochs": 1}, "out": "fourth"}
    quick = {"baselines": False, "page": False}
    library.run("sentiment", start_from="first", evaluation=quick, **more)
    assert Path("fourth", BEST).read_bytes() == Path("second", BEST).read_bytes()


def test_it_is_resumed_without_the_run_that_it_began_with(here: Path) -> None:
    command = ["sentiment", "--data", "second.csv", "--from", "first", *QUICK, "train.epochs=2"]
    assert rnncli(*command, "--out", "whole").code == 0
    assert rnncli(*command, "train.epochs=1", "--out", "short").code == 0
    Path("first").rename("gone")
    done = rnncli("run", "--resume", "short", "train.epochs=2")
    assert done.code == 0, done.err
    assert Path("short", BEST).read_bytes() == Path("whole", BEST).read_bytes()
    assert Path("short/predictions/test.jsonl").read_text() == Path("whole/predictions/test.jsonl").read_text()
    assert rnncli("predict", "short", "a good film").code == 0


@pytest.mark.parametrize(
    ("keys", "code", "said"),
    [
        (["model.hidden=9"], 2, "model.hidden (9, 8 there)"),
        (["model.cell=lstm", "data.lower=false"], 2, "data.lower (False, True there), model.cell (lstm, gru there)"),
        (["train.from_run=nowhere"], 4, "no such run"),
        (["train.from_run=."], 4, "a folder of runs, not a run"),
    ],
)
def test_what_does_not_fit_is_one_sentence(here: Path, keys: list[str], code: int, said: str) -> None:
    done = rnncli("sentiment", "--data", "second.csv", "--from", "first", *QUICK, *keys)
    assert done.code == code
    assert said in " ".join(done.err.split())
    assert not Path("runs").exists() or not any(Path("runs").iterdir())


def test_a_run_of_another_task_is_named(here: Path) -> None:
    Path("more.txt").write_text("some text\n" * 30)
    done = rnncli("text", "--data", "more.txt", "--from", "first")
    assert done.code == 2
    assert "of task sentiment, not text" in done.err


def test_ones_own_recipe_states_its_model(here: Path) -> None:
    Path("mine.yaml").write_text("task: sentiment\nmodel:\n  hidden: 16\ndata:\n  train: second.csv\n")
    done = rnncli("run", "mine.yaml", "--from", "first")
    assert done.code == 2
    assert "model.hidden (16, 8 there)" in done.err


def test_folds_begin_each_with_the_run(here: Path) -> None:
    done = rnncli("sentiment", "--data", "first.csv", "--from", "first", *QUICK, "data.folds=2", "--out", "folded")
    assert done.code == 0, done.err
    assert "training begins" in RunDirectory(Path("folded/folds/1")).read_report().notes[1]
    done = rnncli("sentiment", "--data", "first.csv", "--from", "folded", *QUICK)
    assert done.code == 4
    assert "a model for each of its folds" in " ".join(done.err.split())
