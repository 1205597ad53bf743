"""A report as plain frozen values, for every task: what ``report.json`` holds and the renderers read.

Metrics carry their unit and direction: shares are from 0 to 1, never per cent. A value that is not defined is None,
null in JSON. Nothing here is heavy: values of numpy are turned into plain ones on the way in.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from rnncli.metrics.metric import Better, Metric, Show, Unit
from rnncli.report.figures import Passage, Trace
from rnncli.report.inside import InsideUse
from rnncli.report.numbers import interval, number, plain, words
from rnncli.report.reach import Reach


@dataclass(frozen=True)
class Estimate:
    """The value of a metric with its interval; ``deviation`` is that of the folds of a cross-validation.

    ``unit``, ``better``, ``show``, ``title`` and ``nominal`` are those of the :class:`rnncli.metrics.metric.Metric`.
    """

    value: float | None
    low: float | None = None
    high: float | None = None
    deviation: float | None = None
    unit: Unit = "share"
    better: Better = "higher"
    show: Show = "first"
    title: str = ""
    nominal: float = 0.0

    @classmethod
    def of(cls, metric: Metric, value: float | None, low: float | None = None, high: float | None = None) -> Estimate:
        """An estimate of a declared metric; values of numpy are turned into plain ones."""
        ends = plain(low), plain(high)
        return cls(plain(value), *ends, None, metric.unit, metric.better, metric.show, metric.title, metric.nominal)

    @property
    def direction(self) -> Metric:
        """What tells of two values the better one."""
        return Metric("", better=self.better, nominal=self.nominal)

    @property
    def number(self) -> str:
        """The value as a person reads it."""
        return number(self.value, self.unit)

    @property
    def interval(self) -> str:
        """Both ends of the interval as a person reads them, empty without."""
        return interval(self.low, self.high, self.unit)

    def to_dict(self) -> dict[str, Any]:
        """For JSON; deviation, show, title and nominal are there where they say something."""
        values = plain(asdict(self))
        usual = {"deviation": None, "show": "first", "title": "", "nominal": 0.0}
        return {name: value for name, value in values.items() if name not in usual or value != usual[name]}


@dataclass(frozen=True)
class ClassFigures:
    """One row of the per-class table; ``support`` is how many examples truly have the label."""

    label: str
    precision: float | None
    recall: float | None
    f1: float | None
    support: int


@dataclass(frozen=True)
class Mistake:
    """A wrong prediction; ``confidence`` is its probability, ``place`` such as ``reviews.csv:17``.

    In an ``aligned`` text ``[a > b]``, ``[- a]`` and ``[+ b]`` stand for what was replaced, left out and put in.
    """

    text: str
    truth: str
    predicted: str
    confidence: float | None
    place: str = ""
    aligned: bool = False


@dataclass(frozen=True)
class ReportTable:
    """A table of a task's own, such as scores by type of span; cells are texts, numbers or None."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> ReportTable:
        """A table of plain values, such as JSON has."""
        return cls(values["title"], tuple(values["columns"]), tuple(tuple(row) for row in values["rows"]))


@dataclass(frozen=True)
class Classes:
    """What belongs to classifiers alone: labels, counts and the scores of each class, all empty for other tasks.

    ``confusion`` has rows for the truth; ``positive`` is the label whose own precision, recall and f1 are among the
    metrics, None for none.
    """

    labels: tuple[str, ...] = ()
    confusion: tuple[tuple[int, ...], ...] = ()
    per_class: tuple[ClassFigures, ...] = ()
    positive: str | None = None

    @classmethod
    def of(
        cls,
        labels: Sequence[str] = (),
        confusion: Any = (),
        per_class: Iterable[Mapping[str, Any]] = (),
        positive: str | None = None,
    ) -> Classes:
        """From arrays and rows of ``label, precision, recall, f1, support``."""
        counts = tuple(tuple(row) for row in plain(confusion))
        return cls(tuple(labels), counts, tuple(ClassFigures(**plain(row)) for row in per_class), positive)


@dataclass(frozen=True)
class ModelSummary:
    """The recurrent core and the parameters of the whole model.

    The answers of ``members`` of it are averaged; ``start`` is the file that it started from, if any.
    """

    cell: str
    layers: int
    hidden: int
    bidirectional: bool
    parameters: int
    members: int = 1
    start: str = ""


@dataclass(frozen=True)
class TrainingSummary:
    """What training took; a cross-validation has totals, and a best epoch for each fold only."""

    seconds: float
    epochs: int
    best_epoch: int | None
    examples_per_second: float
    device: str


@dataclass(frozen=True)
class Fold:
    """One fold of a cross-validation, counted from 0."""

    fold: int
    examples: int
    seconds: float
    best_epoch: int | None
    metrics: dict[str, float | None]
    baselines: dict[str, dict[str, float | None]] = field(default_factory=dict)


@dataclass(frozen=True)
class Group:
    """The examples that have something in common; ``small`` says that they are too few to say anything of."""

    name: str
    examples: int
    small: bool
    metrics: dict[str, Estimate]


@dataclass(frozen=True)
class Gap:
    """How far the best group is from the worst, small ones left out; ``p`` is how often chance parts them so far.

    The interval allows for the choice of the two.
    """

    best: str
    worst: str
    difference: float
    p: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Grouping:
    """All examples by what ``by`` names; ``gaps`` by metric."""

    by: str
    groups: tuple[Group, ...]
    gaps: dict[str, Gap]


