"""One layer in all its directions over packed rows, as one node of the autograd graph.

A path computes it forward and back: :mod:`rnncli.core.paths.torch_rows` by torch, :mod:`rnncli.core.native.rows` by
compiled kernels, :mod:`rnncli.core.paths.cuda_graphs` on an accelerator. Without gradients nothing is kept. The
gradient has no gradient.

Shape letters: B batch, N rows, I input, H hidden, D directions, E = D*H.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from rnncli.core.cells import Cell, CellWeights, State
from rnncli.core.layout.buffers import POOL
from rnncli.core.layout.packed import Packing


class Layer(NamedTuple):
    """What is computed: the weights of each direction, the input (N, I), and where to begin, (D, B, H)."""

    cell: Cell
    directions: list[CellWeights]
    x_NI: Tensor
    begin: State
    packing: Packing


class Forward(NamedTuple):
    """Outputs (N, E), the state (D, B, H) at each example's end, and what the way back needs besides."""

    y_NE: Tensor
    end: State
    kept: list[Tensor]


class Back(NamedTuple):
    """The gradients of the input (None if not wanted), of the state at the beginning, and of all weights."""

    dx_NI: Tensor | None
    begin: State
    weights: list[Tensor | None]


Compute = Callable[[Layer], tuple[Tensor, State]]
"""Outputs (N, E) of a layer and the state (D, B, H) at each example's end."""


class ForwardPath(Protocol):
    """The way forward of a layer."""

    def forward(self, layer: Layer, *, training: bool) -> Forward:
        """The way forward; only if ``training`` it keeps something."""
        ...


class Path(ForwardPath, Protocol):
    """Both ways of a layer."""

    def back(self, layer: Layer, way: Forward, grad_NE: Tensor, end: State, *, need_dx: bool) -> Back:
        """The way back, of the gradients of the outputs, contiguous, and of the state at the end."""
        ...


def infer(path: ForwardPath, layer: Layer) -> tuple[Tensor, State]:
    """Outputs (N, E) and the state (D, B, H) at each example's end, without gradients."""
    return path.forward(layer, training=False)[:2]


def run(path: Path, layer: Layer) -> tuple[Tensor, State]:
    """Outputs (N, E) and the state (D, B, H) at each example's end."""
    cell, directions, x_NI, begin, packing = layer
    weights = [part for direction in directions for part in direction]
    y_NE, *end = _Node.apply(path, cell, packing, x_NI, *begin, *weights)
    return y_NE, tuple(end)


class _Node(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, path: Path, cell: Cell, packing: Packing, x_NI: Tensor, *tensors: Tensor) -> Any:  # pyright: ignore[reportIncompatibleMethodOverride]
        way = path.forward(_layer(cell, packing, x_NI, tensors), training=True)
        ctx.save_for_backward(x_NI, way.y_NE, *tensors, *way.kept)
        ctx.path, ctx.cell, ctx.packing, ctx.given = path, cell, packing, len(tensors)
        return way.y_NE, *way.end

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_NE: Tensor, *ends: Tensor) -> tuple[Tensor | None, ...]:  # pyright: ignore[reportIncompatibleMethodOverride]
        x_NI, y_NE, *rest = ctx.saved_tensors
        layer = _layer(ctx.cell, ctx.packing, x_NI, rest[: ctx.given])
        way = Forward(y_NE, (), rest[ctx.given :])
        if grad_NE.device.type != "cpu":
            grad_NE = grad_NE.contiguous()
        elif not grad_NE.is_contiguous():
            grad_NE = POOL.take(*grad_NE.shape, dtype=grad_NE.dtype).copy_(grad_NE)
        found = ctx.path.back(layer, way, grad_NE, ends, need_dx=ctx.needs_input_grad[3])
        return None, None, None, found.dx_NI, *found.begin, *found.weights


def _layer(cell: Cell, packing: Packing, x_NI: Tensor, tensors: Sequence[Tensor]) -> Layer:
    """A layer of its state and weights in one flat list."""
    rest = tensors[cell.states :]
    directions = [CellWeights(*rest[at : at + 4]) for at in range(0, len(rest), 4)]
    return Layer(cell, directions, x_NI, tuple(tensors[: cell.states]), packing)
