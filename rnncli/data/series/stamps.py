"""Stamps as people write them, to instants: ISO, 31.1.2025, 1/31/25 3:00 PM, Jan 2025, 2025-Q1, 20250131, numbers.

All stamps of a source are written in one manner, the one of most; another is an error that names its row.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np

from rnncli.data.series.column import TableColumn
from rnncli.data.series.zones import SECOND
from rnncli.errors import DataError

Place = Callable[[int], str]
DayFirst = bool | Literal["auto"]
MISSING = frozenset(("", "nan", "nat", "null", "none", "n/a", "na", "#n/a", "<na>", "-", "--", "?", "."))
"""How tables write that there is nothing, in lower case."""
_TIME = r"(?:[T ,]+(?P<H>\d{1,2}):(?P<M>\d{2})(?::(?P<S>\d{2})(?:[.,](?P<f>\d{1,9}))?)?)"
_ZONE = r"(?:\s*(?P<z>Z|UTC|GMT|[+-]\d{2}:?\d{2}|[+-]\d{2}))"
_HALF = r"(?:\s*(?P<p>[AaPp])\.?[Mm]\.?)"
_MONTH = r"(?P<n>[A-Za-z]{3,9})\.?"
FORMS = {
    "iso": rf"^(?P<y>\d{{4}})[-/.](?P<m>\d{{1,2}})[-/.](?P<d>\d{{1,2}})(?:{_TIME}{_ZONE}?)?$",
    "numeric": rf"^(?P<a>\d{{1,2}})[-/.](?P<b>\d{{1,2}})[-/.](?P<y>\d{{4}}|\d{{2}})(?:{_TIME}{_HALF}?{_ZONE}?)?$",
    "compact": rf"^(?P<y>\d{{4}})(?P<m>\d{{2}})(?P<d>\d{{2}})(?:{_TIME}{_ZONE}?)?$",
    "month": r"^(?P<y>\d{4})[-/](?P<m>\d{1,2})$",
    "quarter": r"^(?P<y>\d{4})[- ]?Q(?P<q>[1-4])$",
    "quarter first": r"^Q(?P<q>[1-4])[- /](?P<y>\d{4})$",
    "week": r"^(?P<y>\d{4})-?W(?P<w>\d{2})$",
    "day named": rf"^(?P<d>\d{{1,2}})[- ]{_MONTH}[-, ]+(?P<y>\d{{4}}|\d{{2}})(?:{_TIME}{_HALF}?)?$",
    "named day": rf"^{_MONTH} (?P<d>\d{{1,2}}),? (?P<y>\d{{4}})(?:{_TIME}{_HALF}?)?$",
    "named": rf"^{_MONTH}[-/ ](?P<y>\d{{4}}|\d{{2}})$",
    "year named": rf"^(?P<y>\d{{4}})[- ]{_MONTH}$",
}
_CHOOSY = ("quarter", "quarter first")
"""Forms that take some digits and not others."""
FEWEST_ALIKE = 100
"""Texts from which on it pays to look whether they differ in their digits alone."""
_CLOCK = r"^\d{1,2}:\d{2}(:\d{2})?$"
_WHOLE = r"^[+-]?\d{1,18}(\.0*)?$"
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_YEARS = (1680, 2260)
"""What nanoseconds since 1970 can tell in 64 bits, with room."""
ONE_MANNER = "write all stamps in one manner, such as 2025-01-31 or 2025-01-31 15:00"


@dataclass(frozen=True)
class Stamps:
    """The stamps of rows: ``value_N`` is as written, nanoseconds since 1970 of the clock, or the whole number itself.

    ``offset_N`` is that of the clock from UTC where the stamps name it, nanoseconds. ``form`` would write such a stamp.
    """

    value_N: np.ndarray
    missing_N: np.ndarray
    whole: bool = False
    offset_N: np.ndarray | None = None
    form: str = "%Y-%m-%d"
    zone: str = ""
    day_first: bool | None = None
    notes: tuple[str, ...] = ()


def read_stamps(column: TableColumn, what: str, place: Place, day_first: DayFirst = "auto") -> Stamps:
    """The stamps of a column; ``what`` names it in errors, DataError for what cannot be read, with its row."""
    if column.kind in ("stamp", "date"):
        return _typed(column)
    if column.kind == "number":
        _refuse_fractions(column, what, place)
    codes_N, texts = encoded(column)
    missing_N = codes_N < 0
    if missing_N.all():
        raise DataError(f"{what} holds no stamp", "is this the right column? --time-column NAME")
    if all(map(_compiled(_WHOLE).match, texts)):
        found = _whole(texts, what)
        if found is not None:
            return _spread(found, codes_N)

    def where(code: int) -> str:
        return place(int(np.argmax(codes_N == code)))

    return _spread(_dates(texts, what, where, day_first), codes_N)


def encoded(column: TableColumn) -> tuple[np.ndarray, list[str]]:
    """The number of each row's text among the distinct ones, blanks around them cut, -1 for none; and those texts."""
    column = column.as_texts()
    at: dict[str, int] = {}
    bare = [text.strip() for text in column.texts]
    own = [-1 if text.lower() in MISSING else at.setdefault(text, len(at)) for text in bare]
    return np.array([*own, -1], np.int64)[column.value_N], [*at]


