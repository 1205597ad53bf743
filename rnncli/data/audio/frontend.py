"""From samples to features: log-mel spectra, MFCC, or Kaldi's filter bank, a frame every 10 ms unless said otherwise.

A frame reaches forward only: frame t covers samples t*hop to t*hop + window, and only whole frames are made, so that a
stream cut anywhere gives the frames of the whole. Shape letters: N samples, T frames, F feature bins.
"""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor

Kind = Literal["log-mel", "mfcc", "fbank"]
FLOOR = 1e-6
"""Added to the power in a mel band before the logarithm; about the noise of 16-bit silence."""
MFCC_BANDS = 40
VERSION = 2
"""Counted up when the same settings give other features, so that no cache gives old ones."""


@dataclass(frozen=True)
class Frontend:
    """What is computed of a recording at ``rate`` Hz.

    ``log-mel`` are logarithms of ``bins`` mel bands; ``mfcc`` the first ``bins`` cepstral coefficients of 40 bands, or
    as many, with ``deltas`` derivatives; ``fbank`` the filter bank of Kaldi without dither. ``window`` and ``hop`` are
    in ms.
    """

    kind: Kind = "log-mel"
    rate: int = 16000
    bins: int = 80
    deltas: int = 0
    window: float = 25.0
    hop: float = 10.0

    @property
    def width(self) -> int:
        """F, figures a frame."""
        return self.bins * (1 + self.deltas)

    @property
    def hop_samples(self) -> int:
        """Samples from a frame to the next."""
        return max(1, self._samples(self.hop))

    @property
    def window_samples(self) -> int:
        """Samples that a frame covers."""
        return max(2, self._samples(self.window))

    @property
    def bands(self) -> int:
        """Mel bands of which the features come."""
        return max(MFCC_BANDS, self.bins) if self.kind == "mfcc" else self.bins

    @property
    def empty_bands(self) -> int:
        """How many of the bands lie between two points of the spectrum, so that nothing is ever heard in them."""
        from rnncli.data.audio import spectra

        bank = spectra.kaldi_bank if self.kind == "fbank" else spectra.htk_bank
        return int((bank(self.rate, spectra.transform_size(self.window_samples), self.bands).amax(1) == 0).sum())

    def frames(self, samples: int) -> int:
        """T for so many samples; 0 where they do not fill a window."""
        return max(0, 1 + (samples - self.window_samples) // self.hop_samples)

    def key(self) -> str:
        """A text that is another for other features."""
        return json.dumps(asdict(self) | {"version": VERSION}, sort_keys=True)

    def __call__(self, samples_N: np.ndarray) -> np.ndarray:
        """Features (T, F), float32."""
        if not self.frames(len(samples_N)):
            return np.zeros((0, self.width), dtype=np.float32)
        import torch  # its settings alone are of use where torch is not

        wave_N = torch.from_numpy(np.ascontiguousarray(samples_N, dtype=np.float32))
        with torch.no_grad():
            return self._compute(wave_N).contiguous().numpy()

    def louder(self, features_TF: np.ndarray, decibels: float) -> np.ndarray:
        """The features (T, F) of the same recording ``decibels`` louder; for mfcc but for what the floor hides."""
        logarithm = decibels * math.log(10) / 10
        if self.kind == "log-mel":
            power_TF = np.maximum(0, np.exp(features_TF) - FLOOR)
            return np.log(power_TF * np.float32(math.exp(logarithm)) + FLOOR)
        if self.kind == "fbank":
            return features_TF + np.float32(logarithm)
        louder_TF = features_TF.copy()
        louder_TF[:, 0] += math.sqrt(self.bands) * logarithm
        return louder_TF

    def _samples(self, milliseconds: float) -> int:
        """How many samples come nearest; Kaldi takes none that is not whole."""
        return int(self.rate * milliseconds * 0.001) if self.kind == "fbank" else round(self.rate * milliseconds / 1000)

    def _compute(self, wave_N: Tensor) -> Tensor:
        import torch

        from rnncli.data.audio import spectra

        laid_out = self.window_samples, self.hop_samples
        if self.kind == "fbank":
            return spectra.kaldi_filter_bank(wave_N * 32768, self.rate, self.bins, *laid_out)
        logarithms_TF = (spectra.mel_spectrum(wave_N, self.rate, self.bands, *laid_out) + FLOOR).log()
        if self.kind == "log-mel":
            return logarithms_TF
        layers = [spectra.cepstrum(logarithms_TF, self.bins)]
        for _ in range(self.deltas):
            layers.append(spectra.derivative(layers[-1]))
        return torch.cat(layers, 1)


class FrameStream:
    """The features of a stream: samples in, the frames that they complete out, as one pass would give them."""

    def __init__(self, frontend: Frontend) -> None:
        if frontend.deltas:
            raise ValueError("deltas look at frames that are still to come")
        self.frontend = frontend
        self._rest_N = np.zeros(0, dtype=np.float32)

    def __call__(self, samples_N: np.ndarray) -> np.ndarray:
        """Features (T, F) of the frames that are now whole."""
        waiting_N = np.concatenate([self._rest_N, samples_N])
        frames = self.frontend.frames(len(waiting_N))
        end = (frames - 1) * self.frontend.hop_samples + self.frontend.window_samples
        self._rest_N = waiting_N[frames * self.frontend.hop_samples :]
        return self.frontend(waiting_N[: max(end, 0)])
