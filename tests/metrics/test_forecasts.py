"""What forecasts are worth: by hand, by brute force, by what is published."""

import csv
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnncli.metrics.forecasts import (
    AT,
    COUNTS,
    LEVELS,
    RATIOS,
    Scales,
    counted,
    pinball,
    scores,
    window_sums,
)

METRICS = set(RATIOS)


def value(sums_WC):
    return {name: float(found) for name, found in scores(np.asarray(sums_WC).sum(0)).items()}


def panel(*series, observed=None):
    """Series end to end, as a Panel has them."""
    y_N = np.concatenate([np.asarray(one, np.float64) for one in series])
    offset = np.r_[0, np.cumsum([len(one) for one in series])]
    observed_N = np.ones(len(y_N), bool) if observed is None else np.array(observed, bool)
    return SimpleNamespace(y_N=y_N, offset=offset, observed_N=observed_N)


def simulated(windows=7, horizon=5, seed=0):
    random = np.random.default_rng(seed)
    truth = random.normal(3, 2, (windows, horizon))
    quantile = np.sort(random.normal(3, 2, (windows, horizon, len(LEVELS))), axis=-1)
    scored = random.random((windows, horizon)) > 0.2
    mase, deviation = random.uniform(0.5, 3, (2, windows))
    return truth, random.normal(3, 2, (windows, horizon)), quantile, scored, mase, deviation


def brute(truth, point, quantile, scored, mase, deviation):
    """Every metric by loops over steps, as its definition is written."""
    found = {name: [] for name in (*METRICS, "squared")}
    for w, h in zip(*np.nonzero(scored), strict=True):
        y, f, q = truth[w, h], point[w, h], quantile[w, h]
        low, high = q[LEVELS.index(0.025)], q[LEVELS.index(0.975)]
        found["mae"].append(abs(y - f))
        found["squared"].append((y - f) ** 2)
        found["smape"].append(200 * abs(y - f) / (abs(y) + abs(f)))
        losses = [(t * (y - one) if y >= one else (1 - t) * (one - y)) for t, one in zip(LEVELS, q, strict=True)]
        shares = [0.0625, 0.0875, *[0.1] * 7, 0.0875, 0.0625]
        found["crps"].append(2 * sum(share * loss for share, loss in zip(shares, losses, strict=True)))
        for name, ends in (("80", (0.1, 0.9)), ("95", (0.025, 0.975))):
            below, above = (q[LEVELS.index(level)] for level in ends)
            found[f"coverage_{name}"].append(float(below <= y <= above))
            found[f"width_{name}"].append(above - below)
        if np.isfinite(mase[w]):
            found["mase"].append(abs(y - f) / mase[w])
            cost = high - low + (2 / 0.05) * ((low - y) * (y < low) + (y - high) * (y > high))
            found["msis"].append(cost / mase[w])
        if np.isfinite(deviation[w]):
            found["mae_scaled"].append(abs(y - f) / deviation[w])
            found["mse_scaled"].append(((y - f) / deviation[w]) ** 2)
    means = {name: float(np.mean(one)) for name, one in found.items() if one}
    return means | {"rmse": means.pop("squared") ** 0.5}


def test_a_window_by_hand():
    truth, point = np.array([[10.0, 20.0, 30.0, np.nan]]), np.array([[12.0, 18.0, 36.0, 1e9]])
    quantile = np.zeros((1, 4, len(LEVELS)))
    quantile[..., :] = np.array([8, 9, 11, 12, 13, 14, 15, 16, 17, 25, 31])
    scored = np.array([[True, True, True, False]])
    found = value(window_sums(truth, point, quantile, LEVELS, scored, np.array([2.0]), np.array([4.0])))
    assert found["mae"] == pytest.approx(10 / 3)
    assert found["rmse"] == pytest.approx((44 / 3) ** 0.5)
    assert found["mase"] == pytest.approx(5 / 3)
    assert found["smape"] == pytest.approx((200 * 2 / 22 + 200 * 2 / 38 + 200 * 6 / 66) / 3)
    assert found["mae_scaled"] == pytest.approx(10 / 12)
    assert found["mse_scaled"] == pytest.approx(44 / 48)
    assert found["coverage_80"] == pytest.approx(2 / 3)  # 30 lies above 25
    assert found["coverage_95"] == 1.0
    assert (found["width_80"], found["width_95"]) == (16.0, 23.0)
    assert found["msis"] == pytest.approx(11.5)


