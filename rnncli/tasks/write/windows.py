"""Windows of documents to train on, the state carried from each to the next.

Gradients go back through a window at most (truncated back-propagation through time: Williams & Peng 1990), and the
recurrent state goes on from window to window of a document. A batch holds a window of each of several runs of windows;
the next batch holds the window that follows in each. Long documents are cut into several runs, so that there are
enough; only there a state is lost, and begins anew.

Shape letters: D documents, W windows, B batch, T steps.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from rnncli.data.batching import BatchPlan
from rnncli.data.steps import Steps

PHASES = 4
"""Where the windows of a long document begin varies by epoch, in so many parts of a window."""
Vary = Callable[[np.ndarray, int], np.ndarray]
"""Steps in one of several variants, such as transposed music: the same shape."""


@dataclass(frozen=True)
class WindowBatch:
    """``steps_BT`` to foretell, each from ``before_BT`` and what was read earlier; zeros behind ``lengths_B``.

    ``at_B`` is the place of the first step in its document. ``windows`` are numbers of the windows, of which those that
    ``follow`` go on from the window of the number before. ``begin`` is what stands before a document.
    """

    before_BT: Tensor
    steps_BT: Tensor
    lengths_B: Tensor
    at_B: Tensor
    windows: np.ndarray
    follow: np.ndarray
    begin: np.ndarray

    def beginning(self, known_B: np.ndarray) -> Tensor:
        """What stands before each step, (B, T, ...), but for windows whose past is not known: they begin as documents.

        So a model learns to begin also where there are few documents.
        """
        before_BT = self.before_BT.clone()
        unknown_U = torch.from_numpy(np.flatnonzero(~known_B)).to(before_BT.device)
        before_BT[unknown_U, 0] = torch.from_numpy(self.begin).to(before_BT.device)
        return before_BT


class Windows:
    """See :class:`rnncli.tasks.base.Examples` and :class:`rnncli.tasks.base.PlansBatches`.

    ``begin`` stands before the first step of a document. In training there are ``variants`` of each document that
    ``vary`` makes, drawn anew in each epoch. A window in a variant has the number variant * phases * W + phase * W + w.
    """

    def __init__(
        self,
        steps: Steps,
        window: int,
        begin: np.ndarray | int,
        place: Callable[[int], str],
        *,
        training: bool = False,
        variants: int = 1,
        vary: Vary | None = None,
    ) -> None:
        self.steps, self.window, self.begin, self._place = steps, window, np.asarray(begin, np.int64), place
        self._variants, self._vary = (variants, vary) if training else (1, None)
        lengths_D = steps.lengths
        self._long_D = lengths_D > window
        self.phases = PHASES if training and self._long_D.any() and window >= PHASES else 1
        counts_D = -(-lengths_D // window) + (self._long_D & (self.phases > 1))
        self._first_D1 = np.concatenate([[0], np.cumsum(counts_D)])
        self.lengths = np.full(len(self), window, np.int32)
        filled_D = -(-lengths_D // window)
        some_D = lengths_D > 0
        self.lengths[(self._first_D1[:-1] + filled_D - 1)[some_D]] = (lengths_D - (filled_D - 1) * window)[some_D]
        self.lengths[(self._first_D1[1:] - 1)[counts_D > filled_D]] = 0

    def __len__(self) -> int:
        return int(self._first_D1[-1])

    def place(self, index: int) -> str:
        """Where a window stands."""
        document, at = self._where(np.array([index % len(self)]))
        return f"{self._place(int(document[0]))}, from step {int(at[0]) * self.window + 1:,}"

    def batch(self, indices: np.ndarray) -> WindowBatch:
        """The windows of some numbers."""
        variant_B, window_B = np.divmod(np.asarray(indices, np.int64), len(self))
        variant_B, phase_B = np.divmod(variant_B, self.phases)
        document_B, at_B = self._where(window_B)
        spans = [self._spans(window_B[i : i + 1], int(phase_B[i])) for i in range(len(window_B))]
        begin_B = np.array([int(begin[0]) for begin, _ in spans], np.int64)
        length_B = np.array([int(end[0]) for _, end in spans], np.int64) - begin_B
        shape = self.steps.values.shape[1:]
        found = np.zeros((len(window_B), int(length_B.max(initial=0)) + 1, *shape), np.int64)
        for row, (document, begin, length, variant) in enumerate(
            zip(document_B.tolist(), begin_B.tolist(), length_B.tolist(), variant_B.tolist(), strict=True)
        ):
            first = int(self.steps.bounds_D1[document]) + begin
            if begin:
                part = self.steps.values[first - 1 : first + length]
                found[row, : length + 1] = part if self._vary is None else self._vary(part, variant)
            else:
                part = self.steps.values[first : first + length]
                found[row, 0] = self.begin
                found[row, 1 : length + 1] = part if self._vary is None else self._vary(part, variant)
        return WindowBatch(
            torch.from_numpy(found[:, :-1]),
            torch.from_numpy(found[:, 1:]),
            torch.from_numpy(length_B),
            torch.from_numpy(begin_B),
            np.asarray(indices, np.int64),
            at_B > 0,
            self.begin,
        )

    def plan(self, *, max_examples: int, max_tokens: int, seed: int, epoch: int) -> BatchPlan:
        """Batches of an epoch, of which each holds what follows the windows of the one before."""
        random = np.random.default_rng((seed, epoch))
        phase = int(random.integers(self.phases))
        variant_D = random.integers(self._variants, size=len(self.steps))
        rows = max(1, min(max_examples, max_tokens // self.window))
        count_D = -(-(self.steps.lengths + self._late(phase)) // self.window)
        first_D = (variant_D * self.phases + phase) * len(self) + self._first_D1[:-1]
        order, sizes = _dealt(_runs(first_D, count_D, rows), rows, random)
        longest = min(self.window, int(self.lengths.max(initial=1)))
        fill = float(self.steps.lengths.sum() / max(1, len(order) * longest))
        return BatchPlan(order, np.concatenate([[0], np.cumsum(sizes)]), fill)

    def _late(self, phase: int) -> np.ndarray:
        """By how many steps the first window of each document begins before it, and is shorter, (D,)."""
        return np.where(self._long_D, phase * self.window // self.phases, 0)

    def _where(self, windows_B: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The document of each window, and which of its windows it is."""
        document_B = np.searchsorted(self._first_D1, windows_B, side="right") - 1
        return document_B, windows_B - self._first_D1[document_B]

    def _spans(self, windows_B: np.ndarray, phase: int) -> tuple[np.ndarray, np.ndarray]:
        """Where windows begin and end in their documents; a window may be empty."""
        document_B, at_B = self._where(windows_B)
        length_B = self.steps.lengths[document_B]
        begin_B = at_B * self.window - self._late(phase)[document_B]
        return np.clip(begin_B, 0, length_B), np.clip(begin_B + self.window, 0, length_B)


