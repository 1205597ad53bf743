"""A recording as a spectrogram and as sound, for a page.

Shape letters: N samples, T frames, F frequencies.
"""

from __future__ import annotations

import io
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from rnncli.data.audio.sound import Sound, import_soundfile, read_sound
from rnncli.errors import UserError
from rnncli.report.figures import Media, Sample

MAX_SECONDS = 15.0
"""That a page plays of a recording."""
WINDOW, HIGHEST = 0.025, 8000
"""Seconds of a window, and Hz up to which a spectrogram goes."""
COLUMNS, RANGE = 900, 80.0
"""Windows at most, and decibels from the loudest to what is white."""


def illustrated(sample: Sample, recipe: Any) -> Sample:
    """The sample with its spectrogram and sound; as it is where the file has gone or holds features."""
    with suppress(UserError, OSError, ValueError):
        if (path := Path(sample.file)).is_file():
            start, length = sample.span or (0.0, MAX_SECONDS)
            sound = read_sound(path, span=(start, min(length, MAX_SECONDS)))
            return replace(sample, media=(*sample.media, _spectrogram(sound), _wave(sound)))
    return sample


def _spectrogram(sound: Sound) -> Media:
    """Loudness in decibels: time goes to the right, low notes are below."""
    from matplotlib.image import imsave

    size = max(16, round(WINDOW * sound.rate))
    samples_N = np.pad(sound.samples, (0, max(0, size - len(sound.samples))))
    step = max(1, size // 4, (len(samples_N) - size) // COLUMNS)
    windows = np.lib.stride_tricks.sliding_window_view(samples_N, size)[::step]
    power_TF = np.abs(np.fft.rfft(windows * np.hanning(size).astype(np.float32))) ** 2
    power_TF = power_TF[:, : round(HIGHEST * size / sound.rate) + 1]
    loud_TF = 10 * np.log10(power_TF + 1e-12)
    top = float(loud_TF.max())
    content = io.BytesIO()
    imsave(content, loud_TF.T, vmin=top - RANGE, vmax=top, cmap="gray_r", origin="lower", format="png")
    heard = f"spectrogram of {sound.seconds:.1f} s, to {min(HIGHEST, sound.rate // 2):,} Hz"
    return Media("image/png", content.getvalue(), heard)


def _wave(sound: Sound) -> Media:
    """16-bit PCM, one channel."""
    content = io.BytesIO()
    import_soundfile().write(content, sound.samples, sound.rate, format="WAV", subtype="PCM_16")
    return Media("audio/wav", content.getvalue(), f"{sound.seconds:.1f} s")
