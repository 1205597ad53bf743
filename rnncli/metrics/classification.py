"""All figures of a classifier from the truth and its probabilities, with bootstrap intervals.

Shape letters: B examples, K classes, R resamples. Undefined figures are NaN, never a warning.
``positive`` is the label number whose own ``precision``, ``recall`` and ``f1`` are wanted (see ``minority``);
it is fixed by the training part, so that a metric means the same on every split.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rnncli.metrics.bootstrap import (
    affordable,
    centred_interval,
    interval,
    resample_weights,
    resampled_counts,
)
from rnncli.metrics.calibration import BINS, bins, example_briers, example_log_losses, top_confidence
from rnncli.metrics.confusion import averages, balanced_accuracy, label_figures, label_numbers, ratio
from rnncli.metrics.direction import OF_ONE_LABEL, OF_PROBABILITIES
from rnncli.metrics.ranking import Ranking, defined_mean, one_vs_rest

Array = NDArray[Any]
Interval = tuple[float, float]


def minority(counts_K: ArrayLike) -> int:
    """The label of which there are fewest, the later one in a tie: the ``positive`` of two classes."""
    counts = np.asarray(counts_K)
    return len(counts) - 1 - int(np.argmin(counts[::-1]))


def prediction_metrics(
    truth_B: ArrayLike, predicted_B: ArrayLike, classes: int, positive: int | None = None
) -> dict[str, float]:
    """The figures that need no probabilities, for instance of a baseline that gives labels alone."""
    cells = _Cells(label_numbers(truth_B, classes), label_numbers(predicted_B, classes), classes)
    return {name: float(value[0]) for name, value in cells.scores(cells.count_C[None], positive).items()}


def classification_metrics(
    truth_B: ArrayLike, probabilities_BK: ArrayLike, positive: int | None = None
) -> dict[str, float]:
    """Every metric of a classifier whose examples have one label each.

    ``roc_auc`` and ``average_precision`` are those of ``positive`` (label 1 if not given) for two classes,
    else the plain mean over classes of one against the rest. ValueError for no examples or figures that are
    not probabilities.
    """
    truth, probabilities = _single(truth_B, probabilities_BK)
    metrics = prediction_metrics(truth, probabilities.argmax(axis=1), probabilities.shape[1], positive)
    return {
        **metrics,
        **_values(_single_parts(truth, probabilities), _rankings(truth, probabilities, positive)),
    }


def classification_intervals(
    truth_B: ArrayLike,
    probabilities_BK: ArrayLike,
    positive: int | None = None,
    *,
    resamples: int = 1000,
    confidence: float = 0.95,
    seed: int = 1,
) -> dict[str, Interval]:
    """The bootstrap interval of each metric of ``classification_metrics``; empty for no resamples.

    Metrics of labels resample the cells of the confusion matrix; those of probabilities reweight all
    examples, with fewer than ``resamples`` resamples (100 at least) where B times K is above 200,000,000 /
    ``resamples``.
    """
    if not resamples:
        return {}
    truth, probabilities = _single(truth_B, probabilities_BK)
    cells = _Cells(truth, probabilities.argmax(axis=1), probabilities.shape[1])
    intervals = {
        name: interval(values, confidence) for name, values in cells.resampled(positive, resamples, seed).items()
    }
    parts, rankings = _single_parts(truth, probabilities), _rankings(truth, probabilities, positive)
    return {**intervals, **_probability_intervals(parts, rankings, resamples, confidence, seed)}


def multilabel_metrics(truth_BK: ArrayLike, probabilities_BK: ArrayLike, threshold: float = 0.5) -> dict[str, float]:
    """Every metric of a classifier whose examples have any number of labels; ``accuracy`` wants all right.

    ``log_loss``, ``brier`` and ``calibration_error`` are those of the B times K yes-no questions, ``roc_auc``
    and ``average_precision`` plain means over labels.
    """
    truth, probabilities = _multi(truth_BK, probabilities_BK)
    sums = _multi_counts(truth, probabilities >= threshold).sum(axis=0)[None]
    metrics = {name: float(value[0]) for name, value in _multi_scores(sums, len(truth)).items()}
    return {**metrics, **_values(_multi_parts(truth, probabilities), _columns(truth, probabilities))}


def multilabel_intervals(
    truth_BK: ArrayLike,
    probabilities_BK: ArrayLike,
    threshold: float = 0.5,
    *,
    resamples: int = 1000,
    confidence: float = 0.95,
    seed: int = 1,
) -> dict[str, Interval]:
    """The bootstrap interval of each metric of ``multilabel_metrics``, as in ``classification_intervals``."""
    if not resamples:
        return {}
    truth, probabilities = _multi(truth_BK, probabilities_BK)
    counts, parts = _multi_counts(truth, probabilities >= threshold), _multi_parts(truth, probabilities)
    sums_RC, areas_RK2 = _reweighted(
        np.concatenate([counts, parts], axis=1), _columns(truth, probabilities), resamples, seed
    )
    scores = _multi_scores(sums_RC[:, : counts.shape[1]], len(truth))
    intervals = {name: interval(values, confidence) for name, values in scores.items()}
    resampled = _part_scores(sums_RC[:, counts.shape[1] :], areas_RK2, len(truth))
    return {**intervals, **_intervals(resampled, parts, confidence)}


class _Cells:
    """The cells of a confusion matrix that are not empty: enough for every metric of labels."""

    def __init__(self, truth_B: Array, predicted_B: Array, classes: int) -> None:
        if truth_B.shape != predicted_B.shape:
            raise ValueError(f"{truth_B.size} true labels but {predicted_B.size} predicted ones")
        if not truth_B.size:
            raise ValueError("no examples to score")
        cells, self.count_C = np.unique(truth_B * classes + predicted_B, return_counts=True)
        self.truth_C, self.predicted_C = np.divmod(cells, classes)
        self.classes = classes

    def scores(self, draws_RC: Array, positive: int | None) -> dict[str, Array]:
        """Each metric for each row of counts of the cells."""
        right = self.truth_C == self.predicted_C
        hits = self._sums(draws_RC[:, right], self.truth_C[right])
        predicted, support = self._sums(draws_RC, self.predicted_C), self._sums(draws_RC, self.truth_C)
        scores = {"accuracy": ratio(hits.sum(-1), support.sum(-1))}
        scores["balanced_accuracy"] = balanced_accuracy(hits, support)
        scores.update(averages(hits, predicted, support))
        if positive is not None:
            own = label_figures(hits[:, positive], predicted[:, positive], support[:, positive])
            scores.update(zip(OF_ONE_LABEL, own, strict=True))
        return scores

    def resampled(self, positive: int | None, resamples: int, seed: int) -> dict[str, Array]:
        """Each metric in each resample; fewer resamples if there are more than 20,000 cells."""
        resamples = affordable(resamples, len(self.count_C), 20_000_000)
        chunks = [self.scores(draws, positive) for draws in resampled_counts(self.count_C, resamples, seed)]
        return {name: np.concatenate([chunk[name] for chunk in chunks]) for name in chunks[0]}

    def _sums(self, draws_RC: Array, label_C: Array) -> Array:
        sums_RK = np.zeros((len(draws_RC), self.classes), dtype=np.int64)
        if label_C.size:
            order = np.argsort(label_C, kind="stable")
            labels, starts = np.unique(label_C[order], return_index=True)
            sums_RK[:, labels] = np.add.reduceat(draws_RC[:, order], starts, axis=1)
        return sums_RK


def _single(truth_B: ArrayLike, probabilities_BK: ArrayLike) -> tuple[Array, Array]:
    probabilities = _probabilities(probabilities_BK)
    truth = label_numbers(truth_B, probabilities.shape[1])
    if len(truth) != len(probabilities):
        raise ValueError(f"{len(truth)} true labels but probabilities of {len(probabilities)} examples")
    return truth, probabilities


def _multi(truth_BK: ArrayLike, probabilities_BK: ArrayLike) -> tuple[Array, Array]:
    truth, probabilities = np.asarray(truth_BK, dtype=bool), _probabilities(probabilities_BK)
    if truth.shape != probabilities.shape:
        raise ValueError(f"truth of shape {truth.shape} but probabilities of shape {probabilities.shape}")
    return truth, probabilities


def _probabilities(values_BK: ArrayLike) -> Array:
    values = np.asarray(values_BK, dtype=np.float64)
    if values.ndim != 2 or not values.size:
        raise ValueError(f"probabilities of shape {values.shape}, not of examples times labels")
    if not (np.isfinite(values).all() and values.min() >= 0 and values.max() <= 1 + 1e-4):
        raise ValueError("probabilities must be numbers from 0 to 1")
    return values


def _rankings(truth_B: Array, probabilities_BK: Array, positive: int | None) -> list[Ranking]:
    if probabilities_BK.shape[1] != 2:
        return one_vs_rest(truth_B, probabilities_BK)
    label = 1 if positive is None else positive
    return [Ranking(truth_B == label, probabilities_BK[:, label])]


def _columns(truth_BK: Array, probabilities_BK: Array) -> list[Ranking]:
    return [Ranking(truth_BK[:, k], probabilities_BK[:, k]) for k in range(truth_BK.shape[1])]


def _single_parts(truth_B: Array, probabilities_BK: Array) -> Array:
    """What each example adds to log loss, Brier score and the gaps of the calibration bins: (B, 2 + 15)."""
    sure_B, right_B = top_confidence(truth_B, probabilities_BK)
    gaps_BN = np.zeros((len(truth_B), BINS))
    gaps_BN[np.arange(len(truth_B)), bins(sure_B)] = right_B - sure_B
    losses = (example_log_losses(truth_B, probabilities_BK), example_briers(truth_B, probabilities_BK))
    return np.column_stack([*losses, gaps_BN])


def _multi_parts(truth_BK: Array, probabilities_BK: Array) -> Array:
    """The same for yes-no questions: each label's (1 - p, p), averaged over the K labels of an example."""
    B, K = truth_BK.shape
    pairs = np.stack([1 - probabilities_BK, probabilities_BK], axis=-1).reshape(B * K, 2)
    answers = truth_BK.reshape(B * K).astype(np.int64)
    gaps = np.zeros((B * K, BINS))
    gaps[np.arange(B * K), bins(pairs[:, 1])] = answers - pairs[:, 1]
    parts = np.column_stack([example_log_losses(answers, pairs), example_briers(answers, pairs), gaps])
    return parts.reshape(B, K, -1).mean(axis=1)