def looks_like_stamps(texts: list[str]) -> bool:
    """Whether texts are dates in any of the known manners, whole numbers not among them."""
    given = [text.strip() for text in texts if text.strip()]
    patterns = [_compiled(form) for form in FORMS.values()]
    return bool(given) and all(any(pattern.match(text) for pattern in patterns) for text in given)


def looks_like_clock(texts: list[str]) -> bool:
    """Whether texts are times of day without a date."""
    return bool(texts) and all(_compiled(_CLOCK).match(text.strip()) for text in texts)


@lru_cache
def _compiled(pattern: str) -> re.Pattern[str]:
    """A pattern whose digits are those of ASCII."""
    return re.compile(pattern, re.ASCII)


def _typed(column: TableColumn) -> Stamps:
    """Timestamps of a typed file: naive ones as they are, others instants of UTC."""
    value_N = np.where(column.missing_N, 0, column.value_N)
    offset_N = np.zeros(len(value_N), np.int64) if column.zone else None
    form = "%Y-%m-%d" if column.kind == "date" else _form(value_N)
    return Stamps(value_N, column.missing_N, offset_N=offset_N, form=form, zone=column.zone)


def _form(value_N: np.ndarray) -> str:
    if not (value_N % (86_400 * SECOND)).any():
        return "%Y-%m-%d"
    return "%Y-%m-%d %H:%M" if not (value_N % (60 * SECOND)).any() else "%Y-%m-%d %H:%M:%S"


def _refuse_fractions(column: TableColumn, what: str, place: Place) -> None:
    value_N = column.floats()
    odd_N = ~np.isnan(value_N) & ((value_N != np.floor(value_N)) | (np.abs(value_N) >= 2**53))
    if odd_N.any():
        row = int(np.argmax(odd_N))
        raise DataError(f"{place(row)}: {what} is {value_N[row]}, which is no whole number", ONE_MANNER)


def _spread(found: Stamps, codes_N: np.ndarray) -> Stamps:
    """The stamps of distinct texts, given to the rows."""
    missing_N = codes_N < 0
    at_N = np.where(missing_N, 0, codes_N)
    offset_N = None if found.offset_N is None else found.offset_N[at_N]
    return Stamps(
        found.value_N[at_N], missing_N, found.whole, offset_N, found.form, found.zone, found.day_first, found.notes
    )


