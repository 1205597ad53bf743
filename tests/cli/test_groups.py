"""``evaluation.groups``: each metric by group, the gap, and a word where a group is small."""

from __future__ import annotations

import json
import re

import pytest

from rnncli.report.reading import report_of
from tests.commands import TINY, rnncli
from tests.tasks.recordings import TINY as TINY_SPEECH
from tests.tasks.recordings import write_recordings

KEYS = ("data.train=reviews.csv", *TINY, "evaluation.groups=[speaker, length, source]")


@pytest.fixture
def here(tmp_path, monkeypatch):
    """Reviews of a speaker who is seldom understood, of one who is, and of one with few of them."""
    monkeypatch.chdir(tmp_path)
    lines = ["text,label,speaker"]
    for number in range(600):
        label = ("negative", "positive")[number % 2]
        speaker = "eve" if number % 40 == 0 else ("ann", "bob")[number % 4 // 2]
        word = ("bad", "good")[number % 2] if speaker == "ann" else "odd"
        lines.append(f"{word} film {' so' * (number % 7)} {number},{label},{speaker}")
    (tmp_path / "reviews.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return tmp_path


def run(*more):
    return rnncli("run", "sentiment/own-data", *KEYS, "train.epochs=4", "data.test_fraction=0.5", *more)


def test_each_metric_by_group_agrees_with_the_predictions(here):
    done = run("--json", "--out", "run")
    assert done.code == 0, done.err
    rows = [json.loads(line) for line in (here / "run/predictions/test.jsonl").read_text().splitlines()]
    found = {grouping["by"]: grouping for grouping in done.json["groups"]}
    assert list(found) == ["speaker", "length", "source"]
    assert [group["name"] for group in found["source"]["groups"]] == ["reviews.csv"]
    for grouping in found.values():
        assert sum(group["examples"] for group in grouping["groups"]) == len(rows)
        for group in grouping["groups"]:
            mine = [row for row in rows if row["groups"][grouping["by"]] == group["name"]]
            accuracy = sum(row["label"] == row["truth"] for row in mine) / len(mine)
            assert group["metrics"]["accuracy"]["value"] == pytest.approx(accuracy)
            assert group["small"] == (len(mine) < 20)
            assert set(group["metrics"]["accuracy"]) == {"value", "low", "high", "unit", "better"}
    gap = found["speaker"]["gaps"]["accuracy"]
    assert (gap["best"], gap["worst"]) == ("ann", "bob")
    assert gap["p"] < 0.01
    assert 0 < gap["low"] < gap["difference"] < gap["high"]
    assert report_of(done.json).to_dict() == done.json


def test_groups_are_shown_with_the_gap_and_a_word_on_small_ones(here):
    out = run("--out", "run", "evaluation.page=true").out
    assert re.search(r"accuracy: ann is [\d.]+ points \(95 % interval [\d.]+ \.\. [\d.]+\) better than bob", out)
    assert "too few examples to say anything of, left out of the gaps: eve" in out
    page = (here / "run/report.html").read_text()
    assert "By speaker" in page
    assert "better than bob" in page
    again = rnncli("evaluate", "run", "--split", "dev", "--json").json
    assert [grouping["by"] for grouping in again["groups"]] == ["speaker", "length", "source"]


def test_a_cross_validation_groups_the_examples_of_all_folds(here):
    done = run("data.folds=2", "train.epochs=1", "--json")
    assert done.code == 0, done.err
    speakers = done.json["groups"][0]
    assert sum(group["examples"] for group in speakers["groups"]) == done.json["examples"] == 600


def test_a_column_that_is_not_there_is_said_before_anything_is_learnt(here):
    done = rnncli("run", "sentiment/own-data", *KEYS[:-1], "evaluation.groups=[speeker]", "--out", "run")
    assert done.code == 3
    assert 'no column "speeker" (evaluation.groups) (did you mean "speaker"?)' in done.err
    assert not (here / "run").exists()


def test_error_rates_of_speech_by_speaker(tmp_path):
    csv = write_recordings(tmp_path)
    keys = (*TINY_SPEECH, f"data.cache={tmp_path / 'cache'}", "evaluation.groups=[length]", "--json")
    done = rnncli("speech", "--data", csv, "--out", tmp_path / "run", *keys)
    assert done.code == 0, done.err
    assert {"wer", "cer"} <= set(done.json["groups"][0]["groups"][0]["metrics"])
    done = rnncli("speech", "--data", csv, "--out", tmp_path / "other", *keys, "evaluation.groups=[weather]")
    assert done.code == 3
    assert "no column weather is kept" in done.err
