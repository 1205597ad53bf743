"""A corpus of daily sales of invented shops, generated: trend, week and year, holidays, promotions, sudden changes.

All of it is multiplied, so that a day is more than the sum of what it has: a promotion does little at weekends,
holidays empty some shops and fill others, and the day before one is busy. Shape letter: T days.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate

import numpy as np

from rnncli.data.tables.table import Table
from rnncli.tasks.common.tables import table_of

COLUMNS = ("shop", "day", "sales", "holiday", "promotion")
DAYS = np.arange("2020-01-01", "2025-01-01", dtype="datetime64[D]")
DAYS_AHEAD = np.arange("2025-01-01", "2026-01-01", dtype="datetime64[D]")
"""Those of which holidays and promotions are known already."""
EASTERS = ("2020-04-12", "2021-04-04", "2022-04-17", "2023-04-09", "2024-03-31", "2025-04-20")
AFTER_EASTER = (-2, 1, 39, 50)
"""Days from Easter to the holidays that move with it."""
FIXED_HOLIDAYS = ("01-01", "05-01", "10-03", "12-25", "12-26")
# Sales on a usual day in thousands, the share of them on holidays, and of what kind the week is.
SHOPS = {
    "airport": (210.0, 1.5, "even"),
    "beach": (60.0, 1.9, "weekend"),
    "campus": (45.0, 0.2, "working"),
    "harbour": (120.0, 1.6, "weekend"),
    "market": (85.0, 0.3, "saturday"),
    "museum": (30.0, 1.8, "weekend"),
    "outlet": (160.0, 0.2, "saturday"),
    "station": (300.0, 0.5, "working"),
}
WEEKS = {
    "even": (0.97, 0.95, 0.98, 1.02, 1.15, 0.95, 1.05),
    "weekend": (0.70, 0.72, 0.78, 0.85, 1.10, 1.60, 1.50),
    "working": (1.15, 1.20, 1.22, 1.20, 1.25, 0.65, 0.40),
    "saturday": (0.80, 0.85, 0.95, 1.05, 1.30, 1.65, 0.35),
}
"""What the days of a week sell, Monday first, by the mean of all."""
EVE, PROMOTION, PROMOTION_AT_WEEKENDS = 1.2, 1.5, 1.1
NOISE, NOISE_CARRIED = 0.08, 0.4
"""The deviation of the noise in logs, and its correlation with the noise of the day before."""


@dataclass(frozen=True, eq=False)
class Shop:
    """A shop's sales by day, what they would be without noise, and on which days it had a promotion, (T,) each."""

    name: str
    sales_T: np.ndarray
    expected_T: np.ndarray
    promotion_T: np.ndarray


def builtin() -> Table:
    """The corpus as a table of ``COLUMNS``: a row for each shop and day."""
    holiday, rows = holidays().astype(int).tolist(), []
    days = DAYS.tolist()
    for shop in generate():
        values = (shop.sales_T.tolist(), holiday, shop.promotion_T.astype(int).tolist())
        rows += [(shop.name, *row) for row in zip(days, *values, strict=True)]
    return table_of("built-in corpus", COLUMNS, rows)


def builtin_ahead() -> Table:
    """Holidays and promotions of the year behind the corpus."""
    days, holiday, rows = DAYS_AHEAD.tolist(), holidays(DAYS_AHEAD).astype(int).tolist(), []
    for number, name in enumerate(SHOPS):
        promotion_T = _promotions(np.random.default_rng((4, number)), len(days))
        rows += [(name, *row) for row in zip(days, holiday, promotion_T.astype(int).tolist(), strict=True)]
    return table_of("built-in future", tuple(name for name in COLUMNS if name != "sales"), rows)


def generate(seed: int = 4) -> Iterator[Shop]:
    """The shops, always the same ones for a seed."""
    random = np.random.default_rng(seed)
    holiday_T = holidays()
    for name, (level, on_holidays, week) in SHOPS.items():
        promotion_T = _promotions(random, len(DAYS))
        expected_T = level * _trend(random) * _year(random) * _week(WEEKS[week], random)
        weekend_T = _weekday() >= 5
        expected_T *= np.where(promotion_T, np.where(weekend_T, PROMOTION_AT_WEEKENDS, PROMOTION), 1)
        expected_T *= np.where(holiday_T, on_holidays, np.where(np.roll(holiday_T, -1), EVE, 1))
        yield Shop(name, np.round(expected_T * np.exp(_noise(random)), 2), expected_T, promotion_T)


def holidays(days_T: np.ndarray = DAYS) -> np.ndarray:
    """Which of the days are holidays, some of them on other days each year, (T,)."""
    moving = [np.datetime64(easter) + after for easter in EASTERS for after in AFTER_EASTER]
    fixed = [np.datetime64(f"{easter[:4]}-{day}") for easter in EASTERS for day in FIXED_HOLIDAYS]
    return np.isin(days_T, np.array([*moving, *fixed]))


def _weekday() -> np.ndarray:
    """0 for Monday to 6 for Sunday, (T,)."""
    return (DAYS.astype(np.int64) + 3) % 7


def _trend(random: np.random.Generator) -> np.ndarray:
    """Growth a year of -8 to 15 %, another one from some day on, and two days from which sales are up or down."""
    day_T = np.arange(len(DAYS))
    first, second = random.uniform(-0.08, 0.15, 2) / 365
    turn = random.integers(400, 1400)
    log_T = first * np.minimum(day_T, turn) + second * np.maximum(day_T - turn, 0)
    for day in (random.integers(200, 900), random.integers(1000, 1700)):
        log_T += np.where(day_T >= day, random.choice([-1, 1]) * random.uniform(0.15, 0.35), 0)
    return np.exp(log_T)


def _year(random: np.random.Generator) -> np.ndarray:
    """A wave a year, and one of half a year that is half as strong."""
    angle_T = 2 * np.pi * np.arange(len(DAYS)) / 365.25
    strength, phase, other = random.uniform(0.1, 0.25), *random.uniform(0, 2 * np.pi, 2)
    return np.exp(strength * (np.cos(angle_T - phase) + 0.5 * np.cos(2 * angle_T - other)))


def _week(days: tuple[float, ...], random: np.random.Generator) -> np.ndarray:
    """The days of a week; from some day on Sundays sell otherwise, as of a shop with new hours."""
    found_T = np.array(days)[_weekday()]
    changed = random.integers(700, 1500)
    found_T[changed:] *= np.where(_weekday() == 6, random.choice([0.6, 1.5]), 1)[changed:]
    return found_T


def _promotions(random: np.random.Generator, length: int) -> np.ndarray:
    """Three to eight days every five weeks or so, (T,)."""
    found_T = np.zeros(length, dtype=bool)
    begin = random.integers(5, 30)
    while begin < length:
        days = random.integers(3, 9)
        found_T[begin : begin + days] = True
        begin += days + random.integers(15, 45)
    return found_T


def _noise(random: np.random.Generator) -> np.ndarray:
    """In logs, each day's a part of that of the day before."""
    drawn = random.normal(0, NOISE * np.sqrt(1 - NOISE_CARRIED**2), len(DAYS)).tolist()
    return np.array(list(accumulate(drawn, lambda before, new: NOISE_CARRIED * before + new)))
