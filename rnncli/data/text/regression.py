"""Many logistic regressions over the same sparse features at once: one a class, for each fold of the rows.

For class c and the rows outside a fold, the weights w minimise

    1/2 |w|^2 + C sum_i log(1 + exp(-y_i (x_i . w + b))) + b^2 / 2,   x_ij = f_ij r_j / sqrt(number of features of i),

where r_j says how much feature j is trusted beforehand: from its log-count ratio for naive Bayes (Wang & Manning 2012),
and from how rare it is, as texts of many words want it. They go down by conjugate gradients (Polak & Ribiere) with a
diagonal preconditioner, all columns side by side, so that a step costs two products with one matrix. They start from
biases that give each class its share of the rows, or rare classes would spend the first steps on that. Few steps are
taken: going on to the minimum fits no better what was not seen.

Shape letters: N rows, F features, C classes, P folds, M = P * C columns.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

STRENGTH = 10.0
"""C of the regressions."""
STEPS = 6
"""Of the descent."""
RARENESS = 1 / 6
"""Share of log(1 + N / (1 + rows with the feature)) in how much a feature is trusted."""
LINE_STEPS = 4
"""Of Newton's method along a line."""
VALUES_AT_ONCE = 12_000_000
"""In an array of the descent; more columns go down one after another."""


@dataclass(frozen=True, eq=False)
class Regressions:
    """Weights of features and biases for each fold left out and each class, and the log-count ratios of features."""

    weights_PFC: np.ndarray
    ratios_PFC: np.ndarray
    bias_PC: np.ndarray


def shrink(sizes_N: np.ndarray) -> np.ndarray:
    """1 / sqrt(number of features) of each row, (N, 1)."""
    return (1 / np.sqrt(np.maximum(sizes_N, 1))).astype(np.float32)[:, None]


