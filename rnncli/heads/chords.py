"""A frame of music as its notes one after the other: each upwards, given those below it, and the state.

Keys of a frame are not independent of each other; p(frame) is exact all the same, since it is a product::

    p(k_1 < ... < k_n) = p(k_1 | y) p(k_2 | y, k_1) ... p(end | y, k_1 ... k_n)

where a note is one of the keys above the last (Boulanger-Lewandowski et al. 2012 condition keys on those below by a
NADE). Voices are symbols in a fixed order instead, each a key or silent, of any pitch. What a key gets is a linear
function of the head's hidden units, and of its distance to each key that sounded in the frame before and was chosen in
this one: what is learnt of one key holds for all.

Shape letters: B batch, T frames, F frames that are foretold, S slots of a frame, N symbols that are foretold, E outputs
of the core, U hidden units, K keys, O distances.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from rnncli.core.dropout import Dropout
from rnncli.heads.notes import FARTHEST, NOTHING


class Frames(NamedTuple):
    """Frames to foretell (F, S) from the frames before them (F, S) and outputs of the core (F, E)."""

    y_FE: Tensor
    before_FS: Tensor
    frames_FS: Tensor


class ChordHead(nn.Module):
    """Symbols of a frame: keys 0 to K - 1, and K, which ends a frame of notes, or is a voice that is silent.

    ``slots`` are the voices, 0 for notes upwards.
    """

    def __init__(self, size: int, keys: int, hidden: int, *, slots: int = 0, dropout: float = 0.0) -> None:
        super().__init__()
        self.keys, self.slots = keys, slots
        kinds = max(1, slots)
        self.state = nn.Linear(size, hidden)
        self.before = nn.Linear(kinds * (keys + 1), hidden, bias=False)
        self.chosen = nn.Parameter(torch.randn(kinds, keys + 1, hidden) * 0.05)
        self.last = nn.Embedding(keys + 2, hidden)
        self.slot = nn.Embedding(kinds, hidden)
        nn.init.normal_(self.slot.weight, std=0.05)
        self.dropout = Dropout(dropout)
        self.second = nn.Linear(hidden, hidden)
        self.out = nn.Linear(hidden, keys + 1)
        # Distances to what sounded before, in each voice, and in the own one; to what is chosen now; to the last of it.
        self.views = kinds + 2 + bool(slots)
        self.distance = nn.Linear(hidden, self.views * (2 * FARTHEST + 1))
        nn.init.zeros_(self.distance.weight)
        nn.init.zeros_(self.distance.bias)

    def symbols(self, frames_FS: Tensor) -> Tensor:
        """The symbols of frames, -1 behind the end of each: (F, S) of voices, (F, S + 1) of notes with their end."""
        if self.slots:
            return frames_FS
        padded = functional.pad(frames_FS, (0, 1), value=NOTHING)
        ends_F1 = (frames_FS >= 0).sum(1, keepdim=True)
        return padded.scatter(1, ends_F1, self.keys)

    def forward(self, frames: Frames) -> tuple[Tensor, Tensor]:
        """Logits (N, K + 1) of all symbols of the frames, which come one behind the other, and the true ones (N,)."""
        symbols_FN = self.symbols(frames.frames_FS)
        frame_N, slot_N = (symbols_FN >= 0).nonzero(as_tuple=True)
        place_C = torch.arange(symbols_FN.shape[1], device=symbols_FN.device)
        chosen_NC = torch.where(place_C < slot_N[:, None], symbols_FN[frame_N], NOTHING)
        last_FN = functional.pad(symbols_FN[:, :-1], (1, 0), value=self.keys + 1)
        last_N = last_FN[frame_N, slot_N]
        hidden_NU = self._base(frames.y_FE, frames.before_FS)[frame_N] + self._sums(symbols_FN)[frame_N, slot_N]
        hidden_NU = hidden_NU + self.last(last_N) + self._slot(slot_N)
        logits_NK = self._logits(hidden_NU, frames.before_FS[frame_N], slot_N, chosen_NC, last_N)
        return logits_NK, symbols_FN[frame_N, slot_N]

    def _base(self, y_FE: Tensor, before_FS: Tensor) -> Tensor:
        """What all symbols of a frame begin from, (F, U)."""
        seen = functional.one_hot((before_FS + 2).clamp(min=0), self.keys + 3)[..., 2:].to(y_FE.dtype)
        views = seen if self.slots else seen.sum(1, keepdim=True)
        return self.state(y_FE) + self.before(views.flatten(1))

    def _sums(self, symbols_FN: Tensor) -> Tensor:
        """Of each slot the sum of the vectors of what is chosen before it, (F, N, U)."""
        kind_N = torch.arange(symbols_FN.shape[1], device=symbols_FN.device).clamp(max=max(1, self.slots) - 1)
        vectors = self.chosen[kind_N, symbols_FN.clamp(min=0)]
        return _earlier(vectors * (symbols_FN >= 0)[..., None])

    def _slot(self, slot_N: Tensor) -> Tensor:
        return self.slot(slot_N if self.slots else torch.zeros_like(slot_N))

    def _logits(
        self, hidden_NU: Tensor, before_NS: Tensor, slot_N: Tensor, chosen_NC: Tensor, last_N: Tensor
    ) -> Tensor:
        """Logits (N, K + 1); of notes those of keys that are not above the last are minus infinity."""
        hidden_NU = self.dropout(torch.relu(hidden_NU))
        hidden_NU = hidden_NU + torch.relu(self.second(hidden_NU))
        notes, views = [before_NS], list(range(self.slots)) or [0] * before_NS.shape[1]
        if self.slots:
            notes.append(before_NS.gather(1, slot_N[:, None]))
            views.append(self.slots)
        notes += [chosen_NC, last_N[:, None]]
        views += [self.views - 2] * chosen_NC.shape[1] + [self.views - 1]
        weights_NJO = self.distance(hidden_NU).unflatten(1, (self.views, -1))
        near_NK = _by_distance(torch.cat(notes, 1), views, weights_NJO, self.keys)
        logits = self.out(hidden_NU) + functional.pad(near_NK, (0, 1))
        if self.slots:
            return logits
        lowest_N1 = torch.where(last_N <= self.keys, last_N, -1)[:, None]
        below = torch.arange(self.keys + 1, device=logits.device) <= lowest_N1
        return logits.masked_fill(below, -torch.inf)


def _earlier(values_FNX: Tensor) -> Tensor:
    """Of each slot the sum of those before it."""
    return functional.pad(values_FNX[:, :-1].cumsum(1), (0, 0, 1, 0))


def _by_distance(notes_NP: Tensor, views: list[int], weights_NJO: Tensor, keys: int) -> Tensor:
    """Of each key the weights of its distances to P notes, each by the view on it, summed: (N, K).

    What is no key has no distance.
    """
    width = keys + 2 * FARTHEST
    symbol_M, place_M = ((notes_NP >= 0) & (notes_NP < keys)).nonzero(as_tuple=True)
    view_M = torch.tensor(views, device=notes_NP.device)[place_M]
    begin_M = symbol_M * width + notes_NP[symbol_M, place_M]
    at_MO = begin_M[:, None] + torch.arange(weights_NJO.shape[2], device=notes_NP.device)
    found = weights_NJO.new_zeros(len(notes_NP) * width)
    found = found.index_add(0, at_MO.flatten(), weights_NJO[symbol_M, view_M].flatten())
    return found.view(-1, width)[:, FARTHEST : FARTHEST + keys]
