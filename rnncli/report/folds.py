"""One report out of the reports of a cross-validation's folds."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from statistics import fmean, stdev

from rnncli.metrics.student import student_quantile
from rnncli.report.build import Classes, ClassFigures, Estimate, Fold, ModelSummary, Report, TrainingSummary
from rnncli.report.reach import mean_reach

Values = dict[str, float | None]


def cross_validated(reports: Sequence[Report]) -> Report:
    """The folds as one report; ValueError if there are none.

    Each metric is the mean over the folds, ``deviation`` their sample deviation s, and low and high the mean
    -+ t s / sqrt(k), t being Student's quantile of k - 1 degrees of freedom: the spread of the folds holds
    both what another test part and what another training run would change. (Training parts overlap, so the
    folds are not wholly independent and the interval is a little narrow.) Figures undefined in a fold are
    left out of the mean. Confusion counts are added up and the per-class table is theirs; examples, seconds
    and epochs are totals.
    """
    if not reports:
        raise ValueError("a cross-validation without folds")
    first = reports[0]
    labels = tuple(dict.fromkeys(label for report in reports for label in report.classes.labels))
    counts = _pooled(reports)
    confusion = tuple(tuple(counts[truth, guess] for guess in labels) for truth in labels) if counts else ()
    mistakes = sorted((m for r in reports for m in r.mistakes), key=lambda m: -(m.confidence or 0.0))
    return Report(
        task=first.task,
        recipe=first.recipe,
        split=first.split,
        examples=sum(report.examples for report in reports),
        # Every fold reads the same data, so what one dropped the others dropped too.
        dropped=_largest(report.dropped for report in reports),
        metrics=_mean_metrics(reports),
        classes=Classes(labels, confusion, _per_class(labels, counts) if counts else (), first.classes.positive),
        about=first.about,
        baselines=_mean_baselines(reports),
        model=_model(reports),
        training=_training(reports),
        confidence=first.confidence,
        folds=tuple(_fold(number, report) for number, report in enumerate(reports)),
        notes=tuple(note for note in first.notes if all(note in report.notes for report in reports)),
        mistakes=tuple(mistakes[: max(len(report.mistakes) for report in reports)]),
        each=first.each if all(report.each == first.each for report in reports) else "",
        reach=mean_reach([report.reach for report in reports]),
    )


def _mean_metrics(reports: Sequence[Report]) -> dict[str, Estimate]:
    found: dict[str, list[Estimate]] = {}
    for report in reports:
        for name, metric in report.metrics.items():
            found.setdefault(name, []).append(metric)
    return {name: _mean_metric(metrics, reports[0].confidence) for name, metrics in found.items()}


def _mean_metric(metrics: Sequence[Estimate], confidence: float) -> Estimate:
    first = replace(metrics[0], low=None, high=None)
    known = [metric.value for metric in metrics if metric.value is not None]
    if not known:
        return first
    mean = fmean(known)
    if len(known) < 2:
        return replace(first, value=mean)
    deviation = stdev(known)
    half = student_quantile(confidence, len(known) - 1) * deviation / math.sqrt(len(known))
    ceiling = 1.0 if first.unit == "share" and max(known) <= 1 else math.inf
    low, high = max(mean - half, min(0.0, *known)), min(mean + half, ceiling)
    return replace(first, value=mean, low=low, high=high, deviation=deviation)


def _mean_baselines(reports: Sequence[Report]) -> dict[str, Values]:
    found: dict[str, dict[str, list[float | None]]] = {}
    for report in reports:
        for baseline, values in report.baselines.items():
            for metric, value in values.items():
                found.setdefault(baseline, {}).setdefault(metric, []).append(value)
    return {
        baseline: {metric: _mean(values) for metric, values in metrics.items()} for baseline, metrics in found.items()
    }


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return fmean(known) if known else None


def _pooled(reports: Sequence[Report]) -> Counter[tuple[str, str]]:
    counts: Counter[tuple[str, str]] = Counter()
    for report in reports:
        for truth, row in zip(report.classes.labels, report.classes.confusion, strict=False):
            counts.update({(truth, guess): n for guess, n in zip(report.classes.labels, row, strict=True)})
    return counts


def _per_class(labels: Sequence[str], counts: Counter[tuple[str, str]]) -> tuple[ClassFigures, ...]:
    rows = []
    for label in labels:
        hits = counts[label, label]
        support = sum(counts[label, other] for other in labels)
        predicted = sum(counts[other, label] for other in labels)
        figures = (_share(hits, predicted), _share(hits, support), _share(2 * hits, predicted + support))
        rows.append(ClassFigures(label, *figures, support))
    return tuple(rows)


def _share(part: float, whole: float) -> float | None:
    return part / whole if whole else None


def _largest(counts: Iterable[dict[str, int]]) -> dict[str, int]:
    largest: Counter[str] = Counter()
    for count in counts:
        largest |= Counter(count)
    return dict(largest)


def _model(reports: Sequence[Report]) -> ModelSummary:
    """Vocabularies differ between folds, and with them the parameters: the largest model."""
    return max((report.model for report in reports), key=lambda model: model.parameters)


def _training(reports: Sequence[Report]) -> TrainingSummary:
    def total(value: Callable[[TrainingSummary], float]) -> float:
        return sum(value(report.training) for report in reports)

    seconds = total(lambda t: t.seconds)
    done = total(lambda t: t.examples_per_second * t.seconds)
    epochs = int(total(lambda t: t.epochs))
    return TrainingSummary(seconds, epochs, None, done / seconds if seconds else 0.0, reports[0].training.device)


def _fold(number: int, report: Report) -> Fold:
    metrics = {name: metric.value for name, metric in report.metrics.items()}
    training = report.training
    return Fold(number, report.examples, training.seconds, training.best_epoch, metrics, report.baselines)
