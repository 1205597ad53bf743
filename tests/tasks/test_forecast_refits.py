"""Refits: parts of one test, each by what was known then; stopped at any moment they end as if they had not been."""

import json
import shutil
import signal
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnncli.comparison.compare import compare
from rnncli.errors import DataError, Interrupted, RecipeError
from rnncli.runs import start
from rnncli.runs.recipes import load_recipe
from rnncli.tasks import scoring
from rnncli.tasks.forecast.schema import RECIPE
from rnncli.train.loop import StepDone
from tests.commands import NO_PAGE, start_rnncli
from tests.tasks.forecasting import corpus, fit, recipe_of, sales, table, uninterrupted

WEIGHTS = "checkpoints/best/model.safetensors"
KEYS = [
    "data.train=sales.csv",
    "data.horizon=4",
    "evaluation.origins=5",
    "evaluation.refit=2",
    "evaluation.resamples=50",
    "model.hidden=4",
    "train.epochs=2",
    "train.batch_size=64",
    "compute.threads=1",
    "compute.device=cpu",
    NO_PAGE,
]


def write_sales(folder: Path) -> None:
    """Two shops and one that opens late."""
    lines = ["unique_id,ds,y"]
    for name, values in sales([100, 100, 100]).items():
        rows = zip(np.arange("2025-01-01", "2025-04-11", dtype="datetime64[D]"), values, strict=True)
        lines += [f"{name},{day},{value:.3f}" for day, value in list(rows)[75 if name == "s2" else 0 :]]
    (folder / "sales.csv").write_text("\n".join(lines), encoding="utf-8")


