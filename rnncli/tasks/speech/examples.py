"""Recordings as tensors: features, varied in training, and the numbers of what is said.

Shape letters: B batch, T frames, F feature bins, M mel bands, S target length.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from rnncli.data.audio.features import Clip, features_of
from rnncli.data.audio.frontend import Frontend
from rnncli.heads.ctc import frames_needed
from rnncli.tasks.speech.data import SpeechPart
from rnncli.tasks.speech.model import frames_after
from rnncli.tasks.speech.schema import Variation
from rnncli.tasks.speech.units import Units

BELOW = (5.0, 30.0)
"""Decibels from a recording down to noise that is added."""
BANDS = 24
"""Mel bands that cepstra are turned back into, to be varied."""


@dataclass(frozen=True)
class SpeechBatch:
    """Padded features x_BTF with lengths_B, and labels_BS with label_lengths_B; lengths stay on the CPU."""

    x_BTF: Tensor
    lengths_B: Tensor
    labels_BS: Tensor
    label_lengths_B: Tensor

    @property
    def size(self) -> int:
        """Recordings in the batch."""
        return len(self.lengths_B)

    def to(self, device: torch.device) -> SpeechBatch:
        """The same batch on another device."""
        x_BTF, labels_BS = (part.to(device, non_blocking=True) for part in (self.x_BTF, self.labels_BS))
        return SpeechBatch(x_BTF, self.lengths_B, labels_BS, self.label_lengths_B)


@dataclass(frozen=True, eq=False)
class SpeechExamples:
    """Encoded recordings of one part, ``least`` the fewest frames that each needs.

    For training ``vary`` is there, and ``others``: each recording at other speeds.
    """

    part: SpeechPart
    labels: Sequence[np.ndarray]
    lengths: np.ndarray
    least: np.ndarray
    scale: Scale
    vary: Varying | None = None
    others: Sequence[Sequence[Clip]] = ()

    def __len__(self) -> int:
        return len(self.part)

    def batch(self, indices: np.ndarray) -> SpeechBatch:
        """Collate the recordings at ``indices``; draws from torch's generator in training."""
        found = [self._features(int(i)) for i in indices]
        return collate(found, [self.labels[int(i)] for i in indices])

    def place(self, index: int) -> str:
        """Where a recording stands in the user's data."""
        return self.part.places[index]

    def _features(self, index: int) -> np.ndarray:
        clip, least = self.part.clips[index], int(self.least[index])
        if self.vary is None:
            return self.scale(clip.load())
        random = np.random.default_rng(int(torch.randint(2**62, ())))
        if self.others:
            speeds = [clip, *(other for other in self.others[index] if other.frames >= least)]
            clip = speeds[int(random.integers(len(speeds)))]
        return self.vary(clip, random, least)


def too_short(part: SpeechPart, units: Units, subsampling: int) -> np.ndarray:
    """Whether each recording has fewer frames of the core than its text needs, which no path can then write."""
    need = [frames_needed(units.encode(text)) for text in part.texts]
    return np.array([frames_after(clip.frames, subsampling) for clip in part.clips]) < np.array(need)


def collate(features: Sequence[np.ndarray], labels: Sequence[np.ndarray]) -> SpeechBatch:
    """Features (T, F) of several recordings, padded with zeros at their ends."""
    x_BTF = torch.nn.utils.rnn.pad_sequence([torch.from_numpy(one) for one in features], batch_first=True)
    padded = [torch.from_numpy(one.astype(np.int64)) for one in labels]
    labels_BS = torch.nn.utils.rnn.pad_sequence(padded, batch_first=True)
    lengths_B, label_lengths_B = (torch.tensor([len(one) for one in many]) for many in (features, labels))
    return SpeechBatch(x_BTF, lengths_B, labels_BS, label_lengths_B)


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

    def parts(self) -> tuple[np.ndarray | None, np.ndarray | None]:
        """Mean and deviation (F,), None where they are those of each recording."""
        return self.mean_F, self.deviation_F

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


