"""Runs that are made smaller: what they hold, what they score, that they are runs like others."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file

from rnncli.data.rounding import round_rows
from rnncli.errors import RunError
from rnncli.export import bundle, parity
from rnncli.report.shrunk import MetricChange
from rnncli.runs import start
from rnncli.runs.events import unobserved
from rnncli.runs.prepare import prepare
from rnncli.runs.recipes import load_recipe
from rnncli.runs.shrink import Wish, shrink
from rnncli.runs.use import evaluate, load, open_predictor
from rnncli.train import checkpoint
from tests.commands import TINY, reviews, rnncli
from tests.runs.test_further import asked, captions_by_ctc, prose_of_words, tunes
from tests.runs.test_resolved import captions, clips, recordings, sales, texts, words
from tests.tasks.tagged import conll

BEST = "checkpoints/best/model.safetensors"
EVERY = [texts, words, clips, captions, captions_by_ctc, recordings, sales, prose_of_words, tunes]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a run of reviews that have n-grams of evidence."""
    folder = tmp_path_factory.mktemp("trained")
    (folder / "reviews.csv").write_text(reviews(200), encoding="utf-8")
    keys = [*TINY, f"data.root={folder}", "data.train=reviews.csv", "model.evidence=on", "train.epochs=3"]
    start.start(load_recipe("sentiment/own-data", keys), out=folder / "run")
    return folder


@pytest.mark.parametrize("make", EVERY)
def test_runs_of_every_task_are_made_smaller_and_used_like_others(
    make: Callable[[Path], list[str]], here: Path
) -> None:
    recipe = asked(make, here)
    start.start(recipe, out=Path("run"))
    whole = checkpoint.load(Path("run/checkpoints/best")).model
    found = shrink(Path("run"), Wish(), out=Path("small"))
    assert found.change.split == "dev"
    small = load(Path("small"))
    parameters = dict(small.model.named_parameters())
    rounded = checkpoint.load(small.run.best).rounded
    assert rounded.keys() == {name for name, one in parameters.items() if one.dim() > 1}
    for name, weight in small.model.state_dict().items():
        if name in rounded:
            rows = whole[name].reshape(len(weight), -1).numpy()
            codes, scales = round_rows(rows, 8)
            np.testing.assert_array_equal(weight.reshape(len(weight), -1).numpy(), codes * scales)
        else:
            assert torch.equal(weight, whole[name])
    report = evaluate(Path("small"), split=small.run.read_report().split)
    assert report.metrics == small.run.read_report().metrics
    assert open_predictor(Path("small")) is not None
    begun = prepare(None, recipe.having({"train.from_run": "small"}), unobserved).trainer.model.state_dict()
    assert all(torch.equal(begun[name], weight) for name, weight in small.model.state_dict().items())


@pytest.mark.parametrize("make", [texts, words, captions_by_ctc, recordings, sales])
def test_a_smaller_run_is_exported_as_what_it_computes(make, here, monkeypatch):
    start.start(asked(make, here), out=Path("run"))
    shrink(Path("run"), Wish("int8"), out=Path("small"))
    monkeypatch.setattr(parity, "SEQUENCES", 6)
    monkeypatch.setattr(parity, "LONGEST", 1)
    found = bundle.export(Path("small"), Path("model"))
    assert found.parity["difference"] <= found.parity["allowed"]


def test_weights_of_eight_bits_take_a_quarter_and_the_metric_is_told_before_and_after(trained, here):
    done = rnncli("shrink", trained / "run", "--out", "small", "--json")
    assert done.code == 0, done.err
    said = done.json
    sizes = {one["part"]: one for one in said["sizes"]}
    assert (said["weights"], said["words"]) == ("int8", None)
    assert sizes["embeddings"]["after"] / sizes["embeddings"]["before"] == (8 + 2) / 32
    assert sizes["weights, one file"]["after"] == (here / "small" / BEST).stat().st_size
    kept = [here / "small" / BEST, *(here / "small/vocab").iterdir()]
    assert sizes["together"]["after"] == sum(file.stat().st_size for file in kept)
    dev = [rnncli("evaluate", run, "--split", "dev", "--json").json for run in (trained / "run", "small")]
    change = said["change"]
    assert [change["before"], change["after"]] == [one["metrics"]["accuracy"]["value"] for one in dev]
    assert change["low"] <= change["difference"] <= change["high"]
    assert change["loss"] == pytest.approx(100 * (change["before"] - change["after"]))


def test_it_is_compared_with_the_run_that_it_is_of(trained, here):
    for form in ("int8", "int4"):
        assert rnncli("shrink", trained / "run", "--weights", form, "--out", form).code == 0
    found = rnncli("compare", trained / "run", "int8", "int4", "--json").json
    assert [one["settings"] for one in found["settings"]] == [{"weights": form} for form in ("fp32", "int8", "int4")]
    assert "accuracy" in found["settings"][1]["versus"]


def test_it_predicts_what_the_numbers_in_its_file_say(trained, here):
    """Its weights are put into the whole run's model by hand."""
    assert rnncli("shrink", trained / "run", "--out", "small").code == 0
    held = load_file("small/" + BEST)
    model = load(trained / "run").model
    for name, weight in model.state_dict().items():
        codes = held.get(f"{name}:codes")
        mine = held[name] if codes is None else codes * held[f"{name}:scales"].astype(np.float32)
        weight.copy_(torch.from_numpy(mine).reshape(weight.shape))
    found = open_predictor(Path("small")).model
    assert all(torch.equal(one, model.state_dict()[name]) for name, one in found.state_dict().items())


