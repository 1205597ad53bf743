"""What a report and a page say of forecasts."""

import json

import numpy as np
import pandas as pd
import pytest

from rnncli.data.series.grid import Grid
from rnncli.metrics.forecasts import LEVELS, window_sums
from rnncli.metrics.paired import difference
from rnncli.recipe.schema import EvaluationSection
from rnncli.report.numbers import plain
from rnncli.tasks.forecast import metrics
from rnncli.tasks.forecast.declared import METRICS
from rnncli.tasks.forecast.extras.shown import Shown, by_time

SETTINGS = EvaluationSection()


def made(origins=6, series=3, horizon=4, *, step=4, keep=None, quantiles=True, noise=1.0, seed=0, scale=2.0):
    """Rows as a run writes them, their numbers on an hourly grid, and what scoring has to know."""
    random = np.random.default_rng(seed)
    grid = Grid("h", form="%Y-%m-%d %H:%M")
    start = int(grid.number(np.array(["2025-01-01"], "datetime64[ns]"))[0])
    rows = []
    for s in range(series):
        for o in range(origins):
            truth, history = random.normal(10, 2, horizon), random.normal(10, 2, 7)
            point = truth + noise * (1 + s) * random.normal(0, 1, horizon)
            quantile = point[:, None] + 3 * (np.array(LEVELS) - 0.5)
            scored = random.random(horizon) > 0.1
            arrays = (truth[None], point[None], quantile[None] if quantiles else None, LEVELS, scored[None])
            sums = window_sums(*arrays, np.array([scale]), np.array([3.0]))[0]
            cutoff = start + o * step
            row = {"place": f"x.csv: {s}, {o}", "series": f"s{s}", "cutoff": grid.stamp(cutoff), "origin": cutoff}
            row |= {"n": int(scored.sum()), "sums": sums.tolist(), "truth": float(truth[scored].sum())}
            if keep is None or len(rows) < keep:
                row |= {"truth": [float(y) if k else None for y, k in zip(truth, scored, strict=True)]}
                row |= {"mean": point.tolist(), "history": [None, *history.tolist()]}
                row |= {"quantiles": quantile.T.tolist()} if quantiles else {}
            rows.append(row)
    about = {"levels": list(LEVELS), "horizon": horizon, "step": step, "grid": grid.to_dict(), "season": 1}
    return json.loads(json.dumps(rows)), json.loads(json.dumps(about))


def test_every_metric_is_declared_and_said_what_it_means():
    rows, about = made()
    declared = {metric.name: metric for metric in METRICS}
    assert set(metrics.statistics(rows, about).values()) == set(declared)
    assert all(metric.meaning for metric in METRICS)
    assert {name for name, one in declared.items() if one.better == "nominal"} == {"coverage_80", "coverage_95"}


def test_a_forecast_without_quantiles_has_no_row_for_their_metrics():
    rows, about = made(quantiles=False)
    found = metrics.statistics(rows, about).values()
    assert set(found) == {"mase", "mae", "rmse", "smape", "mse_scaled", "mae_scaled"}
    assert [figure.title for figure in metrics.figures(rows, about)][-1] == "error by origin"
    assert metrics.details(rows, about, SETTINGS, 1).traces[0].lows == ()


def test_metrics_come_from_all_windows_and_not_from_those_that_are_kept():
    whole, about = made()
    some, _ = made(keep=4)
    assert metrics.statistics(some, about).values() == metrics.statistics(whole, about).values()
    tables = [table.title for table in metrics.details(some, about, SETTINGS, 1).tables]
    assert tables == ["by step ahead, 4 of 18 windows", "by series"]
    none, _ = made(keep=0)
    assert [table.title for table in metrics.details(none, about, SETTINGS, 1).tables] == ["by series"]
    assert metrics.figures(none, about)[0].title == "error by origin"
    assert metrics.samples(none, about, 3) == []


def test_rivals_are_held_against_the_model_by_origins():
    rows, about = made(origins=12)
    mine = metrics.statistics(rows, about)
    sums, origins = np.array([row["sums"] for row in rows]), np.array([row["origin"] for row in rows])
    series = np.array([int(row["series"][1:]) for row in rows])
    rival = metrics.of_sums(2 * sums, origins, series, about)
    found = difference([mine.parts()["mae"]], [rival.parts()["mae"]])
    assert found.value == pytest.approx(0)  # twice the errors of twice the steps
    assert found.test.endswith("over 12 origins")
    assert rival.intervals(resamples=50, confidence=0.9, seed=1)["mae"][0] > 0


