"""A grid of time: which steps there are, as whole numbers that are the same in every series and every file.

>>> daily = Grid("D")
>>> daily.number(np.array(["2025-01-31"], "datetime64[ns]")), daily.stamp(20119), daily.words, daily.seasons
(array([20119]), '2025-01-31', 'daily', (7,))
"""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any, Self

import numpy as np

from rnncli.data.series.zones import DAY, SECOND, clocks

TICKS = {"ms": SECOND // 1000, "s": SECOND, "min": 60 * SECOND, "h": 3600 * SECOND, "D": DAY, "W": 7 * DAY}
MONTHS = {"MS": 1, "ME": 1, "QS": 3, "QE": 3, "YS": 12, "YE": 12}
WEEKDAYS = ("MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN")
KNOWN = "15min, h, D, B (working days), W, MS (months), QS (quarters), YS (years)"
_MONDAY = 4 * DAY  # 1970-01-05
_ALIASES = {
    **dict.fromkeys(("S", "sec", "second", "seconds"), "s"),
    **dict.fromkeys(("T", "m", "minute", "minutes", "minutely"), "min"),
    **dict.fromkeys(("H", "hour", "hours", "hourly"), "h"),
    **dict.fromkeys(("d", "day", "days", "daily"), "D"),
    **dict.fromkeys(("b", "business", "weekdays"), "B"),
    **dict.fromkeys(("w", "week", "weeks", "weekly"), "W"),
    **dict.fromkeys(("M", "month", "months", "monthly"), "MS"),
    **dict.fromkeys(("Q", "quarter", "quarters", "quarterly"), "QS"),
    **dict.fromkeys(("Y", "A", "AS", "year", "years", "yearly", "annual"), "YS"),
}
_SPEECH = {"ms": "millisecond", "s": "second", "min": "minute", "h": "hour", "D": "day", "W": "week", "MS": "month"}
_LY = {"s": "every second", "min": "by the minute", "h": "hourly", "D": "daily", "W": "weekly", "B": "on working days"}
_HORIZONS = {"ms": 1000, "s": 60, "min": 60, "D": 28, "B": 20, "W": 13}


@dataclass(frozen=True)
class Unit:
    """A frequency taken apart: ``size`` nanoseconds (tick), months (month), 1 (business and whole)."""

    kind: str
    size: int
    many: int
    name: str
    anchor: int = 0
    """Nanoseconds from 1970 to a beginning of its steps."""


@lru_cache
def unit(frequency: str) -> Unit:
    """A frequency by pandas' name or a common word for it; ValueError for what is none."""
    found = re.fullmatch(r"(\d*)\s*([A-Za-z]+)(-[A-Z]{3})?", frequency.strip())
    if not frequency:
        return Unit("whole", 1, 1, "")
    many, name = (int(found[1] or 1), _ALIASES.get(found[2], found[2])) if found else (1, "")
    if name in TICKS and many > 0:
        day = found[3][1:] if found and found[3] else ""
        weekly = name == "W" and day in (*WEEKDAYS, "")
        if day and not weekly:
            raise ValueError(frequency)
        anchor = _MONDAY + WEEKDAYS.index(day) * DAY if day else _MONDAY if weekly else 0
        return Unit("tick", many * TICKS[name], many, name, anchor)
    if name in MONTHS and many > 0:
        return Unit("month", many * MONTHS[name], many, name)
    if name == "B" and many == 1:
        return Unit("business", 1, 1, "B")
    raise ValueError(frequency)


@dataclass(frozen=True)
class Grid:
    """Steps of one ``frequency``, pandas' name of it, empty for stamps that are whole numbers.

    ``phase`` is how far the stamps lie behind the beginnings of their steps: nanoseconds of ticks, months of months;
    whole numbers are ``phase + number * every``. ``day`` is that of monthly stamps, -1 the last. With a ``zone``, steps
    shorter than a day lie on UTC and are written in the zone. ``form`` writes a stamp (strftime).
    """

    frequency: str
    zone: str = ""
    phase: int = 0
    every: int = 1
    day: int = 1
    form: str = "%Y-%m-%d"

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """The grid of plain values."""
        return cls(**values)

    @property
    def unit(self) -> Unit:
        """The frequency taken apart."""
        return unit(self.frequency)

    @property
    def is_whole(self) -> bool:
        """Whether stamps are whole numbers and no dates."""
        return not self.frequency

    @property
    def on_utc(self) -> bool:
        """Whether instants are of UTC, shown in ``zone``; else they are as clocks and calendars show them."""
        return bool(self.zone) and self.unit.kind == "tick" and self.unit.size < DAY

    def number(self, stamps: np.ndarray) -> np.ndarray:
        """The steps in which stamps lie, int64: datetime64, which are UTC where ``on_utc``, or whole numbers."""
        values = np.asarray(stamps)
        if self.is_whole:
            return (values.astype(np.int64) - self.phase) // self.every
        instants = values.astype("datetime64[ns]").astype(np.int64)
        return numbers(instants, self.unit)

    def instants(self, numbers_N: np.ndarray) -> np.ndarray:
        """The stamps of steps, datetime64[ns], of UTC where ``on_utc``; whole numbers as int64."""
        numbers_N = np.asarray(numbers_N, np.int64)
        if self.is_whole:
            return numbers_N * self.every + self.phase
        found = self.unit
        if found.kind == "tick":
            return (numbers_N * found.size + found.anchor + self.phase).view("datetime64[ns]")
        if found.kind == "business":
            days = numbers_N // 5 * 7 + numbers_N % 5
            return (days * DAY + _MONDAY + self.phase).view("datetime64[ns]")
        month_N = (numbers_N * found.size + self.phase).astype("datetime64[M]")
        first_N, next_N = month_N.astype("datetime64[D]"), (month_N + 1).astype("datetime64[D]")
        days_N = next_N - 1 if self.day < 0 else np.minimum(first_N + (self.day - 1), next_N - 1)
        return days_N.astype("datetime64[ns]")

    def stamps(self, numbers_N: np.ndarray) -> np.ndarray:
        """The stamps of steps as clocks and calendars show them, datetime64[ns]; no whole ones."""
        instant_N = self.instants(numbers_N)
        return clocks(instant_N.view(np.int64), self.zone).view("datetime64[ns]") if self.on_utc else instant_N

    def stamp(self, number: int) -> str:
        """A step's stamp as a person writes it, with the offset from UTC where clocks change."""
        return self.texts(np.array([number]))[0]

    def texts(self, numbers_N: np.ndarray) -> list[str]:
        """The stamps of many steps."""
        if self.is_whole:
            return [str(number) for number in self.instants(numbers_N).tolist()]
        stamp_N = self.stamps(numbers_N)
        texts = [stamp.strftime(self.form) for stamp in stamp_N.astype("datetime64[us]").tolist()]
        if not self.on_utc:
            return texts
        ahead_N = (stamp_N - self.instants(numbers_N)).astype("timedelta64[m]").astype(np.int64)
        return [f"{text}{_offset(ahead)}" for text, ahead in zip(texts, ahead_N.tolist(), strict=True)]

    @property
    def seasons(self) -> tuple[int, ...]:
        """Steps of the seasons that such stamps usually have, the shortest first."""
        found = self.unit
        if found.kind == "month":
            return (12 // found.size,) if found.size < 12 and 12 % found.size == 0 else (1,)
        if found.kind == "business":
            return (5,)
        if found.kind == "tick" and found.size == 7 * DAY:
            return (52,)
        spans = () if found.kind == "whole" else (DAY, 7 * DAY)
        return tuple(span // found.size for span in spans if found.size < span and span % found.size == 0) or (1,)

    @property
    def horizon(self) -> int:
        """How many steps are usually forecast."""
        found = self.unit
        if found.kind == "month":
            return max(2, 12 // found.size) if found.size < 12 else 4
        if found.name == "h":
            return max(1, 24 // found.many)
        if found.name == "min" and found.size > 60 * SECOND:
            return max(1, DAY // found.size)
        return max(1, _HORIZONS.get(found.name, 12) // found.many)

    @property
    def words(self) -> str:
        """The frequency in words, such as hourly."""
        found = self.unit
        if found.kind == "whole":
            return "numbered" if self.every == 1 else f"numbered in steps of {self.every}"
        if found.kind == "month" and found.size in (1, 3, 12):
            return {1: "monthly", 3: "quarterly", 12: "yearly"}[found.size]
        if found.kind == "month":
            return f"every {found.size} months"
        return (
            _LY[found.name] if found.many == 1 and found.name in _LY else f"every {found.many} {_SPEECH[found.name]}s"
        )

    def steps(self, count: int) -> str:
        """A number of steps in words, such as 28 days."""
        found = self.unit
        name = {"whole": "step", "business": "working day"}.get(found.kind) or _SPEECH.get(found.name, "month")
        count = count * (found.size if found.kind == "month" else found.many)
        return f"{count:,} {name}{'s'[: count != 1]}"


def numbers(instants_N: np.ndarray, found: Unit) -> np.ndarray:
    """The steps in which instants lie, int64 nanoseconds since 1970; a weekend is in the step of its Friday."""
    if found.kind == "tick":
        return (instants_N - found.anchor) // found.size
    if found.kind == "business":
        days_N = (instants_N - _MONDAY) // DAY
        return days_N // 7 * 5 + np.minimum(days_N % 7, 4)
    return months(instants_N) // found.size


def months(instants_N: np.ndarray) -> np.ndarray:
    """The months since 1970 of instants, int64."""
    return np.asarray(instants_N).view("datetime64[ns]").astype("datetime64[M]").astype(np.int64)


def _offset(minutes: int) -> str:
    """How far a clock is ahead of UTC, such as +02:00."""
    hours, rest = divmod(abs(minutes), 60)
    return f"{'-' if minutes < 0 else '+'}{hours:02}:{rest:02}"
