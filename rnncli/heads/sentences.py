"""Beam search for sentences, whatever foretells their next word, in numpy.

Shape letters: B sentences that are followed, T time of the encoder, V words.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

PADDING, BEGIN, END = 0, 1, 2


@dataclass(frozen=True)
class Written:
    """Words without begin and end, the score that ranked them, and which frames each word looked at, (S, T)."""

    words: tuple[int, ...]
    score: float
    attention: list[list[float]] = field(default_factory=list)


class NextWords(NamedTuple):
    """ln p (B, V) of the next word, what each sentence looked at, (B, T), and the state behind: parts (L, B, H)."""

    logs_BV: np.ndarray
    weights_BT: np.ndarray
    state: tuple[Any, ...]


Advance = Callable[[list[int], tuple[Any, ...]], NextWords]
"""Of the last word of each sentence and the state before it."""


def search(
    advance: Advance,
    state: tuple[Any, ...],
    *,
    beam: int = 5,
    longest: int = 30,
    length_power: float = 0.7,
    no_repeat: int = 0,
    best: int = 1,
) -> list[Written]:
    """The ``best`` sentences of beam search from a ``state`` of parts (L, 1, H), highest first.

    A sentence is ranked by its log probability divided by its length (the end counted) to ``length_power``. None
    has an n-gram of ``no_repeat`` words twice; 0 allows it. One that did not end within ``longest`` words is taken
    as it is where none did.
    """
    live: list[Written] = [Written((), 0.0)]
    done: list[Written] = []
    for _ in range(longest):
        found = advance([one.words[-1] if one.words else BEGIN for one in live], state)
        following, rows = _following(live, done, found, beam, length_power, no_repeat)
        if not following or len(done) >= max(beam, best):
            break
        live, state = following, tuple(part[:, rows] for part in found.state)
    if not done:
        done = [Written(one.words, one.score / max(1, len(one.words)) ** length_power, one.attention) for one in live]
    return sorted(done, key=lambda one: -one.score)[:best]


def banned(words: Sequence[int], size: int) -> set[int]:
    """The words that would repeat an n-gram of ``size`` words."""
    if not size or len(words) < size:
        return set()
    tail = tuple(words[len(words) - size + 1 :])
    return {words[i + size - 1] for i in range(len(words) - size + 1) if tuple(words[i : i + size - 1]) == tail}


def _following(
    live: Sequence[Written], done: list[Written], found: NextWords, beam: int, power: float, no_repeat: int
) -> tuple[list[Written], list[int]]:
    """The best sentences one word longer, and of which each comes; those that end are put to ``done``."""
    logs_BV = found.logs_BV.astype(np.float32)
    logs_BV[:, [PADDING, BEGIN]] = -np.inf
    for row, one in enumerate(live):
        logs_BV[row, list(banned(one.words, no_repeat))] = -np.inf
    totals_BV = logs_BV + np.array([one.score for one in live], np.float32)[:, None]
    following, rows = [], []
    for place in _highest(totals_BV.ravel(), 2 * beam):
        row, word = divmod(place, totals_BV.shape[1])
        one, score = live[row], float(totals_BV[row, word])
        if score == -np.inf or len(following) == beam:
            break
        if word == END:
            done.append(Written(one.words, score / (len(one.words) + 1) ** power, one.attention))
            continue
        looked = [round(weight, 4) for weight in found.weights_BT[row].tolist()]
        following.append(Written((*one.words, word), score, [*one.attention, looked]))
        rows.append(row)
    return following, rows


def _highest(values_N: np.ndarray, count: int) -> list[int]:
    """Where the highest values are, highest first; of equal ones the first."""
    some = np.arange(len(values_N))
    if count < len(values_N):
        some = np.flatnonzero(values_N >= np.partition(values_N, -count)[-count])
    return some[np.argsort(-values_N[some], kind="stable")][:count].tolist()