def test_series_that_end_at_times_of_their_own_are_aligned_at_their_ends():
    rows, about = made(origins=3, series=2)
    for row in rows[3:]:
        row["origin"] += 1000
    apart = metrics.statistics(rows, about).families[0].design
    aligned = metrics.statistics(rows, about | {"align": "end"}).families[0].design
    assert apart.origins[0] == 6
    assert aligned.origins[0] == 3
    assert aligned.origin_N.tolist() == [-2, -1, 0, -2, -1, 0]


def test_the_table_by_step_is_that_of_loops():
    rows, about = made(horizon=20, step=20)
    table = metrics.details(rows, about, SETTINGS, 1).tables[0]
    assert table.columns == ("step", "mae", "mase", "% in 95 %")
    assert [row[0] for row in table.rows] == ["1-2", "3-5", "6-8", "9-10", "11-12", "13-15", "16-18", "19-20"]
    errors, inside = [], []
    for row in rows:
        for h in (2, 3, 4):
            if row["truth"][h] is not None:
                errors.append(abs(row["truth"][h] - row["mean"][h]))
                inside.append(row["quantiles"][0][h] <= row["truth"][h] <= row["quantiles"][-1][h])
    assert table.rows[1][1] == pytest.approx(np.mean(errors))
    assert table.rows[1][2] == pytest.approx(np.mean(errors) / 2)
    assert table.rows[1][3] == round(100 * np.mean(inside))


def test_of_many_series_the_worst_and_the_best_are_named():
    rows, about = made(series=12)
    table = metrics.details(rows, about, SETTINGS, 1).tables[1]
    assert table.title == "by series, the worst 5 and the best 3 of 12"
    assert len(table.rows) == 8
    errors = [row[3] for row in table.rows]
    assert errors == sorted(errors, reverse=True)
    assert {row[0] for row in table.rows[-3:]} <= {"s0", "s1", "s2", "s3"}


def test_what_is_left_out_is_counted():
    rows, about = made(scale=np.nan)
    for row in rows[:2]:
        row["sums"] = [0.0] * len(row["sums"])
    notes = metrics.details(rows, about | {"intervals": "intervals widened on dev"}, SETTINGS, 1).notes
    assert notes == [
        "2 of 18 windows have no value to be scored",
        "16 of 18 windows, of series without a scale (constant), are not in mase and msis",
        "intervals widened on dev",
    ]
    assert Shown.of(rows, about).measure == "mae"


def test_intervals_from_little_time_are_said_to_be_rough():
    rows, about = made(origins=6, step=2)
    assert metrics.details(rows, about, SETTINGS, 1).notes == [
        "intervals are rough: 6 origins come to 3.0 spans of time that have no step in common"
    ]
    rows, about = made(origins=3, step=2)
    found = metrics.details(rows, about, SETTINGS, 1).notes
    assert len(found) == 1
    assert found[0].endswith("1.5 spans of time that have no step in common; they are over 3 series alone")
    rows, about = made(origins=3, series=1, step=2)
    assert metrics.details(rows, about, SETTINGS, 1).notes == [
        "no intervals: 3 origins whose steps overlap, of one series, are one span of time"
    ]
    assert metrics.statistics(rows, about).intervals(resamples=10, confidence=0.9, seed=1) == {}


def test_a_page_draws_good_and_bad_windows_and_where_errors_lie():
    rows, about = made()
    found = metrics.figures(rows, about)
    titles = [figure.title for figure in found]
    assert [title.split(":")[0] for title in titles] == [
        *["bad"] * 2,
        *["good"] * 2,
        "error by step ahead",
        "error by hour",
        "error by origin",
        "coverage by level",
    ]
    worst = max(rows, key=lambda row: row["sums"][1] / row["n"])
    assert titles[0].startswith(f"bad: {worst['series']} from {worst['cutoff']}, mase ")
    names = [line.name for line in found[0].lines]
    assert names == ["history", "forecast, 95 %", "median, 80 %", "truth"]
    assert found[0].lines[0].xs == (-6.0, -5.0, -4.0, -3.0, -2.0, -1.0, 0.0)  # the first is not known
    assert found[0].lines[1].lows == tuple(worst["quantiles"][0])
    assert all(np.isfinite([*line.xs, *line.ys]).all() for figure in found for line in figure.lines)


