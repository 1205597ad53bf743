"""Simple rivals of a forecaster, worked out by hand, and values that they must not see."""

import csv
from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnncli.metrics.forecasts import LEVELS
from rnncli.tasks.forecast.extras import lags, rivals
from rnncli.tasks.forecast.extras.regression import fit_ridge
from rnncli.tasks.forecast.extras.rivals import choices, drift, fitted_rivals, mean_of_seasons, naive, thinned
from tests.tasks.windowed import panel, part, split

SEASONS = (7, 14)


def corpus(seed: int = 0, horizon: int = 7, gap: int = 0):
    """Three weekly series with noise, above 0."""
    random = np.random.default_rng(seed)
    wave = np.sin(2 * np.pi * np.arange(160) / 7)
    return split(panel([size * (9 + 3 * wave + random.normal(0, 1, 160)) for size in (1, 10, 500)]), horizon, gap=gap)


def fitted(parts, non_negative: bool = False):
    ridge = fit_ridge(parts["train"], parts["dev"], 28, SEASONS)
    return fitted_rivals(parts, SEASONS, ridge, non_negative)


def test_naive_forecasts_are_those_worked_out_by_hand():
    window = part(panel([[9, 9, 9], [2, 4, 6, 8, 10, 3, 7]]), [[], [5]], 4, [3, 7])
    assert naive(window).tolist() == [[3, 3, 3, 3]]
    assert drift(window) == pytest.approx(np.array([[3.2, 3.4, 3.6, 3.8]]))
    assert mean_of_seasons(window, 3, 1).tolist() == [[8, 10, 3, 8]]
    assert mean_of_seasons(window, 3, 2).tolist() == [[5, 7, 4.5, 5]]


def test_a_gap_moves_the_steps_ahead():
    window = part(panel([[2, 4, 6, 8, 10, 3, 7]]), [[5]], 3, [7], gap=2)
    assert drift(window) == pytest.approx(np.array([[3.6, 3.8, 4.0]]))
    assert mean_of_seasons(window, 3, 1).tolist() == [[3, 8, 10]]


def test_series_of_one_value_and_shorter_than_a_season_have_forecasts():
    window = part(panel([[5.0, 1.0], [1.0, 2.0, 4.0, 0.0]]), [[0], [2]], 4, [1, 3])
    assert naive(window).tolist() == [[5] * 4, [4] * 4]
    assert drift(window).tolist() == [[5] * 4, [5.5, 7, 8.5, 10]]
    assert mean_of_seasons(window, 7, 1)[0].tolist() == [5] * 4
    assert set(mean_of_seasons(window, 7, 2)[1].tolist()) <= {1, 1.5, 2, 2.5, 3, 4}


@pytest.mark.parametrize(
    ("seasons", "names"),
    [
        ((1,), ["naive", "drift", "ridge"]),
        ((7,), ["naive", "drift", "seasonal naive", "mean of seasons", "ridge"]),
        ((7, 14), ["naive", "drift", "seasonal naive", "seasonal naive 14", "mean of seasons", "ridge"]),
    ],
)
def test_rivals_have_the_names_of_their_seasons(seasons, names):
    parts = corpus()
    ridge = fit_ridge(parts["train"], parts["dev"], 28, seasons)
    found = list(fitted_rivals(parts, seasons, ridge, False))
    assert found == names


def test_as_many_seasons_are_averaged_as_was_best_on_dev():
    parts = corpus()
    (says,) = choices(fitted(parts))
    truth, _ = parts["dev"].truth_WH()
    unit_W1 = lags.units(parts["train"], 7)[parts["dev"].series_W][:, None]
    errors = {
        (season, count): np.abs((mean_of_seasons(parts["dev"], season, count) - truth) / unit_W1).mean()
        for season in SEASONS
        for count in range(2, 9)
    }
    season, count = min(errors, key=lambda key: errors[key])
    assert says == f"the mean of seasons is that of {count}, {season} steps each, as was best on dev"


def test_large_series_do_not_choose_for_the_small_ones():
    """Most series repeat a week with noise, so that many weeks are best; a large one grows, so that few are."""
    random, week = np.random.default_rng(0), np.random.default_rng(1).normal(10, 3, 7)
    small = [np.tile(week, 30) + random.normal(0, 2, 210) for _ in range(12)]
    parts = split(panel([*small, 1e6 * np.arange(210.0)]), 7)
    ridge = fit_ridge(parts["train"], parts["dev"], 28, (7,))
    (says,) = choices(fitted_rivals(parts, (7,), ridge, False))
    assert int(says.split("that of ")[1][0]) > 2


def test_intervals_cover_what_they_promise_and_do_not_cross():
    random = np.random.default_rng(7)
    parts = split(panel([random.normal(0, size, 200) for size in np.geomspace(0.1, 100, 60)]), 5)
    truth, _ = parts["test"].truth_WH()
    for rival in fitted(parts).values():
        _, quantile = rival.forecast(parts["test"])
        assert (np.diff(quantile, axis=-1) >= 0).all()
        for low, high, share in ((0.025, 0.975, 0.95), (0.1, 0.9, 0.8)):
            inside = (truth >= quantile[..., LEVELS.index(low)]) & (truth <= quantile[..., LEVELS.index(high)])
            assert inside.mean() == pytest.approx(share, abs=0.04)
            by_series = inside.reshape(60, -1).mean(1)
            assert by_series[:20].mean() == pytest.approx(by_series[-20:].mean(), abs=0.08)


