"""What music costs simple models: counts of keys, and n-grams of the notes of frames one after the other.

Shape letters: N frames, S slots of a frame, V voices, K keys, M notes.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from rnncli.data.music.pieces import Form, sounding
from rnncli.data.steps import Steps
from rnncli.data.text.kneser_ney import KneserNey

ORDER = 11
"""Of n-grams of notes: two or three frames. Of 5, 7, 9, 11, 13 the best of dev for rolls of eighth notes."""
MAX_FRAMES = 4_000_000
"""Of a training part, its last ones, that n-grams are learnt from."""
PRIOR = 0.5
"""What each count begins at: Krichevsky & Trofimov (1981)."""
CHUNK = 1 << 16
"""Frames whose keys are laid out at once."""
FREQUENCY, SOUNDED, NOTES = "key by frequency", "and by whether it sounded", f"kneser-ney {ORDER} of notes"


def rivals(train: Steps, test: Steps, form: Form, keys: int) -> dict[str, np.ndarray]:
    """What each frame of ``test`` costs models of ``train``: nats, (N,), by name."""
    by_counts = _rolls if form == "rolls" else _voices
    return {NOTES: _ngram(train, test, form, keys), **by_counts(train, test, keys)}


def limited(train: Steps) -> str:
    """A sentence where n-grams are not learnt from all of the training part, else nothing."""
    frames = len(train.values)
    return f"n-grams are learnt from the last {MAX_FRAMES:,} of {frames:,} frames" if frames > MAX_FRAMES else ""


def as_symbols(steps: Steps, form: Form, keys: int) -> tuple[Steps, np.ndarray]:
    """Notes as symbols (M,) one behind the other, and with which of them each frame begins, (N,).

    Of a roll those of a frame upwards, then ``keys`` as its end; of voices the key of each, voices apart from another.
    So the probabilities of the symbols of a frame, each given all before it, make that of the frame.

    >>> notes, first_N = as_symbols(Steps.of([np.array([[3, 7], [3, -1]])]), "rolls", 88)
    >>> notes.values.tolist(), first_N.tolist()
    ([3, 7, 88, 3, 88], [0, 3])
    """
    values_NS = np.asarray(steps.values)
    if form == "voices":
        values_NS = values_NS + np.arange(values_NS.shape[1], dtype=np.int32) * (keys + 1)
    else:
        values_NS = np.pad(values_NS, ((0, 0), (0, 1)), constant_values=keys)
    is_symbol_NS = values_NS >= 0
    first_N1 = np.concatenate([[0], np.cumsum(is_symbol_NS.sum(1))])
    return Steps(values_NS[is_symbol_NS], first_N1[steps.bounds_D1]), first_N1[:-1]


def _ngram(train: Steps, test: Steps, form: Form, keys: int) -> np.ndarray:
    size = (keys + 1) * (train.values.shape[1] if form == "voices" else 1)
    learnt, _ = as_symbols(train.last(MAX_FRAMES), form, keys)
    notes, first_N = as_symbols(test, form, keys)
    nats_M = KneserNey.learn(learnt.values, learnt.bounds_D1, ORDER, size).nats(notes.values, notes.bounds_D1)
    return np.add.reduceat(nats_M, first_N)


def _rolls(train: Steps, test: Steps, keys: int) -> dict[str, np.ndarray]:
    """Each key by itself: as often as it sounds, or sounds after a frame in which it did, or did not."""
    sounds_3K, frames_3K = np.zeros((3, keys)), np.zeros((3, keys))
    for on_NK, state_NK in _states(train, keys):
        for state in range(3):
            sounds_3K[state] += (on_NK & (state_NK == state)).sum(0)
            frames_3K[state] += (state_NK == state).sum(0)
    sounds_3K[0], frames_3K[0] = sounds_3K.sum(0), frames_3K.sum(0)
    share_3K = (sounds_3K + PRIOR) / (frames_3K + 2 * PRIOR)
    nats_23K = -np.log([1 - share_3K, share_3K])
    key_K = np.arange(keys)
    by_frequency, by_state = [], []
    for on_NK, state_NK in _states(test, keys):
        by_frequency.append(nats_23K[on_NK.astype(int), 0, key_K].sum(1))
        by_state.append(nats_23K[on_NK.astype(int), state_NK, key_K].sum(1))
    return {FREQUENCY: np.concatenate(by_frequency), SOUNDED: np.concatenate(by_state)}


def _states(steps: Steps, keys: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Which keys sound in frames, some at once, and how they were before: 1 silent, 2 sounding, 0 of first frames."""
    before_K = np.zeros(keys, bool)
    for start in range(0, len(steps.values), CHUNK):
        on_NK = sounding(steps.values[start : start + CHUNK], keys)
        state_NK = np.concatenate([before_K[None], on_NK[:-1]]) + np.int8(1)
        begins_D = steps.bounds_D1[:-1] - start
        state_NK[begins_D[(begins_D >= 0) & (begins_D < len(on_NK))]] = 0
        yield on_NK, state_NK
        before_K = on_NK[-1]


def _voices(train: Steps, test: Steps, keys: int) -> dict[str, np.ndarray]:
    """Each voice by itself: a key, or silence, as often as there is one; or the key of before, else another."""
    voices = np.arange(train.values.shape[1])
    shape = (len(voices), keys + 1)
    count_VK = np.bincount((train.values + voices * shape[1]).ravel(), minlength=shape[0] * shape[1]).reshape(shape)
    share_VK = (count_VK + PRIOR) / (count_VK.sum(1, keepdims=True) + PRIOR * shape[1])
    after = _after(train)
    held_V = (train.values[after] == train.values[after - 1]).sum(0)
    held_V = (held_V + PRIOR) / (len(after) + 2 * PRIOR)
    nats_NV = -np.log(share_VK[voices, test.values])
    by_before_NV, after = nats_NV.copy(), _after(test)
    now_NV, was_NV = test.values[after], test.values[after - 1]
    other_NV = nats_NV[after] - np.log((1 - held_V) / (1 - share_VK[voices, was_NV]))
    by_before_NV[after] = np.where(now_NV == was_NV, -np.log(held_V), other_NV)
    return {FREQUENCY: nats_NV.sum(1), SOUNDED: by_before_NV.sum(1)}


def _after(steps: Steps) -> np.ndarray:
    """The frames that have one before them in their piece."""
    is_first_N = np.zeros(len(steps.values) + 1, bool)
    is_first_N[steps.bounds_D1] = True
    return np.flatnonzero(~is_first_N[:-1])
