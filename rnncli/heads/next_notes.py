"""What :class:`rnncli.heads.chords.ChordHead` says of the next note of one frame, in numpy.

For one note most of the time of torch is spent between its calls; and the same base holds for all notes of a frame.

Shape letters: S slots of a frame, E outputs of the core, U hidden units, K keys, C notes that are chosen, J views, O
distances.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from torch import Tensor, nn

from rnncli.heads.chords import ChordHead
from rnncli.heads.notes import FARTHEST


class NextNotes:
    """The weights of a head, for frames that are written note by note.

    >>> frame = NextNotes(ChordHead(7, keys=88, hidden=16)).frame(np.ones(7, np.float32), [60, 64, 67])
    >>> frame.logits([48, 52]).shape
    (89,)
    """

    def __init__(self, head: ChordHead) -> None:
        self.keys, self.slots, self.views = head.keys, head.slots, head.views
        self.state = _linear(head.state)
        self.second = _linear(head.second)
        self.distance = _linear(head.distance)
        self.out = _linear(head.out)
        kinds, _, hidden = head.chosen.shape
        self.before_SKU = _array(head.before.weight.T).reshape(kinds, self.keys + 1, hidden)
        self.chosen_SKU = _array(head.chosen)
        self.last_KU, self.slot_SU = _array(head.last.weight), _array(head.slot.weight)

    def frame(self, y_E: np.ndarray, before_S: Sequence[int]) -> NotesOfFrame:
        """The next frame, from outputs of the core and the frame before it."""
        return NotesOfFrame(self, y_E, before_S)


class NotesOfFrame:
    """One frame, whose notes are chosen one after the other."""

    def __init__(self, head: NextNotes, y_E: np.ndarray, before_S: Sequence[int]) -> None:
        self.head = head
        weight, bias = head.state
        self.base_U = weight @ y_E + bias
        for slot, symbol in enumerate(before_S):
            if symbol >= 0:
                self.base_U += head.before_SKU[slot if head.slots else 0, symbol]
        self.before = [(slot if head.slots else 0, symbol) for slot, symbol in enumerate(before_S)]

    def logits(self, chosen: Sequence[int]) -> np.ndarray:
        """Those (K + 1,) of the symbol behind the ``chosen`` ones; of notes minus infinity up to the last."""
        head, slot = self.head, len(chosen) if self.head.slots else 0
        last = chosen[-1] if chosen else head.keys + 1
        hidden_U = self.base_U + head.last_KU[last] + head.slot_SU[slot]
        for number, symbol in enumerate(chosen):
            hidden_U += head.chosen_SKU[number if head.slots else 0, symbol]
        hidden_U = np.maximum(hidden_U, 0)
        hidden_U += np.maximum(_of(head.second, hidden_U), 0)
        logits_K = _of(head.out, hidden_U)
        self._add_distances(logits_K, _of(head.distance, hidden_U).reshape(head.views, -1), chosen)
        if not head.slots and chosen:
            logits_K[: last + 1] = -np.inf
        return logits_K

    def _add_distances(self, logits_K: np.ndarray, weights_JO: np.ndarray, chosen: Sequence[int]) -> None:
        """Add to keys what their distances to the notes of this frame and of the one before it are worth."""
        views, keys = self.head.views, self.head.keys
        notes = [*self.before, *((views - 2, key) for key in chosen)]
        if self.head.slots:
            notes.append((self.head.slots, self.before[len(chosen)][1]))
        if chosen:
            notes.append((views - 1, chosen[-1]))
        for view, key in notes:
            if 0 <= key < keys:
                low, high = max(0, key - FARTHEST), min(keys, key + FARTHEST + 1)
                logits_K[low:high] += weights_JO[view, FARTHEST + low - key : FARTHEST + high - key]


def _linear(layer: nn.Linear) -> tuple[np.ndarray, np.ndarray]:
    return _array(layer.weight), _array(layer.bias)


def _of(layer: tuple[np.ndarray, np.ndarray], x: np.ndarray) -> np.ndarray:
    """W x + b."""
    weight, bias = layer
    return weight @ x + bias


def _array(weight: Tensor) -> np.ndarray:
    return np.ascontiguousarray(weight.detach().cpu().numpy())
