"""Numbers in the manners of spreadsheets are the numbers that a person means, or an error that names the row."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnncli.data.series.arrow import column_of
from rnncli.data.series.column import TableColumn
from rnncli.data.series.numerals import are_numbers, read_numbers
from rnncli.errors import DataError


def place(row):
    return f"sales.csv:{row + 2}"


def read(*texts):
    return read_numbers(TableColumn.of_texts(texts), '"y"', place)


def typed(*values):
    """Of a typed file, and of JSON."""
    made = (column_of(pa.chunked_array([pa.array(values)])), TableColumn.of_values(values))
    one, other = (read_numbers(column, '"y"', place) for column in made)
    np.testing.assert_array_equal(one[0], other[0])
    return one


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=20))
@settings(max_examples=40, deadline=None)
def test_numbers_as_python_writes_them_come_back(values):
    assert read(*map(str, values))[0].tolist() == values


@given(st.lists(st.integers(-(10**9), 10**9), min_size=1, max_size=20), st.integers(0, 99))
@settings(max_examples=40, deadline=None)
def test_separators_of_thousands_and_decimal_commas_are_understood(values, cents):
    english = [f"{value:,}.{cents:02}" for value in values]
    german = [text.translate(str.maketrans(",.", ".,")) for text in english]
    wanted = [float(text.replace(",", "")) for text in english]
    assert read(*english)[0].tolist() == wanted
    assert read(*german)[0].tolist() == wanted


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("$ 1,234.50", 1234.5),
        ("€3.20", 3.2),
        ("12 %", 12),
        ("1 234 567,5", 1234567.5),
        ("1'234.5", 1234.5),
        ("-.5", -0.5),
        ("1e3", 1000),
        (" 7 ", 7),
        ("1\u00a0234,5", 1234.5),
    ],
)
def test_signs_around_and_blanks_within_are_left_out(text, value):
    assert read(text)[0].tolist() == [value]


def test_words_for_nothing_are_nan():
    assert np.isnan(read("", "NA", "null", "-", "#N/A", "nan", "?")[0]).all()


def test_a_comma_that_may_be_either_is_refused():
    with pytest.raises(DataError, match=r'sales.csv:2: "y": "1,234" may be a decimal comma') as caught:
        read("1,234", "5")
    assert "decimal point" in caught.value.hint


def test_another_number_tells_what_a_comma_is():
    assert read("1,234", "1,5")[0].tolist() == [1.234, 1.5]
    assert read("1,234", "1,234,567")[0].tolist() == [1234, 1234567]
    assert read("1,234", "1.5")[0].tolist() == [1234, 1.5]


@pytest.mark.parametrize(
    ("texts", "says"),
    [
        (("1", "abc"), 'sales.csv:3: "y": "abc" is no number'),
        (("1", "inf"), 'sales.csv:3: "y": "inf" is infinite'),
        (("1,5", "1,234.5"), 'sales.csv:2: "y": "1,5" has a decimal comma'),
        (("1", "(12)"), 'sales.csv:3: "y": "(12)" is no number'),
        (("12:30",), 'sales.csv:2: "y": "12:30" is no number'),
    ],
)
def test_what_is_no_number_is_named_with_its_place(texts, says):
    with pytest.raises(DataError) as caught:
        read(*texts)
    assert caught.value.message.startswith(says)
    assert caught.value.hint


def test_typed_columns_are_taken_as_they_are():
    assert typed(True, False)[0].tolist() == [1, 0]
    assert typed(1, 2, None)[0][:2].tolist() == [1, 2]
    with pytest.raises(DataError, match=r"sales.csv:2: .* holds list"):
        typed([1], [2])
    with pytest.raises(DataError, match="infinite"):
        typed(1.0, float("inf"))


def test_texts_are_told_from_numbers():
    assert are_numbers(["1", "", "2,5"])
    assert are_numbers(["1,234"])
    assert not are_numbers(["north"])
    assert not are_numbers(["", "n/a"])
