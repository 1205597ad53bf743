"""What stands where a series has no value: filled by a rule, and never by what an origin cannot know."""

from __future__ import annotations

from typing import Literal

import numpy as np

Rule = Literal["linear", "previous", "seasonal", "zero"]


def carried(values_NK: np.ndarray, begin_N: np.ndarray) -> np.ndarray:
    """FoundColumns (N, K) with each NaN replaced by the last number before it in its series, NaN where there is none.

    ``begin_N`` is the flat index of the first step of each step's series.
    """
    at_NK = np.where(np.isnan(values_NK), -1, np.arange(len(values_NK))[:, None])
    np.maximum.accumulate(at_NK, axis=0, out=at_NK)
    known_NK = at_NK >= begin_N[:, None]
    return np.where(known_NK, np.take_along_axis(values_NK, np.maximum(at_NK, 0), axis=0), np.nan)


def begins(offset: np.ndarray) -> np.ndarray:
    """The flat index of the first step of each step's series, (N,), for series that end at ``offset`` (S + 1,)."""
    return np.repeat(offset[:-1], np.diff(offset))


def filled(
    y_N: np.ndarray, offset: np.ndarray, end_S: np.ndarray, rule: Rule, season: int, cuts: np.ndarray
) -> np.ndarray:
    """The values with what is absent filled by ``rule``, as far as each series' last value; behind it NaN stays.

    ``cuts`` are flat indices of origins: a gap that holds one is filled by the value before it whatever the rule is,
    since what ends the gap is not known there. ``seasonal`` repeats the value a season before, where there is one.
    """
    absent_N = np.isnan(y_N)
    begin_N = begins(offset)
    inside_N = np.arange(len(y_N)) < np.repeat(end_S, np.diff(offset))
    gap_N = absent_N & inside_N
    if not gap_N.any():
        return y_N
    result_N = np.where(gap_N, carried(y_N[:, None], begin_N)[:, 0], y_N)
    if rule == "previous":
        return result_N
    if rule == "zero":
        return np.where(gap_N, 0.0, y_N)
    at = np.flatnonzero(gap_N)
    if rule == "seasonal":
        return _seasonal(result_N, at, begin_N, season)
    run = np.cumsum(np.r_[True, np.diff(at) > 1]) - 1  # which gap each absent step belongs to
    first, last = at[np.r_[True, np.diff(at) > 1]], at[np.r_[np.diff(at) > 1, True]]
    known = np.sort(cuts)
    holds = np.searchsorted(known, last, "right") > np.searchsorted(known, first, "left")
    before, after = y_N[first - 1][run], y_N[last + 1][run]
    share = (at - first[run] + 1) / (last - first + 2)[run]
    result_N[at] = np.where(holds[run], result_N[at], before + share * (after - before))
    return result_N


def _seasonal(carried_N: np.ndarray, at: np.ndarray, begin_N: np.ndarray, season: int) -> np.ndarray:
    """Absent steps ``at`` as a season before, in as many passes as the longest gap has seasons."""
    result_N = carried_N.copy()
    back = at - season
    ok = back >= begin_N[at]
    at, back = at[ok], back[ok]
    absent = np.zeros(len(result_N), bool)
    absent[at] = True
    while len(at):
        ready = ~absent[back]
        result_N[at[ready]] = result_N[back[ready]]
        absent[at[ready]] = False
        at, back = at[~ready], back[~ready]
    return result_N
