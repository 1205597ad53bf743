"""What is wrong with a file of series ends in one sentence with its place and what to type, or is counted and said."""

import json
from decimal import Decimal

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from rnncli.errors import DataError
from rnncli.tasks.forecast.data import read_corpus
from rnncli.tasks.forecast.schema import RECIPE

VALUES = [str(at % 7 + 1) for at in range(60)]


def stamps(count=60, start="2025-01-01", freq="D", form="%Y-%m-%d", zone=None):
    return pd.date_range(start, periods=count, freq=freq, tz=zone).strftime(form).tolist()


def rows(dates=None, values=None):
    return [f"{date},{value}" for date, value in zip(dates or stamps(), values or VALUES, strict=False)]


def with_row(at, text, lines=None):
    lines = list(lines or rows())
    lines[at] = text
    return lines


def quoted(values):
    return [f'"{value}"' for value in values]


ROME = {"freq": "h", "zone": "Europe/Rome", "form": "%Y-%m-%d %H:%M"}
AUTUMN = stamps(start="2025-10-25", **ROME)
TWO = [f"a,{row}" for row in rows()]
NO_TIME = "no column of dates or other stamps"
REFUSED = {
    "no column of dates": ("shop,y", [f"x{v},{v}" for v in VALUES], {}, NO_TIME),
    "no column of dates among numbers": ("a,b", [f"1.5{v},{v}" for v in VALUES], {}, NO_TIME),
    "times of day alone": (
        "time,y",
        [f"{at % 24:02}:00,{v}" for at, v in enumerate(VALUES)],
        {},
        '"time" holds times of day without a date',
    ),
    "dates and hours in two columns": (
        "date,hour,y",
        [f"{day},{hour},1" for day in stamps() for hour in range(24)],
        {},
        '"date" holds dates, and "hour" the time of day',
    ),
    "two columns of dates": (
        "start,end,y",
        [f"{day},{day},1" for day in stamps()],
        {},
        "which column holds the stamps? several may: start, end",
    ),
    "dates in two manners": ("ds,y", with_row(30, "31.1.2025,4"), {}, 'sales.csv:32: "ds": "31.1.2025" is written'),
    "a sum below the rows": ("ds,y", with_row(59, "Total,400"), {}, 'sales.csv:61: "ds": "Total" is no stamp'),
    "day or month first": (
        "ds,y",
        rows([f"{at // 12 + 1}/{at % 12 + 1}/2025" for at in range(60)]),
        {},
        'sales.csv:2: "ds": "1/1/2025" may have the day first or the month',
    ),
    "day first and month first": (
        "ds,y",
        rows(stamps(30, form="%m/%d/%Y") + stamps(30, "2025-01-31", form="%d/%m/%Y")),
        {},
        'sales.csv:31: "ds": "01/30/2025" has the month first, "31/01/2025" (sales.csv:32) the day',
    ),
    "told the wrong order": (
        "ds,y",
        rows(stamps(form="%m/%d/%Y")),
        {"day_first": True},
        'sales.csv:32: "ds" is "01/31/2025", which does not have the day first',
    ),
    "a day that there is not": ("ds,y", with_row(30, "2025-02-30,4"), {}, 'sales.csv:32: "ds" is "2025-02-30"'),
    "a year of five thousand": ("ds,y", with_row(59, "5025-01-31,4"), {}, 'sales.csv:61: "ds" is "5025-01-31"'),
    "a stamp two hundred years on": ("ds,y", with_row(59, "2225-01-31,4"), {}, "sales.csv:61: the series has 60 rows"),
    "the hour 24": ("ds,y", rows([f"{day} 24:00" for day in stamps()]), {}, 'sales.csv:2: "ds" is "2025-01-01 24:00"'),
    "a stamp with two values": (
        "ds,y",
        [*rows(), "2025-01-31,99"],
        {},
        "sales.csv:62: 2025-01-31 has a value already, 3 (sales.csv:32), here it is 99",
    ),
    "two series that no column tells apart": ("ds,y", rows() + rows(values=VALUES[1:]), {}, "59 steps have several"),
    "a stamp between the steps": (
        "ds,y",
        with_row(30, "2025-01-31 10:30,4"),
        {},
        'sales.csv:32: "ds" is 2025-01-31 10:30, between the steps of stamps that are daily otherwise (1 of 60 are)',
    ),
    "stamps without order": (
        "ds,y",
        rows([f"{day}:{at * 17 % 60:02}" for at, day in enumerate(stamps(freq="h", form="%Y-%m-%d %H:%M"))]),
        {},
        "irregular stamps",
    ),
    "some stamps with a zone": (
        "ds,y",
        with_row(30, "2025-01-02T06:00,4", rows(stamps(freq="h", form="%Y-%m-%dT%H:%M+01:00"))),
        {},
        'sales.csv:32: "ds": "2025-01-02T06:00" names no time zone, "2025-01-01T00:00+01:00" (sales.csv:2) does',
    ),
    "clocks put back": ("ds,y", rows(AUTUMN), {}, "sales.csv:29: 2025-10-26 02:00 has a value already"),
    "no time zone": ("ds,y", rows(), {"zone": "Europe/Rom"}, 'data.zone: no time zone "Europe/Rom" (did you mean'),
    "no frequency": ("ds,y", rows(), {"frequency": "dayly"}, 'data.frequency: "dayly" is no frequency'),
    "a frequency of numbers": (
        "ds,y",
        rows([str(at) for at in range(60)]),
        {"frequency": "D"},
        'sales.csv:2: "ds": whole numbers, as 0, and data.frequency=D is of dates',
    ),
    "a longer frequency without a rule": (
        "ds,y",
        rows(stamps(freq="h", form="%Y-%m-%d %H:%M")),
        {"frequency": "D"},
        "sales.csv:3: 2025-01-01 has a value already",
    ),
    "a text for a value": ("ds,y", with_row(30, "2025-01-31,abc"), {}, 'sales.csv:32: "y": "abc" is no number'),
    "texts for all values": (
        "ds,y",
        rows(values=["x"] * 60),
        {},
        'sales.csv:2: "y": "x" is no number, nor are 59 more',
    ),
    "an infinite value": ("ds,y", with_row(30, "2025-01-31,inf"), {}, 'sales.csv:32: "y": "inf" is infinite'),
    "no value at all": ("ds,y", rows(values=[""] * 60), {}, "sales.csv:2: no row has a value"),
    "a comma that may be either": (
        "ds,y",
        rows(values=quoted([f"1,23{v}" for v in VALUES])),
        {},
        'sales.csv:2: "y": "1,231" may be a decimal comma or one between thousands',
    ),
    "commas of both kinds": (
        "ds,y",
        rows(values=quoted([*(f"1,23{v}.5" for v in VALUES[1:]), "1,5"])),
        {},
        'sales.csv:61: "y": "1,5" has a decimal comma, and "1,232.5" (sales.csv:2) a comma between thousands',
    ),
    "several columns of values": (
        "unique_id,ds,high,low",
        [f"{row},1" for row in TWO],
        {},
        "which column holds the values?",
    ),
    "no column of that name": ("ds,y", rows(), {"known": ["promo"]}, 'sales.csv: no column "promo" (data.known)'),
    "a column for two things": (
        "ds,y,promo",
        [f"{row},1" for row in rows()],
        {"known": ["promo"], "past": ["promo"]},
        'the column "promo" is named for two things',
    ),
    "too many texts": (
        "ds,y,promo",
        [f"{row},x{at}" for at, row in enumerate(rows())],
        {"known": ["promo"]},
        'sales.csv:2: "promo" (data.known) has 60 different texts, 50 are the most',
    ),
    "a static column that changes": (
        "id,ds,y,size",
        [f"{row},{at}" for at, row in enumerate(TWO)],
        {"static": ["size"]},
        '"size" (data.static) of a is not the same in all rows',
    ),
    "a horizon longer than the series": (
        "ds,y",
        rows(),
        {"horizon": 40},
        "the horizon of 40 is too long for series of at most 60 steps",
    ),
    "one row": ("ds,y", rows()[:1], {}, 'sales.csv:2: "ds": all rows have one stamp'),
    "two rows": ("ds,y", rows()[:2], {}, "too long for series of at most 2 steps"),
    "test behind the data": (
        "ds,y",
        rows(),
        {"test_from": "2026-01-01"},
        "test begins at 2026-01-01, no step before the data end",
    ),
    "test too late": (
        "ds,y",
        rows(),
        {"test_from": "2025-02-27"},
        "test begins at 2025-02-27, 3 days before the data end",
    ),
    "dev behind test": (
        "ds,y",
        rows(),
        {"test_from": "2025-02-10", "dev_from": "2025-02-15"},
        "dev begins at 2025-02-15, no step before test begins",
    ),
    "no stamp of test": ("ds,y", rows(), {"test_from": "soon"}, 'data.test_from: "soon" is no stamp'),
    "nothing before the end": ("ds,y", rows(), {"until": "2024-01-01"}, "no row is before 2024-01-01"),
    "a split by column": ("ds,y", rows(), {"split_column": "y"}, "data.split_column: series are split by time"),
    "a feature that there is not": ("ds,y", rows(), {"calendar": ["moon"]}, 'no feature "moon"'),
}
COUNTED = {
    "a row without a stamp": ("ds,y", with_row(30, ",4"), {}, "row without a stamp", 1),
    "a row without a series": ("unique_id,ds,y", with_row(30, ",2025-01-31,4", TWO), {}, "row without a series", 1),
    "a row twice": ("ds,y", [*rows(), rows()[30]], {}, "duplicate row", 1),
    "values added up": (
        "ds,y",
        [*rows(), "2025-01-31,99"],
        {"duplicates": "sum"},
        "row of a step with several values (sum)",
        1,
    ),
    "values absent at the end": (
        "ds,y",
        rows(values=[*VALUES[:55], *[""] * 5]),
        {},
        "row without a value behind the last one of its series",
        5,
    ),
    "values absent at the beginning": (
        "ds,y",
        rows(values=[*[""] * 5, *VALUES[:55]]),
        {},
        "row before the first value of its series",
        5,
    ),
    "a series without values": (
        "unique_id,ds,y",
        [*TWO, *(f"b,{day}," for day in stamps())],
        {},
        "row of a series without any value",
        60,
    ),
    "a short series": (
        "unique_id,ds,y",
        TWO + [f"b,{row}" for row in rows()[:4]],
        {},
        "step of a series too short to learn from",
        4,
    ),
    "an hour that clocks skip": (
        "ds,y",
        rows(stamps(start="2025-03-29", freq="h", form="%Y-%m-%d %H:%M")),
        {"zone": "Europe/Rome"},
        "row of an hour that a clock change skips",
        1,
    ),
    "the header once more": ("ds,y", [*rows()[:30], "ds,y", *rows()[30:]], {}, "header repeated", 1),
}  # fmt: skip
SAID = {
    "a gap": ("ds,y", rows()[:20] + rows()[30:], {}, "10 absent steps of 1 series filled linearly, never scored"),
    "words for nothing": ("ds,y", with_row(30, "2025-01-31,N/A"), {}, "1 absent step of 1 series filled linearly"),
    "stamps backwards": ("ds,y", rows()[::-1], {}, "stamps out of order at 59 places, sorted"),
    "dots between": ("ds,y", rows(stamps(form="%d.%m.%Y")), {}, '"ds": the day stands first, as 31.01.2025 tells'),
    "decimal commas": ("ds;y", [f"{day};{v},5" for day, v in zip(stamps(), VALUES, strict=True)], {}, "decimal commas"),
    "thousands": ("ds,y", rows(values=quoted([f"1,23{v}.5" for v in VALUES])), {}, "commas between thousands"),
    "currencies": ("ds,y", rows(values=[f"$ {v}.50" for v in VALUES]), {}, "signs around and blanks within"),
    "clocks put back, told": ("ds,y", rows(AUTUMN), {"zone": "Europe/Rome"}, "1 pair of stamps of a clock change told"),
    "offsets": (
        "ds,y",
        rows(stamps(start="2025-03-29", freq="h", zone="Europe/Rome", form="%Y-%m-%dT%H:%M%z")),
        {},
        "put on the hours of UTC",
    ),
    "days with offsets": (
        "ds,y",
        rows(stamps(form="%Y-%m-%dT00:00:00+02:00")),
        {},
        "days are as written, offsets from UTC left out",
    ),
    "seconds since 1970": (
        "timestamp,y",
        rows([str(1735689600 + 3600 * at) for at in range(60)]),
        {},
        "reads as seconds since 1970",
    ),
    "hours put into days": (
        "ds,y",
        rows(stamps(600, freq="h", form="%Y-%m-%d %H:%M"), VALUES * 10),
        {"frequency": "D", "duplicates": "sum", "horizon": 2},
        "575 stamps put at the beginning of a step",
    ),
    "a column nobody named": ("ds,y,promo", [f"{row},1" for row in rows()], {}, "not used: promo"),
    "a covariate with holes": (
        "ds,y,promo",
        [f"{row},{at % 2 if at % 9 else ''}" for at, row in enumerate(rows())],
        {"known": ["promo"]},
        '"promo": 7 absent values, each as the last one before it',
    ),
    "an index of pandas": (
        ",ds,y",
        [f"{at},{row}" for at, row in enumerate(rows())],
        {},
        "columns of time, values guessed",
    ),
}


