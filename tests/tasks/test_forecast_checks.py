"""Tables count what is there, and findings tell a column that gives the value away from one that does not."""

import numpy as np
import pandas as pd
import pytest

from rnncli.data.tables.sources import ALL
from rnncli.tasks.common.tables import table_of
from rnncli.tasks.forecast.data import corpus_of
from rnncli.tasks.forecast.extras.checks import findings, tables
from rnncli.tasks.forecast.schema import RECIPE

RNG = np.random.default_rng(3)
NOISE = RNG.normal(size=400).cumsum() + RNG.normal(size=400) * 3
DAYS = pd.date_range("2025-01-01", periods=400, freq="D").strftime("%Y-%m-%d").tolist()


def corpus(columns, rows, evaluation=None, **data):
    recipe = RECIPE.model_validate({"data": {"horizon": 7} | data, "evaluation": {"origins": 5} | (evaluation or {})})
    return recipe, corpus_of(recipe, {ALL: table_of("sales.csv", columns, rows)})


def advice(columns, rows, **data):
    return [one.line for one in findings(corpus(columns, rows, **data)[1])]


def beside(column, **data):
    rows = [(day, float(y), float(x)) for day, y, x in zip(DAYS, NOISE, column, strict=True)]
    return advice(("ds", "y", "x"), rows, **data)


def test_a_known_column_that_is_the_value_in_other_words_is_pointed_out():
    assert any(
        '"x", known ahead, tells the value of the same step' in line for line in beside(3 - 2 * NOISE, known=["x"])
    )
    assert beside(RNG.normal(size=400), known=["x"]) == []
    assert beside(NOISE + RNG.normal(size=400) * 3, known=["x"]) == []


def test_known_columns_that_add_up_to_the_value_are_pointed_out():
    part = RNG.normal(size=400) * 20
    rows = [(day, float(y), float(a), float(y - a)) for day, y, a in zip(DAYS, NOISE, part, strict=True)]
    found = advice(("ds", "y", "members", "guests"), rows, known=["members", "guests"])
    assert len(found) == 1
    assert "(members, guests) together tell the value" in found[0]


@pytest.mark.parametrize("ahead", [1, 7])
def test_a_past_column_that_holds_what_comes_is_pointed_out(ahead):
    found = beside(np.r_[NOISE[ahead:], np.zeros(ahead)] * 2 + 1, past=["x"])
    days = "1 day" if ahead == 1 else "7 days"
    assert found == [
        f'the column "x" holds the value {days} later: leave it out of data.past: at that time it cannot be known'
    ]
    assert beside(NOISE, past=["x"]) == []
    assert beside(np.r_[0, NOISE[:-1]], past=["x"]) == []


def test_levels_of_series_alone_are_no_leak():
    rows = [
        (name, day, float(level + y), float(level))
        for name, level in (("a", 0), ("b", 1000))
        for day, y in zip(DAYS, NOISE, strict=True)
    ]
    _, found = corpus(("unique_id", "ds", "y", "level"), rows, known=["level"])
    assert list(findings(found)) == []


def series(**values):
    rows = [(name, day, float(y)) for name, one in values.items() for day, y in zip(DAYS, one, strict=False)]
    return ("unique_id", "ds", "y"), rows


def test_constant_equal_and_nearly_equally_named_series_are_pointed_out():
    found = advice(*series(a=NOISE, A=NOISE + RNG.normal(size=400), b=NOISE, c=np.ones(400)))
    assert any("1 series constant in train, such as c" in line for line in found)
    assert any('"A" and "a" are two series' in line for line in found)
    assert any('the series "a" and "b" have equal values' in line for line in found)


def test_few_origins_zeros_and_absent_steps_are_pointed_out():
    assert any("test has 2 origins of 1 series" in line for line in advice(*series(a=NOISE), test_from="2026-01-20"))
    assert any("60 % of the values are 0" in line for line in advice(*series(a=np.arange(400) % 5 // 3)))
    columns, rows = series(a=NOISE)
    some = [row for at, row in enumerate(rows) if at % 3 or at < 20]
    assert any("32 % of the steps are absent" in line for line in advice(columns, some))


def test_tables_count_steps_windows_and_columns():
    y = np.where(np.arange(400) % 10 == 0, 0, NOISE - 1000)
    columns, rows = series(a=y, b=np.ones(200))
    rows = [(*row, at % 2) for at, row in enumerate(rows) if at not in (50, 51, 60)]
    recipe, found = corpus((*columns, "promo"), rows, known=["promo"])
    shown = {table.title: table.rows for table in tables(recipe, found)}
    assert shown["steps a series"] == (("daily", "2", "200", "300", "390", "400", "2025-01-01", "2026-02-04"),)
    kinds = {row[0]: row[1:] for row in shown["kinds of steps and series"]}
    assert kinds["absent, filled"] == ("3", "0.5 %", "1")
    assert kinds["zero"] == ("38", "6.3 %", "1")
    assert kinds["negative"] == ("359", "59.8 %", "1")
    assert kinds["constant in train"] == ("200", "33.3 %", "1")
    assert kinds["ending before the last"] == ("200", "33.3 %", "1")
    assert shown["gaps"] == (("a", "3", "2", "2", "2025-02-20"),)
    test = shown["windows"][-1]
    assert test == ("test", "5", "5", "2025-12-31", "2026-01-28", "35")
    assert shown["columns beside the values"][0][:2] == ("promo", "known ahead")
