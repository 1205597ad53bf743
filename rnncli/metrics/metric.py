"""What a metric is: a name, which way is better, a unit, and whether a report shows it.

A task declares its metrics (:attr:`rnncli.tasks.base.TaskSpec.metrics`); reports carry unit and direction beside each
value, so that nobody who reads them needs a list. Nothing here is heavy: a recipe's metric is checked before anything
heavy is imported.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from rnncli.errors import RecipeError

Better = Literal["higher", "lower", "nominal"]
"""``nominal`` is better the nearer to a value that the metric should have, such as the coverage of an interval."""
Unit = Literal["share", "plain", "count"]
"""A share is from 0 to 1 and read in per cent; anything else is read as it is, a count without decimals."""
Show = Literal["first", "last", "never"]
"""In a report: what is shown last gives way first where there is no room; report.json has every metric."""


@dataclass(frozen=True)
class Metric:
    """A declared metric; ``title`` is what a person reads, empty for the name, ``meaning`` a sentence for a glossary.

    ``nominal`` is the value that a metric should have of which neither more nor less is better.

    >>> Metric("mae", better="lower", unit="plain").words
    'mae'
    """

    name: str
    better: Better = "higher"
    unit: Unit = "share"
    show: Show = "first"
    title: str = ""
    meaning: str = ""
    nominal: float = 0.0

    @property
    def words(self) -> str:
        """The name as a person reads it."""
        return self.title or self.name.replace("_", " ")

    def beats(self, value: float, best: float | None) -> bool:
        """Whether ``value`` is better than ``best``; any number beats none (None, NaN)."""
        if math.isnan(value):
            return False
        if best is None or math.isnan(best):
            return True
        return self.badness(value) < self.badness(best)

    def badness(self, value: float) -> float:
        """A number that is lower where ``value`` is better."""
        if self.better == "nominal":
            return abs(value - self.nominal)
        return value if self.better == "lower" else -value


LOSS = Metric("loss", better="lower", unit="plain", show="never")
"""What training minimises, of the dev split: every task has it."""


def by_name(metrics: Iterable[Metric]) -> dict[str, Metric]:
    """The metrics by their names, :data:`LOSS` among them."""
    return {metric.name: metric for metric in (*metrics, LOSS)}


def require(name: str, known: Mapping[str, Metric] | Iterable[str]) -> None:
    """RecipeError, naming the nearest, where nobody declared a metric of this name."""
    known = tuple(known)
    if name not in known:
        near = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
        hint = f"did you mean {' or '.join(near)}?" if near else f"the metrics are {', '.join(sorted(known))}"
        raise RecipeError(f'there is no metric "{name}"', hint)
