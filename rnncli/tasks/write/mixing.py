"""Mixtures of what several models say of each symbol, in shares that were chosen on dev.

Shape letters: K models, N steps.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

CLOSE = 1e-5
"""Nats a step that weights may fall short of the best ones."""
MAX_ROUNDS = 2000
"""Rounds in which weights come close, or are taken as they are."""


@dataclass(frozen=True)
class Mixture:
    """p = sum over models of weight times p, by the name of the model; weights add up to one.

    >>> mixture = Mixture({"model": 0.75, "n-gram": 0.25})
    >>> np.exp(mixture.log({"model": np.log([0.2, 0.4]), "n-gram": np.log([0.6, 0.4])})).round(3).tolist()
    [0.3, 0.4]
    """

    weights: Mapping[str, float]

    @classmethod
    def fit(cls, logs: Mapping[str, np.ndarray]) -> Mixture:
        """The weights under which the symbols whose ln p (N,) each model gives are likeliest.

        By expectation and maximisation; the likelihood is concave in the weights, so there is one maximum, and the
        gradient's largest entry less one bounds how far off it is (Cover & Thomas 2006, theorem 16.2.1).
        """
        share_KN, _ = _relative(list(logs.values()))
        weight_K = np.full(len(share_KN), 1 / len(share_KN))
        for _ in range(MAX_ROUNDS):
            gain_K = share_KN @ (1 / (weight_K @ share_KN)) / share_KN.shape[1]
            if gain_K.max() < 1 + CLOSE:
                break
            weight_K *= gain_K
        return cls(dict(zip(logs, (weight_K / weight_K.sum()).tolist(), strict=True)))

    def log(self, logs: Mapping[str, np.ndarray]) -> np.ndarray:
        """ln p of the symbols, (N,), whose ln p each of the models gives."""
        share_KN, top_N = _relative([logs[name] for name in self.weights])
        return np.log(np.array(list(self.weights.values())) @ share_KN) + top_N


def best_option(logs: Mapping[str, np.ndarray], name: str, options: Sequence[np.ndarray]) -> tuple[int, Mixture]:
    """Which of the ``options`` of a model called ``name`` makes the likeliest mixture with the others, and that one."""
    mixtures = [Mixture.fit({**logs, name: option}) for option in options]
    totals = [one.log({**logs, name: option}).sum() for one, option in zip(mixtures, options, strict=True)]
    best = int(np.argmax(totals))
    return best, mixtures[best]


def _relative(logs: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """p of each model (K, N) over that of the model that gives a symbol most, and its ln p (N,)."""
    log_KN = np.asarray(logs, np.float64)
    top_N = log_KN.max(0)
    assert np.isfinite(top_N).all(), "a symbol that no model allows"
    return np.exp(log_KN - top_N), top_N
