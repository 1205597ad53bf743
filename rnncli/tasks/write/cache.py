"""A cache of the last steps: what came after states like the present one comes again (Grave et al. 2017, equation 3).

    p(w | x_1 .. x_t) = sum over i of 1[x_i = w] exp(theta h_t . h_i) / sum over i of exp(theta h_t . h_i)

where h_i is what the core gave before it read symbol x_i, and i goes over the last M steps of the document.

Shape letters: T steps, E outputs of the core, M remembered steps, Q values of theta, C steps at once.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

AT_ONCE = 256
"""Steps that are held against the remembered ones together."""
SHARPNESS = (0.02, 0.05, 0.1, 0.2, 0.4, 0.8)
"""Values of theta that are worth trying, whatever the width of the core."""


class NeuralCache:
    """The last ``most`` steps of one document, and what they have come next, for each theta of ``sharpness``.

    >>> cache = NeuralCache(most=10, size=4, sharpness=(1.0,))
    >>> h_TE = np.array([[3, 0], [0, 3], [3, 0]], np.float32)
    >>> np.exp(cache.follow(h_TE, np.array([2, 1, 2]))).round(4).tolist()
    [[0.25, 0.0, 0.9999]]
    """

    def __init__(self, most: int, size: int, sharpness: Sequence[float] = SHARPNESS) -> None:
        self.most, self.size = most, size
        self.sharpness = tuple(sharpness)
        self._h_ME = np.zeros((0, 0), np.float32)
        self._symbol_M = np.zeros(0, np.int64)

    def follow(self, h_TE: np.ndarray, symbol_T: np.ndarray) -> np.ndarray:
        """ln p of each of the next symbols, (Q, T); each is remembered before the one after it is foretold.

        ``h_TE`` are the core's outputs from which a model foretells them. A symbol that is not remembered has -inf;
        where nothing is yet, all have the same.
        """
        h_TE = np.asarray(h_TE, np.float32)
        starts = range(0, len(symbol_T), AT_ONCE)
        found = [self._few(h_TE[at : at + AT_ONCE], symbol_T[at : at + AT_ONCE]) for at in starts]
        return np.concatenate(found, axis=1) if found else np.zeros((len(self.sharpness), 0))

    def _few(self, h_CE: np.ndarray, symbol_C: np.ndarray) -> np.ndarray:
        remembered = len(self._symbol_M)
        h_KE = np.concatenate([self._h_ME.reshape(remembered, h_CE.shape[1]), h_CE])
        symbol_K = np.concatenate([self._symbol_M, symbol_C])
        found_QC = self._logs(h_CE, symbol_C, h_KE, symbol_K)
        kept = max(0, len(symbol_K) - self.most)
        self._h_ME, self._symbol_M = h_KE[kept:], symbol_K[kept:]
        return found_QC

    def _logs(self, h_CE: np.ndarray, symbol_C: np.ndarray, h_KE: np.ndarray, symbol_K: np.ndarray) -> np.ndarray:
        """ln p (Q, C) of symbols that stand also at the end of the K remembered ones."""
        place_C = np.arange(len(symbol_K) - len(symbol_C), len(symbol_K))[:, None]
        place_K = np.arange(len(symbol_K))
        seen_CK = (place_K < place_C) & (place_K >= place_C - self.most)
        known_C = seen_CK.any(1)
        product_CK = h_CE @ h_KE.T
        top_C = product_CK.max(1, where=seen_CK, initial=-np.inf)
        likeness_CK = np.where(seen_CK, product_CK - np.where(known_C, top_C, 0)[:, None], 0)
        same_CK = symbol_K == symbol_C[:, None]
        found_QC = np.full((len(self.sharpness), len(symbol_C)), -np.log(self.size))
        for theta, found_C in zip(self.sharpness, found_QC, strict=True):
            weight_CK = np.exp(np.float32(theta) * likeness_CK) * seen_CK
            total_C, share_C = (weight_CK.sum(1, dtype=np.float64), (weight_CK * same_CK).sum(1, dtype=np.float64))
            with np.errstate(divide="ignore"):
                found_C[known_C] = np.log(share_C[known_C] / total_C[known_C])
        return found_QC
