"""The regression over lags, against plain least squares, published figures, and values that it must not see."""

import csv
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnncli.tasks.forecast.extras import lags
from rnncli.tasks.forecast.extras.lags import all_windows, history, inputs, units
from rnncli.tasks.forecast.extras.normal import Coefficients, Normal
from rnncli.tasks.forecast.extras.regression import anchors, fit_ridge
from rnncli.tasks.forecast.extras.ridge import Ridge
from rnncli.tasks.forecast.extras.rivals import mean_of_seasons
from tests.tasks.windowed import panel, part, split

WINDOWS, LAGS, HORIZON, OWN = 40, 5, 3, 2


def drawn(seed: int = 0):
    random = np.random.default_rng(seed)
    shapes = (WINDOWS, LAGS), (WINDOWS, HORIZON, OWN), (WINDOWS, HORIZON)
    return *(random.normal(size=shape) for shape in shapes), random.uniform(0.1, 2, WINDOWS)


def seasonal(seed: int = 0, count: int = 4, steps: int = 150, level: float = 20.0) -> list[np.ndarray]:
    """Weekly series with noise, of different sizes, above 0."""
    random = np.random.default_rng(seed)
    wave = np.sin(2 * np.pi * np.arange(steps) / 7)
    return [size * (level + 5 * wave + random.normal(0, 1, steps)) for size in 10.0 ** np.arange(count)]


@pytest.mark.parametrize("with_own", [False, True])
def test_weights_are_those_of_least_squares_with_the_penalty_as_further_rows(with_own):
    x, k, y, weight = drawn()
    k = k if with_own else k[..., :0]
    prior = np.random.default_rng(1).normal(size=(LAGS, HORIZON))
    penalty, own_penalty, total = 0.3, 0.05, weight.sum()
    found = Normal.of(x, k, y, weight).solve(penalty, own_penalty, prior[None])[0]
    root = np.sqrt(weight)[:, None]
    lag_punished = np.sqrt(penalty * total) * np.vstack(
        [np.eye(LAGS), np.ones(LAGS)]
    )  # the last value's weight: 1 - sum
    for step in range(HORIZON):
        rows = np.vstack(
            [
                np.hstack([root * x, root * k[:, step]]),
                np.hstack([lag_punished, np.zeros((LAGS + 1, k.shape[2]))]),
                np.hstack([np.zeros((k.shape[2], LAGS)), np.sqrt(own_penalty * total) * np.eye(k.shape[2])]),
            ]
        )
        wanted = np.concatenate([root[:, 0] * y[:, step], lag_punished @ prior[:, step], np.zeros(k.shape[2])])
        expected = np.linalg.lstsq(rows, wanted, rcond=None)[0]
        np.testing.assert_allclose(found.lag_LH[:, step], expected[:LAGS], atol=1e-9)
        np.testing.assert_allclose(found.own_HK[step], expected[LAGS:], atol=1e-9)


def test_the_error_of_any_weights_comes_from_the_sums():
    x, k, y, weight = drawn()
    random = np.random.default_rng(2)
    weights = Coefficients(random.normal(size=(LAGS, HORIZON)), random.normal(size=(HORIZON, OWN)))
    off = x @ weights.lag_LH + np.einsum("whk,hk->wh", k, weights.own_HK) - y
    expected = (off**2 * weight[:, None]).sum() / (weight.sum() * HORIZON)
    halves = Normal.of(x[:9], k[:9], y[:9], weight[:9])
    halves.add(Normal.of(x[9:], k[9:], y[9:], weight[9:]))
    assert halves.error(weights) == pytest.approx(expected)


def test_a_large_penalty_leaves_the_anchor():
    sums = Normal.of(*drawn())
    prior = np.random.default_rng(1).normal(size=(LAGS, HORIZON))
    np.testing.assert_allclose(sums.solve(1e9, 1.0, prior[None])[0].lag_LH, prior, atol=1e-6)


