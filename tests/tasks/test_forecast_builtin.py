"""The generated sales: that they hold what they are said to, and that there is something to be learnt."""

import time

import numpy as np
import pytest

from rnncli.tasks.forecast import builtin
from rnncli.tasks.forecast.builtin import DAYS, SHOPS, Shop, generate, holidays

HORIZON, ORIGINS = 28, 12
TEST = len(DAYS) - HORIZON * ORIGINS
SUNDAY = 6
WEEKDAY = np.array([day.weekday() for day in DAYS.tolist()])


@pytest.fixture(scope="module")
def shops() -> list[Shop]:
    return list(generate())


def test_the_same_seed_gives_the_same_sales_and_another_one_others(shops):
    for one, again, other in zip(shops, generate(), generate(seed=5), strict=True):
        np.testing.assert_array_equal(one.sales_T, again.sales_T)
        assert not np.array_equal(one.sales_T, other.sales_T)


def test_a_row_is_a_shop_and_a_day_and_all_days_are_there(shops):
    table = builtin.builtin()
    assert table.columns == ["shop", "day", "sales", "holiday", "promotion"]
    assert len(table) == len(SHOPS) * len(DAYS) == 8 * 1827
    rows = [table.row(at) for at in range(len(table))]
    for at, shop in enumerate(shops):
        own = rows[at * len(DAYS) : (at + 1) * len(DAYS)]
        assert {row["shop"] for row in own} == {shop.name}
        assert [row["day"] for row in own] == DAYS.tolist()
        assert [row["sales"] for row in own] == shop.sales_T.tolist()
        assert [row["holiday"] for row in own] == holidays().tolist()
        assert [row["promotion"] for row in own] == shop.promotion_T.tolist()


def test_it_is_made_in_less_than_a_second():
    begin = time.process_time()
    builtin.builtin()
    assert time.process_time() - begin < 1


def test_sales_are_above_0_and_no_counts(shops):
    for shop in shops:
        assert shop.sales_T.min() > 0
        assert (shop.sales_T % 1 > 0).mean() > 0.9


def test_holidays_are_those_of_the_calendar():
    found = {str(day) for day in DAYS[holidays()]}
    assert {"2020-04-13", "2021-04-02", "2022-06-06", "2023-05-18", "2024-12-25"} <= found
    assert "2024-04-12" not in found
    assert len(found) == 45


def test_weeks_years_holidays_and_promotions_leave_their_marks(shops):
    for shop in shops:
        log_T = np.log(shop.sales_T)
        week_T = np.convolve(log_T, np.ones(7) / 7, "same")
        around_T = log_T - week_T
        plain_T = ~holidays() & ~shop.promotion_T
        days = [around_T[plain_T & (day == WEEKDAY)].mean() for day in range(7)]
        assert np.ptp(days) > 0.1
        usual_T = around_T - np.array(days)[WEEKDAY]
        assert abs(usual_T[holidays()].mean()) > 0.2
        busy_T = shop.promotion_T & ~holidays() & (WEEKDAY < 5)
        assert usual_T[busy_T].mean() > 0.1
        assert 0.08 < shop.promotion_T.mean() < 0.25
        months = [week_T[np.array([day.month for day in DAYS.tolist()]) == month].mean() for month in range(1, 13)]
        assert np.ptp(months) > 0.15


def test_levels_change_twice_from_one_day_to_the_next(shops):
    """Within a week years and trends change little: where plain days a week apart differ much, the level changed."""
    for shop in shops:
        odd_T = holidays() | np.append(holidays()[1:], True) | (WEEKDAY == SUNDAY)
        promoted = np.where(WEEKDAY < 5, builtin.PROMOTION, builtin.PROMOTION_AT_WEEKENDS)
        log_T = np.log(np.where(odd_T, np.nan, shop.expected_T / np.where(shop.promotion_T, promoted, 1)))
        days = np.flatnonzero(np.abs(log_T[7:] - log_T[:-7]) > 0.1)
        assert (np.diff(days, prepend=-100) > 14).sum() == 2


def test_sundays_sell_otherwise_from_some_day_on(shops):
    for shop in shops:
        plain_T = ~(holidays() | np.append(holidays()[1:], True) | shop.promotion_T)
        ratio = [_sunday_ratio(shop, plain_T & within) for within in (np.arange(1827) < 700, np.arange(1827) >= 1500)]
        assert abs(np.log(ratio[1] / ratio[0])) == pytest.approx(0.45, abs=0.12)


def test_those_who_know_holidays_and_promotions_clearly_beat_the_week_before(shops):
    """A regression of logs with the level of the last four weeks, learnt before the first of 12 origins of 28 days.

    What is told of a day, its week and its year is enough; a perfect forecast, without the noise, is better still.
    """
    naive, fitted, perfect = [], [], []
    for shop in shops:
        log_T, known_TK = np.log(shop.sales_T), _known(shop)
        weight_K = np.linalg.lstsq(known_TK[:TEST], log_T[:TEST], rcond=None)[0]
        shape_T = known_TK @ weight_K
        for origin in range(TEST, len(DAYS), HORIZON):
            ahead = slice(origin, origin + HORIZON)
            level = (log_T - shape_T)[origin - 28 : origin].mean()
            scale = shop.sales_T[:TEST].mean()
            truth = shop.sales_T[ahead]
            week_before = np.tile(shop.sales_T[origin - 7 : origin], HORIZON // 7)
            naive.append(np.abs(truth - week_before).mean() / scale)
            fitted.append(np.abs(truth - np.exp(shape_T[ahead] + level)).mean() / scale)
            perfect.append(np.abs(truth - shop.expected_T[ahead]).mean() / scale)
    assert np.mean(fitted) < 0.65 * np.mean(naive)
    assert np.mean(perfect) < 0.7 * np.mean(fitted)


def _sunday_ratio(shop: Shop, plain_T: np.ndarray) -> float:
    """What Sundays sell by what Saturdays do."""
    return shop.expected_T[plain_T & (WEEKDAY == SUNDAY)].mean() / shop.expected_T[plain_T & (WEEKDAY == 5)].mean()


def _known(shop: Shop) -> np.ndarray:
    angle_T = 2 * np.pi * np.arange(len(DAYS)) / 365.25
    weekend_T = WEEKDAY >= 5
    columns = [
        *np.eye(7)[WEEKDAY].T,
        *(wave(n * angle_T) for wave in (np.sin, np.cos) for n in (1, 2)),
        holidays(),
        np.append(holidays()[1:], True),
        shop.promotion_T & weekend_T,
        shop.promotion_T & ~weekend_T,
    ]
    return np.stack(columns, 1).astype(float)
