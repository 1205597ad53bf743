"""What a forecaster must be: windows do not depend on others, shapes of all kinds work, stopped runs end alike."""

import json
import signal
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from rnncli.errors import Interrupted
from rnncli.runs import start
from rnncli.runs.recipes import load_recipe
from rnncli.tasks.forecast.fitted import FittedForecast
from rnncli.train.loop import StepDone
from tests.commands import NO_PAGE
from tests.tasks.forecasting import corpus, fit, model_of, recipe_of, rows_of, sales, settled, table, uninterrupted

KEYS = [
    "data.train=sales.csv",
    "data.horizon=5",
    "data.known=[promo]",
    "data.past=[weather]",
    "evaluation.origins=3",
    "evaluation.resamples=50",
    "model.hidden=4",
    "model.segment=2",
    "train.epochs=2",
    "train.batch_size=32",
    "compute.threads=1",
    "compute.device=cpu",
    NO_PAGE,
]


def case(model=None, lengths=(90, 60), seed=0, **data):
    """Two shops with a column each of what is known ahead, until now, and always; what is fitted to them; a model."""
    values, random = sales(list(lengths)), np.random.default_rng(seed)
    columns = {
        "promo": {name: random.integers(0, 2, len(one)) for name, one in values.items()},
        "weather": {name: random.normal(size=len(one)) for name, one in values.items()},
        "size": {name: np.full(len(one), 3.0 + at) for at, (name, one) in enumerate(values.items())},
    }
    keys = {"horizon": 5, "known": ["promo"], "past": ["weather"], "static": ["size"]} | data
    recipe = recipe_of({"origins": 4, "step": 2}, model, **keys)
    found = corpus(recipe, table(values, **columns))
    fitted = fit(recipe, found)
    made = model_of(fitted)
    settled(fitted, made, found)
    return found, fitted, made


def numbers(rows, key="mean"):
    return np.array([row[key] for row in rows])


KINDS = list(product(("gru", "lstm", "rnn"), ("parallel", "recursive"), (False, True)))


@pytest.mark.parametrize(("cell", "decoder", "bidirectional"), KINDS)
def test_a_forecast_depends_neither_on_its_batch_nor_on_its_place_in_it(cell, decoder, bidirectional):
    found, fitted, model = case(
        {"cell": cell, "decoder": decoder, "bidirectional": bidirectional, "segment": 2, "layers": 2}
    )
    test = found.parts["test"]
    rows = rows_of(fitted, model, test)
    order = np.random.default_rng(1).permutation(len(test))
    for other, size in ((test, 1), (test, 3), (test.take(order), 5)):
        again = rows_of(fitted, model, other, size)
        back = np.argsort(order) if other is not test else np.arange(len(test))
        for key in ("mean", "quantiles"):
            np.testing.assert_allclose(numbers(again, key)[back], numbers(rows, key), rtol=1e-5)
        assert [again[at]["place"] for at in back] == [row["place"] for row in rows]


@pytest.mark.parametrize(
    ("decoder", "segment", "horizon", "lookback"),
    [
        ("parallel", 3, 7, 12),
        ("recursive", 3, 7, 12),
        ("parallel", 5, 2, 10),
        ("recursive", 5, 2, 10),
        ("parallel", 1, 1, 1),
        ("recursive", 1, 3, 2),
        ("parallel", 4, 5, 80),
    ],
)
def test_horizons_segments_and_lookbacks_of_any_size(decoder, segment, horizon, lookback):
    found, fitted, model = case({"decoder": decoder, "segment": segment}, horizon=horizon, lookback=lookback)
    rows = rows_of(fitted, model, found.parts["test"])
    assert numbers(rows).shape == (len(rows), horizon)
    assert np.isfinite(numbers(rows)).all()
    assert (np.diff(numbers(rows, "quantiles"), axis=1) >= 0).all()
    assert (fitted.learnt.scaling.lookback % segment, fitted.recipe.model.segment) == (0, segment)
    loss = fitted.loss(model, fitted.encode(found.parts["train"], training=True).batch(np.arange(2)))
    loss.backward()
    assert all(torch.isfinite(one.grad).all() for one in model.parameters() if one.grad is not None)


@pytest.mark.parametrize("head", ["point", "quantiles", "student", "counts"])
def test_each_head_trains_and_forecasts(head):
    found, fitted, model = case({"head": head})
    train = fitted.encode(found.parts["train"], training=True)
    batch = train.batch(np.arange(len(train)))
    optimizer = torch.optim.Adam(model.parameters(), 1e-2)
    losses = []
    for _ in range(15):
        optimizer.zero_grad()
        loss = fitted.loss(model, batch)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0]
    rows = rows_of(fitted, model.eval(), found.parts["test"])
    assert np.isfinite(numbers(rows, "quantiles")).all()