def lines(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("refits")
    write_sales(folder)
    return folder


@pytest.fixture(scope="module")
def peace(folder):
    """The run that nobody interrupts."""
    return uninterrupted(folder, KEYS)


@pytest.mark.parametrize(
    ("origins", "refit", "folds"),
    [(12, "never", 0), (12, "always", 12), (12, 4, 3), (12, 5, 3), (12, 12, 0), (12, 99, 0), (1, "always", 0)],
)
def test_a_recipe_is_as_many_folds_as_its_refits_make(origins, refit, folds):
    recipe = recipe_of({"origins": origins, "refit": refit})
    assert recipe.folds == folds
    if folds:
        one = recipe.of_fold(folds - 1)
        assert one.folds == 0
        assert RECIPE.model_validate(one.model_dump(mode="json")) == one


@pytest.mark.parametrize(
    ("key", "says"),
    [
        (["data.folds=5"], "evaluation.refit=always trains again for each origin"),
        (["data.fold=3", "evaluation.refit=4", "evaluation.origins=12"], "evaluation.refit makes 3, counted from 0"),
        (["data.fold=1"], "evaluation.refit makes 1"),
        (["evaluation.refit=always", "evaluation.origins=0"], "evaluation.refit wants a number of origins"),
        (["evaluation.refit=0"], "evaluation.refit"),
    ],
)
def test_folds_that_make_no_sense_are_refused_in_a_sentence(key, says):
    with pytest.raises(RecipeError, match=says):
        load_recipe("forecast/own-data", ["data.train=sales.csv", *key])


def test_more_origins_than_fit_cannot_be_refitted_for():
    recipe = recipe_of({"origins": 9, "refit": "always"}, horizon=4).of_fold(0)
    with pytest.raises(DataError, match=r"evaluation.refit counts its fits, and (only )?\d fit in") as caught:
        corpus(recipe, table(sales([60])))
    fewer = int(caught.value.hint.partition("=")[2])
    corpus(recipe_of({"origins": fewer, "refit": "always"}, horizon=4).of_fold(fewer - 1), table(sales([60])))


cuts = st.fixed_dictionaries(
    {
        "origins": st.integers(2, 4),
        "refit": st.sampled_from(["always", 2, 3]),
        "step": st.integers(0, 6),
        "gap": st.integers(0, 3),
        "window": st.sampled_from(["expanding", "rolling"]),
    }
)


@given(st.lists(st.integers(15, 70), min_size=1, max_size=2), st.integers(1, 5), cuts, st.booleans())
@settings(max_examples=6, deadline=None)
def test_refits_share_the_windows_of_one_test_and_know_no_more_than_was_known(lengths, horizon, evaluation, whole):
    data = table(sales([70, *lengths]), whole=whole)
    recipe = recipe_of(evaluation, horizon=horizon, season=2)
    try:
        every = corpus(recipe, data).parts["test"]
        parts = [corpus(recipe.of_fold(fold), data).parts for fold in range(recipe.fits)]
    except DataError:
        return

    def cells(part):
        return [(part.panel.names[s], int(c)) for s, c in zip(part.series_W, part.cutoff_W, strict=True)]

    assert sorted(cell for one in parts for cell in cells(one["test"])) == sorted(cells(every))
    spans = []
    for one in parts:
        train, dev, test = one["train"], one["dev"], one["test"]
        number = train.panel.number
        names = list(train.panel.names)
        first = {name: min((c for s, c in cells(test) if s == name), default=10**9) for name in names}
        for part in (train, dev):
            last = dict(zip(names, number(np.arange(len(names)), part.end_S) - 1, strict=True))
            assert all(last[s] + part.gap + 1 > c for s, c in cells(train))
            assert all(c + part.gap + part.horizon <= first[s] for s, c in cells(part))
        begin, end = number(0, train.begin_S[0]), number(0, train.end_S[0])
        spans.append((int(begin), int(end)))
        assert all((part.origin_W >= part.start_W).all() for part in (train, dev, test))
        same = parts[0]["train"]
        assert test.measured is not None
        assert number(0, test.measured[1][0]) == same.panel.number(0, same.measured[1][0])
        first_tested = [c for s, c in cells(parts[0]["test"]) if s == same.panel.names[0]]
        assert all(number(0, test.measured[1][0]) <= c + 1 for c in first_tested)
    step = (evaluation["step"] or horizon) * recipe.evaluation.origins_a_fit
    assert [end - spans[0][1] for _, end in spans] == [step * fold for fold in range(len(spans))]
    moved = step if evaluation["window"] == "rolling" else 0
    assert [begin - spans[0][0] for begin, _ in spans] == [moved * fold for fold in range(len(spans))]


@pytest.mark.parametrize("window", ["expanding", "rolling"])
def test_a_series_that_is_new_at_a_refit_is_learnt_by_it(window):
    series = sales([100, 100])
    series["s1"][:60] = np.nan
    recipe = recipe_of({"origins": 5, "refit": "always", "window": window}, horizon=4)
    taught = [corpus(recipe.of_fold(fold), table(series)).parts["train"] for fold in range(5)]
    windows = [int((train.series_W == 1).sum()) for train in taught]
    assert windows[0] == 0
    assert windows[-1] > windows[-2] > 0


def test_scales_of_a_rolling_fit_see_nothing_before_its_window():
    series = sales([100])
    recipe = recipe_of({"origins": 3, "refit": "always", "window": "rolling"}, horizon=4, season=7, calendar="off")
    changed = {"s0": np.where(np.arange(100) < 8, 1e6, series["s0"])}
    one, other = (fit(recipe.of_fold(2), corpus(recipe.of_fold(2), table(data))).learnt for data in (series, changed))
    assert (one.ridge.lag_PLH == other.ridge.lag_PLH).all()
    assert one.ridge.words == other.ridge.words
    wide = recipe.model_copy(update={"evaluation": recipe.evaluation.model_copy(update={"window": "expanding"})})
    two = fit(wide.of_fold(2), corpus(wide.of_fold(2), table(changed))).learnt
    assert not np.array_equal(two.ridge.lag_PLH, one.ridge.lag_PLH)


def test_the_report_is_of_all_windows_and_so_are_those_of_rivals(peace):
    report = json.loads((peace / "report.json").read_text())
    rows = [row for fold in "012" for row in lines(peace / f"folds/{fold}/predictions/test.jsonl")]
    assert report["examples"] == len(rows) == 5 * 3
    assert [fold["examples"] for fold in report["folds"]] == [6, 6, 3]
    assert (
        "3 fits (6 + 6 + 3) make one test of 15 examples, all scored together, none left out, and so by each rival"
        in (report["notes"])
    )
    error = np.concatenate([np.abs(np.subtract(row["truth"], row["mean"])) for row in rows])
    assert report["metrics"]["mae"]["value"] == pytest.approx(error.mean(), rel=1e-5)
    assert "deviation" not in report["metrics"]["mae"]
    assert report["metrics"]["rmse"]["value"] == pytest.approx(np.sqrt((error**2).mean()), rel=1e-5)
    naive = np.concatenate([np.abs(np.subtract(row["truth"], row["history"][-1])) for row in rows])
    assert report["baselines"]["naive"]["mae"] == pytest.approx(naive.mean(), rel=1e-5)
    assert len(report["baselines"]) >= 5
    values = scoring("forecast").statistics(rows, report["about"]).values()
    assert {name: one["value"] for name, one in report["metrics"].items()} == pytest.approx(values)


def test_errors_of_all_refits_are_over_one_scale(peace):
    scales: dict[str, set[float]] = {}
    for fold in "012":
        for row in lines(peace / f"folds/{fold}/predictions/test.jsonl"):
            absolute, scaled = row["sums"][1], row["sums"][5]
            if scaled:
                scales.setdefault(row["series"], set()).add(round(absolute / scaled, 4))
    assert scales
    assert all(len(one) == 1 for one in scales.values())


def test_a_rival_that_a_fit_lacks_is_left_out_and_named(peace, folder):
    run = folder / "lacking"
    shutil.copytree(peace, run)
    (run / "report.json").unlink()
    file = run / "folds/1/predictions/test-rivals.jsonl"
    kept = [line for line in file.read_text().splitlines(keepends=True) if '"rival": "drift"' not in line]
    file.write_text("".join(kept))
    report = start.resume(run).report
    assert "drift" not in report.baselines
    assert "naive" in report.baselines
    assert "left out of the rivals, as not every fit has them: drift" in report.notes


def test_refits_are_compared_with_a_single_fit_on_the_same_windows(peace, folder, monkeypatch):
    monkeypatch.chdir(folder)
    keys = [key for key in KEYS if not key.startswith("evaluation.refit")]
    start.start(load_recipe("forecast/own-data", keys), out=Path("single"))
    found = compare(["single", "peace"], metrics=["mase"])
    assert [one.name for one in found.settings] == ["evaluation.refit=never", "evaluation.refit=2"]
    tested = found.settings[1].versus["mase"]
    assert "Diebold-Mariano" in tested.test
    single, refits = (json.loads((Path(name) / "report.json").read_text()) for name in ("single", "peace"))
    gap = refits["metrics"]["mase"]["value"] - single["metrics"]["mase"]["value"]
    assert tested.difference == pytest.approx(gap)


@pytest.mark.parametrize(("stop", "how"), [(1, signal.SIGINT), (5, signal.SIGTERM)])
def test_a_signal_at_any_step_of_any_fit_loses_nothing(stop, how, peace, folder, monkeypatch):
    monkeypatch.chdir(folder)
    steps = []

    def count(happening):
        if isinstance(happening, StepDone):
            steps.append(happening)
            if len(steps) == stop:
                signal.raise_signal(how)

    run = Path(f"stopped-{stop}")
    with pytest.raises(Interrupted, match="the state is saved"):
        start.start(load_recipe("forecast/own-data", KEYS), out=run, observe=count)
    start.resume(run)
    assert_alike(run, peace)


def test_a_run_that_was_killed_between_its_fits_goes_on(peace, folder):
    run = folder / "killed"
    process = start_rnncli("forecast", "--recipe", "forecast/own-data", *KEYS, "--out", "killed", cwd=folder)
    deadline = time.monotonic() + 100
    while not (run / "folds/0/report.json").exists() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.002)
    process.kill()
    _, err = process.communicate(timeout=100)
    assert process.returncode == -signal.SIGKILL, err
    first = (run / "folds/0" / WEIGHTS).stat().st_mtime_ns
    start.resume(run)
    assert (run / "folds/0" / WEIGHTS).stat().st_mtime_ns == first
    assert_alike(run, peace)


def assert_alike(run: Path, peace: Path) -> None:
    """The same weights, forecasts and figures."""
    for fold in "012":
        for file in (WEIGHTS, "predictions/test.jsonl", "predictions/test-rivals.jsonl", "vocab/series.safetensors"):
            assert (run / "folds" / fold / file).read_bytes() == (peace / "folds" / fold / file).read_bytes(), file
    ours, theirs = (json.loads((path / "report.json").read_text()) for path in (run, peace))
    for key in ("metrics", "baselines", "notes", "advice", "tables"):
        assert ours[key] == theirs[key]
