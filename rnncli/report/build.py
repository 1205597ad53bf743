"""A report as plain frozen values, for every task: what ``report.json`` holds and the renderers read.

Figures are shares from 0 to 1 or plain numbers, never per cent. A figure that is not defined is None, null in
JSON. Nothing here is heavy: values of numpy are turned into plain ones on the way in.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from rnncli.report.reach import Reach


@dataclass(frozen=True)
class Metric:
    """One figure with its interval; ``deviation`` is that of the folds of a cross-validation."""

    value: float | None
    low: float | None = None
    high: float | None = None
    deviation: float | None = None


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
class Table:
    """Further figures of a task's own, such as scores by type of span; cells are texts, numbers or None."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]


@dataclass(frozen=True)
class Line:
    """A line of a figure, through points; ``name`` may be empty where it is the only one."""

    name: str
    xs: tuple[float, ...]
    ys: tuple[float, ...]


@dataclass(frozen=True)
class Curve:
    """A figure of lines between 0 and 1 on both axes; ``diagonal`` draws the line of chance or of perfection."""

    title: str
    x: str
    y: str
    lines: tuple[Line, ...]
    diagonal: bool = False


@dataclass(frozen=True)
class Piece:
    """A stretch of an example; ``mark`` is empty, right, wrong, missed or added, ``says`` what is to be known of it."""

    text: str
    mark: str = ""
    says: str = ""


@dataclass(frozen=True)
class Example:
    """An example worth looking at, in pieces; ``caption`` says what went wrong."""

    caption: str
    pieces: tuple[Piece, ...]
    place: str = ""


@dataclass(frozen=True)
class ModelSummary:
    """The recurrent core and the parameters of the whole model."""

    cell: str
    layers: int
    hidden: int
    bidirectional: bool
    parameters: int


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
    metrics: dict[str, Metric]


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
class Evaluation:
    """What a task says of one part of its data; everything but the first two is optional.

    ``confusion`` has rows for the truth; ``per_class`` are rows of ``label, precision, recall, f1, support``;
    ``positive`` is the label whose own precision, recall and f1 are among the metrics; ``confidence`` is that
    of the intervals; ``predictions`` are the rows of ``predictions/<split>.jsonl`` and no part of the report.
    """

    examples: int
    metrics: Mapping[str, float]
    intervals: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    labels: Sequence[str] = ()
    confusion: Any = ()
    per_class: Sequence[Mapping[str, Any]] = ()
    positive: str | None = None
    confidence: float = 0.95
    mistakes: Sequence[Mistake] = ()
    tables: Sequence[Table] = ()
    notes: Sequence[str] = ()
    predictions: Iterable[Mapping[str, Any]] = ()


@dataclass(frozen=True)
class Report:
    """A finished evaluation. With ``folds``, ``metrics`` are means over them: see ``cross_validated``."""

    task: str
    recipe: str
    split: str
    examples: int
    dropped: dict[str, int]
    metrics: dict[str, Metric]
    labels: tuple[str, ...]
    confusion: tuple[tuple[int, ...], ...]
    per_class: tuple[ClassFigures, ...]
    baselines: dict[str, dict[str, float | None]]
    model: ModelSummary
    training: TrainingSummary
    confidence: float = 0.95
    positive: str | None = None
    folds: tuple[Fold, ...] = ()
    notes: tuple[str, ...] = ()
    mistakes: tuple[Mistake, ...] = ()
    tables: tuple[Table, ...] = ()
    groups: tuple[Grouping, ...] = ()
    reach: Reach | None = None

    def to_dict(self) -> dict[str, Any]:
        """The report for JSON; ``folds``, ``groups``, ``reach`` and ``deviation`` are there where there are any."""
        values = plain(asdict(self))
        for name in ("folds", "groups", "reach"):
            if not values[name]:
                del values[name]
        grouped = (group["metrics"] for one in values.get("groups", ()) for group in one["groups"])
        for metric in (one for metrics in (values["metrics"], *grouped) for one in metrics.values()):
            if metric["deviation"] is None:
                del metric["deviation"]
        return values

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Report:
        """The report that ``to_dict`` gave; ValueError naming what is missing or unknown."""
        try:
            rest = dict(values)
            return cls(
                metrics={name: Metric(**metric) for name, metric in rest.pop("metrics").items()},
                labels=tuple(rest.pop("labels")),
                confusion=tuple(tuple(row) for row in rest.pop("confusion")),
                per_class=tuple(ClassFigures(**row) for row in rest.pop("per_class")),
                model=ModelSummary(**rest.pop("model")),
                training=TrainingSummary(**rest.pop("training")),
                folds=tuple(Fold(**fold) for fold in rest.pop("folds", ())),
                notes=tuple(rest.pop("notes", ())),
                mistakes=tuple(Mistake(**mistake) for mistake in rest.pop("mistakes", ())),
                tables=tuple(_table(table) for table in rest.pop("tables", ())),
                groups=tuple(_grouping(one) for one in rest.pop("groups", ())),
                reach=_reach(rest.pop("reach", None)),
                **rest,
            )
        except KeyError as error:
            raise ValueError(f"not a report: {error.args[0]} is missing") from error
        except (TypeError, AttributeError) as error:
            raise ValueError(f"not a report: {error}") from error


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
    none = (None, None)
    return Report(
        task=task,
        recipe=recipe,
        split=split,
        examples=int(evaluation.examples),
        dropped=plain(dropped or {}),
        metrics={
            name: Metric(plain(value), *plain(evaluation.intervals.get(name, none)))
            for name, value in evaluation.metrics.items()
        },
        labels=tuple(evaluation.labels),
        confusion=tuple(tuple(row) for row in plain(evaluation.confusion)),
        per_class=tuple(ClassFigures(**plain(row)) for row in evaluation.per_class),
        baselines=plain(baselines or {}),
        model=model,
        training=training,
        confidence=evaluation.confidence,
        positive=evaluation.positive,
        notes=tuple(dict.fromkeys((*notes, *evaluation.notes))),
        mistakes=tuple(Mistake(**plain(asdict(mistake))) for mistake in evaluation.mistakes),
        tables=tuple(_table(plain(asdict(table))) for table in evaluation.tables),
    )


def plain(value: Any) -> Any:
    """``value`` as JSON can hold it: numpy's numbers and arrays as Python's, what is no number as None."""
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value


def _grouping(values: Mapping[str, Any]) -> Grouping:
    groups = []
    for group in values["groups"]:
        metrics = {name: Metric(**metric) for name, metric in group["metrics"].items()}
        groups.append(Group(**{**group, "metrics": metrics}))
    return Grouping(values["by"], tuple(groups), {name: Gap(**one) for name, one in values["gaps"].items()})


def _reach(values: Mapping[str, Any] | None) -> Reach | None:
    if values is None:
        return None
    return Reach(**{**values, "shares": {name: tuple(one) for name, one in values["shares"].items()}})


def _table(values: Mapping[str, Any]) -> Table:
    return Table(values["title"], tuple(values["columns"]), tuple(tuple(row) for row in values["rows"]))
