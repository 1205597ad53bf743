"""How long a batch will take: everything that a run does counts, and what its runs took is believed first."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from rnncli.batch import estimate
from rnncli.batch.estimate import RunSeconds, estimates, expected, measure
from rnncli.batch.ledger import Ledger
from rnncli.batch.plan import plan, read_batch
from rnncli.recipe.schema import Recipe
from tests.commands import TINY, reviews
from tests.runs.made import made_run
from tests.train.toy import Toy, toy_trainer

CELLS = ["model.cell=gru,lstm", "data.train=reviews.csv", "seed=1,2"]


@pytest.fixture
def measured(monkeypatch):
    """Recipes whose parts are asked for, and how; they are said to take 100, 20 and 3 seconds."""
    asked: list[tuple[Recipe, dict[str, bool]]] = []

    def pretend(recipe, threads=0, **which):
        asked.append((recipe, which))
        return RunSeconds(100.0, 20.0 if which["alone"] else 0.0, 3.0)

    monkeypatch.setattr(estimate, "measure", pretend)
    monkeypatch.setattr(estimate, "_start_seconds", lambda: 7.0)
    return asked


def planned(sets=CELLS):
    return plan(read_batch(["sentiment/own-data"], sets))


def test_a_run_counts_with_its_start_and_its_rivals_which_are_timed_once(measured, tmp_path):
    runs = planned()
    found = estimates(runs, runs, tmp_path)
    assert set(found.values()) == {100.0 + 20.0 + 3.0 + 7.0}
    assert [which for _, which in measured] == [
        {"alone": True, "scored": True},
        {"alone": False, "scored": True},
    ]


def test_other_data_have_rivals_of_their_own(measured, tmp_path):
    runs = planned(["data.train=a.csv,b.csv", "model.cell=gru,lstm"])
    estimates(runs, runs, tmp_path)
    assert [which["alone"] for _, which in measured] == [True, False, True, False]


def test_what_is_not_training_is_believed_to_runs_that_are_done(measured, tmp_path):
    """The made run trained for 3.25 seconds of the 43.25 that it took."""
    runs = planned()
    made_run(tmp_path / runs[0].name)
    Ledger(tmp_path).add("finished", runs[0].name, seconds=43.25)
    found = estimates(runs, runs[1:], tmp_path)
    assert found[runs[1].name] == 43.25  # another seed of the same setting
    assert {found[one.name] for one in runs[2:]} == {100.0 + 40.0}
    assert [which for _, which in measured] == [{"alone": False, "scored": False}]


def test_a_real_run_is_measured_with_all_its_parts(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "reviews.csv").write_text(reviews(), encoding="utf-8")
    tiny = [one for one in TINY if not one.startswith("evaluation.baselines")]
    (one,) = planned([*tiny, "data.train=reviews.csv"])
    parts = measure(one.recipe, threads=1)
    assert min(parts.epochs, parts.rivals, parts.others) > 0
    longer = one.recipe.model_copy(update={"train": one.recipe.train.model_copy(update={"epochs": 2000})})
    again = measure(longer, alone=False, scored=False)
    assert again.epochs > parts.epochs
    assert again.rivals == 0.0


def test_what_only_the_first_step_and_evaluation_take_is_not_counted_for_each_epoch(monkeypatch):
    class Slow(Toy):
        def __init__(self):
            super().__init__()
            self.steps = self.evaluations = 0

        def loss(self, model, batch):
            self.steps += 1
            time.sleep(0.3 if self.steps == 1 else 0.0)
            return super().loss(model, batch)

        def validate(self, model, examples, batches):
            self.evaluations += 1
            time.sleep(0.3 if self.evaluations == 1 else 0.0)
            return super().validate(model, examples, batches)

    slow = Slow()
    monkeypatch.setattr(estimate, "STEPS", 3)
    monkeypatch.setattr(estimate, "SECONDS", 0.2)
    epoch, once = estimate._epoch(slow, toy_trainer(slow))
    assert once > 0.55
    assert epoch < 0.5


def test_a_batch_at_work_expects_of_its_runs_what_those_before_took():
    runs = planned()
    assert expected(runs, {}) == {}
    took = {runs[0].name: 10.0, runs[2].name: 30.0}
    assert list(expected(runs, took).values()) == [10.0, 10.0, 30.0, 30.0]
    assert set(expected(runs, {runs[0].name: 12.0}).values()) == {12.0}
    assert expected([replace(runs[3], name="new")], {runs[2].name: 30.0}) == {"new": 30.0}
