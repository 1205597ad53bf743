"""Forecasters that leave: the graph for every head, cell and column, histories read by the bundle as by the program."""

import io
import json
from typing import Any

import numpy as np
import pytest
import torch

from rnncli.core.native import kernels
from rnncli.errors import DataError, RecipeError
from rnncli.export import bundle
from rnncli.export.using import Graphs, main
from rnncli.runs.predicting import looking_ahead, predict
from rnncli.tasks.forecast import portable, task
from rnncli.tasks.forecast.predictor import SeriesPredictor
from tests.export.bundles import alone, lively, made, require_alike
from tests.export.held import export, require_near
from tests.tasks.forecasting import corpus, fit, recipe_of, sales, settled, table

HORIZON = 5
PLAIN: dict[str, Any] = {"data": {"level": "season", "scale": "series"}, "model": {"identity": 0, "linear": False}}
VARIANTS: dict[str, dict[str, Any]] = {
    "quantiles, all columns": {"data": {"known": ["promo", "sky"], "past": ["weather"], "static": ["region"]}},
    "gru of two layers, recursive": {"data": {"known": ["promo"]}, "model": {"decoder": "recursive", "layers": 2}},
    "lstm of both directions, the mean of quantiles": {
        "model": {"cell": "lstm", "bidirectional": True, "loss": "mse", "initial_state": "learnt"}
    },
    "student, logarithms": {"data": {"transform": "log"}, "model": {"head": "student", "cell": "rnn"}},
    "counts": {"data": {"past": ["weather"]}, "model": {"head": "counts", "reset": "after"}},
    "the mean of counts, recursive": {"model": {"head": "counts", "loss": "mse", "decoder": "recursive"}},
    "a point, without regression": {**PLAIN, "model": PLAIN["model"] | {"head": "point"}},
}


def rows_of(series):
    """Rows of two series with columns beside them, two values of the first absent."""
    random = np.random.default_rng(5)
    series["s0"][[30, 31]] = np.nan
    columns = {
        "promo": {name: random.integers(0, 2, len(one)) for name, one in series.items()},
        "weather": {name: random.normal(size=len(one)).round(2) for name, one in series.items()},
        "sky": {name: random.choice(["sun", "rain"], len(one)) for name, one in series.items()},
        "region": {name: np.array([name == "s0"] * len(one)).astype(int) for name, one in series.items()},
    }
    return table({name: one.round() for name, one in series.items()}, **columns)


def trained(variant, **evaluation):
    """A forecaster that was never trained but for its regression, and the rows of its data."""
    data = rows_of(sales([90, 84]))
    recipe = recipe_of({"origins": 3, **evaluation}, variant.get("model"), horizon=HORIZON, **variant.get("data", {}))
    found = corpus(recipe, data)
    fitted = fit(recipe, found)
    torch.manual_seed(2)
    model = lively(fitted.build())
    settled(fitted, model, found)
    return fitted, model, [data.row(at) for at in range(len(data))]


def written(folder, rows, name="history.csv", more=HORIZON):
    """Rows as a file, and behind each series steps of which but the columns known ahead are known."""
    ends = {row["unique_id"]: row for row in rows}
    ahead = np.arange(1, more + 1)
    for series, last in ends.items():
        days = (np.datetime64(last["ds"]) + ahead).astype(str).tolist()
        rows = [*rows, *({"unique_id": series, "ds": day, "promo": 1, "sky": "sun"} for day in days)]
    path = folder / name
    if path.suffix == ".jsonl":
        path.write_text("".join(json.dumps({**row, "ds": row["ds"]}) + "\n" for row in rows), encoding="utf-8")
    else:
        columns = [*rows[0]]
        cells = [";".join("" if row.get(key) is None else str(row[key]) for key in columns) for row in rows]
        path.write_text("\n".join([";".join(columns), *cells]) + "\n", encoding="utf-8")
    return path


