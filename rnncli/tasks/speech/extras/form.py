"""The form of features that a model reads: how wide they are, how they are normalised.

Shape letters: T frames, F feature bins.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np


@dataclass(frozen=True, eq=False)
class Scale:
    """Brings each bin to mean 0 and variance 1: over the recording, or by the figures of all training recordings."""

    mean_F: np.ndarray | None = None
    deviation_F: np.ndarray | None = None

    @classmethod
    def learn(cls, recordings: Iterable[np.ndarray]) -> Scale:
        """Mean and deviation over all frames of some recordings."""
        sums, squares, frames = np.zeros(1), np.zeros(1), 0
        for features_TF in recordings:
            exact_TF = features_TF.astype(np.float64)
            sums, squares = sums + exact_TF.sum(0), squares + (exact_TF**2).sum(0)
            frames += len(features_TF)
        mean_F = sums / frames
        deviation_F = np.sqrt(np.maximum(squares / frames - mean_F**2, 0))
        return cls(mean_F.astype(np.float32), deviation_F.astype(np.float32))

    def centred(self, features_TF: np.ndarray) -> np.ndarray:
        """Mean 0 alone."""
        return features_TF - (features_TF.mean(0) if self.mean_F is None else self.mean_F)

    def __call__(self, features_TF: np.ndarray) -> np.ndarray:
        """Features (T, F) of mean 0 and variance 1; a bin that does not change becomes 0."""
        return self.spread(self.centred(features_TF))

    def spread(self, centred_TF: np.ndarray) -> np.ndarray:
        """Variance 1 of what has mean 0."""
        deviation_F = centred_TF.std(0) if self.deviation_F is None else self.deviation_F
        return centred_TF / (deviation_F + 1e-3)


@dataclass(frozen=True)
class FeatureForm:
    """Features a frame, whether they were given as .npy files, and how they are normalised."""

    width: int
    given: bool
    scale: Scale

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        mean_F, deviation_F = self.scale.mean_F, self.scale.deviation_F
        return {
            "width": self.width,
            "given": self.given,
            "mean": None if mean_F is None else mean_F.tolist(),
            "deviation": None if deviation_F is None else deviation_F.tolist(),
        }

    @classmethod
    def from_dict(cls, body: Mapping[str, Any]) -> Self:
        """What ``to_dict`` gave; KeyError, TypeError or ValueError for anything else."""
        mean_F, deviation_F = (
            None if body[key] is None else np.array(body[key], np.float32) for key in ("mean", "deviation")
        )
        found = cls(int(body["width"]), bool(body["given"]), Scale(mean_F, deviation_F))
        if any(part_F is not None and part_F.shape != (found.width,) for part_F in (mean_F, deviation_F)):
            raise ValueError("normalisation of another width")
        return found
