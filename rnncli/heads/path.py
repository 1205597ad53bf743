"""A linear chain decoded with numpy alone, as exported models have it: :class:`rnncli.heads.crf.CRF` without torch.

Shape letters: T steps of one sequence, K tags.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Chain:
    """The scores of pairs of tags, of the first and of the last one; minus infinity is forbidden. All float32."""

    transition_KK: np.ndarray
    start_K: np.ndarray
    end_K: np.ndarray

    def best(self, scores_TK: np.ndarray) -> np.ndarray:
        """The most probable tags of a sequence as a whole (Viterbi 1967), (T,) int64."""
        rows_TK, best = _shifted(scores_TK), []
        for row_K in rows_TK:
            arriving_K = self.start_K if not best else (best[-1][:, None] + self.transition_KK).max(0)
            best.append(arriving_K + row_K)
        found_T = np.zeros(len(rows_TK), np.int64)
        for t in reversed(range(len(rows_TK))):
            leaving_K = self.end_K if t + 1 == len(rows_TK) else self.transition_KK[:, found_T[t + 1]]
            found_T[t] = (best[t] + leaving_K).argmax()
        return found_T

    def shares(self, scores_TK: np.ndarray, tags_T: np.ndarray) -> np.ndarray:
        """The probability of each tag by itself, and that given the tag before it, (T, 2) float64."""
        if not len(scores_TK):
            return np.zeros((0, 2))
        rows_TK = _shifted(scores_TK).astype(np.float64)
        before_TK = _sums(rows_TK, self.start_K, self.transition_KK)
        from_TK = _sums(rows_TK[::-1], self.end_K, self.transition_KK.T)[::-1]  # with the step's own score
        total = np.logaddexp.reduce(before_TK[-1] + self.end_K)
        steps_T = np.arange(len(tags_T))
        alone_T = np.exp(before_TK[steps_T, tags_T] + from_TK[steps_T, tags_T] - rows_TK[steps_T, tags_T] - total)
        pair_Q = before_TK[steps_T[:-1], tags_T[:-1]] + self.transition_KK[tags_T[:-1], tags_T[1:]]
        pair_Q = np.exp(pair_Q + from_TK[steps_T[1:], tags_T[1:]] - total)
        given_T = alone_T.copy()
        given_T[1:] = np.minimum(pair_Q / np.maximum(alone_T[:-1], np.finfo(np.float64).tiny), 1)
        return np.stack([alone_T, given_T], 1)


def alone(scores_TK: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The best tags where each is chosen by itself, (T,), and the probability of each, (T, 2)."""
    shares_TK = np.exp(_shifted(scores_TK).astype(np.float64))
    best_T = scores_TK.argmax(-1)
    sure_T = np.take_along_axis(shares_TK, best_T[:, None], 1) / shares_TK.sum(-1, keepdims=True)
    return best_T, np.repeat(sure_T, 2, 1)


def _shifted(scores_TK: np.ndarray) -> np.ndarray:
    """Scores of each step with a maximum of 0, which changes no probability."""
    return scores_TK - scores_TK.max(-1, keepdims=True) if len(scores_TK) else scores_TK


def _sums(rows_TK: np.ndarray, start_K: np.ndarray, transition_KK: np.ndarray) -> np.ndarray:
    """Logarithms of the sums over the tags up to each step, (T, K)."""
    found = []
    for row_K in rows_TK:
        arriving_K = np.logaddexp.reduce(found[-1][:, None] + transition_KK, 0) if found else start_K
        found.append(arriving_K + row_K)
    return np.stack(found)
