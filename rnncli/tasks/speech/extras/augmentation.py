"""Features varied in training: stretched, scaled in frequency, masked, louder, with noise.

Shape letters: T frames, F feature bins, M mel bands.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from rnncli.data.audio.features import SoundClip, features_of
from rnncli.data.audio.frontend import Frontend
from rnncli.recipe.schema import AUTO
from rnncli.tasks.speech.extras.form import Scale
from rnncli.tasks.speech.schema import Variation

NOISE_BELOW = (5.0, 30.0)
"""Decibels from a recording down to noise that is added."""
WEAKEST, MANY = 0.4, 500
"""The least strength of variation, and recordings from which on it is whole."""
LEAST_BANDS = 24
"""Mel bands that cepstra are turned back into, to be varied."""


class Varying:
    """Varies features as a recipe says; ``kind`` is what they are: spectrum, cepstrum or other.

    ``frontend`` computes features of recordings with noise; None where features are given, as spectra perhaps.
    Frequencies are scaled (vocal tract length perturbation, Jaitly & Hinton 2013) and bands blanked (SpecAugment, Park
    et al. 2019) in the logarithmic spectrum, into which cepstra are turned by the inverse cosine transform and back.
    """

    def __init__(
        self, settings: Variation, kind: str, width: int, scale: Scale, frontend: Frontend | None = None
    ) -> None:
        self.settings = weakened(settings)
        self.kind, self.scale, self.frontend = kind, scale, frontend
        self.cosine_FM = _cosine(width, max(LEAST_BANDS, width)) if kind == "cepstrum" else None

    def __call__(self, clip: SoundClip, random: np.random.Generator, least: int) -> np.ndarray:
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

    def _louder(self, clip: SoundClip, random: np.random.Generator) -> np.ndarray:
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

    def _noisy(self, clip: SoundClip, random: np.random.Generator) -> np.ndarray:
        """The features with white noise in the recording; with as much in each band where features are given."""
        below = random.uniform(*NOISE_BELOW)
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


def strength_for(recordings: int) -> float:
    """The strength of variation that suits so many recordings to learn from."""
    return min(1.0, max(WEAKEST, recordings / MANY))


def weakened(settings: Variation) -> Variation:
    """What is left of the variation at its strength."""
    assert settings.strength != AUTO, "fitting says how strong it is"
    shares = {name: settings.strength * getattr(settings, name) for name in ("warp", "gain", "noise", "band_width")}
    width = round(settings.strength * settings.time_width)
    return settings.model_copy(update={**shares, "time_width": width, "strength": 1.0})


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
