"""Forecasts as people type them: built-in series and their own, one command after another."""

import json
import re
import shutil
import signal
from pathlib import Path

import numpy as np
import pytest

from rnncli.errors import Interrupted
from rnncli.runs import start
from rnncli.runs.recipes import load_recipe
from rnncli.tasks.forecast.declared import METRICS
from rnncli.train.loop import StepDone
from tests.cli import schemas
from tests.cli.test_json import told
from tests.cli.test_terminal import in_a_terminal, plain
from tests.commands import NO_PAGE, rnncli

DATA, RECIPE = 3, 2
BEST = "checkpoints/best/model.safetensors"
QUICK = ("model.hidden=8", "train.epochs=1", "evaluation.resamples=20", "compute.threads=1", "compute.device=cpu")
BUILTIN = (*QUICK, "data.windows=200", "evaluation.origins=3")
OWN = (*QUICK, NO_PAGE, "evaluation.origins=3", "data.horizon=7")
RIVALS = {"naive", "drift", "seasonal naive", "mean of seasons", "ridge"}


def write_sales(file: Path, shops: tuple[str, ...] = ("north", "south"), days: int = 90, *, start: str = "2025-01-01"):
    """Long rows of shops with a week, a promotion and noise."""
    random, lines = np.random.default_rng(len(shops)), ["store,day,units,promo"]
    for shop in shops:
        promo = random.integers(0, 2, days)
        units = 20 + 10 * (np.arange(days) % 7 > 4) + 5 * promo + random.poisson(3, days)
        stamps = np.arange(np.datetime64(start), np.datetime64(start) + days)
        lines += [f"{shop},{day},{unit},{one}" for day, unit, one in zip(stamps, units, promo, strict=True)]
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """``runs/1`` and ``runs/2``, of the built-in corpus with two seeds, and ``sales.csv``."""
    folder = tmp_path_factory.mktemp("forecast")
    write_sales(folder / "sales.csv")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        first = rnncli("forecast", "--out", "runs/1", *BUILTIN)
        assert first.code == 0, first.err
        (folder / "printed").write_text(first.out, encoding="utf-8")
        second = rnncli("forecast", "--out", "runs/2", "seed=2", NO_PAGE, "--json", *BUILTIN)
        assert second.code == 0, second.err
        (folder / "report.json").write_text(second.out, encoding="utf-8")
    return folder