@pytest.mark.parametrize("name", VARIANTS)
def test_the_graph_of_every_variant_is_the_model_and_reads_files_as_the_program(monkeypatch, tmp_path, name):
    monkeypatch.setattr(kernels, "trouble", lambda cell: "to compile them takes longer than a test")
    fitted, _, rows = trained(VARIANTS[name], gap=name == "counts")
    fitted.share = 0.5 if name.startswith("gru") else 1.0
    model, found = export(task, fitted, tmp_path, sequences=7)
    predictor = SeriesPredictor(fitted, model, torch.device("cpu"))
    for file in ("history.csv", "history.jsonl"):
        path = written(tmp_path, rows, file, HORIZON + 1)
        wanted = [predictor.predict([one])[0] for one in predictor.read(path)]
        assert len(wanted) == 2 * HORIZON
        require_near(found.predict([*found.read(path)]), wanted)
        assert found.closing() == predictor.closing()
    assert found.closing() == ""


def test_predict_py_goes_on_behind_tables_where_nothing_else_is_installed(monkeypatch, tmp_path, capsys):
    fitted, model, rows = trained(VARIANTS["quantiles, all columns"])
    folder = made(monkeypatch, tmp_path, fitted.recipe, fitted, model)
    assert len(json.loads((folder / "manifest.json").read_text())["graphs"]) == 1
    history, both = written(tmp_path, rows, "past.csv", 0), written(tmp_path, rows)
    predictor: Any = SeriesPredictor(fitted, model, torch.device("cpu"))
    asked = looking_ahead(predictor, both, [0.9, 0.05])
    wanted = predict(asked, [str(history)])
    assert list(wanted[0])[-2:] == ["q0.05", "q0.9"]
    require_alike(alone(folder, history, "--future", both, "--quantiles", "0.9,0.05"), wanted)
    out = io.StringIO()
    with both.open(encoding="utf-8") as stream:
        assert main(folder, ["-"], stream, out) == 0
    require_near([json.loads(line) for line in out.getvalue().splitlines()], predict(predictor, [str(both)]))
    assert "2 absent steps filled (data.gaps=linear)" in capsys.readouterr().err
    for arguments, code, said in (
        ([history], 3, "promo, sky of s0 are not given for any of the 5 steps"),
        ([both, "--quantiles", "50"], 2, "--quantiles 50: a level lies between 0 and 1"),
        (["none.csv"], 3, "no such file, and a forecast goes on behind a table"),
        ([tmp_path / "model" / "predict.py"], 3, "no reader for files that end in"),
    ):
        assert main(folder, [str(one) for one in arguments], stdout=out) == code
        assert said in capsys.readouterr().err


def test_a_forecaster_has_no_single_step_and_a_text_is_no_history(tmp_path):
    fitted, model, _ = trained(PLAIN)
    with pytest.raises(RecipeError, match="nothing to give step by step"):
        task.export(fitted, model, stream=True)
    exported = task.export(fitted, model, stream=False)
    exported.save(tmp_path)
    with pytest.raises(DataError, match="no such file"):
        portable.open_model(tmp_path, Graphs(tmp_path)).parse("10 11 12")


def test_weights_that_come_several_times_are_in_the_graph_once():
    fitted, model, _ = trained(VARIANTS["gru of two layers, recursive"])
    graph = task.export(fitted, model, stream=False).graphs["model"].graph
    sizes = [len(one.raw_data) for one in graph.initializer]
    own = sum(one.numel() * one.element_size() for one in model.parameters())
    assert sum(sizes) < 4 * own
    assert sum(node.op_type == "GRU" for node in graph.node) > 2


def test_the_bundle_needs_no_module_that_fits():
    found = bundle.closure([portable.__name__], {"rnncli"})
    assert "rnncli.tasks.forecast.extras.ridge" in found
    assert not {"rnncli.tasks.forecast.extras.regression", "rnncli.data.series.arrow"} & {*found}
