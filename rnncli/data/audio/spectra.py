"""Spectra, cepstra and the filter bank of Kaldi, by torch alone and in the figures of torchaudio.

torchaudio is built for single releases of torch, yet pip sets it beside any: what it computes for us is little, and
stands here, so that recordings can be used with every torch. Tests hold each figure to torchaudio's.

Shape letters: N samples, T frames, W samples of a window, P points of a spectrum, F bands, C coefficients.
"""

from __future__ import annotations

import math
from functools import lru_cache

import torch
from torch import Tensor
from torch.nn import functional

LOWEST = 20.0
"""Hz at which the first band begins; the last ends at half the sample rate."""
PREEMPHASIS = 0.97
REACH = 2
"""Frames to each side that a derivative looks at."""


def mel_spectrum(wave_N: Tensor, rate: int, bands: int, window: int, hop: int) -> Tensor:
    """Power in mel bands by the formula of HTK, (T, F), each frame of ``window`` samples under a window of Hann.

    A frame begins with its window: torch centres a window in its longer transform, which is made up for in front.
    """
    size = transform_size(window)
    spare = size - window
    padded_N = functional.pad(wave_N, (spare // 2, spare - spare // 2))
    spectrum_PT = torch.stft(padded_N, size, hop, window, hann(window), center=False, return_complex=True)
    return spectrum_PT.abs().square().T @ htk_bank(rate, size, bands).T


def cepstrum(logarithms_TF: Tensor, coefficients: int) -> Tensor:
    """The first ``coefficients`` of the orthonormal cosine transform of each frame, (T, C)."""
    return logarithms_TF @ cosines(logarithms_TF.shape[1], coefficients)


def derivative(found_TF: Tensor) -> Tensor:
    """The slope of the line that fits two frames to each side best, (T, F); the outermost frames count as repeated."""
    offsets = torch.arange(-REACH, REACH + 1.0)
    padded_FT = functional.pad(found_TF.T[None], (REACH, REACH), mode="replicate")[0]
    sums_FT = functional.conv1d(padded_FT[:, None], offsets[None, None])[:, 0]
    return sums_FT.T / float(offsets.square().sum())


def kaldi_filter_bank(wave_N: Tensor, rate: int, bands: int, window: int, hop: int) -> Tensor:
    """Logarithms of mel bands, (T, F), as Kaldi computes them without dither of samples as large as 16-bit ones."""
    frames_TW = wave_N.unfold(0, window, hop)
    frames_TW = frames_TW - frames_TW.mean(1, keepdim=True)
    before_TW = torch.cat([frames_TW[:, :1], frames_TW[:, :-1]], 1)
    size = transform_size(window)
    spectrum_TP = torch.fft.rfft((frames_TW - PREEMPHASIS * before_TW) * povey(window), size)
    power_TF = spectrum_TP.abs().square() @ kaldi_bank(rate, size, bands).T
    return power_TF.clamp(min=torch.finfo(torch.float32).eps).log()


def hann(window: int) -> Tensor:
    """The window of Hann, (W,), as of a longer signal that comes round."""
    return torch.hann_window(window)


def povey(window: int) -> Tensor:
    """The window of Kaldi, (W,)."""
    return torch.hann_window(window, periodic=False) ** 0.85


def transform_size(window: int) -> int:
    """The power of two that a window fits into."""
    return 1 << (window - 1).bit_length()


@lru_cache(maxsize=16)
def htk_bank(rate: int, size: int, bands: int) -> Tensor:
    """Weights (F, P) of triangles between points that lie evenly on the scale 2595 log10(1 + f / 700)."""
    highest = rate // 2
    first, last = (2595 * math.log10(1 + frequency / 700) for frequency in (LOWEST, highest))
    corners = 700 * (10 ** (torch.linspace(first, last, bands + 2) / 2595) - 1)
    return _triangles(torch.linspace(0, highest, size // 2 + 1), corners)


@lru_cache(maxsize=16)
def kaldi_bank(rate: int, size: int, bands: int) -> Tensor:
    """Weights (F, P) of triangles on the scale 1127 ln(1 + f / 700) itself; the highest point has none."""
    first, last = (1127 * math.log(1 + frequency / 700) for frequency in (LOWEST, rate / 2))
    corners = first + torch.arange(bands + 2.0) * ((last - first) / (bands + 1))
    points_P = 1127 * (1 + torch.arange(size / 2) * (rate / size) / 700).log()
    return functional.pad(_triangles(points_P, corners), (0, 1))


@lru_cache(maxsize=16)
def cosines(bands: int, coefficients: int) -> Tensor:
    """The orthonormal cosine transform of the second kind, (F, C)."""
    places_F = torch.arange(float(bands)) + 0.5
    found_CF = (math.pi / bands * places_F * torch.arange(float(coefficients))[:, None]).cos()
    found_CF[0] /= math.sqrt(2)
    return (found_CF * math.sqrt(2 / bands)).T


def _triangles(points_P: Tensor, corners: Tensor) -> Tensor:
    """Weights (F, P): band f rises from corner f to the next and falls to the one behind; ``corners`` has F + 2."""
    widths = (corners[1:] - corners[:-1])[:, None]
    rising_FP = (points_P - corners[:-2, None]) / widths[:-1]
    falling_FP = (corners[2:, None] - points_P) / widths[1:]
    return torch.minimum(rising_FP, falling_FP).clamp(min=0)
