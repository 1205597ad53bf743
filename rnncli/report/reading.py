"""A report read back from its JSON, every field held to the type that it is declared with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from functools import cache
from typing import Any

from rnncli.report.build import (
    Classes,
    ClassFigures,
    Estimate,
    Fold,
    Gap,
    Group,
    Grouping,
    Mistake,
    ModelSummary,
    Report,
    ReportTable,
    TrainingSummary,
)
from rnncli.report.figures import Passage, Trace
from rnncli.report.inside import InsideUse
from rnncli.report.reach import Reach


def report_of(values: Mapping[str, Any]) -> Report:
    """The report that :meth:`rnncli.report.build.Report.to_dict` gave; ValueError naming what is missing or unknown."""
    try:
        found = _report(dict(values))
    except KeyError as error:
        raise ValueError(f"not a report: {error.args[0]} is missing") from error
    except (TypeError, AttributeError) as error:
        raise ValueError(f"not a report: {error}") from error
    _require_types(found)
    return found


def _report(rest: dict[str, Any]) -> Report:
    return Report(
        metrics={name: Estimate(**metric) for name, metric in rest.pop("metrics").items()},
        classes=_classes(rest),
        model=ModelSummary(**rest.pop("model")),
        training=TrainingSummary(**rest.pop("training")),
        folds=tuple(Fold(**fold) for fold in rest.pop("folds", ())),
        notes=tuple(rest.pop("notes", ())),
        advice=tuple(rest.pop("advice", ())),
        mistakes=tuple(Mistake(**mistake) for mistake in rest.pop("mistakes", ())),
        tables=tuple(ReportTable.of(table) for table in rest.pop("tables", ())),
        groups=tuple(_grouping(one) for one in rest.pop("groups", ())),
        reach=Reach.of(rest.pop("reach", None)),
        inside=InsideUse.of_dict(rest.pop("inside", None)),
        traces=tuple(Trace.of(one) for one in rest.pop("traces", ())),
        passages=tuple(Passage(**one) for one in rest.pop("passages", ())),
        **rest,
    )


def _classes(rest: dict[str, Any]) -> Classes:
    """The fields of classifiers, taken out of the others."""
    labels, confusion = tuple(rest.pop("labels")), tuple(tuple(row) for row in rest.pop("confusion"))
    if not all(len(row) == len(labels) for row in confusion):
        raise ValueError("not a report: confusion has other columns than labels")
    per_class = tuple(ClassFigures(**row) for row in rest.pop("per_class"))
    return Classes(labels, confusion, per_class, rest.pop("positive"))


def _grouping(values: Mapping[str, Any]) -> Grouping:
    groups = []
    for group in values["groups"]:
        metrics = {name: Estimate(**metric) for name, metric in group["metrics"].items()}
        groups.append(Group(**{**group, "metrics": metrics}))
    return Grouping(values["by"], tuple(groups), {name: Gap(**one) for name, one in values["gaps"].items()})


def _require_types(report: Report) -> None:
    """Raise ValueError where a field is of another type than it is declared with."""
    from pydantic import ValidationError

    try:
        _adapter().validate_python(asdict(report))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise ValueError(f"not a report: {place}: {first['msg'][:1].lower()}{first['msg'][1:]}") from None


@cache
def _adapter() -> Any:
    from pydantic import TypeAdapter

    return TypeAdapter(Report)