def test_what_lies_before_a_series_is_made_of_the_series_alone():
    """A history shorter than the lookback repeats itself; the series before it in the file does not come in."""
    found, fitted, _ = case(lengths=(90, 45), lookback=60)
    test = found.parts["test"]
    second = np.flatnonzero(test.series_W == 1)
    assert (test.origin_W[second] - test.start_W[second] < 59).all()
    one = fitted.encode(test).batch(second)
    other_N = test.panel.y_N.copy()
    other_N[: test.panel.start_S[1]] = 1e6
    other = replace(test, panel=replace(test.panel, y_N=other_N))
    again = fitted.encode(other).batch(second)
    for name, tensor in vars(one).items():
        assert np.array_equal(tensor.numpy(), vars(again)[name].numpy(), equal_nan=True), name


def test_a_series_that_was_too_new_to_learn_from_is_forecast_all_the_same():
    values = sales([90, 90])
    values["s1"][:78] = np.nan
    recipe = recipe_of({"origins": 4, "step": 2}, horizon=5)
    found = corpus(recipe, table(values))
    assert set(found.parts["train"].series_W.tolist()) == {0}
    fitted = fit(recipe, found)
    rows = [row for row in rows_of(fitted, model_of(fitted), found.parts["test"]) if row["series"] == "s1"]
    assert len(rows) >= 2
    assert np.isfinite(numbers(rows)).all()
    assert any("series too short to learn from, forecast by what others taught" in note for note in found.notes)


@given(st.floats(0.1, 1e4), st.floats(-50, 1e3))
@settings(max_examples=15, deadline=None)
def test_forecasts_follow_the_unit_and_the_zero_of_their_values(scale, shift):
    """Without logarithms a forecast of a + b y is a + b times that of y, but for rounding."""
    values = sales([80])
    keys = {"horizon": 4, "transform": "none", "non_negative": False}
    forecasts = []
    for one in (values, {name: shift + scale * y for name, y in values.items()}):
        recipe = recipe_of({"origins": 2}, {"head": "quantiles"}, **keys)
        found = corpus(recipe, table(one))
        fitted = fit(recipe, found)
        forecasts.append(numbers(rows_of(fitted, model_of(fitted), found.parts["test"])))
    size = max(abs(shift), scale * np.abs(forecasts[0]).max())
    np.testing.assert_allclose(forecasts[1], shift + scale * forecasts[0], atol=1e-4 * size)


def test_what_was_fitted_comes_back_from_its_files(tmp_path):
    found, fitted, model = case({"cell": "lstm"})
    fitted.save(tmp_path)
    again = FittedForecast.load(fitted.recipe, tmp_path)
    assert rows_of(again, model, found.parts["test"]) == rows_of(fitted, model, found.parts["test"])
    assert again.about == fitted.about
    assert again.conformal is not None


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("invariants")
    random = np.random.default_rng(0)
    lines = ["shop,day,sold,promo,weather"]
    for name, values in sales([80, 70]).items():
        rows = zip(np.arange("2025-01-01", "2025-12-31", dtype="datetime64[D]"), values, strict=False)
        lines += [f"{name},{day},{y:.3f},{random.integers(2)},{random.normal():.3f}" for day, y in rows]
    (folder / "sales.csv").write_text("\n".join(lines), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def peace(folder):
    return uninterrupted(folder, KEYS)


def assert_alike(run, peace):
    for file in ("checkpoints/best/model.safetensors", "predictions/test.jsonl", "vocab/series.safetensors"):
        assert (run / file).read_bytes() == (peace / file).read_bytes(), file
    ours, theirs = (json.loads((path / "report.json").read_text()) for path in (run, peace))
    assert [ours[key] for key in ("metrics", "baselines", "tables")] == [
        theirs[key] for key in ("metrics", "baselines", "tables")
    ]


def test_the_same_seed_gives_the_same_run(peace, folder, monkeypatch):
    monkeypatch.chdir(folder)
    start.start(load_recipe("forecast/own-data", KEYS), out=Path("again"))
    assert_alike(folder / "again", peace)
    start.start(load_recipe("forecast/own-data", [*KEYS, "seed=2"]), out=Path("other"))
    weights = "checkpoints/best/model.safetensors"
    assert (folder / "other" / weights).read_bytes() != (peace / weights).read_bytes()


def test_the_recipe_that_a_run_keeps_makes_the_same_run_again(peace, folder, monkeypatch):
    monkeypatch.chdir(folder)
    start.start(load_recipe("peace/recipe.yaml", []), out=Path("repeated"))
    assert_alike(folder / "repeated", peace)


@pytest.mark.parametrize("stop", [1, 4])
def test_a_run_that_was_stopped_ends_as_one_that_was_not(stop, peace, folder, monkeypatch):
    monkeypatch.chdir(folder)
    steps = []

    def count(happening):
        if isinstance(happening, StepDone):
            steps.append(happening)
            if len(steps) == stop:
                signal.raise_signal(signal.SIGINT)

    run = Path(f"stopped-{stop}")
    with pytest.raises(Interrupted):
        start.start(load_recipe("forecast/own-data", KEYS), out=run, observe=count)
    start.resume(run)
    assert_alike(folder / run, peace)
