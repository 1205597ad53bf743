"""Features of stamps tell the hours, days and months apart, in the zone that the grid is of."""

import numpy as np
import pandas as pd
import pytest

from rnncli.data.series import calendar
from rnncli.data.series.grid import DAY, Grid
from rnncli.errors import DataError


@pytest.mark.parametrize(
    ("frequency", "steps", "wanted"),
    [
        ("h", 100, ("hour", "weekday")),
        ("D", 100, ("weekday",)),
        ("D", 1000, ("weekday", "month")),
        ("B", 1000, ("weekday", "month")),
        ("W-SUN", 104, ("week",)),
        ("MS", 48, ("month",)),
        ("MS", 12, ()),
        ("YS", 48, ()),
        ("", 1000, ()),
    ],
)
def test_auto_follows_the_frequency_and_the_span(frequency, steps, wanted):
    assert calendar.names(Grid(frequency), "auto", steps) == wanted


def test_a_feature_that_there_is_none_of_is_refused_and_off_is_none():
    with pytest.raises(DataError, match="moon"):
        calendar.names(Grid("D"), ("moon",), 100)
    assert calendar.names(Grid("D"), "off", 100) == ()
    assert calendar.names(Grid("D"), ("monthday",), 100) == ("monthday",)


def test_seven_weekdays_are_seven_independent_rows_with_a_constant():
    week = calendar.features(Grid("D"), np.arange(7), ("weekday",))
    assert np.linalg.matrix_rank(np.c_[np.ones(7), week]) == 7


def test_features_are_the_angles_of_the_clock_and_repeat_with_it():
    grid = Grid("h")
    found = calendar.features(grid, np.arange(48), ("hour",))
    names = calendar.columns(grid, ("hour",))
    hours = pd.DatetimeIndex(grid.instants(np.arange(48))).hour
    assert np.allclose(found[:, names.index("hour sin 2")], np.sin(4 * np.pi * hours / 24), atol=1e-6)
    assert np.allclose(found[:24], found[24:], atol=1e-6)
    assert found.dtype == np.float32


def test_hours_are_those_of_the_zone_on_both_sides_of_a_clock_change():
    grid = Grid("h", zone="Europe/Rome")
    noons = grid.number(np.array(["2025-01-31T11:00", "2025-07-31T10:00"], "datetime64[ns]"))
    found = calendar.features(grid, noons, ("hour",))
    assert np.allclose(found[0], found[1], atol=1e-6)


def test_names_of_columns_lead_back_to_their_features():
    grid = Grid("D")
    columns = ("promo", *calendar.columns(grid, ("weekday", "month")))
    assert calendar.names_in(columns) == ("weekday", "month")
    assert set(columns[1:]) <= calendar.COLUMNS
    assert calendar.LONG_YEAR > 365 * DAY
