"""A comparison of runs as plain frozen values: what ``rnncli compare --json`` prints and the renderers read."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from rnncli.metrics.metric import Better, Metric, Unit
from rnncli.report.numbers import plain


@dataclass(frozen=True)
class Score:
    """A metric of the runs of one setting: their mean, and their sample deviation where there are several.

    ``low`` and ``high`` say what other test examples and, where there are several runs, other seeds might have given.
    """

    mean: float | None
    deviation: float | None
    values: tuple[float | None, ...]
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Versus:
    """How a setting differs from the base in one metric; ``p_adjusted`` allows for the number of settings (Holm).

    ``seeds`` says that interval and p also hold what other seeds would have given; else they hold for these models.
    ``test`` is how p was come by.
    """

    difference: float
    low: float
    high: float
    p: float
    p_adjusted: float
    seeds: bool
    test: str = ""


@dataclass(frozen=True)
class Compared:
    """Runs that differ in their seeds only. ``settings`` holds the keys of recipes in which the runs compared differ.

    ``scores`` are by metric, and so is ``versus``, which lacks what could not be tested; ``seconds`` of training is the
    mean of the runs, and so is ``reach``, None where it was not measured: how many steps back a tenth of the gradient
    arrives, or more where ``reach_beyond`` says so.
    """

    name: str
    settings: dict[str, Any]
    runs: tuple[str, ...]
    seeds: tuple[int, ...]
    scores: dict[str, Score]
    versus: dict[str, Versus]
    parameters: int
    seconds: float
    reach: float | None
    reach_beyond: bool


@dataclass(frozen=True)
class Comparison:
    """Settings of one task side by side. ``metrics`` are those to show, the first of them first.

    ``base`` is the name of the setting that the others are held against; ``best`` names by metric the setting with the
    best mean; ``apart`` names those with other test examples than the base, which are not held against it, nor ever the
    best. ``titles``, ``units`` and ``better`` say of each metric how it is called, how it is read, and which way is
    better, ``nominal`` what those should be near of which that is said. ``each`` is what is scored one by one, empty
    for examples.
    """

    task: str
    split: str
    examples: int
    confidence: float
    metrics: tuple[str, ...]
    keys: tuple[str, ...]
    base: str
    best: dict[str, str]
    titles: dict[str, str]
    units: dict[str, Unit]
    better: dict[str, Better]
    settings: tuple[Compared, ...]
    apart: tuple[str, ...]
    notes: tuple[str, ...]
    nominal: dict[str, float] = field(default_factory=dict)
    each: str = ""

    def badness(self, metric: str, value: float) -> float:
        """A number that is lower where a value of a metric is better."""
        return Metric(metric, better=self.better[metric], nominal=self.nominal.get(metric, 0.0)).badness(value)

    def leads(self, setting: Compared, metric: str) -> bool:
        """Whether a setting has the best mean of a metric, alone or not, among several with the same test examples."""
        if len(self.settings) - len(self.apart) < 2 or setting.name in self.apart:
            return False
        best = next((one for one in self.settings if one.name == self.best.get(metric)), None)
        return best is not None and setting.scores[metric].mean == best.scores[metric].mean

    def to_dict(self) -> dict[str, Any]:
        """The comparison for JSON."""
        values = plain(asdict(self))
        return values if self.each else {name: value for name, value in values.items() if name != "each"}
