"""What a person should know of recordings before training on them: rate, channels, loudness, clipping."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from rnncli.data import progress
from rnncli.data.audio.features import SoundRecording
from rnncli.data.audio.sound import CLIPPED, RecordingError

QUIET = -60.0
"""Decibels of full scale below which a recording counts as silent."""
OFTEN = 1e-3
"""Share of samples at full scale from which a recording counts as clipped."""


@dataclass(frozen=True)
class SoundFacts:
    """Of one recording: rate in Hz, channels, seconds, its loudest sample in dB of full scale, and samples there."""

    rate: int
    channels: int
    seconds: float
    peak: float
    clipped: float

    @property
    def is_silent(self) -> bool:
        """Whether nothing in it is louder than ``QUIET``."""
        return self.peak < QUIET

    @property
    def is_clipped(self) -> bool:
        """Whether ``OFTEN`` of its samples are as loud as can be."""
        return self.clipped >= OFTEN


def inspect(recordings: Sequence[SoundRecording]) -> list[SoundFacts | None]:
    """The facts of each recording, on all cores; None for features and for what cannot be read."""
    found: list[SoundFacts | None] = []
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        for done, facts in enumerate(pool.map(_facts, recordings), start=1):
            found.append(facts)
            progress.tell("recordings", done, len(recordings))
    return found


def _facts(recording: SoundRecording) -> SoundFacts | None:
    if recording.features:
        return None
    try:
        sound = recording.sound()
    except RecordingError:
        return None
    loud_N = np.abs(sound.samples)
    peak = 20 * float(np.log10(max(1e-10, loud_N.max(initial=0.0))))
    return SoundFacts(sound.rate, sound.channels, sound.seconds, peak, float((loud_N >= CLIPPED).mean()))