def _multi_counts(truth_BK: Array, predicted_BK: Array) -> Array:
    """Hits, predicted and true labels of each example, and whether it is wholly right: (B, 3 K + 1)."""
    exact_B = (truth_BK == predicted_BK).all(axis=1)
    return np.column_stack([truth_BK & predicted_BK, predicted_BK, truth_BK, exact_B]).astype(np.float64)


def _multi_scores(sums_RC: Array, examples: int) -> dict[str, Array]:
    hits, predicted, support = np.split(sums_RC[:, :-1], 3, axis=1)
    return {"accuracy": sums_RC[:, -1] / examples, **averages(hits, predicted, support)}


def _part_scores(sums_RC: Array, areas_RK2: Array, examples: int) -> dict[str, Array]:
    """The metrics of probabilities for each row of summed parts and of areas."""
    areas = [defined_mean(areas_RK2[..., 0]), defined_mean(areas_RK2[..., 1])]
    means = [sums_RC[:, 0], sums_RC[:, 1], np.abs(sums_RC[:, 2:]).sum(-1)]
    return dict(zip(OF_PROBABILITIES, [*areas, *(mean / examples for mean in means)], strict=True))


def _values(parts_BC: Array, rankings: list[Ranking]) -> dict[str, float]:
    areas = np.array([[ranking.areas() for ranking in rankings]])
    scores = _part_scores(parts_BC.sum(axis=0)[None], areas, len(parts_BC))
    return {name: float(value[0]) for name, value in scores.items()}