def test_a_miss_of_the_95_per_cent_interval_costs_forty_times_its_distance():
    quantile = np.tile(np.linspace(0, 10, len(LEVELS)), (1, 1, 1))
    for truth, missed in ((-0.5, 0.5), (12.0, 2.0), (4.0, 0.0)):
        sums = window_sums(
            np.array([[truth]]), np.zeros((1, 1)), quantile, LEVELS, np.ones((1, 1), bool), *np.ones((2, 1))
        )
        assert value(sums)["msis"] == pytest.approx(10 + 40 * missed)


@pytest.mark.parametrize("seed", range(5))
def test_every_metric_is_that_of_loops_over_the_scored_steps(seed):
    truth, point, quantile, scored, mase, deviation = simulated(seed=seed)
    mase[seed % 7] = np.nan
    deviation[(seed + 2) % 7] = np.nan
    found = value(window_sums(truth, point, quantile, LEVELS, scored, mase, deviation))
    assert found == pytest.approx(brute(truth, point, quantile, scored, mase, deviation))


@given(st.integers(0, 10_000), st.lists(st.booleans(), min_size=7, max_size=7))
def test_sums_of_parts_are_the_sums_of_the_whole(seed, first):
    truth, point, quantile, scored, mase, deviation = simulated(seed=seed)
    whole = window_sums(truth, point, quantile, LEVELS, scored, mase, deviation)
    merged = np.zeros(len(COUNTS))
    for part in (np.array(first), ~np.array(first)):
        arrays = (truth[part], point[part], quantile[part], LEVELS, scored[part], mase[part], deviation[part])
        merged += window_sums(*arrays).sum(0)
    np.testing.assert_allclose(merged, whole.sum(0), rtol=1e-12, atol=1e-12)


@given(st.integers(0, 10_000), st.floats(1e-6, 1e6))
def test_another_unit_leaves_what_is_scaled_and_turns_the_rest_with_it(seed, unit):
    truth, point, quantile, scored, _, _ = simulated(seed=seed)
    series = [np.random.default_rng(seed + w).normal(0, 1, 30) for w in range(7)]
    found = []
    for factor in (1.0, unit):
        scales = Scales.of(panel(*(factor * one for one in series)), *ends(series), 7)
        values = (factor * truth, factor * point, factor * quantile, LEVELS, scored)
        found.append(value(window_sums(*values, scales.mase_S, scales.deviation_S)))
    for name in METRICS:
        turns = name in ("mae", "rmse", "crps", "width_80", "width_95")
        assert found[1][name] == pytest.approx(found[0][name] * (unit if turns else 1.0), rel=1e-6, nan_ok=True), name


def ends(series):
    offset = np.r_[0, np.cumsum([len(one) for one in series])]
    return offset[:-1], offset[1:]


def test_a_perfect_forecast_costs_nothing_also_where_all_is_zero():
    truth = np.array([[0.0, 5.0], [0.0, 0.0]])
    quantile = np.repeat(truth[..., None], len(LEVELS), axis=-1)
    found = value(window_sums(truth, truth, quantile, LEVELS, np.ones((2, 2), bool), *np.ones((2, 2))))
    assert {name for name, one in found.items() if one == 0} == METRICS - {"coverage_80", "coverage_95"}
    assert found["coverage_80"] == found["coverage_95"] == 1


def test_smape_is_never_above_200():
    found = window_sums(
        np.array([[0.0, -3.0]]), np.array([[4.0, 3.0]]), None, LEVELS, np.ones((1, 2), bool), *np.ones((2, 1))
    )
    assert value(found)["smape"] == 200


def test_a_window_without_a_scale_counts_only_where_none_is_needed():
    truth, point, quantile, scored, mase, deviation = simulated()
    mase[2] = deviation[2] = np.nan
    others = np.arange(7) != 2
    found = value(window_sums(truth, point, quantile, LEVELS, scored, mase, deviation))
    arrays = (truth[others], point[others], quantile[others], LEVELS, scored[others], mase[others], deviation[others])
    without = value(window_sums(*arrays))
    scaled = {"mase", "msis", "mae_scaled", "mse_scaled"}
    assert {name for name in METRICS if found[name] == pytest.approx(without[name])} == scaled


