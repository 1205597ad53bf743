"""Samples at another rate, of a whole recording or of one that comes in pieces. Shape letter: N samples."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import conv1d, pad

ZEROS, ROLLOFF = 6, 0.99
"""Zero crossings of torchaudio's windowed sinc to each side, and where it begins to fall."""


def resample(samples_N: np.ndarray, rate: int, wanted: int) -> np.ndarray:
    """The samples at the rate ``wanted``, by the windowed sinc of torchaudio and in its figures."""
    if rate == wanted or not len(samples_N):
        return samples_N
    divisor = math.gcd(rate, wanted)
    step, steps_out = rate // divisor, wanted // divisor
    filters, reach = _filters(step, steps_out)
    wave_N = torch.from_numpy(np.ascontiguousarray(samples_N, dtype=np.float32))
    found = conv1d(pad(wave_N, (reach, reach + step))[None, None], filters, stride=step)
    # Counted in single precision, as torchaudio does, so that no recording has a sample more than it had.
    count = math.ceil(np.float32(steps_out * len(samples_N) / step))
    return found[0].T.reshape(-1)[:count].numpy()


class Resampler:
    """Pieces in, the samples at the rate ``wanted`` that are certain out, as one pass would give them.

    What it remembers is as much as the filter reaches.
    """

    def __init__(self, rate: int, wanted: int) -> None:
        self.rate, self.wanted = rate, wanted
        divisor = math.gcd(rate, wanted)
        self._step, self._steps_out = rate // divisor, wanted // divisor
        reach = math.ceil(ZEROS * self._step / (min(self._step, self._steps_out) * ROLLOFF)) + 1
        self._reach = -(-reach // self._step) * self._step
        self._waiting_N = np.zeros(0, dtype=np.float32)
        self._behind = 0
        """How many of those that wait have been given out already, and are there for the filter alone."""

    def __call__(self, samples_N: np.ndarray, *, last: bool = False) -> np.ndarray:
        """Samples of what has come so far, as far as nothing that is to come can change them."""
        if self.rate == self.wanted:
            return samples_N
        self._waiting_N = np.concatenate([self._waiting_N, samples_N])
        ready = len(self._waiting_N) - self._behind - (0 if last else self._reach)
        ready = ready if last else ready // self._step * self._step
        if ready <= 0:
            return self._waiting_N[:0]
        found_N = resample(self._waiting_N, self.rate, self.wanted)[self._behind // self._step * self._steps_out :]
        done = self._behind + ready
        keep = max(0, done - self._reach) // self._step * self._step
        self._waiting_N, self._behind = self._waiting_N[keep:], done - keep
        return found_N if last else found_N[: ready // self._step * self._steps_out]


def _filters(step: int, steps_out: int) -> tuple[Tensor, int]:
    """Of each of the ``steps_out`` samples that come of ``step``, the weights of those around, and how far they reach.

    A sinc that falls at ``ROLLOFF`` of the lower rate's band, under a window of Hann over ``ZEROS`` crossings.
    """
    band = min(step, steps_out) * ROLLOFF
    reach = math.ceil(ZEROS * step / band)
    taken = torch.arange(-reach, reach + step, dtype=torch.float32) / step
    wanted = torch.arange(0, -steps_out, -1, dtype=torch.float32)[:, None, None] / steps_out
    crossings = ((wanted + taken) * band).clamp(-ZEROS, ZEROS)
    window = torch.cos(crossings * math.pi / ZEROS / 2) ** 2
    angles = crossings * math.pi
    return torch.where(angles == 0, 1.0, angles.sin() / angles) * (window * (band / step)), reach