@pytest.fixture
def here(folder, monkeypatch):
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture(scope="module")
def own(folder):
    """``runs/own``, of ``sales.csv``."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        done = rnncli("forecast", "--data", "sales.csv", "--known", "promo", "--out", "own", *OWN)
        assert done.code == 0, done.err
    return folder / "own"


def test_a_run_leaves_a_report_a_row_a_window_and_a_page(here):
    report = json.loads(Path("runs/1/report.json").read_text())
    assert report["examples"] == 3 * 8
    assert set(report["baselines"]) == RIVALS
    order = [metric.name for metric in METRICS if metric.name in report["metrics"]]
    assert list(report["metrics"]) == order
    assert len(order) == len(METRICS)
    assert report["metrics"]["mase"]["low"] < report["metrics"]["mase"]["value"] < report["metrics"]["mase"]["high"]
    assert report["metrics"]["coverage_80"]["nominal"] == 0.8
    assert "ridge" in report["advice"][0]
    rows = [json.loads(line) for line in Path("runs/1/predictions/test.jsonl").read_text().splitlines()]
    assert len(rows) == report["examples"]
    assert {"place", "series", "cutoff", "truth", "mean", "quantiles", "n", "sums"} <= set(rows[0])
    error = np.concatenate([np.abs(np.subtract(row["truth"], row["mean"])) for row in rows])
    assert report["metrics"]["mae"]["value"] == pytest.approx(error.mean(), rel=1e-5)
    page = Path("runs/1/report.html").read_text(encoding="utf-8")
    for words in (
        "<h2>In pictures",
        "error by weekday",
        "coverage by level",
        "by step ahead",
        "steps from 2024-",
        "seasonal naive",
        "airport",
    ):
        assert words in page, words


def test_figures_stand_in_the_order_of_what_the_task_declares(here):
    printed = Path("printed").read_text(encoding="utf-8")
    places = [printed.index(f"\n{metric.words} ") for metric in METRICS]
    assert places == sorted(places)
    assert "a typical window" in printed
    assert "|" in printed


def test_json_is_what_the_run_keeps_and_has_the_fields_that_are_documented(here):
    report = json.loads(Path("report.json").read_text())
    assert report == json.loads(Path("runs/2/report.json").read_text())
    told(report, schemas.REPORT)


@pytest.mark.parametrize("command", [("report", "runs/1"), ("compare", "runs")])
def test_80_columns_cut_nothing_and_hold_every_line(here, command):
    shown, code = in_a_terminal(list(command), here)
    assert code == 0, shown
    assert max(len(line) for line in re.split(r"[\r\n]+", plain(shown))) <= 80
    assert "…" not in shown


def test_two_runs_are_compared_by_origin(here):
    done = rnncli("compare", "runs/1", "runs/2", "--json", "--metric", "mae")
    assert done.code == 0, done.err
    told(done.json, schemas.COMPARISON)
    assert done.json["metrics"] == ["mae"]
    assert done.json["better"]["mae"] == "lower"
    assert done.json["examples"] == 24
    assert len(done.json["settings"][0]["runs"]) == 2


def test_own_series_are_read_said_and_their_recipe_is_of_what_was_found(own):
    recipe = (own / "recipe.yaml").read_text()
    for line in ("series_column: store", "time_column: day", "target_column: units", "frequency: D", "known: [promo]"):
        assert line in recipe
    assert json.loads((own / "report.json").read_text())["examples"] == 2 * 3


def test_options_take_names_with_commas_and_numbers(here):
    keys = ("--known", "promo,weather", "--horizon", "5", "--target-column", "units", "--series-column", "[store]")
    done = rnncli("forecast", "--data", "sales.csv", *keys, "--dry-run", *QUICK)
    assert done.code == DATA
    assert 'no column "weather"' in done.err


def test_a_batch_compares_settings_by_the_test_of_diebold_and_mariano(here):
    keys = [word for key in (*OWN, "data.train=sales.csv") for word in ("--set", key)]
    done = rnncli("batch", "forecast/own-data", *keys, "--set", "model.cell=gru,rnn", "--out", "cells", "--json")
    assert done.code == 0, done.err
    assert [run["state"] for run in done.json["runs"]] == ["finished"] * 2
    assert [run["metric"] for run in done.json["runs"]] == ["mase"] * 2
    assert "Diebold-Mariano" in " ".join(done.json["comparison"]["notes"])


def test_further_data_are_scored_from_their_last_origins(own, here):
    write_sales(here / "later.csv", days=60, start="2025-04-01")
    done = rnncli("evaluate", "own", "--data", "later.csv", "--json")
    assert done.code == 0, done.err
    assert done.json["examples"] == 2 * 3
    assert done.json["metrics"]["mae"]["value"] > 0
    write_sales(here / "short.csv", days=5)
    done = rnncli("evaluate", "own", "--data", "short.csv")
    assert done.code == DATA
    assert "no window fits" in done.err


def test_an_interrupted_run_goes_on_to_the_same_weights(own, here):
    steps = []

    def count(happening):
        if isinstance(happening, StepDone):
            steps.append(happening)
            if len(steps) == 2:
                signal.raise_signal(signal.SIGINT)

    keys = ["data.train=sales.csv", "data.known=[promo]", *OWN]
    with pytest.raises(Interrupted, match="the state is saved"):
        start.start(load_recipe("forecast/own-data", keys), out=Path("stopped"), observe=count)
    done = rnncli("run", "--resume", "stopped")
    assert done.code == 0, done.err
    assert Path("stopped", BEST).read_bytes() == Path("own", BEST).read_bytes()
    assert (
        Path("stopped/report.json").read_text().split('"training"')[0]
        == (Path("own/report.json").read_text().split('"training"')[0])
    )


def test_the_recipe_of_a_run_runs_again(own, here, recwarn):
    done = rnncli("run", "own/recipe.yaml", "--out", "again")
    assert done.code == 0, done.err
    assert Path("again", BEST).read_bytes() == Path("own", BEST).read_bytes()
    assert Path("again/recipe.yaml").read_text() == Path("own/recipe.yaml").read_text()
    assert not [warning for warning in recwarn if "serializ" in str(warning.message)]


def test_series_that_repeat_themselves_exactly_are_measured_without_their_scale(here):
    rows = [f"{np.datetime64('2025-01-01') + n},{n % 7}" for n in range(84)]
    Path("exact.csv").write_text("day,sold\n" + "\n".join(rows) + "\n")
    done = rnncli("forecast", "--data", "exact.csv", "--target-column", "sold", "--json", *OWN)
    assert done.code == 0, done.err
    assert "without a scale" in " ".join(done.json["notes"])
    assert json.loads(next(Path("runs").glob("*exact*/run.json")).read_text())["watched"] == "mae"
    shutil.rmtree(next(Path("runs").glob("*exact*")))


def test_help_the_list_of_recipes_and_the_check_know_of_series(here):
    assert "forecast" in rnncli("--help").out
    shown = rnncli("forecast", "--help").out
    assert shown.count("rnncli forecast") >= 3
    assert all(f"--{name}" in shown for name in ("horizon", "series-column", "known", "past"))
    assert "forecast/own-data" in rnncli("recipes", "list").out
    done = rnncli("data", "check", "forecast/own-data", "data.train=sales.csv", "data.horizon=7", "--json")
    assert done.code == 0, done.err
    assert {"windows", "steps a series"} <= {table["title"] for table in done.json["tables"]}


@pytest.mark.parametrize(
    ("keys", "code", "says", "hint"),
    [
        (("--horizon", "60"), DATA, "the horizon of 60 is too long", "--horizon 29 is the most"),
        (("--known", "weather"), DATA, 'no column "weather"', ""),
        (("--horizon", "x"), RECIPE, "data.horizon", ""),
        (("data.folds=5",), RECIPE, "evaluation.refit", ""),
        (("data.test_fraction=0.2",), DATA, "series are split by time", "evaluation.origins"),
        (("--freq", "D"), RECIPE, "--freq is no option", "data.frequency=D"),
        (("--h", "7"), RECIPE, "no option --h", "--horizon 7"),
        (("--unique-id", "store"), RECIPE, "no option --unique-id", "--series-column store"),
        (("--time-column", "store"), DATA, "north", "--time-column"),
    ],
)
def test_a_mistake_is_one_sentence_and_what_to_type(here, keys, code, says, hint):
    done = rnncli("forecast", "--data", "sales.csv", *keys, *QUICK)
    assert (done.code, done.out) == (code, "")
    assert says in done.err
    assert hint in done.err
    assert "Traceback" not in done.err
