"""Words and labels of a run that begins with another one's: those of that run, then what is new."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import islice

SHOWN = 5
"""Of what is new, as many are named."""


def grown(known: Sequence[str], found: Iterable[str]) -> tuple[str, ...]:
    """What is ``known``, then what else was ``found``, in order, each once.

    >>> grown(["b", "a"], ["a", "c"])
    ('b', 'a', 'c')
    """
    return tuple(dict.fromkeys((*known, *found)))


def growth(what: str, known: Sequence[str], every: Sequence[str], lost: Collection[str] = ()) -> Iterator[str]:
    """What is to be said of ``every`` one there is now, which begin with those ``known``; ``lost`` occur no more.

    >>> list(growth("labels", ["bad", "good"], ["bad", "good", "mixed"], lost=["bad"]))
    ['labels: 2 of the run, 1 new (mixed), whose weights are drawn anew', 'labels that no longer occur are kept: bad']
    """
    new = every[len(known) :]
    if new:
        yield f"{what}: {len(known):,} of the run, {len(new):,} new ({named(new)}), whose weights are drawn anew"
    else:
        yield f"{what}: {len(known):,} of the run, no new ones"
    if lost:
        yield f"{what} that no longer occur are kept: {named(lost)}"


def named(some: Collection[str]) -> str:
    """The first of some names, and how many more there are."""
    first = ", ".join(repr(one) if not one.strip() or one.isspace() else one for one in islice(some, SHOWN))
    return first + (f" and {len(some) - SHOWN:,} more" if len(some) > SHOWN else "")
