"""What is filled in follows its rule, and no origin sees what comes behind it."""

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnncli.data.series.gaps import begins, carried, filled

NONE = np.zeros(0, np.int64)
VALUE = st.one_of(st.just(np.nan), st.integers(-9, 9).map(float))


@st.composite
def series(draw):
    """Some series end to end, none with an absent value first or last: values and offsets."""
    parts = draw(st.lists(st.lists(VALUE, min_size=1, max_size=15), min_size=1, max_size=4))
    parts = [[1.0, *part, 2.0] for part in parts]
    return np.concatenate(parts), np.r_[0, np.cumsum([len(part) for part in parts])]


def each(y_N, offset):
    return [y_N[begin:end] for begin, end in pairwise(offset)]


@given(series())
@settings(max_examples=60, deadline=None)
def test_linear_and_previous_fill_as_pandas_does(drawn):
    y_N, offset = drawn
    for rule, how in (("linear", "interpolate"), ("previous", "ffill")):
        wanted = np.concatenate([getattr(pd.Series(one), how)().to_numpy() for one in each(y_N, offset)])
        assert np.allclose(filled(y_N, offset, offset[1:], rule, 7, NONE), wanted)


@given(series(), st.integers(1, 6))
@settings(max_examples=60, deadline=None)
def test_seasonal_repeats_what_was_there_a_season_before(drawn, season):
    y_N, offset = drawn
    wanted = []
    for one in each(y_N, offset):
        found = one.copy()
        for at in np.flatnonzero(np.isnan(one)):
            found[at] = found[at - season] if at >= season else pd.Series(one).ffill()[at]
        wanted.append(found)
    assert filled(y_N, offset, offset[1:], "seasonal", season, NONE).tolist() == np.concatenate(wanted).tolist()


@given(series(), st.sampled_from(["linear", "previous", "seasonal", "zero"]), st.data())
@settings(max_examples=60, deadline=None)
def test_what_follows_an_origin_changes_nothing_up_to_it(drawn, rule, data):
    y_N, offset = drawn
    origin = data.draw(st.integers(0, len(y_N) - 1))
    other_N = y_N.copy()
    end = offset[np.searchsorted(offset, origin, "right")]
    behind = np.arange(origin + 1, end)
    behind = behind[~np.isnan(y_N[behind])]
    other_N[behind] += data.draw(st.integers(1, 50))
    cuts = np.array([origin])
    one, other = (filled(values, offset, offset[1:], rule, 3, cuts)[: origin + 1] for values in (y_N, other_N))
    assert one.tolist() == other.tolist()


def test_zero_fills_zeros_and_what_lies_behind_the_last_value_stays_open():
    y_N = np.array([1, np.nan, 2, np.nan, np.nan])
    found = filled(y_N, np.array([0, 5]), np.array([3]), "zero", 1, NONE)
    assert found[:3].tolist() == [1, 0, 2]
    assert np.isnan(found[3:]).all()


def test_nothing_is_carried_from_one_series_to_the_next():
    values = np.array([[1.0], [np.nan], [np.nan], [2.0], [np.nan]])
    assert carried(values, begins(np.array([0, 2, 5])))[:, 0].tolist() == pytest.approx(
        [1, 1, np.nan, 2, 2], nan_ok=True
    )