def test_no_window_is_drawn_as_good_and_as_bad():
    rows, about = made(origins=1, series=3)
    titles = [figure.title for figure in metrics.figures(rows, about)][:3]
    assert [title.split(":")[0] for title in titles] == ["bad", "bad", "good"]
    assert len({title.split(": ")[1] for title in titles}) == 3


@pytest.mark.parametrize(
    ("frequency", "by", "groups"),
    [("h", "hour", list(range(1, 13))), ("D", "weekday", [1, 2, 3, 4, 5, 6, 7]), ("MS", "month", list(range(1, 13)))],
)
def test_errors_are_told_by_hour_weekday_or_month(frequency, by, groups):
    rows, about = made(origins=1, series=1, horizon=12)
    grid = Grid(frequency)
    origin = int(grid.number(np.array(["2024-12-31T00" if frequency != "MS" else "2024-12-01"], "datetime64[ns]"))[0])
    rows[0]["origin"] = origin
    kept = Shown.of(rows, about)
    found = by_time(kept, about | {"grid": grid.to_dict()})
    assert found is not None
    stamps = pd.DatetimeIndex(grid.stamps(origin + 1 + np.arange(12)))
    expected = {}
    for stamp, error in zip(stamps, kept.errors[0], strict=True):
        key = {"hour": stamp.hour, "weekday": stamp.day_of_week + 1, "month": stamp.month}[by]
        expected.setdefault(key, []).append(error)
    means = {key: np.nanmean(errors) for key, errors in expected.items() if np.isfinite(errors).any()}
    assert found[0] == by
    assert dict(zip(found[1], found[2], strict=True)) == pytest.approx(means)
    assert set(found[1]) <= set(groups)


def test_numbered_steps_have_no_hours():
    rows, about = made()
    assert by_time(Shown.of(rows, about), about | {"grid": Grid("").to_dict()}) is None
    assert by_time(Shown.of(rows, about), about | {"grid": None}) is None


def test_coverage_by_level_is_the_share_of_values_below():
    rows, about = made()
    line = metrics.figures(rows, about)[-1].lines[0]
    below = []
    for row in rows:
        for h, y in enumerate(row["truth"]):
            if y is not None:
                below.append([y <= row["quantiles"][q][h] for q in range(len(LEVELS))])
    assert line.xs == LEVELS
    assert line.ys == pytest.approx(np.mean(below, axis=0))


def test_samples_are_the_worst_windows_with_what_lies_outside_marked():
    rows, about = made(noise=1.5)
    found = metrics.samples(rows, about, 3)
    assert len(found) == 3
    row = next(row for row in rows if row["place"] == found[0].place)
    for piece, h in zip(found[0].pieces, [h for h, y in enumerate(row["truth"]) if y is not None], strict=True):
        inside = row["quantiles"][0][h] <= row["truth"][h] <= row["quantiles"][-1][h]
        assert piece.mark == ("right" if inside else "wrong")
        assert piece.text == f"{row['truth'][h]:.6g}"
        assert piece.says.startswith(f"step {h + 1}: forecast {row['mean'][h]:.6g}, 95 % ")


def test_details_can_be_written_as_json():
    rows, about = made()
    found = metrics.details(rows, about, SETTINGS, 1)
    json.dumps(plain([table.rows for table in found.tables]), allow_nan=False)
    assert found.traces[0].title.startswith("a typical window, s")
    assert len(found.traces[0].forecast) == len(found.traces[0].truth) == len(found.traces[0].lows) == 4


def test_damaged_rows_are_told():
    rows, about = made()
    for damage in ({"sums": [1.0]}, {"origin": None}, {"series": ["a"]}):
        with pytest.raises((KeyError, ValueError, TypeError)):
            metrics.statistics([rows[0] | damage, *rows[1:]], about)
    with pytest.raises(ValueError, match="inhomogeneous"):
        metrics.details([rows[0] | {"mean": [1.0], "truth": [1.0]}, *rows[1:]], about, SETTINGS, 1)
