"""The packed layout: a batch of unequal lengths as rows without padding, step after step.

Examples are sorted by length, the longest first, so the examples still running at step t are the first ``sizes[t]``
of them, and the rows of step t follow those of step t - 1. Nothing is computed for padding, and the reverse
direction walks the same rows from the last step to the first: an example joins at its own last step.

Shape letters: B batch (sorted by length), T time, N rows = the sum of lengths, X any width, H hidden.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import accumulate, pairwise
from typing import Any, NamedTuple

import torch
from torch import Tensor


class Chunk(NamedTuple):
    """Some steps in a row: their rows ``begin`` to ``end`` and how many rows each has."""

    first: int
    begin: int
    end: int
    sizes: list[int]


class Move(NamedTuple):
    """Rows ``begin`` to ``end`` come after the rows from ``source`` on, or after initial states from ``example`` on."""

    begin: int
    end: int
    source: int | None
    example: int


class Packing:
    """Which rows belong to which step and example.

    ``lengths_B`` None says that all examples fill all ``steps``; raises ValueError for lengths that do not fit.
    """

    def __init__(self, lengths_B: Tensor | None, batch: int, steps: int) -> None:
        self.batch, self.steps = batch, steps
        self.order_B: Tensor | None = None
        self._cells_N: Tensor | None = None
        self._last_B: Tensor | None = None
        lengths_B = None if lengths_B is None else _checked(lengths_B, batch, steps)
        if lengths_B is None:
            self.sizes = [batch] * steps
        else:
            self._sort(lengths_B)
        self.running = self.sizes[0] if self.sizes else 0
        self.offsets = [0, *accumulate(self.sizes)]
        self._moves: dict[tuple[int, bool], list[Move]] = {}

    @property
    def rows(self) -> int:
        """N, the number of valid steps in the batch."""
        return self.offsets[-1]

    def pack(self, x_BTX: Tensor) -> Tensor:
        """The valid steps as rows (N, X)."""
        width = x_BTX.shape[-1]
        if self._cells_N is None:
            return x_BTX.transpose(0, 1).reshape(-1, width)
        return _Pack.apply(x_BTX, self._cells_N)

    def unpack(self, y_NX: Tensor) -> Tensor:
        """Rows as a padded batch (B, T, X), zero in the padding."""
        if self._cells_N is None:
            return y_NX.view(self.steps, self.batch, y_NX.shape[-1]).transpose(0, 1)
        return _Unpack.apply(y_NX, self._cells_N, self.batch, self.steps)

    def sorted(self, state_SBH: Tensor) -> Tensor:
        """States in the order of the rows."""
        return state_SBH if self.order_B is None else state_SBH.index_select(1, self.order_B)

    def unsorted(self, state_SBH: Tensor) -> Tensor:
        """States in the order of the batch again."""
        return state_SBH if self.order_B is None else state_SBH.index_select(1, self.order_B.argsort())

    def spread(self, mask_BX: Tensor) -> Tensor:
        """One row an example, of the batch in its own order, as one row a step (N, X)."""
        if self._cells_N is None:
            return mask_BX.repeat(self.steps, 1)
        return mask_BX.index_select(0, self._cells_N // self.steps)

    def last(self, y_NH: Tensor, begin_BH: Tensor) -> Tensor:
        """The row of each example's last step, or ``begin_BH`` where it has none."""
        if self._last_B is None:
            return y_NH[self.rows - self.batch :].clone() if self.steps else begin_BH.clone()
        return torch.cat([y_NH.index_select(0, self._last_B), begin_BH[self.running :]])

    def chunks(self, rows: int, *, backwards: bool) -> Iterator[Chunk]:
        """All steps in chunks of about ``rows`` rows and at least one step, in time or backwards."""
        bounds = [0]
        for t, end in enumerate(self.offsets[1:], 1):
            if end - self.offsets[bounds[-1]] >= rows or t == len(self.sizes):
                bounds.append(t)
        spans = list(pairwise(bounds))
        for first, last in reversed(spans) if backwards else spans:
            yield Chunk(first, self.offsets[first], self.offsets[last], self.sizes[first:last])

    def previous(self, chunk: Chunk, y_NH: Tensor, begin_BH: Tensor, out: Tensor, *, reverse: bool) -> Tensor:
        """The state that each row of ``chunk`` began from, of the states ``y_NH`` that each row ended in."""
        key = (chunk.first, reverse)
        if key not in self._moves:
            self._moves[key] = _joined(self._steps_before(chunk, reverse))
        for begin, end, source, example in self._moves[key]:
            count = end - begin
            where = begin_BH[example : example + count] if source is None else y_NH[source : source + count]
            out[begin - chunk.begin : end - chunk.begin].copy_(where)
        return out[: chunk.end - chunk.begin]

    def _sort(self, lengths_B: Tensor) -> None:
        sorted_B, self.order_B = lengths_B.sort(descending=True, stable=True)
        ends = torch.bincount(sorted_B, minlength=self.steps + 1)
        sizes_T = len(sorted_B) - ends.cumsum(0)[:-1]
        longest = int(sorted_B[0])
        self.sizes = sizes_T[:longest].tolist()
        time_T1 = torch.arange(longest)[:, None]
        valid_TB = time_T1 < sorted_B
        self._cells_N = (self.order_B * self.steps + time_T1)[valid_TB]
        starts_T = torch.tensor([0, *accumulate(self.sizes)])
        alive_B = sorted_B[: self.sizes[0] if self.sizes else 0]
        self._last_B = starts_T[alive_B - 1] + torch.arange(len(alive_B))

    def _steps_before(self, chunk: Chunk, reverse: bool) -> Iterator[Move]:
        """What precedes the rows of each step of ``chunk``."""
        for t, size in enumerate(chunk.sizes, chunk.first):
            begin, before = self.offsets[t], t + 1 if reverse else t - 1
            known = min(size, self.sizes[before]) if 0 <= before < len(self.sizes) else 0
            if known:
                yield Move(begin, begin + known, self.offsets[before], 0)
            if known < size:
                yield Move(begin + known, begin + size, None, known)


