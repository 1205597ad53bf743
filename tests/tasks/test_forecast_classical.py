"""Classical forecasters in a process of their own, by a stand-in for statsforecast, and by itself where it is there."""

import sys
import textwrap
import time

import numpy as np
import pytest

from rnncli.metrics.forecasts import LEVELS
from rnncli.tasks.forecast.extras import classical as module
from rnncli.tasks.forecast.extras.classical import classical
from tests.tasks.forecasting import corpus, fit, recipe_of, sales, table
from tests.tasks.windowed import panel, part

STAND_IN = """
import time
import numpy as np

class AutoTheta:
    def __init__(self, season_length):
        self.season = season_length
    def forecast(self, y, h, level):
        if len(y) == 3:
            raise ValueError("too short")
        time.sleep(self.wait(len(y)))
        mean = y[-1] + np.arange(1.0, h + 1) + 100 * self.season
        sides = {f"{side}-{one}": mean + sign * one for one in level for side, sign in (("lo", -1), ("hi", 1))}
        return {"mean": mean, **sides}
    def wait(self, steps):
        return 0.0

class AutoETS(AutoTheta):
    def wait(self, steps):
        return WAIT_ETS

class AutoARIMA(AutoTheta):
    def wait(self, steps):
        return WAIT_ARIMA
"""


@pytest.fixture
def stand_in(tmp_path, monkeypatch):
    """Writes a statsforecast whose models wait so many seconds a fit."""

    def made(ets: float = 0.0, arima: float = 0.0) -> None:
        folder = tmp_path / "statsforecast"
        folder.mkdir()
        (folder / "__init__.py").write_text("")
        body = STAND_IN.replace("WAIT_ETS", str(ets)).replace("WAIT_ARIMA", str(arima))
        (folder / "models.py").write_text(textwrap.dedent(body))
        monkeypatch.syspath_prepend(str(tmp_path))

    return made


def windows(count: int = 4, gap: int = 0):
    return part(panel([np.arange(30.0), 50 - 3 * np.arange(30.0)]), [range(10, 10 + count)] * 2, 3, [30, 30], gap)


def test_nothing_is_said_where_it_is_not_installed(monkeypatch):
    monkeypatch.setattr(module, "is_installed", lambda: False)
    assert classical(windows(), 7, False) == ({}, ())


def test_they_stand_among_the_rivals_of_a_forecaster(stand_in):
    stand_in()
    recipe = recipe_of({"origins": 2}, horizon=4, season=7)
    found = corpus(recipe, table(sales([60, 60])))
    rivals, _ = fit(recipe, found).baselines(found.parts, "test")
    assert {"naive", "ridge", "AutoTheta", "AutoETS", "AutoARIMA"} <= set(rivals)
    assert len(rivals["AutoTheta"]) == len(found.parts["test"])


def test_points_and_quantiles_are_those_of_each_window(stand_in):
    stand_in()
    found, notes = classical(windows(gap=2), 3, False)
    assert list(found) == ["AutoTheta", "AutoETS", "AutoARIMA"]
    assert notes == ()
    last = windows(gap=2).panel.y_N[windows(gap=2).origin_W]
    for one in found.values():
        np.testing.assert_allclose(one.point_WH, last[:, None] + np.array([3, 4, 5]) + 300)
        off_Q = one.quantile_WHQ[0, 0] - one.point_WH[0, 0]
        np.testing.assert_allclose(off_Q, [100 * (2 * level - 1) for level in LEVELS], atol=1e-9)


def test_a_series_without_two_seasons_has_none(stand_in):
    stand_in()
    window = part(panel([np.arange(30.0)]), [[12, 14]], 1, [30])
    assert classical(window, 7, False)[0]["AutoTheta"].point_WH.tolist() == [[12 + 1 + 100], [14 + 1 + 700]]


def test_no_value_behind_an_origin_is_handed_over(stand_in):
    stand_in()
    window = windows()
    before = classical(window, 3, False)[0]["AutoTheta"].point_WH
    window.panel.y_N[14:30] = 1e9
    np.testing.assert_array_equal(classical(window, 3, False)[0]["AutoTheta"].point_WH[:4], before[:4])


def test_long_histories_are_cut_and_that_is_said(stand_in, monkeypatch):
    stand_in()
    monkeypatch.setattr(module, "MOST_STEPS", 3)  # of three steps the stand-in can make nothing
    found, notes = classical(windows(), 3, False)
    assert "fitted to the last 3 steps before each origin" in notes[-1]
    assert notes[0] == "AutoTheta: 8 windows that it could not fit are forecast as their last value"
    np.testing.assert_array_equal(found["AutoTheta"].quantile_WHQ[0], np.full((3, len(LEVELS)), 10.0))


def test_counts_are_not_forecast_below_0(stand_in):
    stand_in()
    for one in classical(windows(), 3, True)[0].values():
        assert one.quantile_WHQ.min() >= 0
    falling = part(panel([-1000.0 * np.arange(30)]), [[20]], 3, [30])
    assert not classical(falling, 3, True)[0]["AutoTheta"].quantile_WHQ.any()


def test_what_foreseeably_takes_too_long_is_left_out_at_once(stand_in):
    stand_in(ets=0.5)
    begun = time.monotonic()
    found, notes = classical(windows(15), 3, False, limit=8)
    assert list(found) == ["AutoTheta", "AutoARIMA"]
    assert len(notes) == 1
    assert notes[0].startswith("AutoETS left out of 30 windows: all would take about 1")
    assert notes[0].endswith(" seconds, more than 8")
    assert time.monotonic() - begun < 8


def test_a_fit_that_does_not_end_is_ended(stand_in):
    stand_in(arima=600)
    begun = time.monotonic()
    found, notes = classical(windows(), 3, False, limit=3)
    assert list(found) == ["AutoTheta", "AutoETS"]
    assert notes == ("AutoARIMA left out of 8 windows: not done within 3 seconds",)
    assert time.monotonic() - begun < 20


def test_an_installation_that_does_not_load_is_named(stand_in, tmp_path):
    stand_in()
    (tmp_path / "statsforecast" / "models.py").write_text("import nothing_of_this_name")
    found, notes = classical(windows(), 3, False)
    assert not found
    assert (
        notes[0]
        == "AutoTheta left out of 8 windows: statsforecast ended early; python -c 'import statsforecast.models'"
    )


def test_the_real_ones_follow_a_season():
    pytest.importorskip("statsforecast", reason="the extra forecast is not installed")
    assert "statsforecast" in sys.modules
    steps = np.arange(90)
    y = 50 + 10 * np.sin(2 * np.pi * steps / 7) + np.random.default_rng(0).normal(0, 1, 90)
    window = part(panel([y]), [[75, 80]], 7, [90])
    found, notes = classical(window, 7, True, limit=60)
    assert set(found) == set(module.MODELS), notes
    truth, _ = window.truth_WH()
    for one in found.values():
        assert np.abs(one.point_WH - truth).mean() < 2.5
        inside = (truth >= one.quantile_WHQ[..., 0]) & (truth <= one.quantile_WHQ[..., -1])
        assert inside.mean() > 0.7
