"""What the predictions of a classifier are worth: metrics, matrix, mistakes, curves, the most confident mistakes.

Shape letters: N rows, K labels.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from rnncli.metrics import curves
from rnncli.metrics.calibration import top_confidence
from rnncli.metrics.classification import OF_ONE_LABEL, class_statistics, multilabel_statistics
from rnncli.metrics.confusion import Confusion, MultiLabelCounts
from rnncli.metrics.metric import Metric
from rnncli.metrics.ordinal import numbers_of
from rnncli.metrics.statistics import Statistics
from rnncli.recipe.schema import EvaluationSection
from rnncli.report.build import Classes, Details, Mistake
from rnncli.report.figures import Figure, Line, Piece, Sample
from rnncli.tasks.base import About, Row
from rnncli.tasks.classify import answers
from rnncli.tasks.classify.declared import METRICS

MISTAKES = 5
"""That a report names."""
MOST_LINES = 8
"""Of more classes than these there are no curves one against the rest."""
MAX_COLUMNS = 20
"""Labels each of which has a column of its own in a table."""


def columns_of(labels: Sequence[str], *, several: bool) -> dict[str, type]:
    """The columns that predictions add to a table, and their types; labels beyond ``MAX_COLUMNS`` have none each."""
    first = {"labels": list} if several else {"label": str, "probability": float}
    return first | {f"probability_{name}": float for name in labels if len(labels) <= MAX_COLUMNS}


def cells(row: Mapping[str, Any]) -> dict[str, Any]:
    """What :func:`columns_of` names of a row of a prediction; nothing of one that has none."""
    shares = row["probabilities"]
    if shares is None:
        return {}
    first = (
        {"labels": row["labels"]} if "labels" in row else {"label": row["label"], "probability": shares[row["label"]]}
    )
    return first | {f"probability_{name}": share for name, share in shares.items() if len(shares) <= MAX_COLUMNS}


def rows(
    places: Iterable[str],
    texts: Iterable[str],
    truth: np.ndarray,
    probabilities_NK: np.ndarray,
    labels: Sequence[str],
    shown: str = "text",
) -> Iterator[dict[str, Any]]:
    """Predictions with the truth; whole probabilities, since every metric comes from these rows."""
    several = truth.ndim == 2
    for i, (place, text) in enumerate(zip(places, texts, strict=True)):
        right: Any = [labels[k] for k in np.flatnonzero(truth[i]).tolist()] if several else labels[int(truth[i])]
        found = answers.row(text, probabilities_NK[i], labels, several=several, shown=shown, digits=None)
        yield {"place": place, "truth": right} | found


class LabelScoring:
    """See :class:`rnncli.tasks.base.Scoring`; a row names under ``shown`` what stands for its example."""

    def __init__(self, shown: str) -> None:
        self.shown = shown

    def statistics(self, rows: Sequence[Row], about: About) -> Statistics:
        """Accuracy, averages over labels, scores of the positive label, of the order and of the probabilities."""
        labels = _labels(rows)
        probabilities_NK = _probabilities(rows, labels)
        if _several(rows):
            truth_NK, found_NK = (_one_hot(rows, labels, key) for key in ("truth", "labels"))
            return multilabel_statistics(truth_NK, probabilities_NK, predicted_NK=found_NK)
        number, positive = {label: k for k, label in enumerate(labels)}, about.get("positive")
        truth_N, found_N = (np.array([number[row[key]] for row in rows], np.int64) for key in ("truth", "label"))
        return class_statistics(truth_N, probabilities_NK, number.get(str(positive)), found_N, numbers_of(labels))

    def details(self, rows: Sequence[Row], about: About, settings: EvaluationSection, seed: int) -> Details:
        """Confusion matrix, classes, the most confident mistakes."""
        labels, positive = _labels(rows), about.get("positive")
        truth_NK = _one_hot(rows, labels, "truth")
        if _several(rows):
            counts = MultiLabelCounts(labels)
            counts.add(truth_NK, _one_hot(rows, labels, "labels"))
            return Details(classes=Classes.of(labels, (), counts.per_class()))
        counts = Confusion(labels)
        counts.add(truth_NK.argmax(1), _one_hot(rows, labels, "label").argmax(1))
        classes = Classes.of(labels, counts.counts_KK, counts.per_class(), positive)
        return Details(metrics=_read_otherwise(positive), classes=classes, mistakes=self._mistakes(rows))

    def figures(self, rows: Sequence[Row], about: About) -> list[Figure]:
        """ROC and precision-recall, of the positive label or of each against the rest; calibration."""
        labels, several, positive = _labels(rows), _several(rows), about.get("positive")
        truth_NK, probabilities_NK = _one_hot(rows, labels, "truth"), _probabilities(rows, labels)
        shown = [positive] if positive in labels else labels[1:] if len(labels) == 2 and not several else labels

        def lines(points: Callable[[Any, Any], curves.Points]) -> tuple[Line, ...]:
            numbers = [labels.index(label) for label in shown]
            return tuple(Line(labels[k], *points(truth_NK[:, k], probabilities_NK[:, k])) for k in numbers)

        found = []
        if len(shown) <= MOST_LINES:
            found.append(Figure("ROC", "false positive rate", "true positive rate", lines(curves.roc), diagonal=True))
            found.append(Figure("precision and recall", "recall", "precision", lines(curves.precision_recall)))
        if several:
            happened, sure = truth_NK.ravel(), probabilities_NK.ravel()
        else:
            sure, happened = top_confidence(truth_NK.argmax(1), probabilities_NK)
        line = Line("", *curves.calibration(happened, sure))
        found.append(Figure("calibration", "probability", "share that is right", (line,), diagonal=True))
        return found

    def samples(self, rows: Sequence[Row], about: About, most: int) -> list[Sample]:
        """The most confident mistakes."""
        return [_sample(rows[i], self.shown) for i in most_confident_mistakes(rows)[:most]]

    def cell_samples(self, rows: Sequence[Row], most: int) -> list[Sample]:
        """Of each cell the most confident mistakes, or the least confident of those that are right."""
        if _several(rows):
            return []
        cells: dict[tuple[str, str], list[Row]] = defaultdict(list)
        for row in rows:
            cells[row["truth"], row["label"]].append(row)
        found = []
        for (truth, label), inside in cells.items():
            sign = 1 if truth == label else -1
            found += sorted(inside, key=lambda row: sign * _confidence(row))[:most]
        return [_sample(row, self.shown) for row in found]

    def _mistakes(self, rows: Sequence[Row]) -> list[Mistake]:
        found = [(rows[i], _confidence(rows[i])) for i in most_confident_mistakes(rows)[:MISTAKES]]
        return [Mistake(row[self.shown], row["truth"], row["label"], sure, row["place"]) for row, sure in found]


def most_confident_mistakes(rows: Sequence[Row]) -> list[int]:
    """The numbers of the rows that are wrong, those with the largest probability first."""
    key = "labels" if _several(rows) else "label"
    wrong = [i for i, row in enumerate(rows) if row[key] != row["truth"]]
    return sorted(wrong, key=lambda i: -_confidence(rows[i]))


def _read_otherwise(positive: str | None) -> dict[str, Metric]:
    """Where an example has one label, averages by example say what accuracy says; some are those of one label."""
    declared = {metric.name: metric for metric in METRICS}
    found = {f"{name}_micro": replace(declared[f"{name}_micro"], show="never") for name in OF_ONE_LABEL}
    if positive is not None:
        titled = {name: replace(declared[name], title=f"{name} of {positive}") for name in OF_ONE_LABEL}
        # The table of classes says them.
        found |= titled | {name: replace(titled[name], show="never") for name in ("precision", "recall")}
    return found


def _confidence(row: Row) -> float:
    return max(row["probabilities"].values(), default=0.0)


def _sample(row: Row, shown: str) -> Sample:
    truth, found = (_written(row[name]) for name in ("truth", "labels" if "labels" in row else "label"))
    caption = f"{100 * _confidence(row):.1f} % sure of {found}, truth {truth}"
    cell = None if isinstance(row["truth"], list) else (row["truth"], row["label"])
    return Sample(caption, _pieces(row, shown), row["place"], file=row.get("file", ""), cell=cell)


def _pieces(row: Row, shown: str) -> tuple[Piece, ...]:
    """What stands for the example, unit by unit where it is known what each adds, or how much attention each got."""
    if weighed := row.get("adds"):
        largest = max(abs(amount) for *_, amount in weighed) or 1.0
        return tuple(
            Piece(unit, says=f"{amount:+.2f}", adds=amount / largest, gap=gap) for unit, gap, amount in weighed
        )
    heeded = row.get("attention")
    if not heeded:
        return (Piece(row[shown]),)
    most = max(weight for _, weight in heeded) or 1.0
    return tuple(Piece(unit, shade=weight / most) for unit, weight in heeded)


def _written(label: Any) -> str:
    return (", ".join(label) or "none") if isinstance(label, list) else str(label)


def _several(rows: Sequence[Row]) -> bool:
    return bool(rows) and isinstance(rows[0]["truth"], list)


def _labels(rows: Sequence[Row]) -> list[str]:
    """Every label: in the order of the rows where all agree, as they do but for folds, else sorted."""
    orders = {tuple(row["probabilities"]): None for row in rows}
    if len(orders) == 1:
        return list(next(iter(orders)))
    return sorted({label for order in orders for label in order})


def _one_hot(rows: Sequence[Row], labels: Sequence[str], key: str) -> np.ndarray:
    """Which labels each row has under ``key``, (N, K) bool."""
    number = {label: k for k, label in enumerate(labels)}
    found_NK = np.zeros((len(rows), len(labels)), dtype=bool)
    for i, row in enumerate(rows):
        for label in row[key] if isinstance(row[key], list) else [row[key]]:
            found_NK[i, number[label]] = True
    return found_NK


def _probabilities(rows: Sequence[Mapping[str, Any]], labels: Sequence[str]) -> np.ndarray:
    return np.array([[row["probabilities"].get(label, 0.0) for label in labels] for row in rows], dtype=np.float64)
