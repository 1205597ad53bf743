"""A panel is the same whatever the order and form of the rows, and every row that is not in it is counted."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnncli.data.series.arrow import series_table
from rnncli.data.series.frequency import Wanted
from rnncli.data.series.panel import PanelForm
from rnncli.data.series.reading import NEVER, read_panel
from rnncli.data.series.rows import SeriesColumns, natural, read_rows
from rnncli.errors import DataError
from rnncli.tasks.common.tables import table_of

LONG = SeriesColumns("ds", ("y",), ("id",))
DAYS = pd.date_range("2025-01-01", periods=40, freq="D").strftime("%Y-%m-%d").tolist()


def read(rows, columns=("id", "ds", "y"), layout=LONG, duplicates="refuse", features=(), **further):
    tables = [table_of("sales.csv", columns, rows)]
    tables += [table_of(f"{name}.csv", columns, more) for name, more in further.items()]
    return read_panel(read_rows([*map(series_table, tables)], layout, Wanted()), "sales.csv", duplicates, features)


def attempt(*given):
    """What reading gives, or what it advises: such as for steps of two days and some of one."""
    try:
        return read(*given)
    except DataError as error:
        return error.hint


def same(one, other):
    """Whether two panels are equal in all they hold."""
    assert (one.grid, one.names, one.known, one.past, one.static) == (
        other.grid,
        other.names,
        other.known,
        other.past,
        other.static,
    )
    for name in ("offset", "end_S", "first_S", "y_N", "observed_N", "known_NK", "past_NP", "static_SC"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name), err_msg=name)


@st.composite
def long_rows(draw):
    """Rows of some series, each with two values at least and gaps between."""
    rows = []
    for name in draw(st.lists(st.sampled_from(["a", "b", "H2", "H10"]), min_size=1, max_size=3, unique=True)):
        steps = draw(st.lists(st.integers(0, 39), min_size=2, max_size=12, unique=True))
        steps = sorted({*steps, steps[0], min(39, steps[0] + 1)})
        rows += [(name, DAYS[step], draw(st.integers(-99, 99)), step % 3, step % 5) for step in steps]
    return rows


@given(long_rows(), st.randoms())
@settings(max_examples=30, deadline=None)
def test_the_order_of_rows_and_series_changes_nothing(rows, random):
    columns, layout = ("id", "ds", "y", "promo", "rain"), SeriesColumns("ds", ("y",), ("id",), ("promo",), ("rain",))
    shuffled = random.sample(rows, len(rows))
    one, other = (attempt(some, columns, layout) for some in (rows, shuffled))
    if isinstance(one, str) or isinstance(other, str):
        assert one == other
    else:
        same(one.panel, other.panel)


@given(st.lists(st.lists(st.one_of(st.none(), st.integers(0, 99)), min_size=3, max_size=3), min_size=3, max_size=20))
@settings(max_examples=30, deadline=None)
def test_wide_and_long_forms_of_the_same_values_are_one_panel(values):
    values = [[1, 2, 3], *values, [4, 5, 6]]
    names = ("a", "H10", "H2")
    wide = [(day, *map(float_or_none, row)) for day, row in zip(DAYS, values, strict=False)]
    long = [(name, row[0], row[1 + at]) for row in wide for at, name in enumerate(names)]
    order = tuple(sorted(names, key=natural))
    one = read(wide, ("ds", *names), SeriesColumns("ds", order)).panel
    same(one, read(long).panel)


def float_or_none(value):
    return None if value is None else float(value)


@given(long_rows())
@settings(max_examples=30, deadline=None)
def test_a_panel_holds_each_value_at_its_step(rows):
    try:
        panel = read([row[:3] for row in rows]).panel
    except DataError:
        return
    wanted = {(name, day): value for name, day, value, *_ in rows}
    found = {}
    for series, name in enumerate(panel.names):
        for at in range(panel.offset[series], panel.offset[series + 1]):
            if panel.observed_N[at]:
                found[name, panel.stamp(series, at)] = panel.y_N[at]
            else:
                assert np.isnan(panel.y_N[at])
    assert found == wanted


def rows_of(values, name="a"):
    return [(name, day, value) for day, value in zip(DAYS, values, strict=False)]


def test_equal_rows_are_dropped_and_counted_and_others_refused_or_put_together():
    rows = rows_of([1.0, 2, 3, 4])
    again = [*rows, rows[1], ("a", DAYS[2], 9.0)]
    assert read([*rows, rows[1]]).dropped == {"duplicate row": 1}
    with pytest.raises(DataError, match=r"sales.csv:6: 2025-01-03 of a has a value already, 3 \(sales.csv:3\), here"):
        read(again)
    for rule, value in (("first", 3), ("last", 9), ("mean", 6), ("sum", 12)):
        found = read(again, duplicates=rule)
        assert found.panel.y_N.tolist() == [1, 2, value, 4]
        assert found.dropped == {"duplicate row": 1, f"row of a step with several values ({rule})": 1}


@given(st.lists(st.tuples(st.integers(0, 5), st.one_of(st.none(), st.integers(-9, 9))), min_size=1, max_size=30))
@settings(max_examples=30, deadline=None)
def test_steps_with_several_values_are_put_together_as_pandas_does(pairs):
    pairs = [(0, 1), (5, 2), (1, 3), *pairs]
    rows = [("a", DAYS[step], float_or_none(value)) for step, value in pairs]
    frame = pd.DataFrame(rows, columns=["id", "ds", "y"]).dropna()
    distinct = frame.drop_duplicates()
    for rule in ("first", "last"):
        found = read(rows, duplicates=rule).panel
        assert found.y_N[found.observed_N].tolist() == getattr(frame.groupby("ds")["y"], rule)().tolist()
    if (distinct.groupby("ds").size() == 1).all():
        assert read(rows).panel.y_N[0] == distinct.groupby("ds")["y"].first().iloc[0]


def test_empty_ends_and_empty_series_are_dropped_and_counted():
    rows = rows_of([None, 1.0, None, 3, 4, None]) + rows_of([None, None], "b")
    found = read(rows)
    assert found.panel.names == ("a",)
    assert found.panel.observed_N.tolist() == [True, False, True, True]
    assert found.dropped == {
        "row of a series without any value": 2,
        "row before the first value of its series": 1,
        "row without a value behind the last one of its series": 1,
    }
    with pytest.raises(DataError, match="no row has a value"):
        read(rows_of([None, None]))


def test_rows_without_a_stamp_or_a_series_are_dropped_and_counted():
    rows = [*rows_of([1.0, 2, 3]), ("a", "", 5.0), ("", DAYS[4], 5.0), (None, DAYS[5], 5.0)]
    found = read(rows)
    assert found.panel.y_N.tolist() == [1, 2, 3]
    assert found.dropped == {"row without a stamp": 1, "row without a series": 2}


def test_what_is_known_ahead_goes_on_behind_the_last_value():
    layout = SeriesColumns("ds", ("y",), ("id",), ("promo",))
    rows = [("a", day, y, promo) for day, y, promo in zip(DAYS, [1.0, 2, 3, None, None], [0, 1, 0, 1, 1], strict=False)]
    panel = read(rows, ("id", "ds", "y", "promo"), layout).panel
    assert (panel.offset.tolist(), panel.end_S.tolist()) == ([0, 5], [3])
    assert panel.known_NK[:, 0].tolist() == [0, 1, 0, 1, 1]


def test_absent_covariates_are_carried_forward_and_texts_are_a_column_each():
    layout = SeriesColumns("ds", ("y",), ("id",), ("sky", "promo"), ("rain",))
    rows = [
        ("a", DAYS[0], 1.0, "sun", None, None),
        ("a", DAYS[1], 2.0, "", 1, 5.0),
        ("a", DAYS[2], 2.5, "rain", None, None),
        ("a", DAYS[4], 3.0, "sun", 0, 7.0),
    ]
    found = read(rows, ("id", "ds", "y", "sky", "promo", "rain"), layout)
    panel = found.panel
    assert panel.known == ("sky=rain", "sky=sun", "promo")
    assert panel.known_NK.T.tolist() == [[0, 0, 1, 1, 0], [1, 1, 0, 0, 1], [1, 1, 1, 1, 0]]
    assert panel.past_NP[:, 0].tolist() == [0, 5, 5, 5, 7]
    assert panel.categories == {"sky": ("rain", "sun")}
    assert '"promo": 2 absent values, each as the last one before it' in found.notes


def test_words_of_truth_are_numbers_and_too_many_texts_are_refused():
    layout = SeriesColumns("ds", ("y",), ("id",), ("promo",))
    columns = ("id", "ds", "y", "promo")
    rows = [("a", day, 1.0, "yes" if at % 2 else "No") for at, day in enumerate(DAYS)]
    assert read(rows, columns, layout).panel.known_NK[:3, 0].tolist() == [0, 1, 0]
    many = [("a", day, 1.0, f"kind {at}") for at, day in enumerate(pd.date_range("2025", periods=60).astype(str))]
    with pytest.raises(DataError, match="60 different texts, 50 are the most"):
        read(many, columns, layout)


def test_texts_of_training_mean_the_same_later():
    layout = SeriesColumns("ds", ("y",), ("id",), ("sky",))
    rows = [("a", day, 1.0, sky) for day, sky in zip(DAYS, ("sun", "hail", "sun"), strict=False)]
    table = table_of("later.csv", ("id", "ds", "y", "sky"), rows)
    found = read_rows([series_table(table)], layout, Wanted(), "auto", {"sky": ("rain", "sun")})
    panel = read_panel(found, "later.csv").panel
    assert panel.known == ("sky=rain", "sky=sun")
    assert panel.known_NK.tolist() == [[0, 1], [0, 0], [0, 1]]
    assert any('"hail" was not there in training' in note for note in found.notes)


def test_static_columns_are_the_same_in_all_rows_of_a_series():
    layout = SeriesColumns("ds", ("y",), ("id",), (), (), ("size",))
    columns = ("id", "ds", "y", "size")
    rows = [(name, day, 1.0, size) for name, size in (("a", 3), ("b", 4)) for day in DAYS[:3]]
    assert read(rows, columns, layout).panel.static_SC.tolist() == [[3], [4]]
    with pytest.raises(DataError, match=r'sales.csv:\d+: "size" \(data.static\) of a is not the same'):
        read([*rows, ("a", DAYS[3], 1.0, 9)], columns, layout)


def test_further_files_hold_the_steps_behind():
    rows = rows_of([1.0, 2, 3]) + rows_of([1.0, 2, 3], "b")
    found = read(rows, test=[("a", DAYS[3], 4.0), ("c", DAYS[3], 1.0)])
    day = int(found.panel.first_S[0])
    assert found.panel.names == ("a", "b", "c")
    assert found.from_PS.tolist() == [[day + 3, NEVER, day + 3]]
    assert found.last_S.tolist() == [day + 2, day + 2, -NEVER]
    with pytest.raises(DataError, match=r"test.csv: series a begins at 2025-01-03, where what goes before"):
        read(rows, test=[("a", DAYS[2], 3.0)])


def test_a_stamp_that_is_far_off_is_named():
    with pytest.raises(DataError, match=r"sales.csv:4: series a has 4 rows over .* to 2225-01-01"):
        read([*rows_of([1.0, 2, 3]), ("a", "2225-01-01", 4.0)])


def test_several_columns_name_series_together_in_natural_order():
    rows = [(store, item, day, 1.0) for item in ("H10", "H2") for store in ("b", "a") for day in DAYS[:3]]
    layout = SeriesColumns("ds", ("y",), ("store", "item"))
    panel = read(rows, ("store", "item", "ds", "y"), layout).panel
    assert panel.names == ("a / H2", "a / H10", "b / H2", "b / H10")


def test_some_series_of_a_panel_are_a_panel():
    rows = rows_of([1.0, 2]) + rows_of([3.0, None, 5], "b") + rows_of([6.0, 7, 8], "c")
    whole = read(rows).panel
    same(whole.only(np.array([True, False, True])), read([row for row in rows if row[0] != "b"]).panel)


def test_a_panel_takes_the_form_of_another_and_says_what_it_lacks():
    layout = SeriesColumns("ds", ("y",), ("id",), ("promo", "fair"))
    rows = [("a", day, 1.0, at, 2 * at) for at, day in enumerate(DAYS[:4])]
    panel = read(rows, ("id", "ds", "y", "promo", "fair"), layout, features=("weekday",)).panel
    form = PanelForm.of(panel)
    assert PanelForm.from_dict(form.to_dict()) == form
    assert panel.having(("fair",), (), ()).known_NK[:, 0].tolist() == [0, 2, 4, 6]
    with pytest.raises(DataError, match='no column "sky"'):
        panel.having(("sky",), (), ())
