"""From stamps to the grid that they lie on: frequency, time zone, the number of each row's step."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace

import numpy as np

from rnncli.data.series import zones
from rnncli.data.series.column import TableColumn
from rnncli.data.series.grid import DAY, KNOWN, SECOND, WEEKDAYS, Grid, Unit, months, numbers, unit
from rnncli.data.series.stamps import DayFirst, Place, Stamps, read_stamps
from rnncli.data.wording import counted
from rnncli.errors import DataError

SKIPPED = "of an hour that a clock change skips"
SPARSE = 20
"""Steps a row beyond which a grid that is made to fit all stamps is taken for none."""
OFTEN = 0.1
"""The share of neighbours that must be one step apart for most to be several: days that are often left out, say."""
_SIZES = {"D": DAY, "h": 3600 * SECOND, "min": 60 * SECOND, "s": SECOND, "ms": SECOND // 1000}


@dataclass
class Placed:
    """The step of each row; ``keep_N`` are the rows that have one, ``dropped`` counts the others by reason."""

    grid: Grid
    number_N: np.ndarray
    keep_N: np.ndarray
    notes: list[str] = field(default_factory=list)
    dropped: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True)
class Wanted:
    """What a recipe says of stamps: frequency and zone, empty to find them out, or the ``grid`` of another reading."""

    frequency: str = ""
    zone: str = ""
    grid: Grid | None = None


def place_on_grid(stamps: Stamps, series_N: np.ndarray, wanted: Wanted, what: str, place: Place) -> Placed:
    """The grid of stamps, all of them present, and the step of each row; DataError for stamps without order.

    ``series_N`` numbers the series of each row, ``what`` names the stamps and ``place`` the rows in errors.
    """
    keep_N = np.ones(len(series_N), bool)
    if stamps.whole:
        grid = wanted.grid or _whole(stamps.value_N, wanted, what, place)
        if not grid.is_whole:
            raise DataError(f"{place(0)}: {what}: whole numbers, such as {stamps.value_N[0]}, where the run has dates")
        return _exact(Placed(grid, grid.number(stamps.value_N), keep_N), stamps.value_N, what, place)
    if wanted.grid and wanted.grid.is_whole:
        raise DataError(f"{place(0)}: {what}: dates where the run has whole numbers")
    clock = _clock(stamps, series_N, wanted, what)
    if wanted.grid:
        found = Placed(wanted.grid, wanted.grid.number(clock.instant_N.view("datetime64[ns]")), clock.keep_N)
        return _exact(_with(found, clock), clock.instant_N, what, place)
    kept_N = clock.instant_N[clock.keep_N]
    form = stamps.form if clock.zone or (kept_N % DAY).any() or len(stamps.form) < len("%Y-%m-%d") else "%Y-%m-%d"
    if wanted.frequency:
        grid, notes = _given(kept_N, wanted.frequency, what, form)
    else:
        rows = np.flatnonzero(clock.keep_N)
        grid = _found(kept_N, series_N[rows], what, lambda row: place(int(rows[row])), form)
        notes = []
    grid = replace(grid, zone=clock.zone) if grid.unit.kind == "tick" and grid.unit.size < DAY else grid
    placed = _with(Placed(grid, numbers(clock.instant_N, grid.unit), clock.keep_N), clock)
    placed.notes += notes
    return placed


@dataclass
class _Clock:
    """Instants of rows in nanoseconds since 1970, of UTC where there is a ``zone``."""

    instant_N: np.ndarray
    zone: str
    keep_N: np.ndarray
    notes: list[str] = field(default_factory=list)


def _with(placed: Placed, clock: _Clock) -> Placed:
    placed.notes += clock.notes
    if skipped := int((~clock.keep_N).sum()):
        placed.dropped[f"row {SKIPPED}"] = skipped
    return placed


def _exact(placed: Placed, value_N: np.ndarray, what: str, place: Place) -> Placed:
    """The placed rows; DataError for one that lies between the steps."""
    odd_N = placed.keep_N & (placed.grid.instants(placed.number_N).astype(np.int64) != value_N)
    if placed.grid.unit.kind == "tick" and odd_N.any() and not placed.grid.is_whole:
        row = int(np.argmax(odd_N))
        raise DataError(
            f"{place(row)}: {what} lies between the steps, which are {placed.grid.words} "
            f"such as {placed.grid.stamp(int(placed.number_N[row]))}"
        )
    return placed


def _whole(value_N: np.ndarray, wanted: Wanted, what: str, place: Place) -> Grid:
    if wanted.frequency:
        raise DataError(
            f"{place(0)}: {what}: whole numbers, as {value_N[0]}, and data.frequency={wanted.frequency} is of dates",
            "leave out data.frequency, or name a column of dates: --time-column NAME",
        )
    least = int(value_N.min())
    every = int(np.gcd.reduce(np.unique(value_N) - least)) or 1
    return Grid("", phase=least % every, every=every)


def _clock(stamps: Stamps, series_N: np.ndarray, wanted: Wanted, what: str) -> _Clock:
    """The instants of stamps: as clocks show them for days and longer, or where nothing says a zone; else of UTC."""
    zone = wanted.zone or (wanted.grid.zone if wanted.grid else "") or stamps.zone
    all_N = np.ones(len(series_N), bool)
    if zone:
        zones.require_zone(zone)
    if stamps.offset_N is None and not zone:
        return _Clock(stamps.value_N, "", all_N)
    utc_N = None if stamps.offset_N is None else stamps.value_N - stamps.offset_N
    wall_N = stamps.value_N if utc_N is None or not zone else zones.clocks(utc_N, zone)
    if wanted.grid.unit.size >= DAY if wanted.grid else len(np.unique(wall_N % DAY)) == 1 or _long(wanted.frequency):
        said = (
            f"{what}: days are those of {zone}" if zone else f"{what}: days are as written, offsets from UTC left out"
        )
        return _Clock(wall_N, "", all_N, [said])
    if utc_N is not None:
        named = zone or "UTC"
        said = f"{what}: put on the hours of UTC, shown as of {named}"
        more = "" if zone else ": data.zone=Europe/Rome, say, tells the hours of the day where the data are from"
        return _Clock(utc_N, named, all_N, [said + more])
    return _localized(wall_N, series_N, zone, what)


def _long(frequency: str) -> bool:
    """Whether a frequency is of days or longer."""
    found = _unit(frequency) if frequency else None
    return found is not None and (found.kind != "tick" or found.size >= DAY)


def step_of(grid: Grid, text: str, key: str, day_first: DayFirst = "auto") -> int:
    """The first step at or behind a stamp that a recipe's ``key`` names; raises DataError for what is none."""
    column = TableColumn.of_texts([text.strip()])
    example = grid.stamp(0) if grid.is_whole else grid.texts(grid.number(np.array(["2025-07-01"], "datetime64[ns]")))[0]
    try:
        stamps = read_stamps(column, key, lambda _: "the recipe", day_first)
    except DataError as error:
        raise DataError(f'{key}: "{text}" is no stamp', f"such as {key}={example}") from error
    if stamps.whole != grid.is_whole:
        kind = "a number" if stamps.whole else "no number"
        raise DataError(f"{key}: {text} is {kind}, unlike the stamps of the data", f"such as {key}={example}")
    if grid.is_whole:
        value = int(stamps.value_N[0])
    else:
        clock = _clock(stamps, np.zeros(1, np.int64), Wanted(grid=grid), key)
        if not clock.keep_N[0]:
            raise DataError(f"{key}: {text} is {SKIPPED.removeprefix('of ')}", f"one hour later: {key}=...")
        value = int(clock.instant_N[0])
    number = int(grid.number(np.array([value]).view("int64" if grid.is_whole else "datetime64[ns]"))[0])
    return number + int(int(grid.instants(np.array([number])).astype(np.int64)[0]) < value)