def _whole(texts: Sequence[str], what: str) -> Stamps | None:
    """Whole numbers, unless they are 20250131, 202501 or seconds since 1970; None for 20250131."""
    values = np.array([int(text.partition(".")[0]) for text in texts], np.int64)
    none_N = np.zeros(len(values), bool)
    least, most = int(values.min()), int(values.max())
    digits = {len(str(least)), len(str(most))}
    if digits == {8} and _YEARS[0] <= least // 10_000 <= most // 10_000 < _YEARS[1]:
        month_N, day_N = values // 100 % 100, values % 100
        if month_N.min() >= 1 and month_N.max() <= 12 and day_N.min() >= 1 and day_N.max() <= 31:
            return None
    month_N = values % 100
    if digits == {6} and 1800 <= least // 100 <= most // 100 < 2200 and month_N.min() >= 1 and month_N.max() <= 12:
        nanoseconds = _nanoseconds(values // 100, month_N, np.ones_like(values))
        return Stamps(nanoseconds, none_N, form="%Y-%m", notes=(f"{what} reads as year and month: {most}",))
    for scale, name in ((1, "seconds"), (1000, "milliseconds")):
        if 300_000_000 * scale <= least and most <= 4_000_000_000 * scale and len(values) > 1:
            notes = (f"{what} reads as {name} since 1970, of UTC",)
            nanoseconds = values * (SECOND // scale)
            return Stamps(nanoseconds, none_N, form=_form(nanoseconds), notes=notes)
    return Stamps(values, none_N, whole=True)


def _dates(texts: Sequence[str], what: str, where: Callable[[int], str], day_first: DayFirst) -> Stamps:
    """The stamps of distinct texts, by the manner of most of them."""
    form, ok_N = _manner(texts)
    if not ok_N.all():
        _refuse_other(texts, ok_N, what, where)
    parts = _parts(texts, form)
    told: bool | None = None
    notes: tuple[str, ...] = ()
    if form == "numeric":
        told, notes = _order(texts, parts, what, where, day_first)
        first, second = ("d", "m") if told else ("m", "d")
        parts |= {first: parts["a"], second: parts["b"]}
    value_N, bad_N = _instants(parts, len(texts))
    if bad_N.any():
        code = int(np.argmax(bad_N))
        raise DataError(
            f'{where(code)}: {what} is "{texts[code]}", no date or time that there is from {_YEARS[0]} to {_YEARS[1]}',
            ONE_MANNER,
        )
    offset_N = _offsets(parts.get("z"), texts, what, where)
    written = "%Y-%m" if form in ("month", "named", "year named", "quarter", "quarter first") else _form(value_N)
    return Stamps(value_N, np.zeros(len(texts), bool), False, offset_N, written, "", told, notes)


def _manner(texts: Sequence[str]) -> tuple[str, np.ndarray]:
    """The form that most texts have, and which do."""
    is_shaped, best, ok_N = _characters(texts) is not None, "", np.zeros(len(texts), bool)
    for form, pattern in FORMS.items():
        match = _compiled(pattern).match
        if is_shaped and form not in _CHOOSY:  # what one of them is, all are
            matched_N = np.full(len(texts), match(texts[0]) is not None)
        else:
            matched_N = np.array([match(text) is not None for text in texts], bool)
        if not best or matched_N.sum() > ok_N.sum():
            best, ok_N = form, matched_N
        if ok_N.all():
            break
    return best, ok_N


def _parts(texts: Sequence[str], form: str) -> dict[str, np.ndarray]:
    """The named parts of texts of a form, empty where they have none."""
    pattern, character_NC = _compiled(FORMS[form]), _characters(texts)
    if character_NC is None or form in _CHOOSY:
        groups = [found.groups("") for text in texts if (found := pattern.match(text))]
        return {name: np.array(part) for name, part in zip(pattern.groupindex, zip(*groups, strict=True), strict=True)}
    found, parts = pattern.match(texts[0]), {}
    assert found is not None
    for name in pattern.groupindex:
        begin, end = found.span(name)
        part_NC = character_NC[:, begin:end] if end > begin else np.zeros((len(texts), 1), np.uint32)
        parts[name] = np.ascontiguousarray(part_NC).view(f"U{part_NC.shape[1]}")[:, 0]
    return parts


def _characters(texts: Sequence[str]) -> np.ndarray | None:
    """The characters of texts that differ in nothing but their digits, (N, C) of 32 bits; None for others."""
    if len(texts) < FEWEST_ALIKE or len(set(map(len, texts))) > 1:
        return None
    character_NC = np.array(texts).view(np.uint32).reshape(len(texts), -1)
    digit_NC = (character_NC >= ord("0")) & (character_NC <= ord("9"))
    alike = (digit_NC == digit_NC[0]).all() and (digit_NC | (character_NC == character_NC[0])).all()
    return character_NC if alike else None


def _refuse_other(texts: Sequence[str], ok_N: np.ndarray, what: str, where: Callable[[int], str]) -> None:
    """Raise DataError for a text that is written otherwise than most, or is no date."""
    code = int(np.argmin(ok_N))
    shown = texts[code][:40]
    if not ok_N.any():
        if looks_like_clock([shown]):
            raise DataError(
                f'{where(code)}: {what} is "{shown}", a time of day without a date',
                "join date and time in one column, such as 2025-01-31 15:00",
            )
        raise DataError(
            f'{where(code)}: {what} is "{shown}", which is no stamp', f"--time-column names another; or {ONE_MANNER}"
        )
    is_stamp = looks_like_stamps([shown]) or _compiled(_WHOLE).match(shown)
    other = f'"{texts[int(np.argmax(ok_N))]}" ({where(int(np.argmax(ok_N)))})'
    why = f"is written otherwise than {other}" if is_stamp else "is no stamp"
    count = int((~ok_N).sum())
    more = f", and so are {count - 1:,} more" if count > 1 else ""
    raise DataError(f'{where(code)}: {what}: "{shown}" {why}{more}', ONE_MANNER)


def _order(
    texts: Sequence[str],
    parts: Mapping[str, np.ndarray],
    what: str,
    where: Callable[[int], str],
    day_first: DayFirst,
) -> tuple[bool, tuple[str, ...]]:
    """Whether the day stands first in 3/4/2025, as told, or as the numbers tell; DataError where they do not."""
    a_N, b_N = (_whole_numbers(parts[name]) for name in ("a", "b"))
    day, month = int(np.argmax(a_N)), int(np.argmax(b_N))
    if a_N[day] > 12 and b_N[month] > 12:
        raise DataError(
            f'{where(month)}: {what}: "{texts[month]}" has the month first, "{texts[day]}" ({where(day)}) the day',
            ONE_MANNER,
        )
    if day_first != "auto":
        wrong = month if day_first else day
        if (b_N if day_first else a_N)[wrong] > 12:
            order = "day" if day_first else "month"
            raise DataError(
                f'{where(wrong)}: {what} is "{texts[wrong]}", which does not have the {order} first',
                f"data.day_first={str(not day_first).lower()}",
            )
        return day_first, ()
    if a_N[day] > 12 or b_N[month] > 12:
        told = bool(a_N[day] > 12)
        example = texts[day if told else month]
        return told, (f"{what}: the {'day' if told else 'month'} stands first, as {example} tells",)
    if "." in texts[0]:
        return True, (f"{what}: the day stands first, as dots between say: data.day_first=false reads it otherwise",)
    raise DataError(
        f'{where(0)}: {what}: "{texts[0]}" may have the day first or the month, and no other stamp tells',
        "data.day_first=true or data.day_first=false",
    )


def _instants(parts: Mapping[str, np.ndarray], count: int) -> tuple[np.ndarray, np.ndarray]:
    """Nanoseconds since 1970 of the parts of ``count`` stamps, as the clock shows, and which are none."""

    def numbers(name: str, default: int) -> np.ndarray:
        return _whole_numbers(parts[name], default) if name in parts else np.full(count, default, np.int64)

    year_N, day_N = numbers("y", 1970), numbers("d", 1)
    year_N = np.where(year_N < 70, year_N + 2000, np.where(year_N < 100, year_N + 1900, year_N))
    month_N = (
        numbers("q", 1) * 3 - 2 if "q" in parts else _named_months(parts["n"]) if "n" in parts else numbers("m", 1)
    )
    hour_N, minute_N, second_N = numbers("H", 0), numbers("M", 0), numbers("S", 0)
    bad_N = (year_N < _YEARS[0]) | (year_N >= _YEARS[1]) | (month_N < 1) | (month_N > 12) | (day_N < 1)
    bad_N |= (hour_N > 23) | (minute_N > 59) | (second_N > 59)
    if "p" in parts:
        half_N = np.char.lower(parts["p"])
        told_N = half_N != ""
        bad_N |= told_N & ((hour_N < 1) | (hour_N > 12))
        hour_N = np.where(told_N, hour_N % 12 + 12 * (half_N == "p"), hour_N)
    year_N, month_N = np.where(bad_N, 1970, year_N), np.where(bad_N, 1, month_N)
    if "w" in parts:
        date_N, wrong_N = _weeks(year_N, numbers("w", 1))
    else:
        date_N = _nanoseconds(year_N, month_N, np.where(bad_N, 1, day_N))
        wrong_N = date_N.view("datetime64[ns]").astype("datetime64[M]").astype(np.int64) != (
            (year_N - 1970) * 12 + month_N - 1
        )
    clock_N = (hour_N * 3600 + minute_N * 60 + second_N) * SECOND
    if "f" in parts:
        clock_N = clock_N + _whole_numbers(np.char.ljust(parts["f"], 9, "0"))
    return date_N + clock_N, bad_N | wrong_N


def _nanoseconds(year_N: np.ndarray, month_N: np.ndarray, day_N: np.ndarray) -> np.ndarray:
    first_N = ((year_N - 1970) * 12 + month_N - 1).astype("datetime64[M]").astype("datetime64[D]")
    return (first_N + (day_N - 1)).astype("datetime64[ns]").astype(np.int64)


def _whole_numbers(parts: np.ndarray, default: int = 0) -> np.ndarray:
    """Digits as numbers, ``default`` where there are none."""
    digit_NC = np.ascontiguousarray(parts).view(np.uint32).reshape(len(parts), -1).astype(np.int64) - ord("0")
    if (digit_NC >= 0).all():
        return digit_NC @ 10 ** np.arange(digit_NC.shape[1])[::-1]
    return np.where(parts == "", str(default), parts).astype(np.int64)


def _named_months(names: np.ndarray) -> np.ndarray:
    """The months of English names by their first three letters, 0 for another word."""
    known = {name: number for number, name in enumerate(_MONTHS, start=1)}
    return np.array([known.get(name[:3].lower(), 0) for name in names.tolist()], np.int64)


def _weeks(year_N: np.ndarray, week_N: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The Mondays of ISO weeks, and which years do not have them."""
    fourth_N = _nanoseconds(year_N, np.ones_like(year_N), np.full_like(year_N, 4)).view("datetime64[ns]")
    days_N = fourth_N.astype("datetime64[D]")
    monday_N = days_N - (days_N.astype(np.int64) + 3) % 7 + 7 * (week_N - 1)
    thursday_N = (monday_N + 3).astype("datetime64[Y]").astype(np.int64) + 1970
    return monday_N.astype("datetime64[ns]").astype(np.int64), (thursday_N != year_N) | (week_N < 1)


def _offsets(
    zones: np.ndarray | None, texts: Sequence[str], what: str, where: Callable[[int], str]
) -> np.ndarray | None:
    """Nanoseconds by which the clocks of stamps are ahead of UTC, None where none names them; DataError for some."""
    if zones is None:
        return None
    coded = TableColumn.of_texts(zones.tolist())
    codes_N, named = coded.value_N, [*coded.texts]
    if named == [""]:
        return None
    if "" in named:
        bare_N = codes_N == named.index("")
        without, with_one = int(np.argmax(bare_N)), int(np.argmin(bare_N))
        raise DataError(
            f'{where(without)}: {what}: "{texts[without]}" names no time zone, "{texts[with_one]}" '
            f"({where(with_one)}) does",
            "let all stamps name their offset from UTC, or none of them, with data.zone=Europe/Rome, say",
        )
    ahead = []
    for text in named:
        digits = re.sub(r"\D", "", text).ljust(4, "0")
        minutes = int(digits[:2]) * 60 + int(digits[2:]) if text[0] in "+-" else 0
        ahead.append(minutes * 60 * SECOND * (-1 if text[0] == "-" else 1))
    return np.array(ahead, np.int64)[codes_N]