def read(folder, header, lines, evaluation=None, **data):
    path = folder / "sales.csv"
    path.write_text("\n".join([header, *lines]) + "\n")
    recipe = {"root": str(folder), "train": path.name, "horizon": 5} | data
    return read_corpus(RECIPE.model_validate({"data": recipe, "evaluation": {"origins": 2} | (evaluation or {})}))


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_forecast_ends_in_one_sentence_and_what_to_type(name, tmp_path):
    header, lines, data, says = REFUSED[name]
    with pytest.raises(DataError) as caught:
        read(tmp_path, header, lines, **data)
    assert says in caught.value.message
    assert "\n" not in caught.value.message
    assert caught.value.hint


@pytest.mark.parametrize("name", COUNTED)
def test_what_is_dropped_is_counted_by_its_reason(name, tmp_path):
    header, lines, data, reason, count = COUNTED[name]
    assert read(tmp_path, header, lines, **data).dropped == {reason: count}


@pytest.mark.parametrize("name", SAID)
def test_what_is_guessed_filled_or_mended_is_said(name, tmp_path):
    header, lines, data, says = SAID[name]
    assert any(says in note for note in read(tmp_path, header, lines, **data).notes)


def test_files_of_test_that_do_not_go_on_are_refused(tmp_path):
    def refused(*lines):
        (tmp_path / "test.csv").write_text("\n".join(["unique_id,ds,y", *lines]) + "\n")
        with pytest.raises(DataError) as caught:
            read(tmp_path, "unique_id,ds,y", [f"a,{at + 1},{v}" for at, v in enumerate(VALUES)], test="test.csv")
        assert caught.value.hint
        return caught.value.message

    assert "test.csv: series a begins at 1, where what goes before" in refused(*(f"a,{at},3" for at in range(1, 8)))
    assert "no series of test is in train: b is not" in refused(*(f"b,{at},3" for at in range(61, 68)))
    assert "test begins at 61, 3 steps before the data end (64)" in refused(*(f"a,{at},3" for at in range(61, 64)))