@dataclass(frozen=True)
class Advice:
    """What was found, and what to type or do about it; of several the lowest ``rank`` is said first."""

    says: str
    do: str
    rank: int = 30

    @property
    def line(self) -> str:
        """Both, as a person reads them."""
        return f"{self.says}: {self.do}"


@dataclass(frozen=True)
class Details:
    """What a task says of its predictions beside its metrics; everything is optional.

    ``metrics`` are declared ones that are to be read otherwise here, by name, such as an f1 with the label it is of.
    ``scored`` says what was scored where it is not examples that count, such as ``9,000 characters in 4 blocks``, and
    ``each`` what is scored one by one, such as ``block``; empty for examples.
    """

    metrics: Mapping[str, Metric] = field(default_factory=dict)
    classes: Classes = field(default_factory=Classes)
    mistakes: Sequence[Mistake] = ()
    tables: Sequence[ReportTable] = ()
    notes: Sequence[str] = ()
    traces: Sequence[Trace] = ()
    passages: Sequence[Passage] = ()
    scored: str = ""
    each: str = ""


@dataclass(frozen=True)
class Evaluation:
    """What predictions are worth: ``about`` is what scoring had to know beside their rows."""

    examples: int
    metrics: Mapping[str, Estimate]
    details: Details = field(default_factory=Details)
    about: Mapping[str, Any] = field(default_factory=dict)
    confidence: float = 0.95


@dataclass(frozen=True)
class Report:
    """A finished evaluation. With ``folds``, ``metrics`` are means over them: see ``cross_validated``; or, where they
    have no deviation, those of all examples of the folds together.

    ``about`` is what scoring the run's predictions again has to know beside their rows; ``advice`` are findings with
    what to do about each, the most important first.
    """

    task: str
    recipe: str
    split: str
    examples: int
    dropped: dict[str, int]
    metrics: dict[str, Estimate]
    baselines: dict[str, dict[str, float | None]]
    model: ModelSummary
    training: TrainingSummary
    classes: Classes = field(default_factory=Classes)
    about: dict[str, Any] = field(default_factory=dict)
    confidence: float = 0.95
    folds: tuple[Fold, ...] = ()
    notes: tuple[str, ...] = ()
    advice: tuple[str, ...] = ()
    mistakes: tuple[Mistake, ...] = ()
    tables: tuple[ReportTable, ...] = ()
    groups: tuple[Grouping, ...] = ()
    reach: Reach | None = None
    inside: InsideUse | None = None
    traces: tuple[Trace, ...] = ()
    passages: tuple[Passage, ...] = ()
    scored: str = ""
    each: str = ""

    @property
    def is_mean(self) -> bool:
        """Whether its metrics are means over folds, not those of all their examples."""
        return any(metric.deviation is not None for metric in self.metrics.values())

    @property
    def counted(self) -> str:
        """What was scored, in words."""
        return self.scored or self.counting(self.examples)

    @property
    def ones(self) -> str:
        """What is scored one by one: ``examples`` as a rule."""
        return f"{self.each or 'example'}s"

    def counting(self, count: int, which: str = "") -> str:
        """So many of what is scored one by one, such as 1,234 examples, or with ``which`` 1,234 test examples."""
        return f"{count:,} {which}{' ' * bool(which)}{self.each or 'example'}{'s'[: count != 1]}"

    def title(self, name: str) -> str:
        """What a person reads for a metric."""
        return self.metrics[name].title or words(name)

    def written(self, name: str, value: float | None) -> str:
        """A further value of one of the report's metrics, such as that of a baseline, as a person reads it."""
        return number(value, self.metrics[name].unit)

    def to_dict(self) -> dict[str, Any]:
        """The report for JSON; what only some reports have is there where there is any, such as ``folds``."""
        values = plain(asdict(self))
        values |= values.pop("classes")
        values["metrics"] = {name: metric.to_dict() for name, metric in self.metrics.items()}
        for grouping, written in zip(self.groups, values["groups"], strict=True):
            for group, one in zip(grouping.groups, written["groups"], strict=True):
                one["metrics"] = {name: metric.to_dict() for name, metric in group.metrics.items()}
        for name in ("folds", "groups", "reach", "inside", "traces", "passages", "scored", "each", "about"):
            if not values[name]:
                del values[name]
        if self.model.members == 1:
            del values["model"]["members"]
        if not self.model.start:
            del values["model"]["start"]
        return values


def build_report(
    *,
    task: str,
    recipe: str,
    split: str,
    evaluation: Evaluation,
    model: ModelSummary,
    training: TrainingSummary,
    dropped: Mapping[str, int] | None = None,
    baselines: Mapping[str, Mapping[str, float]] | None = None,
    notes: Iterable[str] = (),
) -> Report:
    """Put together what the task, the data and the training say."""
    details = evaluation.details
    return Report(
        task=task,
        recipe=recipe,
        split=split,
        examples=int(evaluation.examples),
        dropped=plain(dropped or {}),
        metrics=dict(evaluation.metrics),
        baselines=plain(baselines or {}),
        model=model,
        training=training,
        classes=details.classes,
        about=plain(evaluation.about),
        confidence=evaluation.confidence,
        notes=tuple(dict.fromkeys((*notes, *details.notes))),
        mistakes=tuple(Mistake(**plain(asdict(mistake))) for mistake in details.mistakes),
        tables=tuple(ReportTable.of(plain(asdict(table))) for table in details.tables),
        traces=tuple(Trace.of(plain(asdict(one))) for one in details.traces),
        passages=tuple(details.passages),
        scored=details.scored,
        each=details.each,
    )
