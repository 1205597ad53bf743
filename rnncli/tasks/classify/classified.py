"""What a report says of a classifier's probabilities: figures, intervals, matrix, mistakes, predictions."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any, Protocol, Self

import numpy as np

from rnncli.errors import DataError
from rnncli.metrics.classification import (
    classification_intervals,
    classification_metrics,
    multilabel_intervals,
    multilabel_metrics,
)
from rnncli.metrics.confusion import Confusion, MultiLabelCounts
from rnncli.recipe.schema import EvaluationSection
from rnncli.report.build import Evaluation, Mistake

MISTAKES = 5


class Part(Protocol):
    """Labelled examples that a person can be shown."""

    def take(self, rows: np.ndarray) -> Self:
        """Some of the examples."""
        ...

    def texts(self) -> Iterator[str]:
        """What stands for each example: its text, or the file that it is."""
        ...

    def place(self, row: int) -> str:
        """Where an example stands in the user's data."""
        ...


def metrics(truth: np.ndarray, probabilities_NK: np.ndarray, positive: int | None) -> dict[str, float]:
    """Every metric of the classifier; ``truth`` is (N,) or, for several labels, (N, K)."""
    if truth.ndim == 2:
        return multilabel_metrics(truth, probabilities_NK)
    return classification_metrics(truth, probabilities_NK, positive)


def require_known(part: Part, labels: Sequence[str], known: Collection[str]) -> None:
    """DataError for the first of ``labels``, those of the part, that is none of ``known``."""
    for row, label in enumerate(labels):
        if label not in known:
            names = list(known)
            hint = f"known: {', '.join(names[:8])}{', ...' if len(names) > 8 else ''}"
            raise DataError(f'{part.place(row)}: label "{label}" does not occur in training', hint)


def balanced_weights(counts_K: np.ndarray) -> np.ndarray:
    """A weight for each class, as rare as it is, mean 1 over examples; a class without examples counts as one."""
    counts_K = np.maximum(counts_K, 1)
    return counts_K.sum() / (len(counts_K) * counts_K)


def evaluate(
    truth: np.ndarray,
    probabilities_NK: np.ndarray,
    labels: Sequence[str],
    part: Part,
    *,
    positive: int | None,
    settings: EvaluationSection,
    seed: int,
    shown: str = "text",
) -> Evaluation:
    """All that a report says of the part; ``shown`` names in predictions what stands for an example."""
    resampling = {"resamples": settings.resamples, "confidence": settings.confidence, "seed": seed}
    several = truth.ndim == 2
    if several:
        intervals = multilabel_intervals(truth, probabilities_NK, **resampling)
        counts = MultiLabelCounts(labels)
        counts.add(truth, probabilities_NK >= 0.5)
        confusion: Any = ()
    else:
        intervals = classification_intervals(truth, probabilities_NK, positive, **resampling)
        counts = Confusion(labels)
        counts.add(truth, probabilities_NK.argmax(1))
        confusion = counts.counts_KK
    return Evaluation(
        examples=len(truth),
        metrics=metrics(truth, probabilities_NK, positive),
        intervals=intervals,
        labels=labels,
        confusion=confusion,
        per_class=counts.per_class(),
        positive=None if positive is None else labels[positive],
        confidence=settings.confidence,
        mistakes=() if several else _mistakes(truth, probabilities_NK, labels, part),
        predictions=_predictions(truth, probabilities_NK, labels, part, shown),
    )


def row(
    text: str, probabilities_K: np.ndarray, labels: Sequence[str], several: bool, shown: str = "text"
) -> dict[str, Any]:
    """A prediction as JSON: the text, its label (or labels), the probability of each class."""
    shares = {label: round(float(p), 6) for label, p in zip(labels, probabilities_K, strict=True)}
    if several:
        return {
            shown: text,
            "labels": [label for label, p in shares.items() if p >= 0.5],
            "probabilities": shares,
        }
    return {shown: text, "label": labels[int(probabilities_K.argmax())], "probabilities": shares}


def _mistakes(truth_N: np.ndarray, probabilities_NK: np.ndarray, labels: Sequence[str], part: Part) -> list[Mistake]:
    predicted_N, sure_N = probabilities_NK.argmax(1), probabilities_NK.max(1)
    wrong = np.flatnonzero(predicted_N != truth_N)
    worst = wrong[np.argsort(-sure_N[wrong], kind="stable")][:MISTAKES]
    texts = part.take(worst).texts()
    return [
        Mistake(
            text=text,
            truth=labels[int(truth_N[i])],
            predicted=labels[int(predicted_N[i])],
            confidence=float(sure_N[i]),
            place=part.place(int(i)),
        )
        for i, text in zip(worst, texts, strict=True)
    ]


def _predictions(
    truth: np.ndarray, probabilities_NK: np.ndarray, labels: Sequence[str], part: Part, shown: str
) -> Iterator[dict[str, Any]]:
    several = truth.ndim == 2
    for i, text in enumerate(part.texts()):
        right: Any = [labels[k] for k in np.flatnonzero(truth[i]).tolist()] if several else labels[int(truth[i])]
        yield {"place": part.place(i), "truth": right} | row(text, probabilities_NK[i], labels, several, shown)