def test_counts_stay_at_0_or_above():
    parts = split(panel([np.random.default_rng(0).poisson(0.7, 160)]), 7)
    for rival in fitted(parts, non_negative=True).values():
        point, quantile = rival.forecast(parts["test"])
        assert point.min() >= 0
        assert quantile.min() >= 0
    assert min(rival.forecast(parts["test"])[1].min() for rival in fitted(parts).values()) < 0


def test_a_series_that_never_changed_is_forecast_without_width():
    parts = split(panel([np.full(160, 4.0), *np.random.default_rng(0).normal(size=(2, 160))]), 7)
    for rival in fitted(parts).values():
        point, quantile = rival.forecast(parts["test"])
        np.testing.assert_allclose(point[:3], 4)
        np.testing.assert_allclose(quantile[:3], 4)


def test_sums_of_some_windows_at_a_time_are_those_of_all(monkeypatch):
    parts = corpus()

    def counted(some, point_WH, quantile_WHQ):
        return np.column_stack([point_WH.sum(1), quantile_WHQ.sum((1, 2)), some.origin_W])

    for rival in fitted(parts).values():
        together = rival.sums(parts["test"], counted)
        with monkeypatch.context() as patched:
            patched.setattr(lags, "MOST_CHUNK", 1)
            np.testing.assert_allclose(rival.sums(parts["test"], counted), together)
        assert rival.sums(parts["test"].take(np.array([], np.int64)), counted).shape == (0, 3)


def test_large_parts_are_thinned_evenly(monkeypatch):
    monkeypatch.setattr(rivals, "MOST_DEV_VALUES", 70)
    whole = part(panel([np.zeros(200)]), [range(100)], 7, [100])
    assert thinned(whole).origin_W.tolist() == np.arange(0, 100, 11).tolist()
    assert thinned(whole.take(np.arange(10))).origin_W.tolist() == list(range(10))


@given(seed=st.integers(0, 10_000), gap=st.integers(0, 3), horizon=st.integers(1, 9))
@settings(max_examples=12, deadline=None)
def test_no_value_behind_an_origin_changes_what_is_forecast_from_it(seed, gap, horizon):
    """All values behind the first test origin: choices and intervals are of dev, whose targets lie before."""
    parts = corpus(seed % 7, horizon, gap)
    whole = parts["test"].panel
    first_S = np.array([parts["test"].origin_W[parts["test"].series_W == series].min() for series in range(3)])
    behind_N = np.arange(len(whole.y_N)) > np.repeat(first_S, np.diff(whole.offset))
    noise_N = np.random.default_rng(seed).normal(0, 1e5, len(whole.y_N))
    changed = replace(whole, y_N=np.where(behind_N, noise_N, whole.y_N))
    others = {name: replace(one, panel=changed) for name, one in parts.items()}
    firsts = np.flatnonzero(np.isin(parts["test"].origin_W, first_S))
    before, after = fitted(parts), fitted(others)
    assert list(before) == list(after)
    for name, rival in before.items():
        expected, found = rival.forecast(parts["test"].take(firsts)), after[name].forecast(others["test"].take(firsts))
        np.testing.assert_array_equal(found[0], expected[0])
        np.testing.assert_array_equal(found[1], expected[1])


def bike(folder):
    """All hours, absent ones on a line between their neighbours, with the day of the week and holidays."""
    with (folder / "forecast/bike/bike_hourly.csv").open(encoding="utf-8") as file:
        rows = {datetime.fromisoformat(row["ds"]): row for row in csv.DictReader(file)}
    first, last = min(rows), max(rows)
    hours = [first + timedelta(hours=hour) for hour in range(int((last - first).total_seconds()) // 3600 + 1)]
    observed = np.array([hour in rows for hour in hours])
    at = np.flatnonzero(observed)
    y = np.interp(np.arange(len(hours)), at, [float(rows[hours[one]]["y"]) for one in at])
    held = at[np.maximum.accumulate(np.where(observed, np.cumsum(observed) - 1, 0))]
    flags = [[float(rows[hours[one]][name]) for name in ("holiday", "workingday")] for one in held]
    known = np.hstack([np.array(flags), np.eye(7)[[hour.weekday() for hour in hours]]])
    whole = replace(panel([y], known, frequency="h"), observed_N=observed)
    step = {name: hours.index(datetime(2012, month, 1)) for name, month in (("dev", 9), ("test", 10))}
    days = {"dev": range(step["dev"] - 1, step["test"] - 24, 24), "test": range(step["test"] - 1, len(hours) - 24, 24)}
    return {name: part(whole, [days.get(name, [])], 24, [step["dev"]]) for name in ("train", "dev", "test")}


@pytest.mark.slow
def test_bike_hours_come_out_as_measured_elsewhere(real_data):
    parts = bike(real_data)
    truth, scored = parts["test"].truth_WH()
    assert len(parts["test"]) == 92
    assert scored.sum() == 2168

    def error(found):
        return round(float(np.abs(found - truth)[scored].mean()), 2)

    assert error(mean_of_seasons(parts["test"], 24, 1)) == 76.17
    assert error(mean_of_seasons(parts["test"], 168, 1)) == 72.17
    assert error(mean_of_seasons(parts["test"], 168, 4)) == 60.91
    ridge = fit_ridge(parts["train"], parts["dev"], 336, (24, 168))
    assert error(ridge.predict(parts["test"])) < 50.11