def _reweighted(parts_BC: Array, rankings: list[Ranking], resamples: int, seed: int) -> tuple[Array, Array]:
    """The summed parts (R, C) and the areas (R, K, 2) of each resample."""
    resamples = affordable(resamples, len(parts_BC) * len(rankings))
    sums, areas = [], []
    for weights_RB in resample_weights(len(parts_BC), resamples, seed):
        sums.append(weights_RB @ parts_BC)
        areas.append(np.stack([np.stack(ranking.areas(weights_RB), -1) for ranking in rankings], 1))
    return np.concatenate(sums), np.concatenate(areas)


def _probability_intervals(
    parts_BC: Array, rankings: list[Ranking], resamples: int, confidence: float, seed: int
) -> dict[str, Interval]:
    sums_RC, areas_RK2 = _reweighted(parts_BC, rankings, resamples, seed)
    return _intervals(_part_scores(sums_RC, areas_RK2, len(parts_BC)), parts_BC, confidence)


def _intervals(scores: dict[str, Array], parts_BC: Array, confidence: float) -> dict[str, Interval]:
    intervals = {name: interval(values, confidence) for name, values in scores.items()}
    error = float(np.abs(parts_BC[:, 2:].sum(axis=0)).sum() / len(parts_BC))
    intervals["calibration_error"] = centred_interval(scores["calibration_error"], error, confidence)
    return intervals