def test_without_quantiles_and_without_steps_nothing_is_said_of_them():
    truth, point, _, scored, mase, deviation = simulated()
    sums = window_sums(truth, point, None, LEVELS, scored, mase, deviation)
    assert set(counted(sums.sum(0))) == {"mae", "rmse", "mase", "smape", "mse_scaled", "mae_scaled"}
    assert np.isnan(value(sums)["crps"])
    nothing = window_sums(truth, point, None, LEVELS, np.zeros_like(scored), mase, deviation)
    assert not nothing.any()
    assert counted(nothing.sum(0)) == ()


def test_levels_without_the_ends_of_an_interval_are_refused():
    truth, point, quantile, scored, mase, deviation = simulated()
    with pytest.raises(ValueError, match=r"no quantile of level 0\.1 among 0\.05, 0\.5, 0\.95"):
        window_sums(truth, point, quantile[..., :3], (0.05, 0.5, 0.95), scored, mase, deviation)


def test_the_quantile_loss_is_least_at_the_quantile():
    values = np.random.default_rng(0).gamma(2, 3, 2001)
    for level in LEVELS:
        tried = np.quantile(values, np.linspace(0.01, 0.99, 99))
        best = tried[np.argmin([pinball(values, one, level).mean() for one in tried])]
        assert abs((values <= best).mean() - level) < 0.016


def test_crps_of_a_normal_forecast_is_near_its_closed_form():
    from scipy.stats import norm

    random = np.random.default_rng(1)
    truth = random.normal(0, 1, (1, 20_000))
    quantile = np.broadcast_to(norm.ppf(LEVELS), (1, 20_000, len(LEVELS)))
    sums = window_sums(truth, np.zeros_like(truth), quantile, LEVELS, np.ones_like(truth, bool), *np.ones((2, 1)))
    found = value(sums)
    assert found["crps"] == pytest.approx(1 / np.pi**0.5, rel=0.015)  # of a standard normal at its own truth
    assert found["coverage_95"] == pytest.approx(0.95, abs=0.005)
    assert found["coverage_80"] == pytest.approx(0.8, abs=0.01)


def test_scales_by_hand():
    found = Scales.of(panel([1, 2, 4, 7, 11, 16], [5, 5, 5, 5], [3, 9]), *ends([[0] * 6, [0] * 4, [0] * 2]), 2)
    assert found.mase_S[0] == pytest.approx((3 + 5 + 7 + 9) / 4)
    assert found.deviation_S[0] == pytest.approx(np.std([1, 2, 4, 7, 11, 16]))
    assert np.isnan(found.mase_S[1])
    assert np.isnan(found.deviation_S[1])
    assert np.isnan(found.mase_S[2])  # shorter than the season
    assert found.deviation_S[2] == 3


def test_scales_see_only_observed_steps_of_their_part():
    random = np.random.default_rng(3)
    series = [random.normal(0, 1, 40), random.normal(5, 2, 25)]
    observed = random.random(65) > 0.3
    begin, end = np.array([4, 41]), np.array([33, 60])
    y_N = np.concatenate(series)
    y_N[33:40] = np.nan  # behind the end, as where columns are known ahead
    found = Scales.of(SimpleNamespace(y_N=y_N, offset=np.array([0, 40, 65]), observed_N=observed), begin, end, 3)
    for s in range(2):
        pairs = [(t, t - 3) for t in range(begin[s] + 3, end[s]) if observed[t] and observed[t - 3]]
        assert found.mase_S[s] == pytest.approx(np.mean([abs(y_N[a] - y_N[b]) for a, b in pairs]))
        seen = [y_N[t] for t in range(begin[s], end[s]) if observed[t]]
        assert found.deviation_S[s] == pytest.approx(np.std(seen))


def test_what_rounding_leaves_of_a_constant_or_periodic_series_is_no_scale():
    found = Scales.of(
        panel([0.1] * 1000, np.sin(2 * np.pi * np.arange(480) / 24) + 1e6), *ends([[0] * 1000, [0] * 480]), 24
    )
    assert np.isnan(found.mase_S).all()
    assert np.isnan(found.deviation_S[0])
    assert found.deviation_S[1] == pytest.approx(0.5**0.5)


def read(folder, name, column):
    with (folder / "forecast" / name).open() as file:
        return [row[column] for row in csv.DictReader(file)]


