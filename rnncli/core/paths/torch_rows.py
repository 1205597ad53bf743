"""A layer over packed rows by torch: the path for fp64 and wherever there are no compiled kernels, graphs or cuDNN.

Both ways go through the rows in chunks of time small enough to stay in the cache, which also bounds the memory
beyond what the way back needs.

Shape letters: N rows, I input, H hidden, E the width of all directions.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from rnncli.core.cells import CellWeights, State
from rnncli.core.layer import Back, Forward, Layer
from rnncli.core.layout.packed import Part
from rnncli.core.paths.torch_loops import GradientProducts, Gradients, Sweep, Workspace, steps, sweep

CHUNK_ELEMENTS = 2**20
"""Elements of a chunk's gates, 4 MiB of fp32: about what stays in the cache of a core between two passes."""


class TorchRows:
    """The path."""

    @staticmethod
    def forward(layer: Layer, *, training: bool) -> Forward:
        """See :class:`rnncli.core.layer.Path`."""
        cell, directions, x_NI, begin, packing = layer
        hidden = begin[0].shape[-1]
        y_NE = x_NI.new_empty(packing.rows, len(directions) * hidden)
        kept: list[Tensor] | None = [] if training else None
        ends = []
        for d, weights in enumerate(directions):
            loops, columns = sweep(cell, weights), y_NE[:, d * hidden : (d + 1) * hidden]
            state = tuple(part[d] for part in begin)
            ends.append(_walk(loops, x_NI, columns, state, packing.parts[0], bool(d), kept))
        return Forward(y_NE, tuple(torch.stack(part) for part in zip(*ends, strict=True)), kept or [])

    @staticmethod
    def back(layer: Layer, way: Forward, grad_NE: Tensor, end: State, *, need_dx: bool) -> Back:
        """See :class:`rnncli.core.layer.Path`."""
        cell, directions, x_NI, begin, packing = layer
        hidden = begin[0].shape[-1]
        dx_NI = torch.empty_like(x_NI) if need_dx else None
        d_begin, d_weights = [], []
        for d, weights in enumerate(directions):
            loops = sweep(cell, weights)
            pass_ = _Back(loops, weights, packing.parts[0], reverse=bool(d))
            columns = slice(d * hidden, (d + 1) * hidden)
            kept = way.kept[d * len(loops.kept) : (d + 1) * len(loops.kept)]
            state = tuple(part[d].clone() for part in end)
            pass_.run(x_NI, way.y_NE[:, columns], grad_NE[:, columns], kept, begin[0][d], state, dx_NI)
            d_begin.append(state)
            d_weights += pass_.gathered.found()
        return Back(dx_NI, tuple(torch.stack(part) for part in zip(*d_begin, strict=True)), d_weights)


def _walk(
    loops: Sweep, x_NI: Tensor, y_NH: Tensor, begin: State, part: Part, reverse: bool, kept: list[Tensor] | None
) -> State:
    hidden = y_NH.shape[1]
    work = Workspace(_chunk_rows(part, loops), x_NI)
    saved: list[Tensor] = []
    if kept is not None:
        saved = [x_NI.new_empty(part.end, width * hidden) for width in loops.kept]
        kept += saved
    h_BH = begin[0][:0] if reverse else begin[0]
    memory = tuple(state * 2 for state in begin[1:])
    for chunk in part.chunks(_target(loops, hidden), backwards=reverse):
        count = chunk.end - chunk.begin
        widths = loops.spare if saved else loops.kept + loops.spare
        buffers = [rows[chunk.begin : chunk.end] for rows in saved]
        buffers += [work.take(str(i), count, width * hidden) for i, width in enumerate(widths)]
        loops.project(buffers, x_NI[chunk.begin : chunk.end])
        walks = [steps(part, chunk.sizes, backwards=reverse) for part in buffers]
        y = steps(y_NH[chunk.begin : chunk.end], chunk.sizes, backwards=reverse)
        h_BH = loops.walk(walks, y, (h_BH, *memory), begin[0])
    end_BH = part.first(y_NH, begin[0]) if reverse else part.last(y_NH, begin[0])
    return end_BH, *(state / 2 for state in memory)


def _target(loops: Sweep, hidden: int) -> int:
    return max(1, CHUNK_ELEMENTS // (hidden * max(loops.kept + loops.spare)))


def _chunk_rows(part: Part, loops: Sweep) -> int:
    """Rows of the longest chunk at most: it may exceed the target by one step."""
    hidden = loops.weight_hh.shape[1]
    return min(part.end, _target(loops, hidden) + part.running)


class _Back:
    """The backward pass of one direction, which gathers the gradients of its weights."""

    def __init__(self, loops: Sweep, weights: CellWeights, part: Part, *, reverse: bool) -> None:
        self.loops, self.part, self.reverse = loops, part, reverse
        self.gathered = WeightGradients(weights)
        self.hidden = weights.weight_hh.shape[1]

    def run(
        self,
        x_NI: Tensor,
        y_NH: Tensor,
        grad_NH: Tensor,
        kept: Sequence[Tensor],
        begin_BH: Tensor,
        state: State,
        dx_NI: Tensor | None,
    ) -> None:
        """Walk against the direction, turning ``state`` into its gradient; add to ``dx_NI`` unless it is the first."""
        work = Workspace(_chunk_rows(self.part, self.loops), y_NH)
        for chunk in self.part.chunks(_target(self.loops, self.hidden), backwards=not self.reverse):
            rows = slice(chunk.begin, chunk.end)
            before_NH = work.take("before", chunk.end - chunk.begin, self.hidden)
            before_NH = self.part.previous(chunk, y_NH, begin_BH, before_NH, reverse=self.reverse)
            walk = Gradients(state, grad_NH[rows], chunk.sizes, self.reverse)
            products = self.loops.back([part[rows] for part in kept], y_NH[rows], before_NH, walk, work)
            self.gathered.add(products, x_NI[rows])
            if dx_NI is not None:
                out = dx_NI[rows]
                if self.reverse:
                    out.addmm_(products.input_NG, self.loops.weight_ih)
                else:
                    torch.mm(products.input_NG, self.loops.weight_ih, out=out)


class WeightGradients:
    """The gradients of one direction's weights, gathered over chunks."""

    def __init__(self, weights: CellWeights) -> None:
        self.ih, self.hh = torch.zeros_like(weights.weight_ih), torch.zeros_like(weights.weight_hh)
        self.bias = torch.zeros_like(weights.bias)
        self.inner = None if weights.bias_hh is None else torch.zeros_like(weights.bias_hh)

    def add(self, products: GradientProducts, x_NI: Tensor) -> None:
        """What a chunk of rows adds."""
        self.ih.addmm_(products.input_NG.T, x_NI)
        self.bias += products.input_NG.sum(0)
        row = 0
        for d_NG, before_NH in products.recurrent:
            self.hh[row : row + d_NG.shape[1]].addmm_(d_NG.T, before_NH)
            row += d_NG.shape[1]
        if self.inner is not None and products.inner_NH is not None:
            self.inner += products.inner_NH.sum(0)

    def found(self) -> list[Tensor | None]:
        """In the order of the weights."""
        if self.inner is None:
            return [self.ih, self.hh, self.bias, None]
        hidden = len(self.inner)  # the sweep's rows of the input begin with the candidate
        return [self.ih.roll(-hidden, 0), self.hh, self.bias.roll(-hidden, 0), self.inner]