def _joined(moves: Iterator[Move]) -> list[Move]:
    """The same moves, those that follow each other at both ends made one."""
    joined: list[Move] = []
    for move in moves:
        last = joined[-1] if joined else None
        if last and last.source is not None and move.source == last.source + last.end - last.begin:
            joined[-1] = last._replace(end=move.end)
        else:
            joined.append(move)
    return joined


def carried(before_BH: Tensor, size: int, begin_BH: Tensor) -> Tensor:
    """The states that a step of ``size`` rows begins from, after a step that ended in ``before_BH``.

    Rows beyond ``size`` have ended; rows that are missing begin here, from ``begin_BH``.
    """
    known = len(before_BH)
    if known == size:
        return before_BH
    return before_BH[:size] if known > size else torch.cat([before_BH, begin_BH[known:size]])


def _checked(lengths_B: Tensor, batch: int, steps: int) -> Tensor | None:
    """The lengths on the CPU, or None if all equal ``steps``."""
    if lengths_B.shape != (batch,):
        raise ValueError(f"lengths of shape {tuple(lengths_B.shape)} for a batch of {batch}")
    lengths_B = lengths_B.cpu()
    if bool(((lengths_B < 0) | (lengths_B > steps)).any()):
        raise ValueError(f"lengths {lengths_B.tolist()} do not all lie between 0 and {steps}")
    return None if bool((lengths_B == steps).all()) else lengths_B


class _Pack(torch.autograd.Function):
    """Rows of a padded batch, each taken at most once, so that the gradient puts them back."""

    @staticmethod
    def forward(ctx: Any, x_BTX: Tensor, cells_N: Tensor) -> Tensor:  # pyright: ignore[reportIncompatibleMethodOverride]
        ctx.save_for_backward(cells_N)
        ctx.batch, ctx.steps = x_BTX.shape[:2]
        return x_BTX.reshape(-1, x_BTX.shape[-1]).index_select(0, cells_N)

    @staticmethod
    def backward(ctx: Any, grad_NX: Tensor) -> tuple[Tensor, None]:  # pyright: ignore[reportIncompatibleMethodOverride]
        return _Unpack.apply(grad_NX, ctx.saved_tensors[0], ctx.batch, ctx.steps), None


class _Unpack(torch.autograd.Function):
    """The inverse of :class:`_Pack`, with zeros elsewhere."""

    @staticmethod
    def forward(ctx: Any, y_NX: Tensor, cells_N: Tensor, batch: int, steps: int) -> Tensor:  # pyright: ignore[reportIncompatibleMethodOverride]
        ctx.save_for_backward(cells_N)
        y_BTX = y_NX.new_zeros(batch * steps, y_NX.shape[-1])
        return y_BTX.index_copy_(0, cells_N, y_NX).view(batch, steps, y_NX.shape[-1])

    @staticmethod
    def backward(ctx: Any, grad_BTX: Tensor) -> tuple[Tensor, None, None, None]:  # pyright: ignore[reportIncompatibleMethodOverride]
        return _Pack.apply(grad_BTX, ctx.saved_tensors[0]), None, None, None
