"""A task from outside of the package has all that the program's own have, and no file of the package names it."""

import json
import os
import re
import sys
from pathlib import Path

import pytest

from rnncli import tasks
from tests.commands import NO_PAGE, rnncli
from tests.docs import adding

PACKAGE = Path(tasks.__file__).resolve().parents[1]
LONGEST = 300
"""Lines of a small task."""


@pytest.fixture(autouse=True)
def stars(tmp_path_factory, tmp_path, monkeypatch):
    """The package installed; its commands work in an empty folder."""
    installed = adding.build(tmp_path_factory.mktemp("site"))
    monkeypatch.syspath_prepend(installed)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(installed), str(PACKAGE.parent)]))
    monkeypatch.chdir(tmp_path)
    tasks.found.cache_clear()
    yield
    tasks.found.cache_clear()
    for name in [name for name in sys.modules if name.startswith("rnncli_stars")]:
        del sys.modules[name]


def run(*arguments):
    done = rnncli(*arguments)
    assert done.code == 0, done.err
    return done


def test_the_example_is_short_and_nothing_names_it():
    assert sum(text.count("\n") for text in adding.files().values()) <= LONGEST
    for file in PACKAGE.rglob("*"):
        if file.suffix in (".py", ".j2"):
            assert not re.search(r"stars/|rnncli_stars|within_one|in stars", file.read_text(encoding="utf-8")), file


def test_it_is_listed_with_its_recipe_and_refuses_metrics_that_it_does_not_declare():
    assert "stars" in run("--help").out
    assert "stars/default" in run("recipes", "list").out
    assert "--number-column" in run("stars", "--help").out
    refused = rnncli("stars", "train.best_by=accuracy")
    assert refused.code == 2
    assert 'there is no metric "accuracy"' in refused.err
    assert "mae" in refused.err


def test_it_trains_keeps_its_best_epoch_reports_compares_predicts_and_is_batched():
    report = run("stars", "compute.threads=1", "--json").json
    mae = report["metrics"]["mae"]
    assert (mae["unit"], mae["better"], mae["title"]) == ("plain", "lower", "mean error in stars")
    assert mae["low"] < mae["value"] < mae["high"]
    assert mae["value"] < report["baselines"]["mean"]["mae"]
    assert report["advice"][0].startswith("the model beats its best rival, mean, by")
    assert "of mean error in stars" in report["advice"][0]
    folder = Path("runs/stars-default-1")
    history = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    assert report["training"]["best_epoch"] == min(history, key=lambda row: row["metrics"]["mae"])["epoch"]
    rows = [json.loads(line) for line in (folder / "predictions" / "test.jsonl").read_text().splitlines()]
    assert mae["value"] == pytest.approx(sum(abs(row["number"] - row["truth"]) for row in rows) / len(rows))
    shown = run("report", folder).out
    assert f"{mae['value']:.3f}" in shown
    assert "mean error in stars" in shown
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert "predicted stars" in page
    assert "fill-opacity" in page or "opacity: 0.2" in page
    answers = [
        json.loads(line) for line in run("predict", folder, "great great good good", "awful bad").out.splitlines()
    ]
    assert answers[0]["number"] > answers[1]["number"] + 1
    assert run("data", "check", "stars/default").out.startswith("built-in reviews: 600 texts")
    sets = [part for key in ("model.cell=gru,lstm", "train.epochs=1", NO_PAGE) for part in ("--set", key)]
    run("batch", "stars/default", *sets, "--out", "runs/cells")
    compared = run("compare", "runs/cells", "--json").json
    assert (compared["units"]["mae"], compared["better"]["mae"]) == ("plain", "lower")
    means = {one["name"]: one["scores"]["mae"]["mean"] for one in compared["settings"]}
    assert compared["best"]["mae"] == min(means, key=means.__getitem__)
    assert any("mae" in one["versus"] for one in compared["settings"])
