"""The states that training carries from one window to the next.

Shape letters: B batch, M states that are kept, L layers, H hidden.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor

from rnncli.tasks.write.windows import WindowBatch

State = tuple[Tensor, ...]
"""Tensors (L, B, H)."""
Outputs = TypeVar("Outputs")
KEPT = 4
"""States that are kept, in the largest batches: rows of a step may be computed again in smaller ones."""


class Carried:
    """The state behind each window that was read lately, by the number of the window.

    >>> carried = Carried()
    >>> carried.keep(np.array([7]), (torch.ones(1, 1, 2),))
    >>> start = (torch.zeros(1, 2, 2),)
    >>> state, known = carried.before(np.array([8, 20]), np.array([True, True]), start)
    >>> state[0].tolist(), known.tolist()
    ([[[1.0, 1.0], [0.0, 0.0]]], [True, False])
    """

    def __init__(self) -> None:
        self._windows_M = np.empty(0, np.int64)
        self._state: State = ()
        self._rows = 0

    def read(
        self,
        batch: WindowBatch,
        begin: State,
        read: Callable[[Tensor, State], tuple[Outputs, State]],
        *,
        training: bool,
    ) -> tuple[Tensor, Outputs]:
        """What stood before each step, (B, T, ...), and what ``read`` makes of that and of the states at the begin.

        In training windows go on from the states behind those before them, where these were read; else, and where
        nothing is trained, they begin as documents do, with ``begin``.
        """
        if not training:
            return batch.before_BT, read(batch.before_BT, begin)[0]
        state, known_B = self.before(batch.windows, batch.follow, begin)
        before_BT = batch.beginning(known_B)
        outputs, end = read(before_BT, state)
        self.keep(batch.windows, end)
        return before_BT, outputs

    def before(self, windows: np.ndarray, follow: np.ndarray, begin: State) -> tuple[State, np.ndarray]:
        """The states (L, B, H) that windows begin with, those behind the windows that they ``follow`` where these were
        read, else ``begin``; and which were, (B,).
        """
        if not len(self._windows_M):
            return begin, np.zeros(len(windows), bool)
        order_M = np.argsort(self._windows_M, kind="stable")
        known_M = self._windows_M[order_M]
        at_B = np.minimum(np.searchsorted(known_M, windows - 1), len(known_M) - 1)
        found_B = follow & (known_M[at_B] == windows - 1)
        many, device = len(self._windows_M), begin[0].device
        columns_B = torch.from_numpy(np.where(found_B, order_M[at_B], many + np.arange(len(windows)))).to(device)
        every = (torch.cat(both, 1) for both in zip(self._state, begin, strict=True))
        return tuple(part.index_select(1, columns_B) for part in every), found_B

    def keep(self, windows: np.ndarray, state: State) -> None:
        """Remember the states (L, B, H) behind some windows."""
        state = tuple(part.detach() for part in state)
        self._rows = max(self._rows, len(windows))
        if not len(self._windows_M):
            self._windows_M, self._state = windows.copy(), state
            return
        room = KEPT * self._rows - len(windows)
        older_M = np.flatnonzero(~np.isin(self._windows_M, windows))[:room]
        columns_M = torch.from_numpy(older_M).to(state[0].device)
        self._windows_M = np.concatenate([windows, self._windows_M[older_M]])
        both = zip(state, self._state, strict=True)
        self._state = tuple(torch.cat([new, old.index_select(1, columns_M)], 1) for new, old in both)

    def tensors(self) -> dict[str, Tensor]:
        """All of it, for a checkpoint."""
        found = {f"{number}": part.contiguous() for number, part in enumerate(self._state)}
        return found | {"windows": torch.from_numpy(self._windows_M)} if found else {}

    def restore(self, tensors: Mapping[str, Tensor], device: torch.device) -> None:
        """Go back to what :meth:`tensors` gave; KeyError for something else."""
        parts = len(tensors) - 1
        self._windows_M = tensors["windows"].numpy().copy() if tensors else np.empty(0, np.int64)
        self._state = tuple(tensors[f"{number}"].to(device) for number in range(parts))
        self._rows = -(-len(self._windows_M) // KEPT)