@pytest.mark.parametrize("gap", [0, 1, 9])
def test_anchors_forecast_as_their_names_say(gap):
    whole = panel([np.random.default_rng(0).normal(size=60)])
    window = part(whole, [[40]], 10, [50], gap)
    y_WL, _, _ = inputs(window, 30, 7)
    found = {name: y_WL @ weights for name, weights in anchors(30, 10, gap, (7, 12)).items()}
    assert list(found) == [
        "the mean",
        "7 steps before",
        "the mean of 4 x 7 steps",
        "12 steps before",
        "the mean of 2 x 12 steps",
    ]
    np.testing.assert_allclose(found["the mean"], y_WL.mean())
    for season, count, name in (
        (7, 1, "7 steps before"),
        (7, 4, "the mean of 4 x 7 steps"),
        (12, 2, "the mean of 2 x 12 steps"),
    ):
        np.testing.assert_allclose(found[name], mean_of_seasons(window, season, count))
    last = anchors(5, 10, gap, (7,))["1 steps before"]
    np.testing.assert_allclose(y_WL[:, -5:] @ last, np.full((1, 10), y_WL[0, -1]))


def test_series_that_repeat_are_forecast_to_the_digit():
    steps = np.arange(120)
    whole = panel([5 + np.sin(2 * np.pi * steps / 7), 900 + 40 * np.cos(2 * np.pi * steps / 7)])
    parts = split(whole, 7)
    truth, _ = parts["test"].truth_WH()
    fitted = fit_ridge(parts["train"], parts["dev"], 14, (7,))
    np.testing.assert_allclose(fitted.predict(parts["test"]), truth, rtol=1e-3)


@given(scale=st.floats(0.01, 1000), shift=st.floats(-1e4, 1e4))
@settings(max_examples=15, deadline=None)
def test_forecasts_follow_the_unit_and_the_level_of_a_window(scale, shift):
    fitted = replace(FITTED, floor=0.0)
    y_WL, known, cutoffs = inputs(PARTS["test"], fitted.lookback, 7)
    moved = fitted.forecast(scale * y_WL + shift, known, cutoffs)
    np.testing.assert_allclose(moved, scale * fitted.forecast(y_WL, known, cutoffs) + shift, rtol=1e-6, atol=1e-5)


def test_a_column_known_ahead_is_used_where_it_tells_something():
    random = np.random.default_rng(3)
    promo = (random.random((300, 1)) < 0.3).astype(float)
    whole = panel([100 + 30 * promo[:, 0] + random.normal(0, 1, 300)], promo)
    parts = split(whole, 5, origins=8)
    truth, _ = parts["test"].truth_WH()
    with_it = fit_ridge(parts["train"], parts["dev"], 10, (1,)).predict(parts["test"])
    blind = {name: replace(one, panel=panel([whole.y_N])) for name, one in parts.items()}
    without = fit_ridge(blind["train"], blind["dev"], 10, (1,)).predict(blind["test"])
    assert 2 * np.abs(with_it - truth).mean() < np.abs(without - truth).mean()


def test_noise_columns_are_left_out():
    random = np.random.default_rng(4)
    whole = panel(seasonal(), random.normal(size=(600, 3)))
    parts = split(whole, 7)
    assert not fit_ridge(parts["train"], parts["dev"], 14, (7,)).own_PHK.any()


def test_origins_on_one_phase_have_weights_of_their_own_where_that_helps():
    """Mondays follow the day before, other days repeat the week."""
    random, steps = np.random.default_rng(5), 7 * 120
    y = random.normal(0, 10, steps)
    for day in range(7, steps):
        y[day] = y[day - 1] * 0.95 + random.normal(0, 1) if day % 7 == 0 else y[day]
    parts = split(panel([y]), 1, origins=20, step=7)
    origins = parts["test"].cutoff_W
    assert len(np.unique(origins % 7)) == 1
    whole = {name: replace(one, origin_W=one.origin_W - (origins[0] - 6) % 7) for name, one in parts.items()}
    fitted = fit_ridge(whole["train"], whole["dev"], 7, (7,))
    assert len(fitted.lag_PLH) == 7
    assert fitted.lag_PLH[6, -1, 0] > 0.8 > 0.3 > np.abs(fitted.lag_PLH[2, -1, 0])


def test_logarithms_are_taken_where_changes_are_by_factors():
    random = np.random.default_rng(6)
    waves = np.exp(np.sin(2 * np.pi * np.arange(200) / 7))
    series = [np.exp(2 + np.cumsum(random.normal(0, 0.15, 200))) * waves for _ in range(8)]
    parts = split(panel(series), 7)
    fitted = fit_ridge(parts["train"], parts["dev"], 14, (7,))
    train = parts["train"]
    bounds = zip(train.begin_S, train.end_S, strict=True)
    assert fitted.floor == min(train.panel.y_N[begin:end].min() for begin, end in bounds)
    wild = fitted.forecast(np.array([[1.0, 2.0] * 7]), np.zeros((1, 7, 0)), np.array([0]))
    assert ((wild > 0) & (wild <= 4 + 1e-9)).all()


