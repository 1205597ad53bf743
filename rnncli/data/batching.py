"""Which examples go into a batch together: alike in length, in an order that a seed and an epoch decide."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

WINDOW = 64  # batches' worth of examples that are sorted by length together


@dataclass(frozen=True, eq=False)
class BatchPlan:
    """Batch ``k`` is ``order[offsets[k]:offsets[k + 1]]``: indices; each example is in exactly one batch.

    ``fill`` is the share of the padded batches that is real: 1 means that nothing is padding.
    """

    order: np.ndarray
    offsets: np.ndarray
    fill: float

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, k: int) -> np.ndarray:
        if not 0 <= k < len(self):
            raise IndexError(f"batch {k} of {len(self)}")
        return self.order[self.offsets[k] : self.offsets[k + 1]]

    def restore(self) -> np.ndarray:
        """Positions ``p`` such that ``results[p]`` has the examples' order, for results in batch order."""
        positions = np.empty_like(self.order)
        positions[self.order] = np.arange(len(self.order))
        return positions


def shuffled(
    lengths: np.ndarray, *, max_examples: int, max_tokens: int, seed: int, epoch: int, window: int = WINDOW
) -> BatchPlan:
    """Batches for one epoch of training.

    All examples are shuffled and cut into windows of ``window`` full batches; each window is sorted by length
    and cut into batches of at most ``max_examples`` examples and ``max_tokens`` padded steps (a longer
    example is a batch of its own); then the batches are shuffled. A pure function of its arguments, so that
    ``(epoch, batch)`` is all there is to know of the position. An empty example counts as one step.
    """
    generator = np.random.default_rng((seed, epoch))
    steps = np.maximum(np.asarray(lengths, dtype=np.int64), 1)
    order = generator.permutation(len(steps))
    # One sort for all windows: by window first, then by length; equal lengths stay shuffled.
    order = order[np.lexsort((steps[order], np.arange(len(order)) // (window * max_examples)))]
    starts = np.arange(0, len(order), window * max_examples)
    cuts = _cut(steps[order], max_examples, max_tokens, starts)
    sizes = np.diff(cuts)
    turn = generator.permutation(len(sizes))
    offsets = np.concatenate([[0], np.cumsum(sizes[turn])])
    at = np.repeat(cuts[turn] - offsets[:-1], sizes[turn]) + np.arange(len(order))
    return _plan(order[at], offsets, lengths)


def longest_first(plan: BatchPlan, lengths: np.ndarray) -> BatchPlan:
    """The same batches, that with the most padded steps before all others, so that memory runs out early if at all."""
    sizes = np.diff(plan.offsets)
    if not len(sizes):
        return plan
    padded = np.maximum.reduceat(np.asarray(lengths)[plan.order], plan.offsets[:-1]) * sizes
    first = int(padded.argmax())
    turn = np.concatenate([[first], np.delete(np.arange(len(sizes)), first)])
    order = np.concatenate([plan[int(k)] for k in turn])
    return BatchPlan(order, np.concatenate([[0], np.cumsum(sizes[turn])]), plan.fill)


def sequential(lengths: np.ndarray, *, max_examples: int, max_tokens: int) -> BatchPlan:
    """Batches for evaluation: by length, the longest first, so that memory runs out early if at all."""
    steps = np.maximum(np.asarray(lengths, dtype=np.int64), 1)
    order = np.argsort(steps, kind="stable")
    cuts = _cut(steps[order], max_examples, max_tokens, np.zeros(1, dtype=np.int64))
    return _plan(order[::-1], len(order) - cuts[::-1], lengths)


def _cut(steps: np.ndarray, max_examples: int, max_tokens: int, starts: np.ndarray) -> np.ndarray:
    """Offsets of batches, as large as they may be; ``steps`` ascends from each of ``starts`` to the next."""
    if max_examples < 1 or max_tokens < 1:
        raise ValueError(f"max_examples {max_examples} and max_tokens {max_tokens} must be at least 1")
    counts = np.arange(1, min(max_examples, len(steps)) + 1)
    cuts = [0]
    for start, end in pairwise([*starts, len(steps)]):
        at = int(start)
        while at < end:
            ahead = steps[at : min(at + max_examples, int(end))]
            fitting = int(np.searchsorted(ahead * counts[: len(ahead)], max_tokens, side="right"))
            at += max(1, fitting)
            cuts.append(at)
    return np.array(cuts, dtype=np.int64)


def _plan(order: np.ndarray, offsets: np.ndarray, lengths: np.ndarray) -> BatchPlan:
    if not len(order):
        return BatchPlan(order, np.zeros(1, dtype=np.int64), 1.0)
    ordered = np.asarray(lengths)[order]
    longest = np.maximum(np.maximum.reduceat(ordered, offsets[:-1]), 1)
    padded = int((longest * np.diff(offsets)).sum())
    return BatchPlan(order, offsets, float(ordered.sum() / padded))