def _runs(first_D: np.ndarray, count_D: np.ndarray, rows: int) -> np.ndarray:
    """Windows that follow each other, of a document, or of a part of one that is longer than a row should be.

    Each is the number of its first window and how many there are, (R, 2).
    """
    most = max(1, -(-int(count_D.sum()) // rows))
    parts_D = -(-count_D // most)
    document_R = np.repeat(np.arange(len(count_D)), parts_D)
    at_R = np.arange(len(document_R)) - np.repeat(np.cumsum(parts_D) - parts_D, parts_D)
    low_R, high_R = ((at_R + one) * count_D[document_R] // parts_D[document_R] for one in (0, 1))
    return np.column_stack([first_D[document_R] + low_R, high_R - low_R])


def _dealt(runs_R2: np.ndarray, rows: int, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """The windows of all batches one behind the other, and how many each batch has.

    Runs are dealt to rows, so that these are about as long as each other, and stand there in an order that is drawn; a
    batch is the next window of each row, that of the longest row first.
    """
    shuffled = runs_R2[random.permutation(len(runs_R2))]
    shuffled = shuffled[np.argsort(-shuffled[:, 1], kind="stable")]
    heap = [(0, row) for row in range(min(rows, len(runs_R2)))]
    dealt: list[list[int]] = [[] for _ in heap]
    for number, count in enumerate(shuffled[:, 1].tolist()):
        filled, row = heapq.heappop(heap)
        dealt[row].append(number)
        heapq.heappush(heap, (filled + count, row))
    queues = [_windows(shuffled[random.permutation(numbers)]) for numbers in dealt]
    queues.sort(key=len, reverse=True)
    table = np.full((max(map(len, queues), default=0), len(queues)), -1, np.int64)
    for column, queue in enumerate(queues):
        table[: len(queue), column] = queue
    return table[table >= 0], (table >= 0).sum(1)


def _windows(runs_R2: np.ndarray) -> np.ndarray:
    """The numbers of the windows of runs one behind the other."""
    first_R, count_R = runs_R2.T
    begin_R = np.cumsum(count_R) - count_R
    return np.repeat(first_R - begin_R, count_R) + np.arange(int(count_R.sum()))
