"""Clocks of time zones and the hours of UTC, many at once: the changes of a zone are looked up once.

>>> july = np.array(["2025-07-01T10:00"], "datetime64[ns]").astype(np.int64)
>>> clocks(july, "Europe/Rome").view("datetime64[ns]").astype("datetime64[m]").tolist()
[datetime.datetime(2025, 7, 1, 12, 0)]

Shape letters: N instants, M changes.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from zoneinfo import ZoneInfo, available_timezones

import numpy as np

from rnncli.data.wording import did_you_mean
from rnncli.errors import DataError

SECOND = 1_000_000_000
"""Nanoseconds, in which all instants are counted, int64 since 1970."""
DAY = 86_400 * SECOND
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MARGIN = 2
"""Days before and behind instants within which changes are looked for."""


def require_zone(zone: str) -> None:
    """Raise DataError for no time zone of the database."""
    known = available_timezones()
    if zone not in known and not _is_utc(zone):
        if not known:
            raise DataError("this machine has no database of time zones", "pip install tzdata")
        raise DataError(f'data.zone: no time zone "{zone}"{did_you_mean(zone, known)}', "such as Europe/Rome or UTC")


def clocks(utc_N: np.ndarray, zone: str) -> np.ndarray:
    """What clocks show at instants of UTC, nanoseconds since 1970 both, int64."""
    if _is_utc(zone) or not len(utc_N):
        return utc_N
    at_M, offset_M = _changes_around(utc_N, zone)
    return utc_N + offset_M[np.searchsorted(at_M, utc_N, side="right")]


def instants(clock_N: np.ndarray, zone: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The instants of UTC of what clocks show, (N,), of an hour that comes twice both times, and which there are.

    What clocks skip has none.
    """
    if _is_utc(zone) or not len(clock_N):
        return clock_N, clock_N, np.ones(len(clock_N), bool)
    at_M, offset_M = _changes_around(clock_N, zone)
    behind_N, before_N = (
        np.searchsorted(at_M + ahead_M, clock_N, "right") for ahead_M in (offset_M[:-1], offset_M[1:])
    )
    return clock_N - offset_M[behind_N], clock_N - offset_M[before_N], behind_N <= before_N


def _is_utc(zone: str) -> bool:
    return zone == "UTC"


def _changes_around(value_N: np.ndarray, zone: str) -> tuple[np.ndarray, np.ndarray]:
    return _changes(zone, int(value_N.min() // DAY) - _MARGIN, int(value_N.max() // DAY) + _MARGIN)


@lru_cache(maxsize=64)
def _changes(zone: str, first: int, last: int) -> tuple[np.ndarray, np.ndarray]:
    """The instants of UTC (M,) from which a clock is another time ahead between two days since 1970, and how much
    (M + 1,), nanoseconds: what it is before the first of them stands first.
    """
    rules = ZoneInfo(zone)
    offsets = [_ahead(rules, day * 86_400) for day in range(first, last + 1)]
    at, ahead = [], offsets[:1]
    for day, (before, after) in enumerate(pairwise(offsets), start=first):
        if before != after:
            low, high = day * 86_400, (day + 1) * 86_400
            while high - low > 1:
                middle = (low + high) // 2
                low, high = (middle, high) if _ahead(rules, middle) == before else (low, middle)
            at.append(high * SECOND)
            ahead.append(after)
    return np.array(at, np.int64), np.array(ahead, np.int64) * SECOND


def _ahead(rules: ZoneInfo, second: int) -> int:
    """Seconds that the clock is ahead of UTC."""
    offset = (_EPOCH + timedelta(seconds=second)).astimezone(rules).utcoffset()
    assert offset is not None
    return round(offset.total_seconds())
