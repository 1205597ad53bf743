"""Features of recordings with numpy alone, in the figures of :class:`rnncli.data.audio.frontend.Frontend`.

Where torch is not, its tables are: windows and banks come from :meth:`Analysis.of`, which wants it, and are kept.

Shape letters: N samples, T frames, W samples of a window, P points of a spectrum, F bands, C coefficients.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np

from rnncli.data.audio.frontend import FLOOR, Frontend
from rnncli.data.audio.given import require_frames
from rnncli.data.audio.sound import Sound

AT_ONCE = 4096
"""Frames whose spectra are there at once."""
ZEROS, ROLLOFF = 6, 0.99
"""Zero crossings of the windowed sinc to each side, and where it begins to fall."""
REACH = 2
"""Frames to each side that a derivative looks at."""


@dataclass(frozen=True, eq=False)
class Analysis:
    """A frontend's settings, and what it computes by: the shape of its window, bands, and cosines of cepstra."""

    frontend: Frontend
    window_W: np.ndarray
    bank_FP: np.ndarray
    cosines_FC: np.ndarray
    preemphasis: float

    @classmethod
    def of(cls, frontend: Frontend) -> Self:
        """That of a frontend, with torch."""
        from rnncli.data.audio import spectra

        size = spectra.transform_size(frontend.window_samples)
        kaldi = frontend.kind == "fbank"
        bank = (spectra.kaldi_bank if kaldi else spectra.htk_bank)(frontend.rate, size, frontend.bands)
        shape = spectra.povey(frontend.window_samples) if kaldi else spectra.hann(frontend.window_samples)
        cosines = spectra.cosines(frontend.bands, frontend.bins)
        return cls(frontend, shape.numpy(), bank.numpy(), cosines.numpy(), spectra.PREEMPHASIS if kaldi else 0.0)

    def __call__(self, samples_N: np.ndarray) -> np.ndarray:
        """Features (T, F), float32."""
        frames, front = self.frontend.frames(len(samples_N)), self.frontend
        if not frames:
            return np.zeros((0, front.width), np.float32)
        windows_TW = np.lib.stride_tricks.sliding_window_view(samples_N, front.window_samples)[:: front.hop_samples]
        bands = [self._bands(windows_TW[at : min(at + AT_ONCE, frames)]) for at in range(0, frames, AT_ONCE)]
        power_TF = np.concatenate(bands)
        if front.kind == "fbank":
            return np.log(np.maximum(power_TF, np.finfo(np.float32).eps)).astype(np.float32)
        logarithms_TF = np.log(power_TF + np.float32(FLOOR))
        if front.kind == "log-mel":
            return logarithms_TF.astype(np.float32)
        layers = [logarithms_TF @ self.cosines_FC]
        for _ in range(front.deltas):
            layers.append(_derivative(layers[-1]))
        return np.concatenate(layers, 1).astype(np.float32)

    def features(self, sound: Sound, name: str) -> np.ndarray:
        """Features (T, F) of a recording; raises RecordingError where it is shorter than a frame."""
        features_TF = self(resample(sound.samples, sound.rate, self.frontend.rate))
        require_frames(self.frontend, len(features_TF), sound.seconds, name)
        return features_TF

    def arrays(self) -> dict[str, np.ndarray]:
        """The tables, to be kept."""
        return {"window": self.window_W, "bank": self.bank_FP, "cosines": self.cosines_FC}

    def settings(self) -> dict[str, Any]:
        """The settings, as plain values for JSON."""
        return asdict(self.frontend) | {"preemphasis": self.preemphasis}

    @classmethod
    def kept(cls, settings: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Self:
        """What :meth:`settings` and :meth:`arrays` gave."""
        front = Frontend(**{name: value for name, value in settings.items() if name != "preemphasis"})
        return cls(front, arrays["window"], arrays["bank"], arrays["cosines"], settings["preemphasis"])

    def _bands(self, windows_TW: np.ndarray) -> np.ndarray:
        """Power in bands, (T, F) float64."""
        frames_TW = windows_TW.astype(np.float64)
        if self.frontend.kind == "fbank":
            frames_TW = frames_TW * 32768
            frames_TW -= frames_TW.mean(1, keepdims=True)
            frames_TW = frames_TW - self.preemphasis * np.concatenate([frames_TW[:, :1], frames_TW[:, :-1]], 1)
        size = 2 * (self.bank_FP.shape[1] - 1)
        spectrum_TP = np.fft.rfft(frames_TW * self.window_W, size)
        return (spectrum_TP.real**2 + spectrum_TP.imag**2) @ self.bank_FP.T.astype(np.float64)


def resample(samples_N: np.ndarray, rate: int, wanted: int) -> np.ndarray:
    """The samples at the rate ``wanted``: see :func:`rnncli.data.audio.resampling.resample`."""
    if rate == wanted or not len(samples_N):
        return samples_N
    divisor = math.gcd(rate, wanted)
    step, steps_out = rate // divisor, wanted // divisor
    band = min(step, steps_out) * ROLLOFF
    reach = math.ceil(ZEROS * step / band)
    taken_K = np.arange(-reach, reach + step, dtype=np.float32) / step
    wanted_O1 = (-np.arange(steps_out, dtype=np.float32) / steps_out)[:, None]
    crossings_OK = np.clip((wanted_O1 + taken_K) * np.float32(band), -ZEROS, ZEROS)
    window_OK = np.cos(crossings_OK * np.float32(math.pi / ZEROS / 2)) ** 2
    filters_OK = np.sinc(crossings_OK) * window_OK * np.float32(band / step)
    padded_N = np.pad(samples_N.astype(np.float32), (reach, reach + step))
    windows_MK = np.lib.stride_tricks.sliding_window_view(padded_N, len(taken_K))[::step]
    count = math.ceil(np.float32(steps_out * len(samples_N) / step))
    return (windows_MK @ filters_OK.T.astype(np.float32)).reshape(-1)[:count].astype(np.float32)


def _derivative(found_TF: np.ndarray) -> np.ndarray:
    """The slope of the line that fits two frames to each side best, (T, F); the outermost count as repeated."""
    padded_TF = np.pad(found_TF, ((REACH, REACH), (0, 0)), mode="edge")
    offsets = range(-REACH, REACH + 1)
    sums_TF = sum(offset * padded_TF[REACH + offset : REACH + offset + len(found_TF)] for offset in offsets)
    return np.asarray(sums_TF) / sum(offset**2 for offset in offsets)
