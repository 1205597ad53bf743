"""Forecasts behind histories: those of the run where these end where its windows do, whoever the history comes from."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import numpy as np
import pytest
import torch

from rnncli.data.series.panel import PanelForm
from rnncli.errors import DataError, UsageError
from rnncli.runs.predicting import given, looking_ahead, predict_behind
from rnncli.runs.tabled import TableOut
from rnncli.tasks.common.tables import table_of
from rnncli.tasks.forecast.predictor import SeriesPredictor
from tests.tasks.forecasting import corpus, days, fit, model_of, recipe_of, rows_of, sales, settled, table

COLUMNS = ("unique_id", "ds", "y", "weather", "promo")
HORIZON, ORIGINS = 5, 3


class Shop:
    """A forecaster of series with a column known until now and one known ahead, and the rows that it was taught."""

    def __init__(self, lengths=(90, 84), whole=False, **data):
        self.series = sales(list(lengths))
        more = [{name: draw(len(one)) for name, one in self.series.items()} for draw in (np.arange, coins)]
        self.table = table(self.series, whole=whole, weather=more[0], promo=more[1])
        self.rows = [self.table.row(at) for at in range(len(self.table))]
        evaluation = {"origins": ORIGINS, "gap": data.pop("gap", 0)}
        recipe = recipe_of(evaluation, horizon=HORIZON, known=["promo"], past=["weather"], **data)
        self.parts = corpus(recipe, self.table)
        self.fitted = fit(recipe, self.parts)
        self.model = model_of(self.fitted)
        settled(self.fitted, self.model, self.parts)

    @property
    def predictor(self):
        return SeriesPredictor(self.fitted, self.model, torch.device("cpu"))

    def windows(self):
        """The rows of test by cutoff and series."""
        rows = rows_of(self.fitted, self.model, self.parts.parts["test"])
        return {(row["cutoff"], row["series"]): row for row in rows}

    def cut(self, cutoff):
        """The rows up to a stamp, and of what lies behind the columns known ahead."""
        key = int if self.rows[0]["ds"].isdecimal() else str
        upto = [row for row in self.rows if key(row["ds"]) <= key(cutoff)]
        behind = [{name: row[name] for name in ("unique_id", "ds", "promo")} for row in self.rows if row not in upto]
        return upto, behind


def coins(count):
    return np.random.default_rng(3).integers(0, 2, count)


def forecasts(shop, upto, behind, levels=(0.1, 0.5, 0.975)):
    return predict_behind(shop.predictor.given(behind, levels), upto)


def numbers(rows, series, name="mean"):
    return [row[name] for row in rows if row["unique_id"] == series]


@pytest.fixture(scope="module")
def shop():
    return Shop()


@pytest.mark.parametrize("settings", [{}, {"gap": 2}, {"whole": True}, {"transform": "log"}, {"lookback": 30}])
def test_forecasts_are_those_of_the_test_where_a_history_ends_at_the_cutoff_of_a_window(settings):
    shop = Shop((90, 90), **settings)
    windows = shop.windows()
    assert len(windows) == 2 * ORIGINS
    for (cutoff, series), window in windows.items():
        rows = forecasts(shop, *shop.cut(cutoff))
        assert {str(row["cutoff"]) for row in rows} == {cutoff}
        assert numbers(rows, series) == pytest.approx(window["mean"], rel=1e-6)
        for name, at in (("q0.1", 1), ("q0.5", 5), ("q0.975", 10)):
            assert numbers(rows, series, name) == pytest.approx(window["quantiles"][at], rel=1e-6)


def test_what_lies_behind_the_cutoff_changes_nothing(shop):
    cutoff = min(shop.windows())[0]
    upto, behind = shop.cut(cutoff)
    usual = forecasts(shop, upto, behind)
    told = [dict(row, y=1e6, weather=-1e6) for row in behind]
    assert forecasts(shop, upto, told) == usual
    assert forecasts(shop, [*upto, *(dict(row, weather=7.0) for row in behind)], None) == usual
    assert forecasts(shop, [*upto, *behind], None) == usual


def test_a_history_may_be_longer_shorter_and_later_and_in_any_order(shop):
    cutoff = min(shop.windows())[0]
    upto, behind = shop.cut(cutoff)
    usual = forecasts(shop, upto, behind)
    assert shop.fitted.learnt.scaling.lookback < 60
    assert forecasts(shop, [row for row in upto if row["ds"] >= upto[-1 - 60]["ds"]], behind) == usual
    assert forecasts(shop, upto[::-1], behind[::-1]) == usual
    short = forecasts(shop, [row for row in upto if row["ds"] >= upto[-1 - 2]["ds"]], behind)
    assert len(short) == len(usual)
    assert all(np.isfinite(row["mean"]) for row in short)
    late = [
        {"unique_id": "s0", "ds": day, "y": 30.0 + at % 7, "weather": 1, "promo": 0}
        for at, day in enumerate(days(50, "2027-03-01"))
    ]
    rows = forecasts(shop, late, [{"unique_id": "s0", "ds": f"2027-04-{day}", "promo": 1} for day in range(20, 25)])
    assert [row["ds"] for row in rows] == [f"2027-04-{day}" for day in range(20, 25)]


def test_series_unknown_to_training_are_forecast_and_named(shop):
    predictor = shop.predictor
    rows = [dict(row, unique_id={"s0": "s0", "s1": "moon"}[row["unique_id"]]) for row in shop.rows]
    upto, behind = [row for row in rows if row["ds"] <= "2025-03-20"], [row for row in rows if row["ds"] > "2025-03-20"]
    predictor = predictor.given([{k: row[k] for k in ("unique_id", "ds", "promo")} for row in behind], ())
    found = predict_behind(predictor, upto)
    assert {row["unique_id"] for row in found} == {"s0", "moon"}
    said = predictor.closing()
    assert "1 series unknown to training, forecast by what others taught: moon" in said
    assert predictor.closing() == ""
    own = forecasts(shop, *shop.cut("2025-03-20"))
    assert numbers(found, "s0") == numbers(own, "s0")


def test_steps_of_which_nothing_is_known_are_named(shop):
    upto, behind = shop.cut("2025-03-10")
    with pytest.raises(
        DataError, match=r"promo of s0 is not given for any of .* such as 2025-03-11; 1 other"
    ) as caught:
        forecasts(shop, upto, None)
    assert "--future FILE" in caught.value.hint
    assert "unique_id, ds, promo" in caught.value.hint
    holed = [row for row in behind if (row["unique_id"], row["ds"]) != ("s1", "2025-03-13")]
    with pytest.raises(DataError, match=r"the future: promo of s1 is not given for 1 of the 5 steps .* 2025-03-13$"):
        forecasts(shop, upto, holed)
    blank = [dict(row, promo=None if row["ds"] == "2025-03-12" else row["promo"]) for row in behind]
    with pytest.raises(DataError, match=r"1 of the 5 steps .* 2025-03-12; 1 other series"):
        forecasts(shop, upto, blank)
    far = [row for row in behind if row["ds"] > "2025-03-15"]
    with pytest.raises(DataError, match="any of the 5"):
        forecasts(shop, upto, far)


def test_a_future_without_series_is_that_of_all_of_them(shop):
    upto, _ = shop.cut("2025-03-10")
    calendar = [{"ds": day, "promo": at % 2} for at, day in enumerate(days(5, "2025-03-11"))]
    each = [dict(row, unique_id=name) for name in shop.series for row in calendar]
    predictor = shop.predictor.given(calendar, (0.1, 0.5, 0.975))
    assert predict_behind(predictor, upto) == forecasts(shop, upto, each)
    assert "the future: the same for all series" in predictor.closing()
    with pytest.raises(DataError, match='the future: no column "unique_id"'):
        forecasts(shop, upto, [*calendar, *calendar])


def test_rows_of_the_future_that_are_of_no_use_are_counted(shop):
    predictor = shop.predictor.given(shop.cut("2025-03-10")[1], ())
    predict_behind(predictor, shop.cut("2025-03-10")[0])
    behind = len(shop.rows) - len(shop.cut("2025-03-15")[0])
    assert f"the future: {behind} rows behind what is forecast, not used" in predictor.closing()


def test_series_that_end_early_are_forecast_from_their_own_ends():
    shop = Shop((90, 90), gap=1)
    upto, behind = shop.cut("2025-03-20")
    kept = [row for row in upto if row["unique_id"] == "s0" or row["ds"] <= "2025-03-11"]
    future = [{"unique_id": row["unique_id"], "ds": row["ds"], "promo": row["promo"]} for row in [*upto, *behind]]
    predictor = shop.predictor.given(future, ())
    rows = predict_behind(predictor, kept)
    assert [(row["cutoff"], row["ds"]) for row in rows[::HORIZON]] == [
        ("2025-03-20", "2025-03-22"),
        ("2025-03-11", "2025-03-13"),
    ]
    assert "1 series end before 2025-03-20 and are forecast from their own ends, such as s1 from 2025-03-11" in (
        predictor.closing()
    )


def test_levels_are_as_asked_and_ascend(shop):
    upto, behind = shop.cut("2025-03-10")
    rows = forecasts(shop, upto, behind, (0.001, 0.025, 0.25, 0.5, 0.999))
    names = ["q0.001", "q0.025", "q0.25", "q0.5", "q0.999"]
    assert list(rows[0]) == ["unique_id", "ds", "cutoff", "mean", *names]
    assert all(np.all(np.diff([row[name] for name in names]) >= 0) for row in rows)
    usual = predict_behind(shop.predictor.given(behind, ()), upto)
    assert list(usual[0])[3:] == ["mean", "q0.025", "q0.1", "q0.5", "q0.9", "q0.975"]
    assert [row["q0.025"] for row in usual] == [row["q0.025"] for row in rows]
    for level in (0.0, 1.0, -1, float("nan"), 50):
        with pytest.raises(UsageError, match="between 0 and 1"):
            looking_ahead(shop.predictor, None, [0.5, level])
    assert looking_ahead(shop.predictor, None, [0.9, 0.1, 0.9]).levels == (0.1, 0.9)


def test_only_what_looks_ahead_takes_a_future():
    for asked in ((Path("known.csv"), ()), (None, (0.5,))):
        with pytest.raises(UsageError, match="is for runs that forecast series"):
            looking_ahead(object(), *asked)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda rows: rows[::7], '"ds" is weekly, and the run was trained on daily'),
        (lambda rows: [dict(r, ds=f"{r['ds']} {h:02}:00") for r in rows[:9] for h in range(24)], "is hourly, and"),
        (lambda rows: [dict(r, ds=n) for n, r in enumerate(rows[:20])], "whole numbers, .* where the run has dates"),
        (lambda rows: [{k: v for k, v in r.items() if k != "promo"} for r in rows], 'no column "promo" .data.known'),
        (lambda rows: [{k: v for k, v in r.items() if k != "weather"} for r in rows], 'no column "weather"'),
        (lambda rows: [{k: v for k, v in r.items() if k != "ds"} for r in rows], r'no column "ds"|no column of dates'),
        (lambda rows: [dict(r, y=None) for r in rows], "no row has a value"),
        (lambda rows: [dict(r, y="many") for r in rows], "many"),
        (lambda rows: [], "no rows"),
    ],
)
def test_a_history_of_another_kind_is_one_sentence(change, words, shop):
    rows = [row for row in shop.rows if row["unique_id"] == "s0"]
    with pytest.raises(DataError, match=words) as caught:
        forecasts(shop, change(rows), None)
    assert "\n" not in caught.value.message


def predictor_of(columns, rows, known=(), **data):
    """A predictor of a table that is read as its own columns tell."""
    recipe = recipe_of({"origins": 1}, horizon=3, known=list(known), **data)
    found = corpus(recipe, table_of("shops.csv", columns, rows))
    fitted = fit(recipe, found)
    return SeriesPredictor(fitted, model_of(fitted), torch.device("cpu"))


def as_rows(columns, rows):
    return [dict(zip(columns, row, strict=True)) for row in rows]


def test_days_are_no_history_for_months_even_if_all_have_one_value():
    months = [("a", f"{2010 + at // 12}-{at % 12 + 1:02}-01", 10.0 + at % 7) for at in range(100)]
    columns = ("unique_id", "ds", "y")
    predictor = predictor_of(columns, months)
    assert len(predict_behind(predictor, as_rows(columns, months[:4]))) == 3
    for values in (np.ones(70), np.arange(70.0)):
        rows = [("a", day, value) for day, value in zip(days(70), values.tolist(), strict=True)]
        with pytest.raises(DataError, match='"ds" is daily, and the run was trained on monthly values'):
            predict_behind(predictor, as_rows(columns, rows))
    quarters = [row for row in months if row[1][5:7] in ("01", "04", "07", "10")]
    with pytest.raises(DataError, match='"ds" is quarterly'):
        predict_behind(predictor, as_rows(columns, quarters))


def test_columns_are_called_as_the_user_calls_them():
    columns = ("shop", "item", "day", "sales")
    rows = [(s, i, day, 10.0 + at % 7) for s in ("a", "b") for i in ("x", "y") for at, day in enumerate(days(60))]
    found = predict_behind(predictor_of(columns, rows), as_rows(columns, rows))
    assert list(found[0])[:4] == ["shop", "item", "day", "cutoff"]
    assert [(row["shop"], row["item"]) for row in found[::3]] == [("a", "x"), ("a", "y"), ("b", "x"), ("b", "y")]
    clash = ("mean", "cutoff", "y")
    rows = [("a", day, 10.0 + at % 7) for at, day in enumerate(days(60))]
    predictor = predictor_of(clash, rows, series_column="mean", time_column="cutoff")
    assert list(predict_behind(predictor, as_rows(clash, rows))[0])[:4] == ["unique_id", "ds", "cutoff", "mean"]


def test_columns_of_a_wide_table_are_series_some_of_which_may_be_absent():
    columns = ("date", "north", "south", "west")
    rows = [(day, 10.0 + at % 7, 20.0 + at % 5, 3.0 * (at % 3)) for at, day in enumerate(days(60))]
    predictor = predictor_of(columns, rows)
    whole = predict_behind(predictor, as_rows(columns, rows))
    assert [row["unique_id"] for row in whole[::3]] == ["north", "south", "west"]
    assert list(whole[0])[:2] == ["unique_id", "date"]
    for some in (["south"], ["north", "west"]):
        part = [{name: row[name] for name in ("date", *some)} for row in as_rows(columns, rows)]
        assert predict_behind(predictor, part) == [row for row in whole if row["unique_id"] in some]
        assert "unknown" not in predictor.closing()


def test_one_series_without_a_name_is_called_as_its_column():
    rows = [(day, 10.0 + at % 7) for at, day in enumerate(days(60))]
    predictor = predictor_of(("ds", "load"), rows)
    found = predict_behind(predictor, as_rows(("ds", "load"), rows))
    assert {row["unique_id"] for row in found} == {"load"}
    assert "unknown" not in predictor.closing()


def test_a_series_that_stands_alone_is_found_by_the_column_of_training():
    """No name tells that such a column names series, and no stamp comes twice."""
    columns = ("filiale", "ds", "y")
    rows = [(name, day, 10.0 + at % 7) for name in ("a", "b") for at, day in enumerate(days(60))]
    predictor = predictor_of(columns, rows)
    found = predict_behind(predictor, as_rows(columns, rows[60:]))
    assert {row["filiale"] for row in found} == {"b"}
    assert predictor.closing() == ""


def written(predictor, examples, form):
    examples = list(examples)
    rows = predictor.predict(examples)
    return "".join(predictor.text(one, row, form) for one, row in zip(examples, rows, strict=True))


def test_csv_has_its_names_once_and_json_a_row_a_line(tmp_path):
    columns = ("shop", "ds", "y")
    rows = [(name, day, 10.0 + at % 7) for name in ("a, b", 'c "d"') for at, day in enumerate(days(60))]
    predictor = predictor_of(columns, rows)
    expected = predict_behind(predictor, as_rows(columns, rows))
    path = tmp_path / "shops.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([columns, *rows])
    text = "".join(TableOut(given(predictor, [str(path)], None)).text("csv"))
    found = list(csv.DictReader(io.StringIO(text)))
    assert [(row["shop"], float(row["mean"])) for row in found] == [(row["shop"], row["mean"]) for row in expected]
    with path.open(encoding="utf-8") as lines:
        heard = written(predictor, predictor.listen(lines, "stdin"), "")
    assert list(map(json.loads, heard.splitlines())) == expected
    stream = [json.dumps(row) + "\n" for row in as_rows(columns, rows)]
    assert written(predictor, predictor.listen(stream, "stdin"), "jsonl") == heard
    titles, cells = predictor.table(expected)
    assert titles == ["shop", "ds", "mean", "q0.025", "q0.1", "q0.5", "q0.9", "q0.975"]
    assert len(cells) == 6
    assert {len(cell.partition(".")[2]) for row in cells for cell in row[2:]} == {3}
    with pytest.raises(DataError, match=r"^stdin:2: "):
        list(predictor.listen(["shop,ds,y\n", 'a,"x\n'], "stdin"))


def test_the_example_can_be_forecast_from(shop):
    wide = predictor_of(("date", "n", "s"), [(day, at % 7, at % 5) for at, day in enumerate(days(60))])
    whole = predictor_of(("t", "y"), [(at, at % 7 + 1.0) for at in range(60)])
    for predictor, steps in ((shop.predictor, HORIZON), (wide, 6), (whole, 3)):
        lines = [f"{line}\n" for line in predictor.example.splitlines()]
        assert len(list(predictor.listen(lines, "stdin"))) == steps


def test_without_a_history_the_files_of_the_run_are_gone_on_with(tmp_path):
    columns = ("unique_id", "ds", "y")
    rows = [(name, day, 10.0 + at % 7) for name in ("a", "b") for at, day in enumerate(days(60))]
    train, test = ([row for row in rows if (row[1] > "2025-02-20") == late] for late in (False, True))
    for name, some in (("train.csv", train), ("test.csv", test)):
        with (tmp_path / name).open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([columns, *some])
    places = {"root": str(tmp_path), "train": "train.csv"}
    whole = predictor_of(columns, rows, **places, test="test.csv")
    assert predict_behind(whole, None) == predict_behind(whole, as_rows(columns, rows))
    assert {row["cutoff"] for row in predict_behind(whole, None)} == {"2025-03-01"}
    until = predictor_of(columns, rows, **places, test="test.csv", until="2025-02-25")
    assert {row["cutoff"] for row in predict_behind(until, None)} == {"2025-02-24"}
    assert {row["cutoff"] for row in predict_behind(until, as_rows(columns, rows))} == {"2025-03-01"}
    (tmp_path / "train.csv").unlink()
    with pytest.raises(DataError, match="no such file") as caught:
        predict_behind(whole, None)
    assert "rnncli predict RUN FILE" in caught.value.hint


def test_what_is_known_ahead_in_the_files_of_a_run_is_used(shop):
    form = PanelForm.of(shop.parts.parts["train"].panel)
    assert "promo" in form.known
    columns = ("ds", "y", "promo")
    rows = [(day, 10.0 + at % 7 + 5 * (at % 2) if at < 60 else None, at % 2) for at, day in enumerate(days(63))]
    predictor = predictor_of(columns, rows, known=["promo"])
    found = predict_behind(predictor, as_rows(columns, rows))
    assert [row["ds"] for row in found] == days(63)[60:]