def test_rare_words_are_dropped_and_with_them_their_share_of_the_n_grams(trained, here):
    done = rnncli("shrink", trained / "run", "--words", 12, "--out", "small", "--json")
    assert done.code == 0, done.err
    assert (done.json["words"], load(Path("small")).fitted.words) == (12, 12)
    whole, small = load(trained / "run"), load(Path("small"))
    texts = [line.rpartition(",")[0] for line in (trained / "reviews.csv").read_text().splitlines()[1:]]
    seen = dict.fromkeys(whole.fitted.vocabulary.tokens, 0)
    for unit in (unit for units in whole.fitted.cut_up(texts) for unit in units):
        seen[unit] = seen.get(unit, 0) + 1
    # Counts of the training part alone are near those of all texts: what is far more frequent than others is kept.
    often = sorted(seen, key=lambda unit: -seen[unit])[:6]
    assert set(often) <= set(small.fitted.vocabulary.tokens)
    table = [one.model.state_dict()["embedding.weight"] for one in (whole, small)]
    for unit in small.fitted.vocabulary.tokens:
        rows = [one[run.fitted.vocabulary.number(unit)] for one, run in zip(table, (whole, small), strict=True)]
        assert torch.allclose(*rows, atol=float(rows[0].abs().max()) / 200)
    grams = [len(run.fitted.evidence.grams.tokens) for run in (whole, small)]
    assert grams[1] == grams[0] * 12 // whole.fitted.words
    assert load(Path("small")).recipe.data.max_vocabulary == 12
    assert rnncli("predict", "small", "a very good film", "--json").code == 0


def test_pairs_of_neighbours_are_dropped_with_the_words(here):
    (here / "mine.conll").write_text(conll(), encoding="utf-8")
    keys = [*TINY[:2], *TINY[3:], "data.train=mine.conll", "model.pairs=4", "model.pair_min_count=1"]
    start.start(load_recipe("tagging/own-data", keys), out=Path("run"))
    whole = load(Path("run")).fitted.lexicon
    half = len(whole.vocabularies["word"].tokens) // 2
    found = shrink(Path("run"), Wish(words=half), out=Path("small"))
    small = load(Path("small")).fitted.lexicon
    assert (found.words, len(small.vocabularies["word"].tokens)) == (half, half)
    assert len(small.vocabularies["pair 0"].tokens) < len(whole.vocabularies["pair 0"].tokens)
    least = min(small.counts["word"][2:])
    dropped = set(whole.vocabularies["word"].tokens) - set(small.vocabularies["word"].tokens)
    assert all(whole.counts["word"][whole.vocabularies["word"].number(word)] <= least for word in dropped)
    assert small.vocabularies["character"] == whole.vocabularies["character"]


def test_with_a_floor_it_is_the_smallest_that_is_good_enough(trained, here):
    done = rnncli("shrink", trained / "run", "--floor", 100, "--out", "small", "--json")
    assert done.code == 0, done.err
    tried = done.json["tried"]
    assert [one["weights"] for one in tried] == ["int4"] * len(tried)
    assert [one["kept"] for one in tried] == [False] * (len(tried) - 1) + [True]
    assert done.json["change"]["loss"] == tried[-1]["loss"]


def test_where_none_is_good_enough_nothing_is_written(trained, here, monkeypatch):
    monkeypatch.setattr(MetricChange, "loss", 2.345)
    done = rnncli("shrink", trained / "run", "--floor", 1.5, "--out", "small")
    assert done.code == 2
    assert "no form stays within 1.5 of its accuracy on dev (int4 2.35, int8 2.35, fp16 2.35 worse)" in done.err
    assert "--floor 2.35" in done.err
    assert "nothing was written" in done.err
    assert not Path("small").exists()


def test_there_is_no_training_to_go_on_with(trained, here):
    assert rnncli("shrink", trained / "run", "--out", "small").code == 0
    for more in ([], ["train.epochs=9"]):
        done = rnncli("run", "--resume", "small", *more)
        assert done.code == 2
        assert "made smaller than" in done.err
        assert "--from small" in done.err


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("none",), 4, "no such run"),
        (("run", "--words", "0"), 2, "greater than"),
        (("run", "--out", "run"), 2, "exists already"),
        (("run", "--weights", "int2"), 2, "int2"),
    ],
)
def test_what_cannot_be_is_one_sentence(trained, monkeypatch, arguments, code, said):
    monkeypatch.chdir(trained)
    done = rnncli("shrink", *arguments)
    assert done.code == code
    assert said in done.err
    assert "Traceback" not in done.err


def test_a_task_without_words_is_named(here):
    start.start(asked(sales, here), out=Path("run"))
    done = rnncli("shrink", "run", "--words", 5)
    assert done.code == 2
    assert "a model of task forecast has none that can be dropped" in done.err


def test_a_file_of_codes_that_was_changed_is_damaged(trained, here):
    assert rnncli("shrink", trained / "run", "--out", "small").code == 0
    file = here / "small" / BEST
    file.write_bytes(file.read_bytes()[:-1] + b"\x55")
    with pytest.raises(RunError, match="damaged"):
        load(Path("small"))


def test_its_record_says_what_was_done(trained, here):
    assert rnncli("shrink", trained / "run", "--weights", "fp16", "--out", "small").code == 0
    record = json.loads((here / "small/run.json").read_text())
    assert record["state"] == "finished"
    assert record["shrunk"]["from"] == str(trained / "run")
    assert record["shrunk"]["weights"] == "fp16"
    assert "made smaller than" in " ".join(load(Path("small")).run.read_report().notes)
