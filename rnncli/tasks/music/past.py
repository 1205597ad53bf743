"""What :mod:`rnncli.tasks.music.history` tells of frames, in numpy: how long all has been as it is.

Shape letters: B batch, T frames, S slots, K keys, X whatever is followed.
"""

from __future__ import annotations

import numpy as np

FOREVER = 1000
"""Frames for which all has been as it is at the begin of a piece."""
LONGEST = 16
"""Frames that a voice's note is told to have been held, at most."""
FADING = 8.0
"""Frames after which a key that is silent is half forgotten."""


def features(frames_BTS: np.ndarray, keys: int, voices: int) -> np.ndarray:
    """Figures (B, T, F) of the frames of pieces from their begin on, and of those before them."""
    seen = _one_hot(frames_BTS + 2, keys + 3)[..., 2:]
    sounds = seen.max(2)[..., :keys]
    held, _ = _followed(sounds)
    figures = [sounds, sounds * np.log1p(held) / 3, (1 - sounds) * FADING / (FADING + held)]
    if voices:
        # 0 is no frame at all, 1 to K keys, K + 1 a silent voice.
        held, prior = _followed(np.maximum(frames_BTS, -1) + 1)
        length = _one_hot(np.minimum(held, LONGEST).astype(np.int64), LONGEST + 1)
        before = _one_hot(prior.astype(np.int64), keys + 2)
        figures += [part.reshape(*part.shape[:2], -1) for part in (seen, length, before)]
    return np.concatenate(figures, -1, dtype=np.float32)


def _followed(now_BTX: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For how many frames each value has been so, counted from 1, and what it was before, (B, T, X)."""
    batch, _, many = now_BTX.shape
    last, held, prior = np.zeros((batch, many)), np.full((batch, many), float(FOREVER)), np.zeros((batch, many))
    found = []
    for now in now_BTX.transpose(1, 0, 2):
        changed = now != last
        prior = np.where(changed, last, prior)
        held = np.where(changed, 1, np.minimum(held + 1, FOREVER))
        found.append((held, prior))
        last = now
    held_TBX, prior_TBX = (np.stack(parts) for parts in zip(*found, strict=True))
    return held_TBX.transpose(1, 0, 2).astype(np.float32), prior_TBX.transpose(1, 0, 2)


def _one_hot(numbers: np.ndarray, kinds: int) -> np.ndarray:
    return (numbers[..., None] == np.arange(kinds)).astype(np.float32)