class Varying:
    """Varies features as a recipe says; ``kind`` is what they are: spectrum, cepstrum or other.

    ``frontend`` computes features of recordings with noise; None where features are given, as spectra perhaps.
    Frequencies are scaled (vocal tract length perturbation, Jaitly & Hinton 2013) and bands blanked (SpecAugment, Park
    et al. 2019) in the logarithmic spectrum, into which cepstra are turned by the inverse cosine transform and back.
    """

    def __init__(
        self, settings: Variation, kind: str, width: int, scale: Scale, frontend: Frontend | None = None
    ) -> None:
        self.settings, self.kind, self.scale, self.frontend = settings, kind, scale, frontend
        self.cosine_FM = _cosine(width, max(BANDS, width)) if kind == "cepstrum" else None

    def __call__(self, clip: Clip, random: np.random.Generator, least: int) -> np.ndarray:
        """Varied and normalised features (T', F), T' at least ``least`` where T is."""
        settings = self.settings
        features_TF = self._louder(clip, random)
        features_TF = _stretched(features_TF, 1 + random.uniform(-1, 1) * settings.stretch, least)
        x_TF = self.scale.centred(features_TF)
        if self.cosine_FM is not None:
            x_TF = self._spectrum(x_TF @ self.cosine_FM, random) @ self.cosine_FM.T
        elif self.kind == "spectrum":
            x_TF = self._spectrum(x_TF, random)
        x_TF = self.scale.spread(x_TF)
        for _ in range(settings.time_masks * (1 + len(x_TF) // 400)):
            width = int(random.integers(0, min(settings.time_width, len(x_TF) // 5) + 1))
            start = int(random.integers(0, len(x_TF) - width + 1))
            x_TF[start : start + width] = 0
        return x_TF.astype(np.float32)

    def _louder(self, clip: Clip, random: np.random.Generator) -> np.ndarray:
        """With noise, louder or softer, where it is known how."""
        settings = self.settings
        if self.frontend is None and self.kind != "spectrum":
            return clip.load()
        noisy = settings.noise and random.random() < settings.noise
        features_TF = self._noisy(clip, random) if noisy else clip.load()
        if settings.gain:
            decibels = random.uniform(-1, 1) * settings.gain
            if self.frontend is None:
                return features_TF + np.float32(decibels * math.log(10) / 10)
            features_TF = self.frontend.louder(features_TF, decibels)
        return features_TF

    def _noisy(self, clip: Clip, random: np.random.Generator) -> np.ndarray:
        """The features with white noise in the recording; with as much in each band where features are given."""
        below = random.uniform(*BELOW)
        if self.frontend is None:
            features_TF = clip.load()
            power = float(np.exp(features_TF.astype(np.float64)).mean())
            noise = math.log(power) - below * math.log(10) / 10
            return np.logaddexp(features_TF, noise).astype(np.float32)
        sound = clip.recording.sound()
        level = float(np.sqrt((sound.samples.astype(np.float64) ** 2).mean())) * 10 ** (-below / 20)
        samples_N = sound.samples + random.normal(0, level, len(sound.samples)).astype(np.float32)
        return features_of(replace(sound, samples=samples_N), self.frontend, clip.recording.name)

    def _spectrum(self, x_TM: np.ndarray, random: np.random.Generator) -> np.ndarray:
        """Scaled in frequency, with bands set to their mean, which is 0."""
        bands = x_TM.shape[1]
        if self.settings.warp:
            x_TM = _warped(x_TM, 1 + random.uniform(-1, 1) * self.settings.warp)
        for _ in range(self.settings.band_masks):
            width = int(random.integers(0, int(self.settings.band_width * bands) + 1))
            start = int(random.integers(0, bands - width + 1))
            x_TM[:, start : start + width] = 0
        return x_TM


def _stretched(x_TF: np.ndarray, factor: float, least: int) -> np.ndarray:
    """Played ``factor`` times as slowly, by linear interpolation between frames."""
    frames = max(round(len(x_TF) * factor), min(least, len(x_TF)))
    if frames == len(x_TF):
        return x_TF
    at = np.linspace(0, len(x_TF) - 1, frames)
    low = np.minimum(at.astype(np.int64), max(0, len(x_TF) - 2))
    share = (at - low)[:, None].astype(np.float32)
    return x_TF[low] * (1 - share) + x_TF[np.minimum(low + 1, len(x_TF) - 1)] * share


def _warped(x_TM: np.ndarray, factor: float) -> np.ndarray:
    """Bands taken from ``factor`` times their place on the mel axis."""
    bands = x_TM.shape[1]
    at = np.clip((np.arange(bands) + 0.5) * factor - 0.5, 0, bands - 1)
    low = np.minimum(at.astype(np.int64), bands - 2)
    share = (at - low).astype(np.float32)
    return x_TM[:, low] * (1 - share) + x_TM[:, low + 1] * share


def _cosine(width: int, bands: int) -> np.ndarray:
    """The first ``width`` rows of the orthonormal cosine transform (DCT-II), (F, M) float32."""
    rows = np.arange(width)[:, None] * math.pi * (np.arange(bands) + 0.5) / bands
    matrix = np.cos(rows) * math.sqrt(2 / bands)
    matrix[0] /= math.sqrt(2)
    return matrix.astype(np.float32)
