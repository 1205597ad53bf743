"""Stamps in the manners that people write them in are the instants that Python reads by a format of its own."""

from datetime import datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnncli.data.series.arrow import column_of
from rnncli.data.series.column import TableColumn
from rnncli.data.series.stamps import encoded, looks_like_clock, looks_like_stamps, read_stamps
from rnncli.errors import DataError

EPOCH = datetime(1970, 1, 1)
MANNERS = (
    "%Y-%m-%d",
    "%Y-%m-%d %H:%M",
    "%Y-%m-%dT%H:%M:%S",
    "%Y/%m/%d %H:%M:%S",
    "%Y%m%d %H:%M",
    "%d.%m.%Y",
    "%d.%m.%Y %H:%M",
    "%d/%m/%Y %H:%M:%S",
    "%d-%b-%Y",
    "%d %B %Y %H:%M",
    "%B %d, %Y",
    "%b %Y",
    "%Y-%m",
    "%d/%m/%y",
)


def place(row):
    return f"sales.csv:{row + 2}"


def column(*texts):
    return TableColumn.of_texts(texts)


def nanoseconds(stamp):
    return (stamp - EPOCH) // timedelta(microseconds=1) * 1000


@pytest.mark.parametrize("manner", MANNERS)
@given(st.lists(st.datetimes(datetime(1971, 1, 1), datetime(2068, 1, 1)), min_size=1, max_size=8))
@settings(max_examples=15, deadline=None)
def test_each_manner_reads_as_python_reads_it(manner, stamps):
    texts = [stamp.strftime(manner) for stamp in stamps]
    wanted = [nanoseconds(datetime.strptime(text, manner)) for text in texts]
    assert read_stamps(column(*texts), '"ds"', place, day_first=True).value_N.tolist() == wanted


@pytest.mark.parametrize(
    ("text", "manner"), [("1/31/25 3:05 PM", "%m/%d/%y %I:%M %p"), ("12/31/2025 12:00 am", "%m/%d/%Y %I:%M %p")]
)
def test_halves_of_the_day_are_read(text, manner):
    assert read_stamps(column(text), "", place).value_N.tolist() == [nanoseconds(datetime.strptime(text, manner))]


@pytest.mark.parametrize(
    ("text", "begins"),
    [
        ("2025-Q3", "2025-07-01"),
        ("2025Q1", "2025-01-01"),
        ("Q4 2024", "2024-10-01"),
        ("2024-W01", "2024-01-01"),
        ("2020W53", "2020-12-28"),
        ("20250131", "2025-01-31"),
        ("202511", "2025-11-01"),
    ],
)
def test_quarters_weeks_and_bare_digits_are_read(text, begins):
    assert read_stamps(column(text), "", place).value_N.view("datetime64[ns]") == np.datetime64(begins)


@pytest.mark.parametrize("offset", ["Z", "+00:00", "+0530", "-03:00", "+01"])
def test_offsets_are_told(offset):
    found = read_stamps(column(f"2025-01-31T10:00:00{offset}"), "", place)
    hours = {"Z": 0, "+00:00": 0, "+0530": 5.5, "-03:00": -3, "+01": 1}[offset]
    assert found.offset_N is not None
    assert found.offset_N.tolist() == [hours * 3600 * 10**9]


def test_seconds_and_milliseconds_since_1970_are_said():
    seconds = read_stamps(column("1735689600", "1735693200"), '"t"', place)
    thousands = read_stamps(column("1735689600000", "1735693200000"), '"t"', place)
    assert seconds.value_N.tolist() == thousands.value_N.tolist() == [1735689600 * 10**9, 1735693200 * 10**9]
    assert seconds.notes == ('"t" reads as seconds since 1970, of UTC',)


def test_small_numbers_count_steps():
    found = read_stamps(column("1", "2", "700"), "", place)
    assert found.whole
    assert found.value_N.tolist() == [1, 2, 700]


def test_typed_columns_are_read_as_they_are():
    stamp = datetime(2025, 1, 31, 15)
    for kind in (pa.timestamp("s"), pa.timestamp("us"), pa.timestamp("ns"), pa.timestamp("ms", tz="UTC")):
        found = read_stamps(column_of(pa.chunked_array([pa.array([stamp, None], kind)])), "", place)
        assert found.value_N[0] == nanoseconds(stamp)
        assert found.missing_N.tolist() == [False, True]
    assert read_stamps(column_of(pa.chunked_array([pa.array([stamp.date()])])), "", place).value_N[0] == nanoseconds(
        datetime(2025, 1, 31)
    )


def test_empty_words_are_no_stamps():
    found = read_stamps(column("2025-01-31", "", " n/a ", "NaT", "2025-02-01"), "", place)
    assert found.missing_N.tolist() == [False, True, True, True, False]


@pytest.mark.parametrize(
    ("texts", "says"),
    [
        (("2025-01-31", "31.1.2025", "2025-02-01"), 'sales.csv:3: "ds": "31.1.2025" is written otherwise'),
        (("2025-01-31", "Total", "2025-02-01"), 'sales.csv:3: "ds": "Total" is no stamp'),
        (("2025-01-31", "2025-02-30"), 'sales.csv:3: "ds" is "2025-02-30", no date'),
        (("2025-01-31", "9999-12-31"), 'sales.csv:3: "ds" is "9999-12-31", no date'),
        (("1/2/2025", "3/4/2025"), 'sales.csv:2: "ds": "1/2/2025" may have the day first or the month'),
        (("13/2/2025", "3/14/2025"), 'sales.csv:3: "ds": "3/14/2025" has the month first, "13/2/2025"'),
        (("10:00", "11:00"), 'sales.csv:2: "ds" is "10:00", a time of day without a date'),
        (("2025-01-31T10:00+01:00", "2025-01-31T11:00"), 'sales.csv:3: "ds": "2025-01-31T11:00" names no time zone'),
        (("", "n/a"), '"ds" holds no stamp'),
        (("north", "south"), 'sales.csv:2: "ds" is "north", which is no stamp'),
    ],
)
def test_what_cannot_be_read_is_named_with_its_place(texts, says):
    with pytest.raises(DataError) as caught:
        read_stamps(column(*texts), '"ds"', place)
    assert caught.value.message.startswith(says)
    assert caught.value.hint


def test_fractions_are_no_stamps():
    with pytest.raises(DataError, match=r"sales.csv:3: .* is 1.5, which is no whole number"):
        read_stamps(column_of(pa.chunked_array([pa.array([1.0, 1.5])])), '"ds"', place)


@given(st.lists(st.sampled_from(["a", " a", "b ", "", "nan", "c"]), min_size=1, max_size=30))
@settings(max_examples=15, deadline=None)
def test_texts_are_numbered_without_the_blanks_around_them(texts):
    codes, known = encoded(column(*texts))
    wanted = [text.strip() if text.strip() not in ("", "nan") else None for text in texts]
    assert [known[code] if code >= 0 else None for code in codes] == wanted


def test_dates_and_clocks_are_told_from_other_texts():
    assert looks_like_stamps(["2025-01-31", "2025-02-01 10:00"])
    assert not looks_like_stamps(["north"])
    assert not looks_like_stamps([])
    assert looks_like_clock(["10:00", "9:30:15"])
    assert not looks_like_clock(["2025-01-31"])
