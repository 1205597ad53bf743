"""The packed layout: a batch of unequal lengths as rows without padding, step after step.

Examples are sorted by length, the longest first, so the examples still running at step t are the first ``sizes[t]``
of them, and the rows of step t follow those of step t - 1. Nothing is computed for padding, and the reverse
direction walks the same rows from the last step to the first: an example joins at its own last step. A batch may be
cut into parts, each packed by itself, one after the other: they have nothing to do with each other.

Shape letters: B batch (sorted by length), T time, N rows = the sum of lengths, X any width, H hidden.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from functools import lru_cache
from itertools import accumulate, pairwise
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from rnncli.core.layout.buffers import POOL


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


class Tables(NamedTuple):
    """A walk as integers, in its order.

    ``chunks_K4``: first step of the walk, steps, first row, rows. ``steps_T4``: first row, rows, first row of the step
    it follows, how many rows have one there (the others begin in this step).
    """

    chunks_K4: np.ndarray
    steps_T4: np.ndarray


class Part:
    """Some examples, sorted by length, and their rows.

    ``example`` and ``row`` are the first of the part's in the whole packing; ``sizes[t]`` are the examples running at
    step t, ``offsets[t]`` is that step's first row.
    """

    def __init__(self, example: int, batch: int, row: int, sizes: list[int], last: Tensor | None) -> None:
        self.example, self.batch, self.sizes = example, batch, sizes
        self.offsets = list(accumulate(sizes, initial=row))
        self.running = sizes[0] if sizes else 0
        self._last_B = last
        self._moves: dict[tuple[int, int, bool], list[Move]] = {}
        self._tables: dict[tuple[int, bool, bool], Tables] = {}

    @property
    def row(self) -> int:
        """The first row."""
        return self.offsets[0]

    @property
    def end(self) -> int:
        """The row after the last."""
        return self.offsets[-1]

    def last(self, y_NH: Tensor, begin_BH: Tensor) -> Tensor:
        """The row of each example's last step, or ``begin_BH`` where it has none."""
        if self._last_B is None:
            return y_NH[self.end - self.batch : self.end].clone() if self.sizes else begin_BH.clone()
        return torch.cat([y_NH.index_select(0, self._last_B), begin_BH[self.running :]])

    def first(self, y_NH: Tensor, begin_BH: Tensor) -> Tensor:
        """The row of each example's first step, or ``begin_BH`` where it has none."""
        return torch.cat([y_NH[self.row : self.row + self.running], begin_BH[self.running :]])

    def chunks(self, rows: int, *, backwards: bool) -> Iterator[Chunk]:
        """All steps in chunks of about ``rows`` rows and at least one step, in time or backwards."""
        bounds, steps = [0], len(self.sizes)
        while bounds[-1] < steps:
            enough = bisect_left(self.offsets, self.offsets[bounds[-1]] + rows, lo=bounds[-1] + 1)
            bounds.append(min(enough, steps))
        spans = list(pairwise(bounds))
        for first, last in reversed(spans) if backwards else spans:
            yield Chunk(first, self.offsets[first], self.offsets[last], self.sizes[first:last])

    def tables(self, rows: int, *, reverse: bool, back: bool) -> Tables:
        """The walk in chunks of about ``rows`` rows, of the ``reverse`` direction or not, or the way ``back`` of it."""
        key = (rows, reverse, back)
        if key not in self._tables:
            # Of two threads that tabulate at once the first one's stays: a kernel may be reading it.
            self._tables.setdefault(key, self._tabulate(rows, reverse, reverse != back))
        return self._tables[key]

    def previous(self, chunk: Chunk, y_NH: Tensor, begin_BH: Tensor, out: Tensor, *, reverse: bool) -> Tensor:
        """The state that each row of ``chunk`` began from, of the states ``y_NH`` that each row ended in."""
        key = (chunk.first, len(chunk.sizes), reverse)
        if key not in self._moves:
            self._moves[key] = _joined(self._steps_before(chunk, reverse))
        for begin, end, source, example in self._moves[key]:
            count = end - begin
            where = begin_BH[example : example + count] if source is None else y_NH[source : source + count]
            out[begin - chunk.begin : end - chunk.begin].copy_(where)
        return out[: chunk.end - chunk.begin]

    def _links(self, reverse: bool) -> np.ndarray:
        """``Tables.steps_T4`` in the order of time."""
        sizes, starts = np.array(self.sizes, dtype=np.int64), np.array(self.offsets[:-1], dtype=np.int64)
        before, known = np.zeros_like(sizes), np.zeros_like(sizes)
        if reverse:
            before[:-1], known[:-1] = starts[1:], sizes[1:]
        else:
            before[1:], known[1:] = starts[:-1], sizes[1:]
        return np.stack([starts, sizes, before, known], 1)

    def _steps_before(self, chunk: Chunk, reverse: bool) -> Iterator[Move]:
        """What precedes the rows of each step of ``chunk``."""
        steps_T4 = self._links(reverse)[chunk.first : chunk.first + len(chunk.sizes)]
        for begin, size, before, known in steps_T4.tolist():
            if known:
                yield Move(begin, begin + known, before, 0)
            if known < size:
                yield Move(begin + known, begin + size, None, known)

    def _tabulate(self, rows: int, reverse: bool, backwards: bool) -> Tables:
        steps_T4 = self._links(reverse)
        chunks, at = [], 0
        for chunk in self.chunks(rows, backwards=backwards):
            chunks.append((at, len(chunk.sizes), chunk.begin, chunk.end - chunk.begin))
            at += len(chunk.sizes)
        ordered_T4 = steps_T4[::-1] if backwards else steps_T4
        return Tables(np.array(chunks, dtype=np.int64).reshape(-1, 4), np.ascontiguousarray(ordered_T4))


