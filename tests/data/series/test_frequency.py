"""The grid of stamps is found from what lies between them; zones and clock changes are put on the hours of UTC."""

import numpy as np
import pandas as pd
import pytest

from rnncli.data.series.frequency import Wanted, place_on_grid, step_of
from rnncli.data.series.grid import Grid
from rnncli.data.series.stamps import Stamps
from rnncli.errors import DataError


def place(row):
    return f"sales.csv:{row + 2}"


def placed(stamps, series=None, **wanted):
    index = pd.DatetimeIndex(stamps)
    offset = None
    if index.tz is not None:
        local = index.tz_localize(None).as_unit("ns").asi8
        offset = local - index.as_unit("ns").asi8
    else:
        local = index.as_unit("ns").asi8
    found = Stamps(local, np.zeros(len(index), bool), offset_N=offset, form="%Y-%m-%d %H:%M")
    numbers = np.zeros(len(index), np.int64) if series is None else np.asarray(series)
    return place_on_grid(found, numbers, Wanted(**wanted), '"ds"', place)


@pytest.mark.parametrize(
    "frequency", ["s", "15s", "min", "15min", "h", "3h", "D", "2D", "B", "W-SUN", "W-TUE", "MS", "ME", "QS", "YS", "YE"]
)
def test_a_regular_grid_is_found(frequency):
    found = placed(pd.date_range("2021-03-01 00:00", periods=40, freq=frequency))
    assert found.grid.frequency == frequency
    assert np.diff(found.number_N).tolist() == [1] * 39


@pytest.mark.parametrize("frequency", ["h", "D", "W-SUN", "MS"])
def test_gaps_order_and_other_series_do_not_change_the_grid(frequency):
    stamps = pd.date_range("2021-03-01", periods=60, freq=frequency)
    rng = np.random.default_rng(1)
    some = np.r_[np.arange(60), np.sort(rng.choice(60, 30, replace=False))]
    series = np.repeat([0, 1], [60, 30])
    order = rng.permutation(len(some))
    found = placed(stamps[some[order]], series[order])
    assert found.grid.frequency == frequency
    assert (found.number_N - found.number_N.min()).tolist() == some[order].tolist()


def test_the_same_time_of_every_day_or_day_of_every_month_is_kept():
    daily = placed(pd.date_range("2021-03-01 07:30", periods=10, freq="D"))
    assert daily.grid.stamp(int(daily.number_N[3])) == "2021-03-04 07:30"
    monthly = placed([pd.Timestamp(2021, month, 15) for month in range(1, 13)])
    assert (monthly.grid.frequency, monthly.grid.day) == ("MS", 15)
    assert monthly.grid.stamp(int(monthly.number_N[1])) == "2021-02-15"


def test_working_days_of_month_ends_are_months():
    ends = pd.date_range("2020-01-01", periods=36, freq="BME")
    assert placed(ends).grid.frequency == "ME"


def test_stamps_between_the_steps_are_refused_with_a_place():
    stamps = list(pd.date_range("2021-03-01", periods=30, freq="D"))
    stamps[7] += pd.Timedelta(hours=10)
    with pytest.raises(DataError, match=r"sales.csv:9: .* 2021-03-08 10:00, between the steps .* daily") as caught:
        placed(stamps)
    assert "data.frequency=D" in caught.value.hint
    assert placed(stamps, frequency="D").number_N[7] == placed(stamps, frequency="D").number_N[6] + 1


def test_a_frequency_that_is_told_puts_stamps_into_its_steps_and_counts_them():
    found = placed(pd.date_range("2021-03-01", periods=48, freq="h"), frequency="D")
    assert np.unique(found.number_N, return_counts=True)[1].tolist() == [24, 24]
    assert any("46 stamps put at the beginning" in note for note in found.notes)
    assert found.grid.stamp(int(found.number_N[0])) == "2021-03-01"


def test_offsets_are_put_on_the_hours_of_utc_through_a_clock_change():
    stamps = pd.date_range("2025-10-25", periods=72, freq="h", tz="Europe/Rome")
    for wanted in ({}, {"zone": "Europe/Rome"}):
        found = placed(stamps, **wanted)
        assert np.diff(found.number_N).tolist() == [1] * 71
        assert found.grid.zone == wanted.get("zone", "UTC")