@pytest.mark.slow
def test_seasonal_naive_on_m4_hourly_is_as_published(real_data):
    names, y = (
        read(real_data, "m4-hourly/train.csv", "unique_id"),
        np.array(read(real_data, "m4-hourly/train.csv", "y"), float),
    )
    order = list(dict.fromkeys(names))
    offset = np.r_[0, np.cumsum([names.count(name) for name in order])]
    truth = np.array(read(real_data, "m4-hourly/test.csv", "y"), float).reshape(414, 48)
    assert list(dict.fromkeys(read(real_data, "m4-hourly/test.csv", "unique_id"))) == order
    made = SimpleNamespace(y_N=y, offset=offset, observed_N=np.ones(len(y), bool))
    scales = Scales.of(made, offset[:-1], offset[1:], 24)
    scored = np.ones((414, 48), bool)
    for season, smape, mase in ((24, "13.912", "1.193"), (168, "12.695", "2.867")):
        point = np.stack([np.resize(y[end - season : end], 48) for end in offset[1:]])
        found = value(window_sums(truth, point, None, LEVELS, scored, scales.mase_S, scales.deviation_S))
        assert (f"{found['smape']:.3f}", f"{found['mase']:.3f}") == (smape, mase)


@pytest.mark.slow
def test_repeating_values_on_etth1_is_as_measured_before(real_data):
    with (real_data / "forecast/etth1/ETTh1.csv").open() as file:
        rows = [list(row.values())[1:] for row in csv.DictReader(file)]
    y_NS = np.array(rows, float)[:14400]
    made = panel(*y_NS.T)
    offset = made.offset
    scales = Scales.of(made, offset[:-1], offset[:-1] + 8640, 24)
    expected = {96: ("1.294/0.713", "0.512/0.433"), 720: ("1.335/0.755", "0.655/0.514")}
    for horizon, figures in expected.items():
        origins = np.arange(11519, 14400 - horizon)
        assert len(origins) == 2880 - horizon + 1
        for season, figure in zip((1, 24), figures, strict=True):
            sums = np.zeros(len(COUNTS))
            for s, y_N in enumerate(y_NS.T):
                truth = np.lib.stride_tricks.sliding_window_view(y_N, horizon)[origins + 1]
                back = y_N[origins[:, None] - season + 1 + np.arange(horizon) % season]
                scale = (np.full(len(origins), one[s]) for one in (scales.mase_S, scales.deviation_S))
                sums += window_sums(truth, back, None, LEVELS, np.ones(truth.shape, bool), *scale).sum(0)
            found = value(sums[None])
            assert f"{found['mse_scaled']:.3f}/{found['mae_scaled']:.3f}" == figure


@pytest.mark.slow
def test_repeating_values_on_the_bicycles_is_as_measured_before(real_data):
    stamps = np.array(read(real_data, "bike/bike_hourly.csv", "ds"), "datetime64[h]")
    hours = (stamps - stamps[0]).astype(int)
    observed = np.zeros(hours[-1] + 1, bool)
    observed[hours] = True
    y = np.interp(np.arange(len(observed)), hours, np.array(read(real_data, "bike/bike_hourly.csv", "y"), float))
    test = int((np.datetime64("2012-10-01T00") - stamps[0]).astype(int))
    train = int((np.datetime64("2012-09-01T00") - stamps[0]).astype(int))
    made = SimpleNamespace(y_N=y, offset=np.array([0, len(y)]), observed_N=observed)
    scales = Scales.of(made, np.array([0]), np.array([train]), 168)
    assert f"{scales.mase_S[0]:.2f}" == "48.56"
    at = test + 24 * np.arange(92)[:, None] + np.arange(24)
    scored = observed[at]
    forecasts = {
        "76.17 1.569 46.5": y[at - 24],
        "72.17 1.486 42.0": y[at - 168],
        "60.91 1.254 35.7": np.mean([y[at - 168 * k] for k in (1, 2, 3, 4)], axis=0),
    }
    for figures, point in forecasts.items():
        scale = (np.repeat(one, 92) for one in (scales.mase_S, scales.deviation_S))
        sums = window_sums(np.where(scored, y[at], np.nan), point, None, LEVELS, scored, *scale)
        found = value(sums)
        assert sums[:, AT["steps"]].sum() == 2168
        assert f"{found['mae']:.2f} {found['mase']:.3f} {found['smape']:.1f}" == figures
