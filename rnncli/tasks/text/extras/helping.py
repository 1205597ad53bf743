"""What helps a model of texts when it is tested: an n-gram model and a cache of what the text had, mixed with it.

Weights are those under which dev is likeliest. Shape letters: N symbols, Q values of the sharpness of the cache, E
outputs of the core, T steps of a window.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from rnncli.data.jsonfile import read_json, write_json
from rnncli.data.steps import Steps
from rnncli.data.text.kneser_ney import KneserNey
from rnncli.errors import DataError, RunError
from rnncli.tasks.write.cache import SHARPNESS, NeuralCache
from rnncli.tasks.write.mixing import Mixture, best_option
from rnncli.tasks.write.walk import WalkedSteps

FILE, KIND, NGRAM = "help.json", "help at test time", "ngram.npz"
MODEL, NGRAM_NAME, CACHE, DYNAMIC = "model", "n-gram", "cache", "dynamic evaluation"
DEV_SYMBOLS, DYNAMIC_SYMBOLS = 50_000, 10_000
"""Of dev, the first ones, that weights are chosen on, and the rate of dynamic evaluation."""


class Observed(NamedTuple):
    """-ln p of each symbol by the model alone (N,), and ln p by a cache of each sharpness (Q, N)."""

    nats_N: np.ndarray
    cache_QN: np.ndarray


def observe(steps: Steps, found: Iterable[WalkedSteps], most: int, size: int, sharpness: Sequence[float]) -> Observed:
    """What windows of documents come to that hold of each symbol its nats and then the outputs of the core, (T, 1 + E).

    The cache remembers ``most`` steps; without any there is none. ``size`` is how many kinds of symbol there are.
    """
    caches: dict[int, NeuralCache] = {}
    nats_N = np.full(len(steps.values), np.nan)
    cache_QN = np.zeros((len(sharpness) if most else 0, len(steps.values)))
    for one in found:
        rows = slice(one.begin, one.begin + len(one.values_T))
        nats_N[rows] = one.values_T[:, 0]
        if most:
            cache = caches.setdefault(one.span, NeuralCache(most, size, sharpness))
            cache_QN[:, rows] = cache.follow(one.values_T[:, 1:], steps.values[rows].astype(np.int64))
    return Observed(nats_N, cache_QN)


@dataclass(frozen=True, eq=False)
class Help:
    """An n-gram model, how sharp the cache is, and by way of help the weights of what is mixed.

    ``rate`` is that of dynamic evaluation, 0 for none.
    """

    ngram: KneserNey
    sharpness: float
    mixtures: Mapping[str, Mixture]
    rate: float = 0.0

    @classmethod
    def choose(cls, ngram: KneserNey, dev: Steps, observed: Observed) -> Help:
        """The weights and the sharpness under which ``dev`` is likeliest."""
        model, by_ngram = {MODEL: -observed.nats_N}, -ngram.nats(dev.values, dev.bounds_D1)
        mixtures, sharpness = {NGRAM_NAME: Mixture.fit({**model, NGRAM_NAME: by_ngram})}, 0.0
        if len(observed.cache_QN):
            best, mixtures[CACHE] = best_option(model, CACHE, list(observed.cache_QN))
            sharpness = SHARPNESS[best]
            every = {**model, NGRAM_NAME: by_ngram, CACHE: observed.cache_QN[best]}
            mixtures[f"{NGRAM_NAME} and {CACHE}"] = Mixture.fit(every)
        return cls(ngram, sharpness, mixtures)

    @property
    def weights(self) -> dict[str, dict[str, float]]:
        """The weights of each way, that of the model first."""
        return {way: dict(one.weights) for way, one in self.mixtures.items()}

    def nats(self, steps: Steps, observed: Observed) -> dict[str, np.ndarray]:
        """-ln p of each symbol by each way of help, (N,), from a cache of the sharpness that was chosen."""
        logs = {MODEL: -observed.nats_N, NGRAM_NAME: -self.ngram.nats(steps.values, steps.bounds_D1)}
        if len(observed.cache_QN):
            logs[CACHE] = observed.cache_QN[0]
        ways = {way: one for way, one in self.mixtures.items() if one.weights.keys() <= logs.keys()}
        return {way: -one.log({name: logs[name] for name in one.weights}) for way, one in ways.items()}

    def save(self, folder: Path) -> None:
        """Write it into a folder."""
        self.ngram.save(folder / NGRAM)
        write_json(folder / FILE, KIND, {"sharpness": self.sharpness, "weights": self.weights, "rate": self.rate})

    @classmethod
    def load(cls, folder: Path) -> Help | None:
        """What was saved, None where there was nothing; raises RunError."""
        if not (folder / FILE).exists():
            return None
        body: dict[str, Any] = read_json(folder / FILE, KIND)
        try:
            mixtures = {str(way): Mixture(_numbers(weights)) for way, weights in body["weights"].items()}
            return cls(KneserNey.load(folder / NGRAM), float(body["sharpness"]), mixtures, float(body["rate"]))
        except (KeyError, TypeError, ValueError, AttributeError, DataError) as error:
            raise RunError(
                f"{folder}: help at test time is damaged: {error}", "take it from a copy of the run"
            ) from error


def _numbers(weights: Mapping[str, Any]) -> dict[str, float]:
    return {str(name): float(weight) for name, weight in weights.items()}
