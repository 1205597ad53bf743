"""How much of music stands in its training part: chord by chord, in any transposition.

Shape letters: N frames of pieces one behind the other, C chords of them, D pieces, S slots of a frame.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from rnncli.data.steps import Steps
from rnncli.tasks.write.copying import Copied, copied, shares


def copied_chords(groups: Sequence[Steps], train: Steps, keys: int, length: int) -> list[Copied]:
    """What of each group of pieces stands in ``train``: runs in chords, shares of runs of ``length`` chords."""
    of_train, *of_groups = changes((train, *groups), keys)
    return [Copied(one.longest + 1, one.share) for one in copied(of_groups, of_train, length - 1)]


def resemblance(pieces: Steps, train: Steps, keys: int, length: int) -> np.ndarray:
    """The share of the runs of ``length`` chords of each piece that stand in ``train``, (D,)."""
    of_train, of_pieces = changes((train, pieces), keys)
    return shares(of_pieces, of_train, length - 1)


def changes(parts: Sequence[Steps], keys: int) -> list[Steps]:
    """Frames (N, S) as symbols that are alike in any transposition, numbered alike in all parts.

    A symbol is the change from a chord to the next: both shapes, and how far the lowest note moves; so n chords are
    n - 1 symbols. A chord lasts as long as the same keys sound. Keys outside of 0 to ``keys`` - 1 are silent.

    >>> pieces = [np.array([[4, 7], [4, 7], [5, 9]]), np.array([[0, 3], [1, 5]])]
    >>> [change] = changes([Steps.of(pieces)], keys=12)
    >>> change.values.tolist(), change.bounds_D1.tolist()
    ([0, 0], [0, 1, 2])
    """
    slots = max(part.values.shape[1] for part in parts)
    key_NS = np.concatenate([_sounding(part.values, keys, slots) for part in parts])
    lengths = np.concatenate([part.lengths for part in parts])
    code_C, piece_C = _changes(*_chords(key_NS, np.repeat(np.arange(len(lengths)), lengths)), keys)
    symbol_C = np.unique(code_C, return_inverse=True)[1]
    bounds = np.searchsorted(piece_C, np.arange(len(lengths) + 1))
    found, first = [], 0
    for part in parts:
        own_D1 = bounds[first : first + len(part) + 1]
        found.append(Steps(symbol_C[own_D1[0] : own_D1[-1]], own_D1 - own_D1[0]))
        first += len(part)
    return found


def _chords(key_NS: np.ndarray, piece_N: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The keys of chords, (C, S), and their pieces, (C,): frames that are like those before them left out."""
    new_N = np.diff(piece_N, prepend=-1) != 0
    new_N[1:] |= (key_NS[1:] != key_NS[:-1]).any(1)
    return key_NS[new_N], piece_N[new_N]


def _changes(key_CS: np.ndarray, piece_C: np.ndarray, keys: int) -> tuple[np.ndarray, np.ndarray]:
    """A number for each change from a chord to the next of its piece, and the piece."""
    lowest_C = _lowest(key_CS, piece_C)
    _, shape_C = np.unique(np.where(key_CS >= 0, key_CS - lowest_C[:, None], -1), axis=0, return_inverse=True)
    after = np.flatnonzero(piece_C[1:] == piece_C[:-1]) + 1
    known = np.minimum(lowest_C[after], lowest_C[after - 1]) >= 0
    moved = np.where(known, lowest_C[after] - lowest_C[after - 1], 0)
    kinds = int(shape_C.max(initial=0)) + 1
    return ((moved + keys) * kinds + shape_C[after - 1]) * kinds + shape_C[after], piece_C[after]


def _sounding(values_NS: np.ndarray, keys: int, slots: int) -> np.ndarray:
    """The keys of frames ascending, -1 before them where fewer sound than there are slots."""
    key_NS = np.sort(np.where((values_NS >= 0) & (values_NS < keys), values_NS, -1), axis=1).astype(np.int64)
    return np.pad(key_NS, ((0, 0), (slots - key_NS.shape[1], 0)), constant_values=-1)


def _lowest(key_CS: np.ndarray, piece_C: np.ndarray) -> np.ndarray:
    """The lowest key of chords, of silence that of the last before it in its piece, else -1; (C,)."""
    sounds_C = key_CS.max(1) >= 0
    last_C = np.maximum.accumulate(np.where(sounds_C, np.arange(len(key_CS)), 0))
    known_C = sounds_C[last_C] & (piece_C[last_C] == piece_C)
    least_C = np.where(key_CS >= 0, key_CS, np.iinfo(np.int64).max).min(1)
    return np.where(known_C, least_C[last_C], -1)
