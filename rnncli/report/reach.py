"""How far back in time gradients arrive, as a report keeps it: the measure is that of ``rnncli.core.reach``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any


@dataclass(frozen=True)
class Reach:
    """How many ``steps`` back less than ``least`` of the gradient arrives for the first time, the mean of directions.

    ``beyond`` says that more arrived as far as there was to see, so that the truth is more than ``steps``. The
    ``shares`` of each direction begin at distance 0 with 1; a cross-validation has none.
    """

    least: float
    steps: float
    beyond: bool
    sequences: int
    shares: dict[str, tuple[float, ...]]

    @classmethod
    def of(cls, values: Mapping[str, Any] | None) -> Reach | None:
        """From JSON's values; None of none."""
        if values is None:
            return None
        return cls(**{**values, "shares": {name: tuple(one) for name, one in values["shares"].items()}})


def reach(shares: Mapping[str, Sequence[float]], least: float, sequences: int) -> Reach:
    """What ``shares`` come to; ValueError where there are none."""
    if not shares:
        raise ValueError("the reach of no direction")
    found = [fallen(one, least) for one in shares.values()]
    beyond = any(more for _, more in found)
    kept = {name: tuple(one) for name, one in shares.items()}
    return Reach(least, fmean(steps for steps, _ in found), beyond, sequences, kept)


def mean_reach(reaches: Sequence[Reach | None]) -> Reach | None:
    """That of several runs as one, without curves; None where one of them has none."""
    known = [one for one in reaches if one is not None]
    if not known or len(known) < len(reaches):
        return None
    steps, beyond = fmean(one.steps for one in known), any(one.beyond for one in known)
    return Reach(known[0].least, steps, beyond, sum(one.sequences for one in known), {})


def fallen(shares: Sequence[float], least: float) -> tuple[int, bool]:
    """The first distance with less than ``least``, or how many there are and that there is none."""
    return next(((k, False) for k, share in enumerate(shares) if share < least), (len(shares), True))


def reach_figure(steps: float | None, beyond: bool) -> str:
    """24.5, or > 36.0 where the end was not seen; nothing of None."""
    return "" if steps is None else f"{'> ' if beyond else ''}{steps:,.1f}"


def reach_words(found: Reach) -> str:
    """One line for a person."""
    each = []
    for name, shares in found.shares.items():
        steps, more = fallen(shares, found.least)
        each.append(f"{name} {'> ' if more else ''}{steps}")
    parts = f" ({', '.join(each)})" if len(each) > 1 else ""
    far = reach_figure(found.steps, found.beyond)
    return f"{100 * found.least:g} % of the gradient arrives {far} steps back{parts}"
