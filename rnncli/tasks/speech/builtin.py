"""A built-in corpus: invented words spoken by a small formant synthesiser in several voices.

Vowels are harmonics of the voice's pitch under three resonances; nasals and liquids the same, fainter; fricatives and
bursts are noise in a band. Formants are about those that Peterson & Barney (1952) measured. Samples at 8 kHz.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

RATE = 8000
VOICED = {
    "a": (730, 1090, 2440, 1.0),
    "e": (530, 1840, 2480, 0.9),
    "i": (270, 2290, 3010, 0.8),
    "o": (570, 840, 2410, 0.9),
    "u": (300, 870, 2240, 0.8),
    "m": (250, 1000, 2200, 0.3),
    "n": (250, 1500, 2500, 0.3),
    "l": (360, 1300, 2700, 0.5),
}
"""Three formants in Hz and the loudness."""
NOISES = {
    "s": (2900, 3900, 110),
    "f": (1200, 2200, 90),
    "t": (2500, 3600, 25),
    "k": (1300, 2000, 30),
    "p": (300, 900, 25),
}
"""The band in Hz and how long it sounds in ms; t, k and p begin with silence."""
WORDS = ("mano", "selu", "tiko", "pala", "fumi", "noki", "lesa", "kuti", "supa", "mifo", "telan", "kolim")
VOICES, UTTERANCES = 12, 600


@dataclass(frozen=True)
class Voice:
    """A speaker: pitch in Hz, a factor on formants, one on durations."""

    name: str
    pitch: float
    tract: float
    pace: float


def generate(seed: int = 0) -> Iterator[tuple[np.ndarray, str, str]]:
    """Samples, text and speaker of each utterance, always the same ones for a seed."""
    random = np.random.default_rng(seed)
    draws_V3 = random.uniform((90, 0.9, 0.85), (240, 1.18, 1.2), (VOICES, 3))
    voices = [Voice(f"voice{n}", *map(float, draws)) for n, draws in enumerate(draws_V3)]
    for n in range(UTTERANCES):
        voice = voices[n % VOICES]
        words = [WORDS[k] for k in random.integers(0, len(WORDS), random.integers(1, 5))]
        yield speak(words, voice, random), " ".join(words), voice.name


def speak(words: list[str], voice: Voice, random: np.random.Generator) -> np.ndarray:
    """The words as samples, float32, with pauses and a little noise."""
    parts = [_silence(random.uniform(50, 150))]
    for word in words:
        parts += [_sound(phone, voice, random) for phone in word]
        parts.append(_silence(random.uniform(30, 120)))
    samples = np.concatenate(parts)
    return (samples + random.normal(0, 0.003, len(samples))).astype(np.float32)


def _sound(phone: str, voice: Voice, random: np.random.Generator) -> np.ndarray:
    if phone in NOISES:
        low, high, length = NOISES[phone]
        noise = _band(random, low * voice.tract, high * voice.tract, length * voice.pace)
        return np.concatenate([_silence(40 * voice.pace), noise]) if phone in "tkp" else noise
    *formants, loudness = VOICED[phone]
    size = int(RATE * voice.pace * random.uniform(0.08, 0.13))
    pitch = voice.pitch * random.uniform(0.93, 1.07) * np.linspace(1.03, 0.97, size)
    phase = 2 * np.pi * np.cumsum(pitch) / RATE
    harmonics = np.arange(1, int(RATE / 2 / pitch.max()) + 1)
    gains = _resonance(harmonics * pitch.mean(), [f * voice.tract for f in formants])
    wave = (gains[:, None] * np.cos(harmonics[:, None] * phase)).sum(0)
    return loudness * 0.3 * wave / np.abs(wave).max() * _fade(size)


def _resonance(frequencies: np.ndarray, formants: list[float]) -> np.ndarray:
    """How loud each frequency is under resonances of 80 Hz width, the source falling by 1 / f."""
    peaks = sum(1 / (1 + ((frequencies - formant) / 80) ** 2) for formant in formants)
    return (0.02 + peaks) * 200 / (200 + frequencies)


def _band(random: np.random.Generator, low: float, high: float, length: float) -> np.ndarray:
    size = max(16, int(RATE * length / 1000))
    spectrum = np.fft.rfft(random.normal(size=size))
    frequencies = np.fft.rfftfreq(size, 1 / RATE)
    noise = np.fft.irfft(np.where((frequencies >= low) & (frequencies <= min(high, 3950)), spectrum, 0), size)
    return 0.1 * noise / max(1e-9, np.abs(noise).max()) * _fade(size)


def _fade(size: int) -> np.ndarray:
    return np.minimum(1.0, np.minimum(np.arange(size), np.arange(size)[::-1]) / (0.2 * size))


def _silence(length: float) -> np.ndarray:
    return np.zeros(int(RATE * length / 1000))
