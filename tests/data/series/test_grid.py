"""Numbers of steps are the same in every file, and go back to the stamps that they came from."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnncli.data.series.grid import Grid, numbers, unit

FREQUENCIES = ("ms", "s", "15s", "min", "5min", "15min", "h", "2h", "6h", "D", "2D", "B", "W-SUN", "W-WED", "MS", "ME")
ANCHORED = ("QS", "QE", "YS", "YE")


@pytest.mark.parametrize("frequency", FREQUENCIES + ANCHORED)
@given(start=st.integers(-20_000, 30_000))
@settings(max_examples=30, deadline=None)
def test_stamps_of_pandas_get_consecutive_numbers_and_come_back(frequency, start):
    first = pd.Timestamp("1970-01-01") + pd.Timedelta(days=start)
    stamps = pd.date_range(first, periods=20, freq=frequency).as_unit("ns")
    stamps = stamps[stamps >= first]
    instants = stamps.asi8
    found = unit(frequency)
    phase = 0 if found.kind != "tick" else int((instants[0] - found.anchor) % found.size)
    if found.kind == "month":
        phase = int((stamps[0].year * 12 + stamps[0].month - 1) % found.size)
    grid = Grid(frequency, phase=phase, day=-1 if frequency.endswith("E") else 1)
    at = grid.number(stamps)
    assert np.diff(at).tolist() == [1] * (len(stamps) - 1)
    assert grid.instants(at).astype(np.int64).tolist() == instants.tolist()
    assert pd.DatetimeIndex(grid.stamps(at)).equals(stamps)


@given(st.integers(-(10**15), 10**15), st.integers(1, 50), st.integers(0, 49))
@settings(max_examples=30, deadline=None)
def test_whole_numbers_come_back(number, every, phase):
    grid = Grid("", every=every, phase=phase % every)
    assert grid.number(grid.instants(np.array([number]))).tolist() == [number]


def test_an_instant_lies_in_the_step_that_begins_last_before_it():
    noon = np.array(["2025-01-31T12:00"], "datetime64[ns]").astype(np.int64)
    for frequency, begins in (("D", "2025-01-31"), ("W-SUN", "2025-01-26"), ("MS", "2025-01-01"), ("QS", "2025-01-01")):
        at = numbers(noon, unit(frequency))
        assert Grid(frequency).stamp(int(at[0])) == begins


def test_a_weekend_lies_in_the_step_of_its_friday():
    days = np.array(["2025-01-31", "2025-02-01", "2025-02-02", "2025-02-03"], "datetime64[ns]")
    assert np.diff(Grid("B").number(days)).tolist() == [0, 0, 1]


def test_a_stamp_in_a_zone_names_its_offset_and_hours_count_on_through_a_clock_change():
    grid = Grid("h", zone="Europe/Rome", form="%Y-%m-%d %H:%M")
    first = grid.number(np.array(["2025-10-25T23:00"], "datetime64[ns]"))[0]
    assert grid.texts(np.arange(first, first + 4)) == [
        "2025-10-26 01:00+02:00",
        "2025-10-26 02:00+02:00",
        "2025-10-26 02:00+01:00",
        "2025-10-26 03:00+01:00",
    ]


@pytest.mark.parametrize(
    ("frequency", "words", "seasons", "horizon"),
    [
        ("h", "hourly", (24, 168), 24),
        ("15min", "every 15 minutes", (96, 672), 96),
        ("D", "daily", (7,), 28),
        ("B", "on working days", (5,), 20),
        ("W-SUN", "weekly", (52,), 13),
        ("MS", "monthly", (12,), 12),
        ("QE", "quarterly", (4,), 4),
        ("YS", "yearly", (1,), 4),
        ("", "numbered", (1,), 12),
    ],
)
def test_a_frequency_has_words_seasons_and_a_usual_horizon(frequency, words, seasons, horizon):
    grid = Grid(frequency)
    assert (grid.words, grid.seasons, grid.horizon) == (words, seasons, horizon)


@pytest.mark.parametrize(("word", "name"), [("hourly", "h"), ("H", "h"), ("daily", "D"), ("M", "MS"), ("T", "min")])
def test_common_words_for_a_frequency_are_known(word, name):
    assert unit(word).name == name


@pytest.mark.parametrize("wrong", ["dayly", "0D", "W-XYZ", "D-SUN", "3B", "-2h", "1.5h"])
def test_what_is_no_frequency_is_refused(wrong):
    with pytest.raises(ValueError, match=wrong):
        unit(wrong)


def test_a_grid_goes_through_plain_values():
    grid = Grid("2h", zone="Asia/Kolkata", phase=30 * 60 * 10**9, form="%Y-%m-%d %H:%M")
    assert Grid.from_dict(grid.to_dict()) == grid