PARTS = split(panel(seasonal(), frequency="D"), 7)
FITTED = fit_ridge(PARTS["train"], PARTS["dev"], 14, (7,))


@given(seed=st.integers(0, 1000), horizon=st.integers(1, 9), gap=st.integers(0, 3), origins=st.integers(1, 3))
@settings(max_examples=15, deadline=None)
def test_weights_do_not_change_with_what_lies_behind_dev(seed, horizon, gap, origins):
    random = np.random.default_rng(seed)
    whole = panel(seasonal(seed, 2, 110), random.normal(size=(220, 1)))
    parts = split(whole, horizon, origins, gap=gap)
    last_S = np.array([parts["dev"].ahead_WH()[0][parts["dev"].series_W == series].max() for series in range(2)])
    behind_N = np.arange(220) > np.repeat(last_S, 110)
    assert behind_N.any()
    changed = replace(
        whole,
        y_N=np.where(behind_N, random.normal(0, 1e5, 220), whole.y_N),
        known_NK=np.where(behind_N[:, None], 1e4, whole.known_NK),
    )
    before, after = (
        fit_ridge(*(replace(parts[name], panel=one) for name in ("train", "dev")), 10, (7,)) for one in (whole, changed)
    )
    assert all(np.array_equal(value, after.arrays()[name]) for name, value in before.arrays().items())


@given(seed=st.integers(0, 1000), row=st.integers(0, 11))
@settings(max_examples=20, deadline=None)
def test_a_forecast_does_not_change_with_values_behind_its_origin(seed, row):
    window = PARTS["test"].take(np.array([row]))
    whole = window.panel
    behind_N = np.arange(len(whole.y_N)) > window.origin_W[0]
    noise_N = np.random.default_rng(seed).normal(0, 1e6, len(whole.y_N))
    changed = replace(window, panel=replace(whole, y_N=np.where(behind_N, noise_N, whole.y_N)))
    np.testing.assert_array_equal(FITTED.predict(window), FITTED.predict(changed))


def test_a_window_is_forecast_alike_alone_and_among_others(monkeypatch):
    together = FITTED.predict(PARTS["test"])
    monkeypatch.setattr(lags, "MOST_CHUNK", 1)
    np.testing.assert_allclose(FITTED.predict(PARTS["test"]), together, rtol=1e-12)


def test_sums_of_few_windows_at_a_time_give_the_same_weights(monkeypatch):
    monkeypatch.setattr(lags, "MOST_CHUNK", 300)
    again = fit_ridge(PARTS["train"], PARTS["dev"], 14, (7,))
    np.testing.assert_allclose(again.lag_PLH, FITTED.lag_PLH, atol=1e-8)


def test_what_was_saved_forecasts_the_same():
    again = Ridge.from_arrays(FITTED.arrays())
    assert (again.words, again.season, again.floor) == (FITTED.words, FITTED.season, FITTED.floor)
    np.testing.assert_array_equal(again.predict(PARTS["test"]), FITTED.predict(PARTS["test"]))


def test_a_short_history_repeats_its_first_season():
    whole = panel([np.arange(5.0), np.arange(10.0, 20.0)])
    starts, origins = whole.start_S, np.array([4, 7])
    found = history(whole, starts, origins, 8, 3)
    np.testing.assert_array_equal(found[0], [0, 1, 2, 0, 1, 2, 3, 4])
    np.testing.assert_array_equal(found[1], [11, 12, 10, 11, 12, 10, 11, 12])


@pytest.mark.parametrize("values", [np.full(60, 3.0), np.zeros(60), np.r_[np.zeros(30), np.ones(30)]])
def test_constant_series_stay_constant_and_do_no_harm(values):
    parts = split(panel([*seasonal(count=2), values]), 7, 1)
    fitted = fit_ridge(parts["train"], parts["dev"], 14, (7,))
    found = fitted.predict(parts["test"])
    assert np.isfinite(found).all()
    np.testing.assert_allclose(found[2], values[-1])
    alone = split(panel([values]), 7, 1)
    np.testing.assert_allclose(fit_ridge(alone["train"], alone["dev"], 14, (7,)).predict(alone["test"]), values[-1])


