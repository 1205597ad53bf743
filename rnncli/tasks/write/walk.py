"""Reading documents from their beginning to their end, many at once: each step is scored once, given all before it.

Shape letters: D documents, N steps of all, S spans, B batch, T steps of a window.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from rnncli.data import progress
from rnncli.data.steps import Steps
from rnncli.data.temporary import room_for, unknown
from rnncli.tasks.write.carried import State

ROWS = 64
"""ScoredSpans that are read at once."""
TOKENS = 8192
"""Steps of a batch."""
LONGEST = 1024
"""Steps of a window."""
WARMUP = 200
"""Steps that are read, not scored, before a span that begins within its document."""
SPAN = 4000
"""The least steps of a span."""


@dataclass(frozen=True, eq=False)
class ScoredSpans:
    """Spans of documents: read from ``begin_S``, scored from ``score_S``, to ``end_S``, numbers of steps of all."""

    begin_S: np.ndarray
    score_S: np.ndarray
    end_S: np.ndarray

    @classmethod
    def whole(cls, steps: Steps) -> ScoredSpans:
        """Each document as a whole: exact."""
        bounds_D1 = steps.bounds_D1
        return cls(bounds_D1[:-1], bounds_D1[:-1], bounds_D1[1:])

    @classmethod
    def parts(cls, steps: Steps) -> ScoredSpans:
        """Documents in parts, so that many are read at once, each after some steps before it: nearly exact."""
        most = max(SPAN, -(-len(steps.values) // ROWS))
        found = []
        for begin, end in zip(steps.bounds_D1[:-1].tolist(), steps.bounds_D1[1:].tolist(), strict=True):
            cuts = np.linspace(begin, end, max(1, round((end - begin) / most)) + 1).astype(np.int64).tolist()
            found += [(max(begin, cut - WARMUP), cut, until) for cut, until in pairwise(cuts)]
        return cls(*np.array(found, np.int64).reshape(-1, 3).T)


class WindowReader(Protocol):
    """How a model reads windows."""

    def __call__(
        self, before_BT: Tensor, steps_BT: Tensor, lengths_B: Tensor, at_B: Tensor, state: State | None
    ) -> tuple[Tensor, State]:
        """What is found of each step, (B, T, ...), and the state at the end."""
        ...


@dataclass(frozen=True)
class WalkedSteps:
    """What was found of the steps from ``begin`` of a span, (T, ...), in the order of the document."""

    span: int
    begin: int
    values_T: np.ndarray


def walk(
    steps: Steps, spans: ScoredSpans, begin: np.ndarray | int, read: WindowReader, device: torch.device
) -> Iterator[WalkedSteps]:
    """What ``read`` finds of the scored steps of each span, window by window.

    ``begin`` stands before the first step of a span, as of a document.
    """
    bounds_D1 = steps.bounds_D1
    order = np.argsort(spans.begin_S - spans.end_S, kind="stable")
    done, every = 0, int((spans.end_S - spans.score_S).sum())
    for first in range(0, len(order), ROWS):
        live = order[first : first + ROWS]
        at_B = spans.begin_S[live].copy()
        state: State | None = None
        while len(live):
            window = int(np.clip(TOKENS // len(live), 1, LONGEST))
            length_B = np.minimum(spans.end_S[live] - at_B, window)
            first_before = begin if state is None else None
            values = [_with_before(steps, int(a), int(n), first_before) for a, n in zip(at_B, length_B, strict=True)]
            filled = np.zeros((len(live), int(length_B.max()) + 1, *steps.values.shape[1:]), np.int64)
            for row, one in enumerate(values):
                filled[row, : len(one)] = one
            all_BT = torch.from_numpy(filled).to(device)
            document_B = np.searchsorted(bounds_D1, at_B, side="right") - 1
            placed_B = torch.from_numpy(at_B - bounds_D1[document_B]).to(device)
            found, state = read(all_BT[:, :-1], all_BT[:, 1:], torch.from_numpy(length_B), placed_B, state)
            found_BT = found.cpu().numpy()
            for row, span in enumerate(live.tolist()):
                skipped = max(0, int(spans.score_S[span] - at_B[row]))
                if skipped < length_B[row]:
                    yield WalkedSteps(span, int(at_B[row]) + skipped, found_BT[row, skipped : length_B[row]])
                    done += int(length_B[row]) - skipped
            progress.tell("steps", done, every)
            at_B = at_B + length_B
            going = at_B < spans.end_S[live]
            live, at_B = live[going], at_B[going]
            if state is not None and not going.all():
                kept = torch.from_numpy(np.flatnonzero(going)).to(device)
                state = tuple(part.index_select(1, kept) for part in state)


def nats_of(
    steps: Steps, spans: ScoredSpans, begin: np.ndarray | int, read: WindowReader, device: torch.device
) -> np.ndarray:
    """-ln p of each step, (N,) float64, of what ``read`` gives; NaN where no span is scored."""
    with room_for("what each step costs"):
        nats_N = unknown(len(steps.values))
    for found in walk(steps, spans, begin, read, device):
        nats_N[found.begin : found.begin + len(found.values_T)] = found.values_T
    return nats_N


def _with_before(steps: Steps, at: int, length: int, begin: np.ndarray | int | None) -> np.ndarray:
    """Steps from ``at``, and what stands before them: ``begin`` if that is given."""
    if begin is None:
        return steps.values[at - 1 : at + length].astype(np.int64)
    part = steps.values[at : at + length]
    return np.concatenate([np.broadcast_to(np.asarray(begin), (1, *part.shape[1:])), part.astype(np.int64)])
