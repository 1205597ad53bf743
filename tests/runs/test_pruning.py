"""Models without some of their units: what they compute, which units go, what cannot be."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

import rnncli.runs.pruning as pruning
from rnncli.core.recurrent import Recurrent
from rnncli.runs import start
from rnncli.runs.events import unobserved
from rnncli.runs.recipes import load_recipe
from rnncli.runs.shrink import Wish, shrink
from rnncli.runs.use import corpus_with, load
from rnncli.tasks.sentiment.fitted import FittedSentiment
from tests.commands import TINY, reviews, rnncli
from tests.runs.test_further import asked
from tests.runs.test_resolved import clips, sales, texts, words

ADDING = ["model.hidden=8", "train.epochs=1", "evaluation.resamples=20", "evaluation.page=false", "compute.device=cpu"]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def untrained(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let models be as they are when units have been taken out."""
    monkeypatch.setattr(pruning, "_trained_on", lambda model, *rest: (model._replace(module=model.module.eval()), []))


def lively(model: torch.nn.Module) -> None:
    for parameter in model.parameters():
        torch.nn.init.uniform_(parameter, -0.7, 0.7)


def silenced(model: torch.nn.Module, cores: dict[str, Recurrent], kept: dict) -> None:
    """Let units that are not kept count for nothing: nowhere in their layer, nor in what reads its outputs."""
    for name, core in cores.items():
        hidden = core.hidden_size
        for layer, direction in core.places():
            gone = sorted(set(range(hidden)) - set(kept[name][layer, direction].tolist()))
            with torch.no_grad():
                core.weights(layer, direction).weight_hh[:, gone] = 0
                if layer + 1 < core.layers:
                    for after in range(core.directions):
                        columns = [direction * hidden + one for one in gone]
                        core.weights(layer + 1, after).weight_ih[:, columns] = 0
        mask_E = torch.zeros(core.output_size)
        for direction in range(core.directions):
            mask_E[direction * hidden + kept[name][core.layers - 1, direction]] = 1
        core.register_forward_hook(lambda module, given, found, mask_E=mask_E: (found[0] * mask_E, found[1]))


def answers(model, corpus) -> list:
    """The loss of dev, and what is predicted there."""
    part = corpus.parts["dev"]
    examples = model.fitted.encode(part)
    indices = np.arange(len(examples))
    batch = examples.batch(indices)
    with torch.no_grad():
        rows = model.fitted.predictions(model.module, part, examples, lambda: [(indices, batch)])
        return [model.fitted.loss(model.module, batch), *rows]


@pytest.mark.parametrize(
    ("make", "keys"),
    [
        (texts, ["model.pooling=last+mean+max"]),
        (texts, ["model.cell=lstm", "model.layers=2", "model.bidirectional=false"]),
        (texts, ["model.reset=after", "model.layers=3"]),
        (words, ["model.members=2", "model.layers=2"]),
        (words, ["model.cell=rnn"]),
        (clips, ["model.layers=2"]),
    ],
)
def test_a_model_without_units_computes_what_it_does_with_them_silenced(make, keys, here, monkeypatch):
    start.start(asked(make, here, *keys, "model.hidden=10"), out=Path("run"))
    untrained(monkeypatch)
    drawn = {}
    monkeypatch.setattr(pruning, "_contributions", lambda model, cores, train: _drawn(cores, drawn))
    trained = load(Path("run"))
    lively(trained.model)
    model, corpus = corpus_with(trained, None, "dev")
    small, _ = pruning.without_units(model, trained.run, corpus, 0.35, unobserved)
    cores = pruning._cores(model)
    kept = {name: {at: pruning._best(score_H, 4) for at, score_H in one.items()} for name, one in drawn.items()}
    assert small.recipe.model.hidden == 4
    assert all(core.hidden_size == 4 for core in pruning._cores(small).values())
    silenced(model.module, cores, kept)
    for one, other in zip(answers(small, corpus), answers(model, corpus), strict=True):
        if isinstance(one, torch.Tensor):
            assert torch.allclose(one, other, rtol=1e-5, atol=1e-6)
        else:
            assert one["truth"] == other["truth"]