def cross_fit(
    found_NF: Any,
    truth_NC: np.ndarray,
    fold_N: np.ndarray,
    folds: int,
    tell: Callable[[int, int], object] = lambda done, total: None,
) -> Regressions:
    """Regressions of ``truth_NC`` on a sparse matrix of ones, each without one of the ``folds``; hears of each step."""
    ratios_PFC, trust_PFC = _trust(found_NF, truth_NC, fold_N, folds)
    features, classes = found_NF.shape[1], truth_NC.shape[1]
    weights_PFC, bias_PC = np.zeros_like(ratios_PFC), np.zeros((folds, classes), np.float32)
    wide = max(1, VALUES_AT_ONCE // max(features, 1))
    columns = [(fold, label) for fold in range(folds) for label in range(classes)]
    groups = [np.array(columns[start : start + wide]).T for start in range(0, len(columns), wide)]
    for number, (fold_M, label_M) in enumerate(groups):
        trust_FM = np.ascontiguousarray(trust_PFC[fold_M, :, label_M].T)
        counts_NM = fold_N[:, None] != fold_M
        descent = _Descent(found_NF, truth_NC[:, label_M], counts_NM, trust_FM)
        for step in range(STEPS):
            descent.step()
            tell(number * STEPS + step + 1, len(groups) * STEPS)
        weights_PFC[fold_M, :, label_M] = (descent.weights_FM * trust_FM).T
        bias_PC[fold_M, label_M] = descent.bias_M
    return Regressions(weights_PFC, ratios_PFC, bias_PC)


class _Descent:
    """Weights (F, M) and biases (M,) on their way down, with the margins (N, M) that they give.

    ``counts_NM`` says which rows a column learns from. Columns have no influence on each other.
    """

    def __init__(self, found_NF: Any, truth_NM: np.ndarray, counts_NM: np.ndarray, trust_FM: np.ndarray) -> None:
        self.found_NF, self.trust_FM, self.shrink_N1 = found_NF, trust_FM, shrink(np.diff(found_NF.indptr))
        self.truth_NM, self.strength_NM = truth_NM.astype(np.float32), STRENGTH * counts_NM.astype(np.float32)
        share_M = (1 + (truth_NM * counts_NM).sum(0)) / (2 + counts_NM.sum(0))
        self.weights_FM = np.zeros_like(trust_FM)
        self.bias_M = np.log(share_M / (1 - share_M)).astype(np.float32)
        self.margin_NM = np.zeros(truth_NM.shape, np.float32) + self.bias_M
        # The diagonal of the second derivative where the weights are 0.
        doubt_M = (share_M * (1 - share_M)).astype(np.float32)
        spread_F1 = found_NF.T @ (self.shrink_N1**2)
        self.curve_FM = 1 + STRENGTH * doubt_M * spread_F1 * trust_FM**2
        self.curve_M = 1 + self.strength_NM.sum(0) * doubt_M
        self.before: tuple[np.ndarray, np.ndarray, np.ndarray] | None = None
        self.way_FM, self.way_M = np.zeros_like(trust_FM), np.zeros_like(self.bias_M)

    def step(self) -> None:
        """One step down."""
        slope_NM = self.strength_NM * (_sigmoid(self.margin_NM) - self.truth_NM)
        slope_FM = self.weights_FM + self.trust_FM * (self.found_NF.T @ (self.shrink_N1 * slope_NM))
        slope_M = self.bias_M + slope_NM.sum(0)
        self._turn(slope_FM, slope_M)
        gain_NM = self.shrink_N1 * (self.found_NF @ (self.trust_FM * self.way_FM)) + self.way_M
        far_M = self._far(gain_NM)
        self.weights_FM += far_M * self.way_FM
        self.bias_M += far_M * self.way_M
        self.margin_NM += far_M * gain_NM

    def _turn(self, slope_FM: np.ndarray, slope_M: np.ndarray) -> None:
        """The way to go on: the slope, and what of the way before does not undo it."""
        down_FM, down_M = slope_FM / self.curve_FM, slope_M / self.curve_M
        size_M = _dot(slope_FM, down_FM) + slope_M * down_M
        keep_M = np.zeros_like(size_M)
        if self.before is not None:
            old_FM, old_M, old_size_M = self.before
            change_M = size_M - _dot(old_FM, down_FM) - old_M * down_M
            keep_M = np.maximum(0, change_M / np.maximum(old_size_M, 1e-30))
        self.way_FM, self.way_M = keep_M * self.way_FM - down_FM, keep_M * self.way_M - down_M
        self.before = slope_FM, slope_M, size_M

    def _far(self, gain_NM: np.ndarray) -> np.ndarray:
        """How far to go: the minimum along the way, where margins grow by ``gain_NM``."""
        slope_M = _dot(self.weights_FM, self.way_FM) + self.bias_M * self.way_M
        curve_M = _dot(self.way_FM, self.way_FM) + self.way_M**2
        far_M = np.zeros_like(curve_M)
        for _ in range(LINE_STEPS):
            share_NM = _sigmoid(self.margin_NM + far_M * gain_NM)
            first_M = slope_M + far_M * curve_M + _dot(self.strength_NM * (share_NM - self.truth_NM), gain_NM)
            second_M = curve_M + _dot(self.strength_NM * share_NM * (1 - share_NM), gain_NM**2)
            far_M = far_M - first_M / np.maximum(second_M, 1e-30)
        return far_M


def _trust(found_NF: Any, truth_NC: np.ndarray, fold_N: np.ndarray, folds: int) -> tuple[np.ndarray, np.ndarray]:
    """Log-count ratios without each fold, and how much features are trusted beforehand, both (P, F, C).

    0 for features that the other folds lack.
    """
    (rows, features), classes = found_NF.shape, truth_NC.shape[1]
    mine_NPC = (fold_N[:, None] == np.arange(folds))[:, :, None] * np.ones((1, 1, classes), np.float32)
    counts_PFC = (found_NF.T @ (mine_NPC * truth_NC[:, None]).reshape(rows, -1)).reshape(features, folds, -1)
    counts_PFC = counts_PFC.transpose(1, 0, 2)
    all_PF1 = (found_NF.T @ mine_NPC[:, :, 0]).T[:, :, None]
    with_PFC, all_PF1 = counts_PFC.sum(0) - counts_PFC, all_PF1.sum(0) - all_PF1
    seen_PF1 = all_PF1 > 0
    p_PFC, q_PFC = 1 + with_PFC, 1 + all_PF1 - with_PFC
    ratios_PFC = np.log(p_PFC / _sum(p_PFC * seen_PF1)) - np.log(q_PFC / _sum(q_PFC * seen_PF1))
    ratios_PFC = (ratios_PFC * seen_PF1).astype(np.float32)
    rare_PF1 = RARENESS * np.log(1 + rows / (1 + all_PF1)) * seen_PF1
    return ratios_PFC, (np.abs(ratios_PFC) + rare_PF1).astype(np.float32)


def _sum(counts_PFC: np.ndarray) -> np.ndarray:
    return np.maximum(counts_PFC.sum(1, keepdims=True, dtype=np.float64), 1)


def _sigmoid(margin: np.ndarray) -> np.ndarray:
    # Beyond these the exponential would overflow, and the result is 0 or 1 already.
    return 1 / (1 + np.exp(-np.clip(margin, -80, 80)))


def _dot(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Of each column, (M,)."""
    return np.einsum("fm,fm->m", one, other)