@pytest.mark.parametrize("day", ["2025-10-25", "2025-03-29"])
def test_clocks_of_a_zone_without_offsets_are_told_apart_by_their_order(day):
    stamps = pd.date_range(day, periods=72, freq="h", tz="Europe/Rome")
    found = placed(stamps.tz_localize(None), zone="Europe/Rome")
    assert found.number_N.tolist() == placed(stamps).number_N.tolist()
    if day == "2025-10-25":
        assert any("1 pair of stamps" in note for note in found.notes)


def test_an_hour_that_a_clock_change_skips_is_dropped_and_counted():
    found = placed(pd.date_range("2025-03-30 00:00", periods=6, freq="h"), zone="Europe/Rome")
    assert found.keep_N.tolist() == [True, True, False, True, True, True]
    assert found.dropped == {"row of an hour that a clock change skips": 1}


def test_days_of_a_zone_are_its_own():
    stamps = pd.date_range("2025-03-20", periods=30, freq="D", tz="Europe/Rome")
    found = placed(stamps.tz_convert("UTC"), zone="Europe/Rome")
    assert found.grid.frequency == "D"
    assert found.grid.stamp(int(found.number_N[0])) == "2025-03-20"
    assert np.diff(found.number_N).tolist() == [1] * 29


def test_the_grid_of_a_run_numbers_later_stamps_alike():
    early = placed(pd.date_range("2025-01-01", periods=48, freq="h"))
    late = placed(pd.date_range("2025-01-02", periods=48, freq="h"), grid=early.grid)
    assert late.number_N[:24].tolist() == early.number_N[24:].tolist()
    with pytest.raises(DataError, match="lies between the steps"):
        placed([pd.Timestamp("2025-01-01 10:30")], grid=early.grid)
    with pytest.raises(DataError, match="dates where the run has whole numbers"):
        placed([pd.Timestamp("2025-01-01")], grid=Grid(""))


@pytest.mark.parametrize(
    ("stamps", "wanted", "says"),
    [
        (["2025-01-01"] * 3, {}, "all rows have one stamp"),
        (["2025-01-01", "2025-01-02"], {"frequency": "dayly"}, '"dayly" is no frequency'),
        (["2025-01-01 10:00", "2025-01-01 11:00"], {"zone": "Europe/Rom"}, 'did you mean "Europe/Rome"'),
        (pd.date_range("2025-01-01", periods=40, freq=pd.offsets.CDay(weekmask="Mon Wed Fri")), {}, "irregular"),
    ],
)
def test_stamps_without_order_are_refused(stamps, wanted, says):
    with pytest.raises(DataError, match=says) as caught:
        placed(stamps, **wanted)
    assert caught.value.hint


def test_whole_numbers_lie_on_a_grid_of_their_own_distance():
    numbers = np.array([10, 20, 40, 30])
    found = place_on_grid(Stamps(numbers, np.zeros(4, bool), whole=True), np.zeros(4, int), Wanted(), '"t"', place)
    assert found.number_N.tolist() == [1, 2, 4, 3]
    assert found.grid.texts(found.number_N) == ["10", "20", "40", "30"]
    with pytest.raises(DataError, match=r"data\.frequency=D is of dates"):
        place_on_grid(Stamps(numbers, np.zeros(4, bool), whole=True), np.zeros(4, int), Wanted("D"), '"t"', place)


def test_a_stamp_of_a_recipe_is_the_first_step_from_it_on():
    hours = Grid("h", form="%Y-%m-%d %H:%M")
    assert hours.stamp(step_of(hours, "2025-01-31", "k")) == "2025-01-31 00:00"
    assert hours.stamp(step_of(hours, "2025-01-31 10:01", "k")) == "2025-01-31 11:00"
    assert step_of(Grid("", phase=1, every=5), "7", "k") == 2
    rome = Grid("h", zone="Europe/Rome", form="%Y-%m-%d %H:%M")
    assert rome.stamp(step_of(rome, "2025-07-01", "k")) == "2025-07-01 00:00+02:00"
    for wrong in ("soon", "7", "2025-02-30"):
        with pytest.raises(DataError) as caught:
            step_of(hours, wrong, "data.test_from")
        assert caught.value.hint == "such as data.test_from=2025-07-01 00:00"