def _drawn(cores, drawn):
    """Contributions by chance, which ``drawn`` keeps."""
    chance = torch.Generator().manual_seed(3)
    for name, core in cores.items():
        drawn[name] = {at: torch.rand(core.hidden_size, generator=chance) for at in core.places()}
    return drawn


def test_units_that_count_for_nothing_go_first_and_change_nothing(here, monkeypatch):
    start.start(asked(texts, here, "model.hidden=8", "model.pooling=mean"), out=Path("run"))
    untrained(monkeypatch)
    trained = load(Path("run"))
    lively(trained.model)
    (core,) = pruning._cores(model := corpus_with(trained, None, "dev")[0]).values()
    dead = [1, 2, 6]
    with torch.no_grad():
        for direction in range(2):
            core.weights(0, direction).weight_hh[:, dead] = 0
            model.module.linear.weight[:, [8 * direction + one for one in dead]] = 0
    model, corpus = corpus_with(trained, None, "dev")
    before = answers(model, corpus)
    small, _ = pruning.without_units(model, trained.run, corpus, 5 / 8, unobserved)
    assert torch.allclose(answers(small, corpus)[0], before[0], rtol=1e-6)


def test_half_the_units_and_a_quarter_of_the_epochs_make_a_run_like_others(here):
    (here / "reviews.csv").write_text(reviews(120), encoding="utf-8")
    keys = [*TINY, "data.train=reviews.csv", "train.epochs=8", "train.patience=0"]
    start.start(load_recipe("sentiment/own-data", keys), out=Path("run"))
    done = rnncli("shrink", "run", "--units", 0.5, "--weights", "fp32", "--out", "small", "--json")
    assert done.code == 0, done.err
    assert (done.json["units"], done.json["units_before"]) == (4, 8)
    small = load(Path("small"))
    assert small.recipe.model.hidden == 4
    assert [row["epoch"] for row in small.run.read_metrics()] == [1, 2]
    assert rnncli("predict", "small", "a very good film").code == 0
    found = rnncli("compare", "run", "small", "--json").json
    assert found["keys"] == ["model.hidden"]
    again = rnncli("shrink", "small", "--units", 0.5, "--out", "smaller", "--json")
    assert (again.json["units"], again.json["weights"]) == (2, "int8")


def test_weights_that_grow_worse_by_training_on_are_not_taken(here, monkeypatch):
    start.start(asked(texts, here, "train.epochs=4", "train.best_by=loss"), out=Path("run"))
    loss = FittedSentiment.loss
    monkeypatch.setattr(FittedSentiment, "loss", lambda fitted, model, batch: -loss(fitted, model, batch))
    trained = load(Path("run"))
    model, corpus = corpus_with(trained, None, "dev")
    found, epochs = pruning.without_units(model, trained.run, corpus, 1.0, unobserved)
    assert len(epochs) == 1
    weights = model.module.state_dict()
    assert all(torch.equal(one, weights[name]) for name, one in found.module.state_dict().items())


def test_a_problem_of_memory_can_do_without_units(here):
    done = rnncli("memory", *ADDING, "data.examples=60", "data.lags=[5]", "--out", "run")
    assert done.code == 0, done.err
    assert shrink(Path("run"), Wish("fp32", units=0.5), out=Path("small")).units == 4


@pytest.mark.parametrize(
    ("make", "keys"), [(sales, []), (texts, ["model.initial_state=learnt"]), (texts, ["model.core=transformer"])]
)
def test_a_core_that_cannot_do_without_units_is_named(make, keys, here):
    start.start(asked(make, here, *keys), out=Path("run"))
    done = rnncli("shrink", "run", "--units", 0.5, "--out", "small")
    assert done.code == 2
    assert "--units" in done.err
    assert not Path("small").exists()
