"""``rnncli compare`` holds models of one text against each other block by block, whatever their symbols are."""

import json

import numpy as np
import pytest

from rnncli.data.text.codec import Codec
from rnncli.data.text.documents import Document
from rnncli.data.text.encoded import encode
from rnncli.recipe.load import dump
from rnncli.report.build import ModelSummary, TrainingSummary, build_report
from rnncli.runs.directory import RunDirectory, write_json, write_lines
from rnncli.runs.recipes import load_recipe
from rnncli.runs.score import evaluate
from rnncli.tasks.text.schema import TextRecipe
from rnncli.tasks.write.scoring import text_blocks, text_rows, text_truth
from tests.commands import rnncli

TEXT = "".join(f"Line {n} of naïve words, {'odd' if n % 2 else 'even'}.\n" for n in range(1200))
COSTS = {"character": 0.5, "byte": 0.55, "word": 2.5, "whitespace": 4.0}
"""Nats of a symbol of each unit."""


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A run of each unit, scored on the same text."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own.yaml").write_text("task: text\ndata:\n  train: book.txt\n")
    for unit in COSTS:
        made_run(tmp_path / unit, unit)
    return tmp_path


def made_run(path, unit):
    recipe = load_recipe("own.yaml", [f"data.unit={unit}"])
    assert isinstance(recipe, TextRecipe)
    document = Document.of(TEXT, "book.txt")
    codec, _ = Codec.learn(recipe.data, [document])
    encoded = encode(codec, [document])
    blocks = text_blocks(encoded.steps, encoded.characters_N, encoded.bytes_N)
    nats_N = np.random.default_rng(1).exponential(COSTS[unit], len(encoded.steps.values))
    truths = [text_truth(document.pieces())]
    rows = list(text_rows(blocks, encoded.steps, nats_N, codec=codec, places=["book.txt"], truths=truths))
    report = build_report(
        task="text",
        recipe=unit,
        split="test",
        evaluation=evaluate(recipe, rows, {"unit": unit}),
        model=ModelSummary("lstm", 1, 8, False, 12_345),
        training=TrainingSummary(3.25, 4, 3, 4120.2, "cpu"),
    )
    run = RunDirectory.create(path, "", dump(recipe), {"state": "finished", "watched": "bits_per_character"})
    write_json(run.report, report.to_dict())
    run.prediction_file("test").parent.mkdir()
    write_lines(run.prediction_file("test"), rows)


def test_models_of_characters_bytes_and_words_are_paired_by_blocks(here):
    done = rnncli("compare", *COSTS, "--json")
    assert done.code == 0, done.err
    assert done.json["apart"] == []
    found = {one["settings"]["data.unit"]: one for one in done.json["settings"]}
    base = found["character"]["scores"]["bits_per_character"]["mean"]
    for unit in ("byte", "word", "whitespace"):
        versus = found[unit]["versus"]["bits_per_character"]
        assert versus["difference"] == pytest.approx(found[unit]["scores"]["bits_per_character"]["mean"] - base)
        assert versus["low"] < versus["difference"] < versus["high"]
    rows = [json.loads(line) for line in (here / "word/predictions/test.jsonl").read_text().splitlines()]
    assert len(rows) == len(TEXT) // 2000 == done.json["examples"] > 10
    assert {row["truth"] for row in rows} == {text_truth([TEXT])}


def test_a_run_of_another_text_is_not_held_against_them(here, monkeypatch):
    monkeypatch.setattr("tests.tasks.write.test_compared.TEXT", TEXT.replace("odd", "ODD"))
    made_run(here / "other", "character")
    done = rnncli("compare", "word", "other", "--json")
    assert done.json["apart"] == ["data.unit=character"]


def test_texts_of_one_block_are_counted_as_such_and_others_are_not_held_against_each_other(here, monkeypatch):
    monkeypatch.setattr("tests.tasks.write.test_compared.TEXT", TEXT[:500])
    for name in ("byte", "word"):
        made_run(here / f"short-{name}", name)
    done = rnncli("compare", "short-byte", "short-word")
    assert done.out.startswith("test, 1 block; differences to ")
    assert "bits_per_character rests on one block, so differences in it are not tested" in " ".join(done.out.split())
    assert "other test examples" not in done.out
    other = rnncli("compare", "short-byte", "word", "--json")
    assert other.json["apart"] == ["data.unit=word"]
