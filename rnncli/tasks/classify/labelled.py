"""What the saved predictions of a classifier tell: comparisons, curves, the most confident mistakes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from rnncli.metrics import curves
from rnncli.metrics.calibration import example_briers, example_log_losses, top_confidence
from rnncli.metrics.confusion import averages, balanced_accuracy, label_figures
from rnncli.metrics.direction import OF_ONE_LABEL
from rnncli.metrics.paired import Parts, share
from rnncli.report.build import Curve, Example, Line, Piece
from rnncli.tasks.base import Row

MOST_CELLS = 20_000_000
"""Beyond so many examples times labels, averages over labels are not compared."""
MOST_LINES = 8
"""Of more classes than these there are no curves one against the rest."""


class SavedLabels:
    """See :class:`rnncli.tasks.base.Saved`; a row names under ``shown`` what stands for its example."""

    def __init__(self, shown: str) -> None:
        self.shown = shown

    def parts(self, rows: Sequence[Row], positive: str | None) -> dict[str, Parts]:
        """Accuracy, averages over labels, figures of the positive label, losses of the probabilities."""
        labels = _labels(rows)
        several = _several(rows)
        truth_NK, found_NK = (_one_hot(rows, labels, key) for key in ("truth", "labels" if several else "label"))
        right_N = (truth_NK == found_NK).all(1)
        parts = {"accuracy": Parts(np.column_stack([right_N, np.ones(len(rows))]).astype(float), share)}
        if truth_NK.size <= MOST_CELLS:
            counts_NX = np.concatenate([truth_NK & found_NK, found_NK, truth_NK], axis=1).astype(float)
            names = [f"{name}_{kind}" for name in OF_ONE_LABEL for kind in ("macro", "micro", "weighted")]
            parts |= {name: Parts(counts_NX, partial(_average, name)) for name in names}
            if not several:
                parts["balanced_accuracy"] = Parts(counts_NX, _balanced)
        if positive in labels:
            at = labels.index(positive)
            counts_N3 = np.stack([(truth_NK & found_NK)[:, at], found_NK[:, at], truth_NK[:, at]], axis=1).astype(float)
            parts |= {name: Parts(counts_N3, partial(_of_one, i)) for i, name in enumerate(OF_ONE_LABEL)}
        if not several:
            probabilities_NK = _probabilities(rows, labels)
            for name, losses in (("log_loss", example_log_losses), ("brier", example_briers)):
                loss_N = losses(truth_NK.argmax(1), probabilities_NK)
                parts[name] = Parts(np.column_stack([loss_N, np.ones(len(rows))]), share)
        return parts

    def curves(self, rows: Sequence[Row], positive: str | None) -> list[Curve]:
        """ROC and precision-recall, of the positive label or of each against the rest; calibration."""
        labels, several = _labels(rows), _several(rows)
        truth_NK, probabilities_NK = _one_hot(rows, labels, "truth"), _probabilities(rows, labels)
        shown = [positive] if positive in labels else labels[1:] if len(labels) == 2 and not several else labels

        def lines(points: Callable[[Any, Any], curves.Points]) -> tuple[Line, ...]:
            numbers = [labels.index(label) for label in shown]
            return tuple(Line(labels[k], *points(truth_NK[:, k], probabilities_NK[:, k])) for k in numbers)

        found = []
        if len(shown) <= MOST_LINES:
            found.append(Curve("ROC", "false positive rate", "true positive rate", lines(curves.roc), diagonal=True))
            found.append(Curve("precision and recall", "recall", "precision", lines(curves.precision_recall)))
        if several:
            happened, sure = truth_NK.ravel(), probabilities_NK.ravel()
        else:
            sure, happened = top_confidence(truth_NK.argmax(1), probabilities_NK)
        line = Line("", *curves.calibration(happened, sure))
        found.append(Curve("calibration", "probability", "share that is right", (line,), diagonal=True))
        return found

    def worst(self, rows: Sequence[Row], most: int) -> list[Example]:
        """The most confident mistakes."""
        key = "labels" if _several(rows) else "label"
        wrong = [row for row in rows if row[key] != row["truth"]]
        wrong.sort(key=lambda row: -max(row["probabilities"].values(), default=0.0))
        return [_example(row, key, self.shown) for row in wrong[:most]]


def _example(row: Row, key: str, shown: str) -> Example:
    truth, found = (_written(row[name]) for name in ("truth", key))
    sure = max(row["probabilities"].values(), default=0.0)
    return Example(f"{100 * sure:.1f} % sure of {found}, truth {truth}", _pieces(row, shown), row["place"])


def _pieces(row: Row, shown: str) -> tuple[Piece, ...]:
    """What stands for the example, unit by unit where it is known how much attention each got."""
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
    """Every label, in an order that two runs share."""
    return sorted({label for row in rows for label in row["probabilities"]})


def _one_hot(rows: Sequence[Row], labels: Sequence[str], key: str) -> np.ndarray:
    """Which labels each row has under ``key``, (N, K) bool."""
    number = {label: k for k, label in enumerate(labels)}
    found_NK = np.zeros((len(rows), len(labels)), dtype=bool)
    for i, row in enumerate(rows):
        for label in row[key] if isinstance(row[key], list) else [row[key]]:
            found_NK[i, number[label]] = True
    return found_NK


def _probabilities(rows: Sequence[Row], labels: Sequence[str]) -> np.ndarray:
    return np.array([[row["probabilities"].get(label, 0.0) for label in labels] for row in rows], dtype=np.float64)


def _average(name: str, sums: np.ndarray) -> np.ndarray:
    return averages(*np.split(sums, 3, axis=-1))[name]


def _balanced(sums: np.ndarray) -> np.ndarray:
    hits, _, support = np.split(sums, 3, axis=-1)
    return balanced_accuracy(hits, support)


def _of_one(figure: int, sums: np.ndarray) -> np.ndarray:
    return label_figures(sums[..., 0], sums[..., 1], sums[..., 2])[figure]