@pytest.mark.parametrize(
    ("form", "frequency"),
    [("%Y-%m-%d", "D"), ("%Y%m%d", "D"), ("%d %B %Y", "D"), ("%Y-%m-%dT%H:%M:%SZ", "D"), ("%A", None)],
)
def test_jsonl_rows_read_as_csv_rows_do(form, frequency, tmp_path):
    path = tmp_path / "sales.jsonl"
    path.write_text(
        "".join(json.dumps({"ds": day, "y": int(v)}) + "\n" for day, v in zip(stamps(form=form), VALUES, strict=True))
    )
    recipe = RECIPE.model_validate({"data": {"train": str(path), "horizon": 5}, "evaluation": {"origins": 2}})
    if frequency is None:
        with pytest.raises(DataError, match='"Wednesday", which is no stamp'):
            read_corpus(recipe)
        return
    assert read_corpus(recipe).chosen["data.frequency"] == frequency


def test_there_are_many_kinds_of_bad_input():
    assert len(REFUSED) + len(COUNTED) > 50


def test_typed_columns_of_parquet_read_as_their_texts_do(tmp_path):
    columns = {
        "unique_id": pa.array(["a"] * 60).dictionary_encode(),
        "ds": pa.array(pd.date_range("2025-01-01", periods=60).to_pydatetime(), pa.timestamp("us")),
        "y": pa.array([Decimal(v) / 4 for v in VALUES]),
        "promo": pa.array([at % 2 == 0 for at in range(60)]),
        "sky": pa.array(["sun", "rain", "hail"] * 20, pa.large_string()),
    }
    found = []
    for dates in (columns["ds"], columns["ds"].cast(pa.date32()), columns["ds"].cast(pa.string())):
        pq.write_table(pa.table(columns | {"ds": dates}), tmp_path / "sales.parquet")
        data = {"train": str(tmp_path / "sales.parquet"), "horizon": 5, "known": ["promo"], "past": ["sky"]}
        found.append(read_corpus(RECIPE.model_validate({"data": data, "evaluation": {"origins": 2}})))
    for one in found:
        panel = one.parts["train"].panel
        assert panel.names == ("a",)
        assert panel.past == ("sky=hail", "sky=rain", "sky=sun")
        assert panel.y_N.tolist() == [int(v) / 4 for v in VALUES]
        assert panel.stamp(0, 1) == "2025-01-02"
        assert panel.known_NK[:2, 0].tolist() == [1, 0]
