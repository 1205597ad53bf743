"""Pieces as sound, by a small additive synthesiser: no samples of instruments, no files beside.

A tone is its first harmonics, of which the higher ones fade faster; it is struck, falls to a level that it keeps while
its key is held, and dies away behind. Shape letters: N notes, L samples, H harmonics.
"""

from __future__ import annotations

import io
import wave

import numpy as np

from rnncli.data.music.pieces import KEYS, LOWEST, Form, MusicPiece, notes_of

RATE = 22_050
"""Samples a second."""
HARMONICS = 10
ATTACK, RELEASE, FADING = 0.008, 0.12, 0.5
"""Seconds in which a tone rises, dies away behind its end, and falls to ``1 / e`` of what it does not keep."""
KEPT = 0.3
"""The share of a tone that goes on while its key is held."""
PEAK = 0.9
TUNING, TUNED = 440.0, 69
"""The pitch in Hz of a MIDI number."""


def wav(piece: MusicPiece, form: Form = "rolls", *, keys: int = KEYS, lowest: int = LOWEST) -> bytes:
    """The content of a .wav file of the piece, of one channel, 16 bit, at its tempo."""
    samples_L = samples_of(notes_of(piece.frames, form, keys=keys, lowest=lowest), piece.frame_seconds, len(piece))
    stream = io.BytesIO()
    with wave.open(stream, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(np.rint(samples_L * 32767).astype("<i2").tobytes())
    return stream.getvalue()


def samples_of(notes_N4: np.ndarray, frame_seconds: float, frames: int) -> np.ndarray:
    """Sound (L,) from -1 to 1 of notes by first frame, frame behind the last and MIDI number."""
    tail = round(RELEASE * RATE)
    at_N2 = np.rint(notes_N4[:, :2] * frame_seconds * RATE).astype(np.int64)
    sound_L = np.zeros(round(frames * frame_seconds * RATE) + tail)
    fall_L = np.linspace(1, 0, tail) ** 2
    for pitch in np.unique(notes_N4[:, 2]).tolist():
        spans_N2 = at_N2[notes_N4[:, 2] == pitch]
        tone_L = _tone(pitch, int(np.diff(spans_N2, axis=1).max()) + tail)
        for begin, end in spans_N2.tolist():
            sound_L[begin:end] += tone_L[: end - begin]
            sound_L[end : end + tail] += tone_L[end - begin :][:tail] * fall_L
    return sound_L * (PEAK / max(PEAK, float(np.abs(sound_L).max(initial=0))))


def _tone(pitch: int, length: int) -> np.ndarray:
    """A key that is struck and held, (L,); high ones are a little softer, as they seem louder."""
    seconds_L = np.arange(length) / RATE
    frequency = TUNING * 2 ** ((pitch - TUNED) / 12)
    tone_L = np.zeros(length)
    for harmonic in range(1, min(HARMONICS, int(RATE / 2 / frequency)) + 1):
        level_L = KEPT + (1 - KEPT) * np.exp(-seconds_L * harmonic / FADING)
        tone_L += level_L / harmonic**1.5 * np.sin(2 * np.pi * frequency * harmonic * seconds_L)
    softness = min(1.0, (TUNING / frequency) ** 0.3)
    return 0.2 * softness * np.minimum(1, seconds_L / ATTACK) * tone_L
