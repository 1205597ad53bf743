"""All metrics of a classifier from the truth and its probabilities.

Shape letters: N examples, K classes, U different pairs of truth and prediction, C counts. Undefined metrics are NaN,
never a warning. ``positive`` is the label number whose own ``precision``, ``recall`` and ``f1`` are wanted (see
``minority``); it is fixed by the training part, so that a metric means the same on every split. ``numbers_K`` are the
numbers that labels stand for, if they do (:func:`rnncli.metrics.ordinal.numbers_of`).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import coo_array

from rnncli.metrics.calibration import BINS, bins, example_briers, example_log_losses, top_confidence
from rnncli.metrics.confusion import averages, balanced_accuracy, label_figures, label_numbers, ratio
from rnncli.metrics.ordinal import number_sums
from rnncli.metrics.statistics import Areas, Scores, Statistics, Sums

Array = NDArray[Any]

OF_ONE_LABEL = ("precision", "recall", "f1")
AVERAGES = tuple(f"{name}_{kind}" for name in OF_ONE_LABEL for kind in ("macro", "micro", "weighted"))
OF_PROBABILITIES = ("roc_auc", "average_precision", "log_loss", "brier", "calibration_error")
CLASSIFICATION = ("accuracy", "balanced_accuracy", *AVERAGES, *OF_ONE_LABEL, *OF_PROBABILITIES)
MULTILABEL = ("accuracy", *AVERAGES, *OF_PROBABILITIES)


def minority(counts_K: ArrayLike) -> int:
    """The label of which there are fewest, the later one in a tie: the ``positive`` of two classes."""
    counts = np.asarray(counts_K)
    return len(counts) - 1 - int(np.argmin(counts[::-1]))


def label_statistics(
    truth_N: ArrayLike,
    predicted_N: ArrayLike,
    classes: int,
    positive: int | None = None,
    numbers_K: Array | None = None,
) -> Statistics:
    """The metrics that need no probabilities, for instance of a baseline that gives labels alone.

    ValueError for no examples, and for numbers that are no labels.
    """
    truth, predicted = label_numbers(truth_N, classes), label_numbers(predicted_N, classes)
    if truth.shape != predicted.shape:
        raise ValueError(f"{truth.size} true labels but {predicted.size} predicted ones")
    if not truth.size:
        raise ValueError("no examples to score")
    cells_U, kind_N = np.unique(truth * classes + predicted, return_inverse=True)
    truth_U, predicted_U = np.divmod(cells_U, classes)
    right_U = truth_U == predicted_U
    families = [
        Sums(np.column_stack([right_U, np.ones(len(cells_U))]), _accuracy, kind_N),
        Sums(_cells(truth_U, predicted_U, classes), _averages, kind_N),
    ]
    if positive is not None:
        own_U3 = np.column_stack([right_U & (truth_U == positive), predicted_U == positive, truth_U == positive])
        families.append(Sums(own_U3.astype(np.float64), _of_one_label, kind_N))
    if numbers_K is not None:
        families.append(number_sums(numbers_K[truth_U], numbers_K[predicted_U], kind_N))
    return Statistics(tuple(families))


def class_statistics(
    truth_N: ArrayLike,
    probabilities_NK: ArrayLike,
    positive: int | None = None,
    predicted_N: ArrayLike | None = None,
    numbers_K: Array | None = None,
) -> Statistics:
    """Every metric of a classifier whose examples have one label each; predicted is the most probable unless given.

    ``roc_auc`` and ``average_precision`` are those of ``positive`` (label 1 if not given) for two classes,
    else the plain mean over classes of one against the rest. ValueError for no examples or numbers that are
    not probabilities.
    """
    probabilities_NK = _probabilities(probabilities_NK)
    classes = probabilities_NK.shape[1]
    truth = label_numbers(truth_N, classes)
    if len(truth) != len(probabilities_NK):
        raise ValueError(f"{len(truth)} true labels but probabilities of {len(probabilities_NK)} examples")
    predicted = probabilities_NK.argmax(axis=1) if predicted_N is None else predicted_N
    labels = label_statistics(truth, predicted, classes, positive, numbers_K)
    ranked = [1 if positive is None else positive] if classes == 2 else list(range(classes))
    areas = Areas(truth[:, None] == ranked, probabilities_NK[:, ranked])
    return Statistics((*labels.families, areas, _losses(_single_parts(truth, probabilities_NK))))


def multilabel_statistics(
    truth_NK: ArrayLike,
    probabilities_NK: ArrayLike,
    threshold: float = 0.5,
    predicted_NK: ArrayLike | None = None,
) -> Statistics:
    """Every metric of a classifier whose examples have any number of labels; ``accuracy`` wants all right.

    Predicted is what is as probable as ``threshold`` unless given.

    ``log_loss``, ``brier`` and ``calibration_error`` are those of the N times K yes-no questions, ``roc_auc``
    and ``average_precision`` plain means over labels.
    """
    truth, probabilities = np.asarray(truth_NK, dtype=bool), _probabilities(probabilities_NK)
    if truth.shape != probabilities.shape:
        raise ValueError(f"truth of shape {truth.shape} but probabilities of shape {probabilities.shape}")
    predicted = probabilities >= threshold if predicted_NK is None else np.asarray(predicted_NK, dtype=bool)
    exact_N = (truth == predicted).all(axis=1)
    counts_NC = np.concatenate([truth & predicted, predicted, truth], axis=1).astype(np.float64)
    families = (
        Sums(np.column_stack([exact_N, np.ones(len(exact_N))]), _accuracy),
        Sums(counts_NC, _plain_averages),
        Areas(truth, probabilities),
        _losses(_multi_parts(truth, probabilities)),
    )
    return Statistics(families)


def prediction_metrics(
    truth_N: ArrayLike, predicted_N: ArrayLike, classes: int, positive: int | None = None
) -> dict[str, float]:
    """The values of :func:`label_statistics`."""
    return label_statistics(truth_N, predicted_N, classes, positive).values()


def classification_metrics(
    truth_N: ArrayLike, probabilities_NK: ArrayLike, positive: int | None = None
) -> dict[str, float]:
    """The values of :func:`class_statistics`."""
    return class_statistics(truth_N, probabilities_NK, positive).values()


def multilabel_metrics(truth_NK: ArrayLike, probabilities_NK: ArrayLike, threshold: float = 0.5) -> dict[str, float]:
    """The values of :func:`multilabel_statistics`."""
    return multilabel_statistics(truth_NK, probabilities_NK, threshold).values()


def _probabilities(values_NK: ArrayLike) -> Array:
    values = np.asarray(values_NK, dtype=np.float64)
    if values.ndim != 2 or not values.size:
        raise ValueError(f"probabilities of shape {values.shape}, not of examples times labels")
    if not (np.isfinite(values).all() and values.min() >= 0 and values.max() <= 1 + 1e-4):
        raise ValueError("probabilities must be numbers from 0 to 1")
    return values


def _cells(truth_U: Array, predicted_U: Array, classes: int) -> Any:
    """Whether each pair is a hit, a prediction and an example of each label, sparse (U, 3 K)."""
    rows, right_U = np.arange(len(truth_U)), truth_U == predicted_U
    at = np.concatenate([truth_U[right_U], classes + predicted_U, 2 * classes + truth_U])
    whose = np.concatenate([rows[right_U], rows, rows])
    return coo_array((np.ones(len(at)), (whose, at)), shape=(len(truth_U), 3 * classes)).tocsr()


def _single_parts(truth_N: Array, probabilities_NK: Array) -> Array:
    """What each example adds to log loss, Brier score and the gaps of the calibration bins, and 1: (N, 2 + 15 + 1)."""
    sure_N, right_N = top_confidence(truth_N, probabilities_NK)
    gaps_NB = np.zeros((len(truth_N), BINS))
    gaps_NB[np.arange(len(truth_N)), bins(sure_N)] = right_N - sure_N
    losses = (example_log_losses(truth_N, probabilities_NK), example_briers(truth_N, probabilities_NK))
    return np.column_stack([*losses, gaps_NB, np.ones(len(truth_N))])


def _multi_parts(truth_NK: Array, probabilities_NK: Array) -> Array:
    """The same for yes-no questions: each label's (1 - p, p), averaged over the K labels of an example."""
    N, K = truth_NK.shape
    pairs = np.stack([1 - probabilities_NK, probabilities_NK], axis=-1).reshape(N * K, 2)
    answers = truth_NK.reshape(N * K).astype(np.int64)
    gaps = np.zeros((N * K, BINS))
    gaps[np.arange(N * K), bins(pairs[:, 1])] = answers - pairs[:, 1]
    parts = np.column_stack([example_log_losses(answers, pairs), example_briers(answers, pairs), gaps])
    return np.column_stack([parts.reshape(N, K, -1).mean(axis=1), np.ones(N)])


def _losses(parts_NC: Array) -> Sums:
    return Sums(parts_NC, _mean_losses, centred=frozenset({"calibration_error"}))


def _accuracy(sums: Array) -> Scores:
    return {"accuracy": ratio(sums[..., 0], sums[..., 1])}


def _averages(sums: Array) -> Scores:
    hits, predicted, support = np.split(sums, 3, axis=-1)
    return {"balanced_accuracy": balanced_accuracy(hits, support), **averages(hits, predicted, support)}


def _plain_averages(sums: Array) -> Scores:
    return averages(*np.split(sums, 3, axis=-1))


def _of_one_label(sums: Array) -> Scores:
    return dict(zip(OF_ONE_LABEL, label_figures(sums[..., 0], sums[..., 1], sums[..., 2]), strict=True))


def _mean_losses(sums: Array) -> Scores:
    means = (sums[..., 0], sums[..., 1], np.abs(sums[..., 2:-1]).sum(-1))
    return dict(zip(OF_PROBABILITIES[2:], (ratio(one, sums[..., -1]) for one in means), strict=True))