def _localized(wall_N: np.ndarray, series_N: np.ndarray, zone: str, what: str) -> _Clock:
    """Instants of UTC of a zone's clocks; of an hour that comes twice the first rows of a series are summer time."""
    summer_N, winter_N, keep_N = zones.instants(wall_N, zone)
    utc_N = summer_N.copy()
    notes = [f"{what}: clocks of {zone}, put on the hours of UTC"]
    rows = np.flatnonzero(keep_N & (summer_N != winter_N))
    if len(rows):
        order = rows[np.lexsort((rows, wall_N[rows], series_N[rows]))]
        again = np.r_[False, (np.diff(wall_N[order]) == 0) & (np.diff(series_N[order]) == 0)]
        utc_N[order[again]] = winter_N[order[again]]
        pairs, alone = int(again.sum()), len(rows) - 2 * int(again.sum())
        if pairs:
            notes.append(f"{counted(pairs, 'pair')} of stamps of a clock change told apart by their order")
        if alone:
            notes.append(f"{counted(alone, 'stamp')} of a clock change that may be either, taken for summer time")
    return _Clock(np.where(keep_N, utc_N, 0), zone, keep_N, notes)


def _unit(frequency: str) -> Unit:
    try:
        return unit(frequency)
    except ValueError as error:
        raise DataError(f'data.frequency: "{frequency}" is no frequency', f"such as {KNOWN}") from error


