"""Features of stamps: where a step stands in the day, the week, the month and the year.

>>> columns(Grid("D"), ("weekday",))[:2], features(Grid("D"), np.array([4]), ("weekday",))[0, :2].tolist()
(('weekday sin 1', 'weekday cos 1'), [0.0, 1.0])
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np

from rnncli.data.series.grid import DAY, SECOND, Grid
from rnncli.errors import DataError

LONG_YEAR = 547 * DAY
"""A year and a half."""
Share = Callable[[np.ndarray], np.ndarray]
WAVES = ("sin", "cos")
HARMONICS = {"hour": 2, "weekday": 3, "monthday": 1, "week": 2, "month": 2}
"""Pairs of sine and cosine of each feature; three of the weekday tell all seven days apart."""
COLUMNS = frozenset(f"{name} {wave} {n + 1}" for name, most in HARMONICS.items() for n in range(most) for wave in WAVES)
"""The names of all columns that there may be."""


def hours(stamp_N: np.ndarray) -> np.ndarray:
    """The hour of each stamp, datetime64[ns] all of these, from 0."""
    return _seconds(stamp_N) // 3600


def weekdays(stamp_N: np.ndarray) -> np.ndarray:
    """The day of the week, Monday is 0."""
    return (stamp_N.astype("datetime64[D]").astype(np.int64) + 3) % 7


def months(stamp_N: np.ndarray) -> np.ndarray:
    """The month, from 1."""
    return stamp_N.astype("datetime64[M]").astype(np.int64) % 12 + 1


def names(grid: Grid, wanted: Literal["auto", "off"] | Sequence[str], steps: int) -> tuple[str, ...]:
    """The features that a recipe wants, ``auto`` those that steps of the grid differ by; raises DataError.

    A feature of the year is no use, and ``auto`` leaves it out, where the ``steps`` of the data are no year and a half.
    """
    if wanted == "off" or grid.is_whole:
        return ()
    if wanted != "auto":
        if unknown := [name for name in wanted if name not in HARMONICS]:
            raise DataError(
                f'data.calendar: there is no feature "{unknown[0]}" of stamps', f"there are {', '.join(HARMONICS)}"
            )
        return tuple(wanted)
    found = grid.unit
    span = np.diff(grid.instants(np.array([0, steps]))).astype(np.int64)[0]
    yearly = span >= LONG_YEAR
    if found.kind == "month":
        return ("month",) if found.size < 12 and yearly else ()
    if found.kind == "business" or found.size == DAY:
        return ("weekday", "month") if yearly else ("weekday",)
    if found.size < DAY:
        return ("hour", "weekday")
    return ("week",) if yearly else ()


def names_in(known: Sequence[str]) -> tuple[str, ...]:
    """The features that columns of a panel are of, those of the user left out."""
    return tuple(dict.fromkeys(name.split()[0] for name in known if name in COLUMNS))


def columns(grid: Grid, chosen: Sequence[str]) -> tuple[str, ...]:
    """The names of the columns that :func:`features` gives."""
    if grid.is_whole:
        return ()
    waves = [(name, n) for name in chosen for n in range(1, HARMONICS[name] + 1)]
    return tuple(f"{name} {wave} {n}" for name, n in waves for wave in WAVES)


def features(grid: Grid, numbers_N: np.ndarray, chosen: Sequence[str]) -> np.ndarray:
    """The features of steps by their numbers on the grid, (N, K) float32 from -1 to 1; none of whole numbers."""
    found_NK = np.zeros((len(numbers_N), len(columns(grid, chosen))), np.float32)
    if not found_NK.size:
        return found_NK
    distinct, at_N = np.unique(numbers_N, return_inverse=True)
    stamps = grid.stamps(distinct)
    waves = []
    for name in chosen:
        angle = 2 * np.pi * _SHARES[name](stamps)
        for n in range(1, HARMONICS[name] + 1):
            waves += [np.sin(n * angle), np.cos(n * angle)]
    found_NK[:] = np.stack(waves, axis=1).astype(np.float32)[at_N]
    return found_NK


def _seconds(stamp_N: np.ndarray) -> np.ndarray:
    """Seconds since midnight."""
    return stamp_N.astype(np.int64) % DAY // SECOND


def _days_since(stamp_N: np.ndarray, unit: Literal["M", "Y"]) -> np.ndarray:
    """Days since the month or the year began."""
    return (stamp_N.astype("datetime64[D]") - stamp_N.astype(f"datetime64[{unit}]")).astype(np.int64)


def _share_of_month(stamp_N: np.ndarray) -> np.ndarray:
    month_N = stamp_N.astype("datetime64[M]")
    length_N = ((month_N + 1).astype("datetime64[D]") - month_N.astype("datetime64[D]")).astype(np.int64)
    return _days_since(stamp_N, "M") / length_N


_SHARES: dict[str, Share] = {
    "hour": lambda stamp_N: _seconds(stamp_N) / 86_400,
    "weekday": lambda stamp_N: weekdays(stamp_N) / 7,
    "monthday": _share_of_month,
    "week": lambda stamp_N: _days_since(stamp_N, "Y") / 365.25,
    "month": lambda stamp_N: (months(stamp_N) - 1) / 12,
}
