"""From samples to features: log-mel spectra, MFCC, or Kaldi's filter bank, a frame every 10 ms unless said otherwise.

A frame reaches forward only: frame t covers samples t*hop to t*hop + window, and only whole frames are made, so that a
stream cut anywhere gives the frames of the whole. Shape letters: N samples, T frames, F feature bins.
"""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from rnncli.data.audio.sound import import_torchaudio

Kind = Literal["log-mel", "mfcc", "fbank"]
FLOOR = 1e-6
"""Added to the power in a mel band before the logarithm; about the noise of 16-bit silence."""
MFCC_BANDS = 40
VERSION = 2
"""Counted up when the same settings give other features, so that no cache gives old ones."""


@dataclass(frozen=True)
class Frontend:
    """What is computed of a recording at ``rate`` Hz.

    ``log-mel`` are logarithms of ``bins`` mel bands; ``mfcc`` the first ``bins`` cepstral coefficients of 40 bands,
    with ``deltas`` derivatives; ``fbank`` the filter bank of Kaldi without dither. ``window`` and ``hop`` are in ms.
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
        return max(1, round(self.rate * self.hop / 1000))

    @property
    def window_samples(self) -> int:
        """Samples that a frame covers."""
        return max(2, round(self.rate * self.window / 1000))

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
        wave_1N = torch.from_numpy(np.ascontiguousarray(samples_N, dtype=np.float32))[None]
        with torch.no_grad():
            return self._compute(wave_1N).numpy()

    def louder(self, features_TF: np.ndarray, decibels: float) -> np.ndarray:
        """The features (T, F) of the same recording ``decibels`` louder; for mfcc but for what the floor hides."""
        logarithm = decibels * math.log(10) / 10
        if self.kind == "log-mel":
            power_TF = np.maximum(0, np.exp(features_TF) - FLOOR)
            return np.log(power_TF * np.float32(math.exp(logarithm)) + FLOOR)
        if self.kind == "fbank":
            return features_TF + np.float32(logarithm)
        louder_TF = features_TF.copy()
        louder_TF[:, 0] += math.sqrt(MFCC_BANDS) * logarithm
        return louder_TF

    def _compute(self, wave_1N: Tensor) -> Tensor:
        if self.kind == "fbank":
            return self._fbank(wave_1N)
        found_FT = self._transform(wave_1N)[0]
        if self.kind == "log-mel":
            return (found_FT + FLOOR).log().T.contiguous()
        layers = [found_FT]
        for _ in range(self.deltas):
            layers.append(import_torchaudio().functional.compute_deltas(layers[-1]))
        return torch.cat(layers).T.contiguous()

    @cached_property
    def _transform(self) -> Any:
        """The module that turns (1, N) into (1, F, T); mel bands by the formula of HTK."""
        transforms = import_torchaudio().transforms
        options: dict[str, Any] = {
            "n_fft": _next_power(self.window_samples),
            "win_length": self.window_samples,
            "hop_length": self.hop_samples,
            "center": False,
        }
        if self.kind == "log-mel":
            return _OwnWindow(transforms.MelSpectrogram(self.rate, n_mels=self.bins, f_min=20.0, **options), self)
        mfcc = transforms.MFCC(
            self.rate, self.bins, log_mels=True, melkwargs={"n_mels": MFCC_BANDS, "f_min": 20.0, **options}
        )
        return _OwnWindow(mfcc, self)

    def _fbank(self, wave_1N: Tensor) -> Tensor:
        """As Kaldi computes it of 16-bit samples: window of Povey, preemphasis 0.97, no dither."""
        return import_torchaudio().compliance.kaldi.fbank(
            wave_1N * 32768,
            num_mel_bins=self.bins,
            sample_frequency=float(self.rate),
            frame_length=self.window,
            frame_shift=self.hop,
            dither=0.0,
        )


class _OwnWindow:
    """Lays frames so that each begins with its window: torch centres a window in its longer transform."""

    def __init__(self, transform: Any, frontend: Frontend) -> None:
        self.transform = transform
        self.left = (_next_power(frontend.window_samples) - frontend.window_samples) // 2
        self.right = _next_power(frontend.window_samples) - frontend.window_samples - self.left

    def __call__(self, wave_1N: Tensor) -> Tensor:
        return self.transform(torch.nn.functional.pad(wave_1N, (self.left, self.right)))


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


def _next_power(size: int) -> int:
    return 1 << (size - 1).bit_length()
