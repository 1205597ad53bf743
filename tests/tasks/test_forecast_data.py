"""Series become windows: the protocols' own on real data, no window that knows what comes, none left out unsaid."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from rnncli.data.series.arrow import series_table
from rnncli.data.series.panel import PanelForm
from rnncli.data.tables.sources import ALL
from rnncli.errors import DataError
from rnncli.tasks.common.tables import table_of
from rnncli.tasks.forecast.data import corpus_of, read_corpus, read_part
from rnncli.tasks.forecast.history import read_history
from rnncli.tasks.forecast.schema import RECIPE
from rnncli.tasks.forecast.source import history_settings


def recipe_of(evaluation=None, seed=1, **data):
    return RECIPE.model_validate({"data": data, "evaluation": evaluation or {}, "seed": seed})


def days(count, start="2025-01-01"):
    return pd.date_range(start, periods=count, freq="D").strftime("%Y-%m-%d").tolist()


def table(series, start="2025-01-01", name="sales.csv"):
    """Long rows of series by name."""
    rows = [
        (one, day, None if np.isnan(value) else float(value))
        for one, values in series.items()
        for day, value in zip(days(len(values), start), values, strict=True)
    ]
    return table_of(name, ("unique_id", "ds", "y"), rows)


def corpus(series, evaluation=None, **data):
    return corpus_of(recipe_of(evaluation, **data), {ALL: table(series)})


def stamps(part):
    return [part.panel.stamp(int(one), int(at)) for one, at in zip(part.series_W, part.origin_W, strict=True)]


def count_up(steps, first=0):
    return np.arange(first, first + steps, dtype=float)


@pytest.mark.slow
def test_etth1_has_the_windows_of_the_literature(real_data):
    for horizon, count in ((96, 2785), (720, 2161)):
        recipe = recipe_of(
            {"origins": 0, "step": 1},
            train=str(real_data / "forecast/etth1/ETTh1.csv"),
            horizon=horizon,
            dev_from="2017-06-26",
            test_from="2017-10-24",
            until="2018-02-21",
        )
        found = read_corpus(recipe)
        test = found.parts["test"]
        assert len(test) == len(found.parts["dev"]) == 7 * count
        assert (test.end_S - test.begin_S).tolist() == [8640] * 7
        truth, scored = test.truth_WH()
        assert scored.all()
        raw = np.loadtxt(real_data / "forecast/etth1/ETTh1.csv", delimiter=",", skiprows=1, usecols=range(1, 8))
        names = ["HUFL", "HULL", "MUFL", "MULL", "LUFL", "LULL", "OT"]
        for window in (0, 6, 7 * count - 1):
            column = names.index(test.panel.names[test.series_W[window]])
            begin = 11520 + window // 7
            assert truth[window].tolist() == raw[begin : begin + horizon, column].tolist()


@pytest.mark.slow
def test_bike_has_92_midnights_of_which_2168_hours_are_scored(real_data):
    recipe = recipe_of(
        {"origins": 0},
        train=str(real_data / "forecast/bike/bike_hourly.csv"),
        known=["holiday", "workingday"],
        horizon=24,
        dev_from="2012-09-01",
        test_from="2012-10-01",
    )
    parts = read_corpus(recipe).parts
    _, scored = parts["test"].truth_WH()
    assert (len(parts["dev"]), len(parts["test"]), int(scored.sum())) == (30, 92, 2168)
    assert {stamp[-5:] for stamp in stamps(parts["test"])} == {"23:00"}


@pytest.mark.slow
def test_m4_hourly_gives_the_published_figures_of_the_seasonal_naive_forecast(real_data):
    folder = real_data / "forecast/m4-hourly"
    recipe = recipe_of(train=str(folder / "train.csv"), test=str(folder / "test.csv"), season=24)
    test = read_corpus(recipe).parts["test"]
    truth, scored = test.truth_WH()
    assert (len(test), test.horizon, scored.all()) == (414, 48, True)
    at, inside = test.back_WL(24)
    assert inside.all()
    naive = np.tile(test.panel.y_N[at], 2)
    smape = 200 * np.abs(truth - naive) / (np.abs(truth) + np.abs(naive))
    y = test.panel.y_N
    begins = test.panel.start_S[test.series_W]
    scale = [np.abs(y[b + 24 : o + 1] - y[b : o - 23]).mean() for b, o in zip(begins, test.origin_W, strict=True)]
    mase = np.abs(truth - naive).mean(axis=1) / scale
    assert (round(float(smape.mean()), 3), round(float(mase.mean()), 3)) == (13.912, 1.193)


def test_the_last_origins_that_fit_are_test_and_those_before_dev():
    found = corpus({"a": count_up(100)}, {"origins": 3, "step": 5}, horizon=5)
    train, dev, test = (found.parts[name] for name in ("train", "dev", "test"))
    assert test.origin_W.tolist() == [84, 89, 94]
    assert dev.origin_W.tolist() == [69, 74, 79]
    assert train.end_S.tolist() == [70]
    assert train.origin_W.max() + 5 == 69
    assert test.truth_WH()[0][-1].tolist() == [95, 96, 97, 98, 99]


@given(st.integers(40, 120), st.integers(1, 8), st.integers(1, 9), st.integers(0, 3), st.integers(0, 6), st.booleans())
@settings(max_examples=30, deadline=None)
def test_train_dev_and_test_never_share_a_step_ahead(steps, horizon, step, gap, origins, rolling):
    evaluation = {"origins": origins, "step": step, "gap": gap, "window": "rolling" if rolling else "expanding"}
    assume(steps - gap > 6 * (horizon + gap + step))
    found = corpus({"a": count_up(steps), "b": count_up(steps - 7)}, evaluation, horizon=horizon)
    train, dev, test = (found.parts[name] for name in ("train", "dev", "test"))
    for one in range(2):
        of = {name: part.take(np.flatnonzero(part.series_W == one)) for name, part in found.parts.items()}
        ahead = {name: part.ahead_WH()[0] for name, part in of.items() if len(part)}
        if "train" in ahead and "dev" in ahead:
            assert ahead["train"].max() < train.end_S[one] <= of["dev"].origin_W.min() + 1
        if "dev" in ahead and "test" in ahead:
            assert ahead["dev"].max() <= of["test"].origin_W.min()
    turns = np.unique(test.cutoff_W)
    assert set(np.diff(turns)) <= {step}
    assert len(turns) <= (origins or steps)
    assert test.truth_WH()[1].any(axis=1).all()
    assert dev.truth_WH()[1].any(axis=1).all()


@st.composite
def gappy(draw):
    """Values of two series with gaps, that begin and end with a value."""
    found = {}
    for name in ("a", "b"):
        values = np.array(draw(st.lists(st.integers(1, 50), min_size=50, max_size=50)), float)
        holes = draw(st.lists(st.integers(2, 48), max_size=25))
        values[holes] = np.nan
        found[name] = values
    return found


@given(gappy(), st.sampled_from(["linear", "previous", "seasonal", "zero"]), st.integers(0, 2), st.integers(1, 4))
@settings(max_examples=12, deadline=None)
def test_a_value_behind_an_origin_changes_no_history(series, rule, gap, step):
    evaluation = {"origins": 0, "step": step, "gap": gap}
    data = {"horizon": 3, "gaps": rule, "calendar": "off", "align": "calendar", "frequency": "D"}
    one = corpus(series, evaluation, **data)
    for part in ("dev", "test"):
        windows = one.parts[part]
        for window in {0, len(windows) // 2, len(windows) - 1}:
            number = int(windows.cutoff_W[window])
            changed = {name: values.copy() for name, values in series.items()}
            for values in changed.values():
                behind = np.arange(len(values)) > number - one.parts[part].panel.first_S[0]
                values[behind] = values[behind] * -3 + 7
            other = corpus(changed, evaluation, **data).parts[part]
            series_at, origin = int(windows.series_W[window]), int(windows.origin_W[window])
            begin = windows.panel.start_S[series_at]
            assert other.origin_W[window] == origin
            assert windows.panel.y_N[begin : origin + 1].tolist() == other.panel.y_N[begin : origin + 1].tolist()
            assert (windows.end_S == other.end_S).all()


def test_stamps_say_where_dev_and_test_begin_and_the_data_end():
    evaluation = {"origins": 0, "step": 1, "gap": 2}
    found = corpus(
        {"a": count_up(60)}, evaluation, horizon=3, dev_from="2025-02-01", test_from="2025-02-10", until="2025-02-20"
    )
    test, dev = found.parts["test"], found.parts["dev"]
    assert stamps(test)[0] == "2025-02-07"
    assert test.truth_WH()[0][0].tolist() == [40, 41, 42]
    assert test.truth_WH()[0][-1].tolist() == [47, 48, 49]
    assert dev.truth_WH()[0][0].tolist() == [31, 32, 33]
    assert dev.truth_WH()[0][-1].max() <= test.origin_W[0]
    assert test.end_S.tolist() == [29]


def test_series_that_end_apart_are_cut_at_one_stamp_or_each_before_its_end():
    series = {"a": count_up(60), "b": count_up(52)}
    together = corpus(series, {"origins": 2}, horizon=5, align="calendar").parts["test"]
    assert stamps(together) == ["2025-02-19", "2025-02-19", "2025-02-24"][: len(together)]
    assert together.truth_WH()[1].sum(axis=1).tolist() == [5, 2, 5]
    apart = corpus(series, {"origins": 2}, horizon=5, align="end").parts["test"]
    assert sorted(stamps(apart)) == ["2025-02-11", "2025-02-16", "2025-02-19", "2025-02-24"]


def test_a_file_of_test_is_forecast_from_the_end_of_train():
    tables = {
        "train": table({"a": count_up(40), "b": count_up(30)}),
        "test": table({"a": count_up(6, 100)}, "2025-02-10", "test.csv"),
    }
    found = corpus_of(recipe_of({"origins": 0}, horizon=3), tables)
    test = found.parts["test"]
    assert stamps(test) == ["2025-02-09", "2025-02-12"]
    assert test.truth_WH()[0].tolist() == [[100, 101, 102], [103, 104, 105]]
    assert corpus_of(recipe_of(), tables).parts["test"].horizon == 6
    assert max(stamps(found.parts["dev"])) == "2025-02-06"


def test_refits_learn_up_to_their_own_origins():
    evaluation = {"origins": 4, "step": 5, "refit": 2}
    folds = [
        corpus({"a": count_up(100)}, evaluation | {"window": window}, horizon=5, fold=fold)
        for window in ("expanding", "rolling")
        for fold in (0, 1)
    ]
    whole = corpus({"a": count_up(100)}, {"origins": 4, "step": 5}, horizon=5)
    origins = [found.parts["test"].origin_W.tolist() for found in folds]
    assert origins[0] + origins[1] == origins[2] + origins[3] == whole.parts["test"].origin_W.tolist()
    spans = [(int(one.parts["train"].begin_S[0]), int(one.parts["train"].end_S[0])) for one in folds]
    assert spans == [(0, spans[0][1]), (0, spans[0][1] + 10), (0, spans[0][1]), (10, spans[0][1] + 10)]
    for found in folds:
        assert found.parts["dev"].ahead_WH()[0].max() <= found.parts["test"].origin_W.min()
    with pytest.raises(DataError, match="6 fit"):
        corpus({"a": count_up(100)}, {"origins": 50, "step": 5, "refit": "always"}, horizon=5, fold=0)


def test_training_windows_are_thinned_evenly_by_the_seed():
    series = {name: count_up(100) for name in "abcd"}
    one, again, other = (
        corpus_of(recipe_of(seed=seed, horizon=5, windows=40), {ALL: table(series)}).parts["train"]
        for seed in (1, 1, 2)
    )
    assert len(one) == 40
    assert np.bincount(one.series_W).tolist() == [10] * 4
    assert one.origin_W.tolist() == again.origin_W.tolist() != other.origin_W.tolist()


def test_short_series_are_left_out_and_counted_unless_test_forecasts_them():
    found = corpus({"a": count_up(80), "b": count_up(4)}, {"origins": 2}, horizon=5)
    assert found.parts["train"].panel.names == ("a",)
    assert found.dropped == {"step of a series too short to learn from": 4}
    late = table_of(
        "sales.csv",
        ("unique_id", "ds", "y"),
        [("a", day, 1.0) for day in days(80)] + [("b", day, 2.0) for day in days(80)[-7:]],
    )
    found = corpus_of(recipe_of({"origins": 2}, horizon=5), {ALL: late})
    assert found.parts["test"].panel.names == ("a", "b")
    assert any("1 series too short to learn from, forecast by what others taught" in note for note in found.notes)


def test_a_covariate_that_never_varies_in_train_is_left_out():
    rows = [(day, float(at), int(at > 70), at % 2) for at, day in enumerate(days(80))]
    source = table_of("sales.csv", ("ds", "y", "new", "promo"), rows)
    found = corpus_of(recipe_of({"origins": 1}, horizon=5, known=["new", "promo"], calendar="off"), {ALL: source})
    assert found.parts["train"].panel.known == ("promo",)
    assert "left out, as the same in all of train: new" in found.notes


def test_a_recipe_learns_what_was_guessed():
    found = corpus({"a": count_up(80)}, {"origins": 1}, horizon=5)
    wanted = {
        "data.time_column": "ds",
        "data.series_column": "unique_id",
        "data.target_column": "y",
        "data.frequency": "D",
        "data.horizon": 5,
        "data.season": (7,),
        "data.calendar": ("weekday",),
    }
    assert {key: found.chosen[key] for key in wanted} == wanted
    assert found.headline == (
        'sales.csv: 80 rows, 1 series by "unique_id", daily by "ds" 2025-01-01 to 2025-03-21, values "y" (counts)'
    )
    again = corpus_of(recipe_of({"origins": 1}).having(found.chosen), {ALL: table({"a": count_up(80)})})
    assert again.parts["test"].origin_W.tolist() == found.parts["test"].origin_W.tolist()


def test_a_further_file_is_forecast_at_its_last_origins(tmp_path):
    path = tmp_path / "later.csv"
    path.write_text("unique_id,ds,y\n" + "".join(f"a,{day},{at}\n" for at, day in enumerate(days(30, "2025-06-01"))))
    train = corpus({"a": count_up(80)}, {"origins": 2}, horizon=5).parts["train"].panel
    found = read_part(recipe_of({"origins": 2}, horizon=5), path, PanelForm.of(train)).parts["test"]
    assert stamps(found) == ["2025-06-20", "2025-06-25"]
    assert found.panel.known == train.known
    with pytest.raises(DataError, match="no window fits"):
        read_part(recipe_of(horizon=40), path)


def history(rows, more=None, **data):
    recipe = recipe_of({"origins": 1}, horizon=3, known=["promo"], **data)
    columns = ("ds", "y", "promo")
    train = [(day, float(at), at % 2) for at, day in enumerate(days(80))]
    form = PanelForm.of(corpus_of(recipe, {ALL: table_of("sales.csv", columns, train)}).parts["train"].panel)
    future = series_table(table_of("known.csv", ("ds", "promo"), more)) if more else None
    settings = history_settings(recipe, form.grid, recipe.data.horizon)
    return read_history(settings, [series_table(table_of("later.csv", columns, rows))], form, future).panel, form


def test_a_history_goes_on_for_the_horizon_with_what_is_known_ahead():
    rows = [(day, float(at), 0) for at, day in enumerate(days(10, "2025-07-01"))]
    future = [(day, at % 2) for at, day in enumerate(days(3, "2025-07-11"))]
    panel, form = history(rows, future)
    assert (panel.end_S.tolist(), panel.offset.tolist()) == ([10], [0, 13])
    assert panel.known == form.known
    assert panel.known_NK[10:, 0].tolist() == [0, 1, 0]
    assert panel.stamp(0, 10) == "2025-07-11"
    assert len(np.unique(panel.known_NK[:7, 1])) > 3


def test_columns_known_ahead_that_end_too_early_are_named():
    rows = [(day, float(at), 0) for at, day in enumerate(days(10, "2025-07-01"))]
    with pytest.raises(DataError, match=r"known.csv: promo is not given for 1 of the 3 steps .* such as 2025-07-13"):
        history(rows, [(day, 1) for day in days(2, "2025-07-11")])
    with pytest.raises(DataError, match=r"later\.csv: promo is not given for any of the 3 steps") as caught:
        history(rows)
    assert "--future" in caught.value.hint


@pytest.mark.alone
def test_ten_thousand_series_are_read_in_seconds():
    import time
    import tracemalloc

    import pyarrow as pa

    from rnncli.data.tables.records import PLACE
    from rnncli.data.tables.table import Table

    count, steps = 10_000, 200
    names = pa.array([f"item {n}" for n in range(count)]).take(pa.array(np.repeat(np.arange(count), steps)))
    dates = pa.array(days(steps)).take(pa.array(np.tile(np.arange(steps), count)))
    values = pa.array(np.random.default_rng(0).integers(0, 50, count * steps)).cast(pa.string())
    store = pa.table([names, dates, values, pa.array(np.arange(count * steps))], ["unique_id", "ds", "y", PLACE])
    tracemalloc.start()
    begun = time.perf_counter()
    found = corpus_of(recipe_of({"origins": 1}, horizon=28), {ALL: Table("sales.csv", store)})
    assert time.perf_counter() - begun < 30
    assert tracemalloc.get_traced_memory()[1] < 1.0e9
    tracemalloc.stop()
    assert len(found.parts["test"]) == count