class Packing:
    """Which rows belong to which step and example.

    ``lengths_B`` None says that all examples fill all ``steps``; the batch is cut into ``parts`` of like work. Raises
    ValueError for lengths that do not fit.
    """

    def __init__(self, lengths_B: Tensor | None, batch: int, steps: int, parts: int = 1) -> None:
        self.batch, self.steps = batch, steps
        self.order_B: Tensor | None = None
        self._cells_N: Tensor | None = None
        self.parts: list[Part] = []
        lengths_B = None if lengths_B is None else checked_lengths(lengths_B, batch, steps)
        if lengths_B is None:
            self.parts += equal_parts(batch, steps, parts)
        else:
            self._sort(lengths_B, parts)

    @property
    def _by_time(self) -> bool:
        """Whether the rows are a whole batch, time-major."""
        return self._cells_N is None and len(self.parts) == 1

    @property
    def rows(self) -> int:
        """N, the number of valid steps in the batch."""
        return self.parts[-1].end

    def pack(self, x_BTX: Tensor) -> Tensor:
        """The valid steps as rows (N, X)."""
        x_TBX = x_BTX.transpose(0, 1)
        if self._by_time and x_TBX.is_contiguous():
            return x_TBX.reshape(self.rows, x_BTX.shape[-1])
        return _Pack.apply(x_BTX, self)

    def unpack(self, y_NX: Tensor) -> Tensor:
        """Rows as a padded batch (B, T, X), zero in the padding."""
        if self._by_time:
            return y_NX.view(self.steps, self.batch, y_NX.shape[-1]).transpose(0, 1)
        return _Unpack.apply(y_NX, self)

    def take(self, x_BTX: Tensor) -> Tensor:
        """:meth:`pack` without a gradient."""
        width = x_BTX.shape[-1]
        rows_NX = POOL.take(self.rows, width, x_BTX.dtype)
        if self._cells_N is not None:
            return torch.index_select(x_BTX.reshape(-1, width), 0, self._cells_N, out=rows_NX)
        for block_TBX, examples in self._blocks(rows_NX):
            block_TBX.copy_(x_BTX[examples].transpose(0, 1))
        return rows_NX

    def put(self, rows_NX: Tensor) -> Tensor:
        """:meth:`unpack` without a gradient."""
        width = rows_NX.shape[-1]
        x_BTX = POOL.take(self.batch * self.steps, width, rows_NX.dtype).view(self.batch, self.steps, width)
        if self._cells_N is not None:
            x_BTX.view(-1, width).zero_().index_copy_(0, self._cells_N, rows_NX)
            return x_BTX
        for block_TBX, examples in self._blocks(rows_NX):
            x_BTX[examples].copy_(block_TBX.transpose(0, 1))
        return x_BTX

    def sorted(self, state_SBH: Tensor) -> Tensor:
        """States in the order of the rows."""
        return state_SBH if self.order_B is None else state_SBH.index_select(1, self.order_B)

    def unsorted(self, state_SBH: Tensor) -> Tensor:
        """States in the order of the batch again."""
        return state_SBH if self.order_B is None else state_SBH.index_select(1, self.order_B.argsort())

    def spread(self, mask_BX: Tensor) -> Tensor:
        """One row an example, of the batch in its own order, as one row a step (N, X)."""
        if self._cells_N is not None:
            return mask_BX.index_select(0, self._cells_N // self.steps)
        blocks = mask_BX.split([part.batch for part in self.parts])
        return torch.cat([block.repeat(self.steps, 1) for block in blocks])

    def _blocks(self, rows_NX: Tensor) -> Iterator[tuple[Tensor, slice]]:
        """The rows of each part of equal lengths as (T, B, X), and which examples they are."""
        for part in self.parts:
            block_TBX = rows_NX[part.row : part.end].view(self.steps, part.batch, rows_NX.shape[-1])
            yield block_TBX, slice(part.example, part.example + part.batch)

    def _sort(self, lengths_B: Tensor, parts: int) -> None:
        """Parts of unequal lengths: every so manieth of those sorted by length."""
        ordered = lengths_B.numpy()
        order = np.argsort(-ordered, kind="stable")
        row, cells = 0, []
        for p in range(parts):
            examples = order[p::parts]
            example = sum(part.batch for part in self.parts)
            lengths = ordered[examples]
            longest = int(lengths[0]) if len(lengths) else 0
            valid_TB = np.arange(longest)[:, None] < lengths
            sizes_T = valid_TB.sum(1)
            starts_T = row + np.concatenate([[0], np.cumsum(sizes_T)])
            alive = lengths[: int(sizes_T[0]) if longest else 0]
            last = torch.from_numpy(starts_T[alive - 1] + np.arange(len(alive)))
            self.parts.append(Part(example, len(examples), row, sizes_T.tolist(), last))
            cells.append((examples * self.steps + np.arange(longest)[:, None])[valid_TB])
            row = int(starts_T[-1])
        self.order_B = torch.from_numpy(np.concatenate([order[p::parts] for p in range(parts)]))
        self._cells_N = torch.from_numpy(np.concatenate(cells))


def carried(before_BH: Tensor, size: int, begin_BH: Tensor) -> Tensor:
    """The states that a step of ``size`` rows begins from, after a step that ended in ``before_BH``.

    Rows beyond ``size`` have ended; rows that are missing begin here, from ``begin_BH``.
    """
    known = len(before_BH)
    if known == size:
        return before_BH
    return before_BH[:size] if known > size else torch.cat([before_BH, begin_BH[known:size]])


def checked_lengths(lengths_B: Tensor, batch: int, steps: int) -> Tensor | None:
    """The lengths on the CPU, or None if all equal ``steps``; raises TypeError for what is no tensor of whole numbers,
    ValueError for lengths that do not fit.
    """
    if not isinstance(lengths_B, Tensor) or lengths_B.is_floating_point():
        raise TypeError("lengths are a tensor of whole numbers, one a sequence")
    if lengths_B.shape != (batch,):
        raise ValueError(f"lengths of shape {tuple(lengths_B.shape)} for a batch of {batch}")
    lengths = lengths_B.tolist()
    shortest, longest = min(lengths, default=steps), max(lengths, default=steps)
    if shortest < 0 or longest > steps:
        raise ValueError(f"lengths {lengths} do not all lie between 0 and {steps}")
    return None if shortest == steps else lengths_B.cpu()


@lru_cache(64)
def equal_parts(batch: int, steps: int, parts: int) -> tuple[Part, ...]:
    """Parts of equal lengths, neighbours together; with their tables they serve every batch of this shape."""
    bounds = [p * batch // parts for p in range(parts + 1)]
    return tuple(
        Part(begin, end - begin, begin * steps, [end - begin] * steps, None) for begin, end in pairwise(bounds)
    )


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


class _Pack(torch.autograd.Function):
    """Rows of a padded batch, each taken at most once, so that the gradient puts them back."""

    @staticmethod
    def forward(ctx: Any, x_BTX: Tensor, packing: Packing) -> Tensor:  # pyright: ignore[reportIncompatibleMethodOverride]
        ctx.packing = packing
        return packing.take(x_BTX)

    @staticmethod
    def backward(ctx: Any, grad_NX: Tensor) -> tuple[Tensor, None]:  # pyright: ignore[reportIncompatibleMethodOverride]
        return _Unpack.apply(grad_NX, ctx.packing), None


class _Unpack(torch.autograd.Function):
    """The inverse of :class:`_Pack`, with zeros elsewhere."""

    @staticmethod
    def forward(ctx: Any, y_NX: Tensor, packing: Packing) -> Tensor:  # pyright: ignore[reportIncompatibleMethodOverride]
        ctx.packing = packing
        return packing.put(y_NX)

    @staticmethod
    def backward(ctx: Any, grad_BTX: Tensor) -> tuple[Tensor, None]:  # pyright: ignore[reportIncompatibleMethodOverride]
        return _Pack.apply(grad_BTX, ctx.packing), None