def _given(instant_N: np.ndarray, frequency: str, what: str, form: str) -> tuple[Grid, list[str]]:
    """The grid of a frequency that is told, and how many stamps lie within its steps."""
    found = _unit(frequency)
    if found.kind == "month":
        return _monthly(instant_N, found, what, form)
    if found.kind == "business":
        weekend = int(((instant_N // DAY + 3) % 7 > 4).sum())
        inside, phase = weekend + len(np.unique(instant_N % DAY)) - 1, _phase(instant_N % DAY)
        name = "B"
    else:
        if found.name == "W" and found.many == 1 and found.anchor == 4 * DAY:
            days = np.unique((instant_N // DAY + 3) % 7)
            found = unit(f"W-{WEEKDAYS[days[0]]}") if len(days) == 1 else found
        rest_N = (instant_N - found.anchor) % found.size
        phase = _phase(rest_N)
        inside = int((rest_N != phase).sum())
        name = _name(found.size, (found.anchor // DAY + 3) % 7)
    shown = form if phase or found.size < DAY else "%Y-%m-%d"
    return Grid(name, phase=phase, form=shown), _within(inside, frequency, what)


def _phase(rest_N: np.ndarray) -> int:
    """What is the same of all stamps within their steps, else 0."""
    return int(rest_N[0]) if len(rest_N) and (rest_N == rest_N[0]).all() else 0


def _within(count: int, frequency: str, what: str) -> list[str]:
    said = f"{what}: {counted(count, 'stamp')} put at the beginning of a step (data.frequency={frequency})"
    return [said] * (count > 0)


def _monthly(instant_N: np.ndarray, found: Unit, what: str, form: str) -> tuple[Grid, list[str]]:
    day, odd_N = _day_of_month(instant_N)
    phase = _phase(months(instant_N) % found.size)
    name = f"{found.many}{found.name}" if found.many > 1 else found.name
    short = "%Y-%m" if form == "%Y-%m" else "%Y-%m-%d"
    return Grid(name, phase=phase, day=day, form=short), _within(int(odd_N.sum()), name, what)


def _day_of_month(instant_N: np.ndarray) -> tuple[int, np.ndarray]:
    """The day that all stamps have, -1 for the last; else 1, and which stamps have another or a time of day."""
    date_N = instant_N.view("datetime64[ns]").astype("datetime64[D]")
    month_N = date_N.astype("datetime64[M]")
    day_N = (date_N - month_N.astype("datetime64[D]")).astype(np.int64) + 1
    last_N = (date_N + 1).astype("datetime64[M]") != month_N
    if last_N.all():
        return -1, np.zeros(len(day_N), bool)
    if (day_N == day_N[0]).all():
        return int(day_N[0]), np.zeros(len(day_N), bool)
    return 1, day_N != 1


def _name(size: int, weekday: int = 0) -> str:
    """pandas' name of a frequency of that many nanoseconds, empty where it has none."""
    if size == 7 * DAY:
        return f"W-{WEEKDAYS[weekday]}"
    for name, one in _SIZES.items():
        if size % one == 0:
            return name if size == one else f"{size // one}{name}"
    return ""


def _found(instant_N: np.ndarray, series_N: np.ndarray, what: str, place: Place, form: str) -> Grid:
    """The grid that stamps lie on; DataError where most lie on one and some do not, or where there is none."""
    distinct = np.unique(instant_N)
    if len(distinct) < 2:
        raise DataError(f"{place(0)}: {what}: all rows have one stamp", "a series has values at several times")
    order = np.lexsort((instant_N, series_N))
    apart = np.diff(instant_N[order])[np.diff(series_N[order]) == 0]
    apart = apart[apart > 0] if (apart > 0).any() else np.diff(distinct)
    sizes, counts = np.unique(apart, return_counts=True)
    if sizes[0] >= 28 * DAY and len(np.unique(distinct % DAY)) == 1:
        day, odd_N = _day_of_month(distinct)
        if not odd_N.any():
            return _months(distinct, day, form)
    usual, common = int(sizes[np.argmax(counts)]), int(np.gcd.reduce(distinct - distinct[0]))
    if usual == DAY == common and (distinct // DAY + 3).__mod__(7).max() < 5 and (sizes == 3 * DAY).any():
        return Grid("B", phase=int(distinct[0] % DAY), form=form)
    if common < usual:
        if sizes[0] >= 25 * DAY and len(np.unique(months(distinct))) == len(distinct):
            return Grid("ME", day=-1)
        often = sizes[0] == common and counts[0] >= OFTEN * len(apart)
        if not often:
            _refuse_odd(instant_N, usual, common, 2 * int(counts.max()) >= len(apart), what, place)
    name = _name(common, int(distinct[0] // DAY + 3) % 7)
    if not name:
        raise DataError(f"{place(0)}: {what}: stamps {common} ns apart", "data.frequency=ms is the finest there is")
    found = unit(name)
    return Grid(name, phase=int((distinct[0] - found.anchor) % found.size), form=form)


def _months(distinct: np.ndarray, day: int, form: str) -> Grid:
    """Months, quarters or years."""
    month_N = months(distinct)
    many = int(np.gcd.reduce(month_N - month_N[0]))
    end = "E" if day == -1 else "S"
    name = {1: f"M{end}", 3: f"Q{end}", 12: f"Y{end}"}.get(many, f"{many}M{end}")
    return Grid(name, phase=int(month_N[0] % many), day=day, form=form)


def _refuse_odd(instant_N: np.ndarray, usual: int, common: int, mostly: bool, what: str, place: Place) -> None:
    """Raise DataError for stamps between the steps of most, or for stamps on no grid worth its steps."""
    name = _name(usual)
    rest_N = instant_N % usual
    values, counts = np.unique(rest_N, return_counts=True)
    odd_N = rest_N != values[np.argmax(counts)]
    if mostly and 2 * int(odd_N.sum()) < len(rest_N):
        row, grid = int(np.argmax(odd_N)), Grid(name or "ns") if name else None
        words = grid.words if grid else "regular"
        raise DataError(
            f"{place(row)}: {what} is {_shown(instant_N[row])}, between the steps of stamps that are {words} otherwise "
            f"({int(odd_N.sum()):,} of {len(odd_N):,} are)",
            f"mend the stamps, or data.frequency={name or 'D'} puts each in the step it lies in, "
            "with data.duplicates=sum or mean of those that share one",
        )
    span = int(instant_N.max() - instant_N.min())
    if mostly or span // common > SPARSE * len(instant_N):
        raise DataError(
            f"{place(0)}: {what}: irregular stamps, most of them {_length(usual)} apart, and only steps of "
            f"{_length(common)} hold all",
            "data.frequency=D, say, puts each in the step it lies in, with data.duplicates=sum or mean of those that "
            "share one",
        )


def _shown(instant: int) -> str:
    text = str(np.int64(instant).view("datetime64[ns]").astype("datetime64[s]")).replace("T", " ")
    return text.removesuffix(":00")


def _length(size: int) -> str:
    name = _name(size)
    return Grid(name).steps(1) if name else f"{size} ns"
