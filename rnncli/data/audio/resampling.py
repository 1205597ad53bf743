"""Samples at another rate, of a whole recording or of one that comes in pieces. Shape letter: N samples."""

from __future__ import annotations

import math

import numpy as np

from rnncli.data.audio.sound import import_torchaudio

ZEROS, ROLLOFF = 6, 0.99
"""Zero crossings of torchaudio's windowed sinc to each side, and where it begins to fall."""


def resample(samples_N: np.ndarray, rate: int, wanted: int) -> np.ndarray:
    """The samples at the rate ``wanted``, by torchaudio's windowed sinc."""
    if rate == wanted or not len(samples_N):
        return samples_N
    import torch

    functional = import_torchaudio().functional
    wave_N = torch.from_numpy(np.ascontiguousarray(samples_N))
    return functional.resample(wave_N, rate, wanted, lowpass_filter_width=ZEROS, rolloff=ROLLOFF).numpy()


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