def test_series_shorter_than_the_lookback_are_learnt_from_and_forecast():
    parts = split(panel([y[:40] for y in seasonal()]), 7, 1)
    fitted = fit_ridge(parts["train"], parts["dev"], 63, (7,))
    truth, _ = parts["test"].truth_WH()
    error = np.abs(fitted.predict(parts["test"]) - truth).mean(1)
    assert (error < np.abs(mean_of_seasons(parts["test"], 7, 1) - truth).mean(1) * 1.5).all()


@given(
    lengths=st.lists(st.integers(0, 30), min_size=1, max_size=5),
    lookback=st.integers(1, 8),
    horizon=st.integers(1, 6),
    gap=st.integers(0, 2),
    most=st.integers(1, 60),
)
@settings(max_examples=60, deadline=None)
def test_training_windows_lie_within_the_bounds(lengths, lookback, horizon, gap, most):
    whole = panel([np.zeros(30)] * len(lengths))
    some = all_windows(part(whole, [[]] * len(lengths), horizon, lengths, gap), lookback, most)
    expected = {
        (series, 30 * series + origin)
        for series, length in enumerate(lengths)
        for last in [length - 1 - gap - horizon]
        for origin in range(max(0, min(lookback - 1, last)), last + 1)
    }
    found = list(zip(some.series_W.tolist(), some.origin_W.tolist(), strict=True))
    assert len(set(found)) == len(found) == min(most, len(expected))
    assert set(found) <= expected


def test_the_unit_of_a_series_lies_between_its_deviation_and_its_seasonal_difference():
    y = np.array([1.0, 5.0, 2.0, 7.0, 1.0, 6.0])
    found = units(part(panel([y, np.full(6, 2.0)]), [[0], [0]], 1, [6, 6]), 2)
    assert found[0] == pytest.approx(np.sqrt(y.std() * np.mean([1, 2, 1, 1])))
    assert found[1] == 0


def _columns(path, names) -> np.ndarray:
    with path.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return np.array([[float(row[name] or "nan") for name in names] for row in rows])


@pytest.mark.slow
@pytest.mark.parametrize(("horizon", "lookback", "mse"), [(96, 96, 0.383), (96, 336, 0.370), (192, 336, 0.403)])
def test_etth1_comes_out_as_published_tables_count_it(real_data, horizon, lookback, mse):
    values = _columns(real_data / "forecast/etth1/ETTh1.csv", ("HUFL", "HULL", "MUFL", "MULL", "LUFL", "LULL", "OT"))
    values = values[:14400]
    values = (values - values[:8640].mean(0)) / values[:8640].std(0)
    whole, end = panel(list(values.T), frequency="h"), [8640] * 7
    dev = part(whole, [range(8639, 11520 - horizon)] * 7, horizon, end)
    test = part(whole, [range(11519, 14400 - horizon)] * 7, horizon, end)
    fitted = fit_ridge(dev, dev, lookback, (24, 168))
    truth, _ = test.truth_WH()
    assert len(test) == 7 * (2880 - horizon + 1)
    assert ((fitted.predict(test) - truth) ** 2).mean() == pytest.approx(mse, abs=0.002)


@pytest.mark.slow
def test_m4_hourly_is_ahead_of_the_seasonal_naive(real_data):
    series: dict[str, list[float]] = {}
    for name in ("train", "test"):
        with (real_data / f"forecast/m4-hourly/{name}.csv").open(encoding="utf-8") as file:
            for row in csv.DictReader(file):
                series.setdefault(row["unique_id"], []).append(float(row["y"]))
    whole = panel([np.array(y) for y in series.values()], first=1)
    parts = split(whole, 48, 1)
    truth, _ = parts["test"].truth_WH()
    cut = zip(whole.start_S, parts["test"].origin_W + 1, strict=True)
    scale = np.array([np.abs(whole.y_N[a + 24 : b] - whole.y_N[a : b - 24]).mean() for a, b in cut])
    fitted = fit_ridge(parts["train"], parts["dev"], 336, (24,)).predict(parts["test"])
    figures = [
        (
            float((200 * np.abs(f - truth) / (np.abs(f) + np.abs(truth))).mean()),
            float((np.abs(f - truth).mean(1) / scale).mean()),
        )
        for f in (mean_of_seasons(parts["test"], 24, 1), fitted)
    ]
    assert np.round(figures[0], 3).tolist() == [13.912, 1.193]
    assert figures[1][0] < 11.2
    assert figures[1][1] < 1.03
