"""Windows of documents to train on, the state carried from each to the next.

Gradients go back through a window at most (truncated back-propagation through time: Williams & Peng 1990), and the
recurrent state goes on from window to window of a document. A batch holds a window of each of several runs of windows;
the next batch holds the window that follows in each. Long documents are cut into several runs, so that there are
enough; only there a state is lost, and begins anew.

Shape letters: D documents, W windows, B batch, T steps.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Sequence
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
    ``follow`` go on from the window of the number before.
    """

    before_BT: Tensor
    steps_BT: Tensor
    lengths_B: Tensor
    at_B: Tensor
    windows: np.ndarray
    follow: np.ndarray


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
        self.steps, self.window, self.begin, self._place = steps, window, np.asarray(begin), place
        self._variants, self._vary = (variants, vary) if training else (1, None)
        lengths_D = steps.lengths
        self._long_D = lengths_D > window
        self.phases = PHASES if training and self._long_D.any() and window >= PHASES else 1
        counts_D = -(-lengths_D // window) + (self._long_D & (self.phases > 1))
        self._first_D1 = np.concatenate([[0], np.cumsum(counts_D)])
        begins_W, ends_W = self._spans(np.arange(len(self)), 0)
        self.lengths = ends_W - begins_W

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
        )

    def plan(self, *, max_examples: int, max_tokens: int, seed: int, epoch: int) -> BatchPlan:
        """Batches of an epoch, of which each holds what follows the windows of the one before."""
        random = np.random.default_rng((seed, epoch))
        phase = int(random.integers(self.phases))
        variant_D = random.integers(self._variants, size=len(self.steps))
        rows = max(1, min(max_examples, max_tokens // self.window))
        windows_W = np.arange(len(self))
        begins_W, ends_W = self._spans(windows_W, phase)
        document_W, _ = self._where(windows_W)
        numbers_W = (variant_D[document_W] * self.phases + phase) * len(self) + windows_W
        real_W = ends_W > begins_W
        queues = _queues(_runs(document_W[real_W], numbers_W[real_W], rows), rows, random)
        sizes = np.array([len(queue) for queue in queues], np.int64)
        longest = int(sizes.max(initial=0))
        order = [queue[k] for k in range(longest) for queue in queues if k < len(queue)]
        counts = [int((sizes > k).sum()) for k in range(longest)]
        filled = ends_W[real_W] - begins_W[real_W]
        fill = float(filled.sum() / max(1, len(filled) * filled.max(initial=1)))
        return BatchPlan(np.array(order, np.int64), np.concatenate([[0], np.cumsum(counts, dtype=np.int64)]), fill)

    def _where(self, windows_B: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The document of each window, and which of its windows it is."""
        document_B = np.searchsorted(self._first_D1, windows_B, side="right") - 1
        return document_B, windows_B - self._first_D1[document_B]

    def _spans(self, windows_B: np.ndarray, phase: int) -> tuple[np.ndarray, np.ndarray]:
        """Where windows begin and end in their documents; a window may be empty."""
        document_B, at_B = self._where(windows_B)
        length_B = self.steps.lengths[document_B]
        late_B = np.where(self._long_D[document_B], phase * self.window // self.phases, 0)
        begin_B = at_B * self.window - late_B
        return np.clip(begin_B, 0, length_B), np.clip(begin_B + self.window, 0, length_B)


def _runs(document_W: np.ndarray, numbers_W: np.ndarray, rows: int) -> list[np.ndarray]:
    """Windows that follow each other: of a document, or of a part where it is longer than a row should be."""
    most = max(1, -(-len(numbers_W) // rows))
    cuts = np.flatnonzero(np.diff(document_W)) + 1
    runs = []
    for one in np.split(numbers_W, cuts):
        runs += np.array_split(one, -(-len(one) // most)) if len(one) else []
    return runs


def _queues(runs: Sequence[np.ndarray], rows: int, random: np.random.Generator) -> list[list[int]]:
    """The runs of each row, drawn, so that rows are about as long as each other; the longest row first."""
    shuffled = [runs[i] for i in random.permutation(len(runs))]
    shuffled.sort(key=len, reverse=True)
    heap = [(0, row) for row in range(min(rows, len(runs)))]
    queues: list[list[np.ndarray]] = [[] for _ in heap]
    for run in shuffled:
        filled, row = heapq.heappop(heap)
        queues[row].append(run)
        heapq.heappush(heap, (filled + len(run), row))
    for queue in queues:
        random.shuffle(queue)  # pyright: ignore[reportArgumentType] - numpy takes lists
    drawn = [np.concatenate(queue).tolist() for queue in queues]
    return sorted(drawn, key=len, reverse=True)
