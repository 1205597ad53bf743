"""One layer in all its directions over packed rows by compiled kernels, as one node of the autograd graph.

Each direction of each part of the packing is one call of a kernel, and they run side by side. Without gradients only a
chunk's worth is kept at a time. The gradient has no gradient.

Shape letters: B batch, N rows, I input, H hidden, D directions, E = D*H, P panels, C columns of a panel.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn.functional import pad

from rnncli.core.cells import Cell, CellWeights, State, parse
from rnncli.core.native.compile import Call, Compiled, compiled, run
from rnncli.core.native.pool import POOL
from rnncli.core.packing import Packing, Part

CHUNK = 2**18
"""Elements of what a chunk makes on its way back, 1 MiB of fp32: about what stays in the cache of a core."""
ODD = 16
"""Floats between rows of workspace: rows whose distance is a power of two would meet in the same corner of a cache."""


def run_layer(
    cell: Cell, directions: Sequence[CellWeights], x_NI: Tensor, begin: State, packing: Packing
) -> tuple[Tensor, State]:
    """Outputs (N, E) and the state (D, B, H) at each example's end, beginning at ``begin``, (D, B, H); all fp32."""
    weights = [part for direction in directions for part in direction]
    if not torch.is_grad_enabled():
        return _Forward(cell, directions, x_NI, begin, packing, training=False).results()
    y_NE, *end = _Layer.apply(cell, packing, x_NI, *begin, *weights)
    return y_NE, tuple(end)


class _Layer(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, cell: Cell, packing: Packing, x_NI: Tensor, *tensors: Tensor) -> tuple[Tensor, ...]:  # pyright: ignore[reportIncompatibleMethodOverride]
        begin, directions = parse(cell, tensors)
        way = _Forward(cell, directions, x_NI, begin, packing, training=True)
        y_NE, end = way.results()
        ctx.save_for_backward(way.x_NI, y_NE, *tensors, *way.kept)
        ctx.cell, ctx.packing, ctx.given = cell, packing, len(tensors)
        return y_NE, *end

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_NE: Tensor, *ends: Tensor) -> tuple[Tensor | None, ...]:  # pyright: ignore[reportIncompatibleMethodOverride]
        x_NI, y_NE, *rest = ctx.saved_tensors
        begin, directions = parse(ctx.cell, rest[: ctx.given])
        way = _Back(ctx.cell, directions, (x_NI, y_NE, rest[ctx.given :]), begin, ctx.packing, ctx.needs_input_grad[2])
        starts = way.run(grad_NE.contiguous(), tuple(part.clone() for part in ends))
        return None, None, way.input_gradient(), *starts, *way.gradients()


class _Way:
    """What both ways share: the walks, and the places of arrays in memory."""

    def __init__(self, cell: Cell, directions: Sequence[CellWeights], begin: State, packing: Packing) -> None:
        self.kernels: Compiled = compiled(cell)
        self.directions, self.packing = directions, packing
        self.begin = tuple(part.contiguous() for part in begin)
        self.hidden = begin[0].shape[-1]
        self.width = len(directions) * self.hidden
        self.kept_stride = self.kernels.loops.kept * self.hidden + ODD
        self.held: list[Any] = []

    def chunk_rows(self, part: Part) -> int:
        """Rows of the longest chunk at most: it may exceed the target by one step."""
        return min(part.end - part.row, self.target + part.running)

    @property
    def target(self) -> int:
        """Rows of a chunk."""
        return max(1, CHUNK // (self.hidden * self.kernels.loops.factors))

    def work(self, rows: int, width: int) -> Tensor:
        """Workspace that lives as long as this does."""
        self.held.append(torch.empty(rows, width, dtype=torch.float32))
        return self.held[-1]

    def walk(self, part: Part, d: int, *, back: bool) -> dict[str, int]:
        """The tables of a walk, and the sizes."""
        chunks_K4, steps_T4 = part.tables(self.target, reverse=bool(d), back=back)
        return {
            "hidden": self.hidden,
            "chunks": chunks_K4.ctypes.data,
            "chunk_count": len(chunks_K4),
            "steps": steps_T4.ctypes.data,
        }

    def example(self, state_DBH: Tensor, d: int, part: Part) -> int:
        """The address of the state of a part's first example."""
        return state_DBH.data_ptr() + 4 * self.hidden * (d * state_DBH.shape[1] + part.example)

    def outputs(self, name: str, y_NE: Tensor, d: int) -> dict[str, int]:
        """The columns of one direction."""
        return {name: y_NE.data_ptr() + 4 * d * self.hidden, f"{name}_stride": self.width}


class _Forward(_Way):
    def __init__(
        self,
        cell: Cell,
        directions: Sequence[CellWeights],
        x_NI: Tensor,
        begin: State,
        packing: Packing,
        *,
        training: bool,
    ) -> None:
        super().__init__(cell, directions, begin, packing)
        self.x_NI, self.keeps = x_NI.contiguous(), training and self.kernels.loops.saved
        self.y_NE = torch.empty(packing.rows, self.width, dtype=torch.float32)
        self.kept = [POOL.take(packing.rows, self.kept_stride) for _ in directions] if self.keeps else []
        self.c_DBH = self.begin[1].clone() if cell.states == 2 else None
        calls = []
        for d, weights in enumerate(directions):
            shared = self._weights(weights)
            calls += [self._call(d, part, shared) for part in packing.parts]
        run(calls)

    def results(self) -> tuple[Tensor, State]:
        """The outputs and the states at the ends."""
        ends = []
        for d in range(len(self.directions)):
            columns = self.y_NE[:, d * self.hidden : (d + 1) * self.hidden]
            h_BH, parts = self.begin[0][d], self.packing.parts
            find = Part.first if d else Part.last
            ends.append(torch.cat([find(p, columns, h_BH[p.example : p.example + p.batch]) for p in parts]))
        return self.y_NE, (torch.stack(ends), *(() if self.c_DBH is None else (self.c_DBH,)))

    def _weights(self, weights: CellWeights) -> dict[str, int]:
        weight_ih, weight_hh, bias, bias_hh = weights
        cut = min(2 * self.hidden, len(weight_hh)) if self.kernels.loops.gates == 3 else len(weight_hh)
        packed = {"weight_ih": weight_ih, "weight_gates": weight_hh[:cut], "weight_rx": weight_hh[cut:]}
        found = {name: panels(part, self.kernels.panel) for name, part in packed.items()}
        found |= {"bias": bias.detach().contiguous()}
        if bias_hh is not None:
            found["bias_hh"] = bias_hh.detach().contiguous()
        self.held.append(found)
        return {name: part.data_ptr() for name, part in found.items()} | {"input": weight_ih.shape[1]}

    def _call(self, d: int, part: Part, weights: dict[str, int]) -> Call:
        hidden, running = self.hidden, part.running
        kept = self.kept[d] if self.keeps else self.work(self.chunk_rows(part), self.kept_stride)
        values = weights | self.walk(part, d, back=False) | self.outputs("y", self.y_NE, d)
        values |= {"keeps": int(self.keeps), "kept": kept.data_ptr(), "kept_stride": self.kept_stride}
        values |= {"x": self.x_NI.data_ptr(), "x_stride": self.x_NI.shape[1]}
        values |= {"begin": self.example(self.begin[0], d, part), "begin_stride": hidden}
        if self.c_DBH is not None:
            values |= {"c": self.example(self.c_DBH, d, part), "c_stride": hidden}
        for name in ("before", "reset"):
            values |= {name: self.work(running, hidden).data_ptr(), f"{name}_stride": hidden}
        return self.kernels.call("forward", **values)


class _Back(_Way):
    def __init__(
        self,
        cell: Cell,
        directions: Sequence[CellWeights],
        forward: tuple[Tensor, Tensor, list[Tensor]],
        begin: State,
        packing: Packing,
        need_dx: bool,
    ) -> None:
        super().__init__(cell, directions, begin, packing)
        self.x_NI, self.y_NE, self.kept = forward
        self.dx = [torch.empty_like(self.x_NI) for _ in directions] if need_dx else []
        self.zeros = torch.zeros(max(self.hidden, self.x_NI.shape[1]), dtype=torch.float32)
        self.sums = [[_zeros(weights) for _ in packing.parts] for weights in directions]

    def run(self, grad_NE: Tensor, state: State) -> State:
        """Walk back, turning ``state``, the gradients at the ends, into those at the beginnings."""
        calls = []
        for d, weights in enumerate(self.directions):
            shared = self._weights(weights)
            for part, sums in zip(self.packing.parts, self.sums[d], strict=True):
                calls.append(self._call(d, part, shared | self._sums(sums), grad_NE, state))
        run(calls)
        return state

    def input_gradient(self) -> Tensor | None:
        """The gradient of the input."""
        if not self.dx:
            return None
        return self.dx[0] if len(self.dx) == 1 else self.dx[0].add_(self.dx[1])

    def gradients(self) -> list[Tensor | None]:
        """The gradients of the weights, in their order."""
        found: list[Tensor | None] = []
        for parts in self.sums:
            for first, *others in zip(*parts, strict=True):
                for other in others:
                    if first is not None:
                        first.add_(other)
                found.append(first)
        return found

    def _weights(self, weights: CellWeights) -> dict[str, int]:
        weight_ih, weight_hh = weights.weight_ih.detach().contiguous(), weights.weight_hh.detach().contiguous()
        self.held += [weight_ih, weight_hh]
        candidates = weight_hh[2 * self.hidden :] if self.kernels.loops.gates == 3 else weight_hh
        return {
            "weight_ih": weight_ih.data_ptr(),
            "weight_hh": weight_hh.data_ptr(),
            "weight_rx": candidates.data_ptr(),
            "input": weight_ih.shape[1],
        }

    def _sums(self, sums: CellWeights) -> dict[str, int]:
        names = ("d_weight_ih", "d_weight_hh", "d_bias", "d_bias_hh")
        return {name: part.data_ptr() for name, part in zip(names, sums, strict=True) if part is not None}

    def _call(self, d: int, part: Part, shared: dict[str, int], grad_NE: Tensor, state: State) -> Call:
        hidden, rows = self.hidden, self.chunk_rows(part)
        values = shared | self.walk(part, d, back=True)
        values |= self.outputs("y", self.y_NE, d) | self.outputs("grad", grad_NE, d)
        if self.kept:
            values |= {"keeps": 1, "kept": self.kept[d].data_ptr(), "kept_stride": self.kept_stride}
        values |= {"x": self.x_NI.data_ptr(), "x_stride": self.x_NI.shape[1], "zeros": self.zeros.data_ptr()}
        values |= {"begin": self.example(self.begin[0], d, part), "begin_stride": hidden}
        for name, gradient in zip(("d", "c"), state, strict=False):
            values |= {name: self.example(gradient, d, part), f"{name}_stride": hidden}
        width = self.kernels.loops.factors * hidden + ODD
        values |= {"factors": self.work(rows, width).data_ptr(), "factors_stride": width}
        for name in ("before", "inner"):
            values |= {name: self.work(rows, hidden + ODD).data_ptr(), f"{name}_stride": hidden + ODD}
        values |= {"reset": self.work(part.running, hidden).data_ptr(), "reset_stride": hidden}
        if self.dx:
            values |= {"dx": self.dx[d].data_ptr(), "dx_stride": self.x_NI.shape[1]}
        return self.kernels.call("back", **values)


def panels(weight_NK: Tensor, columns: int) -> Tensor:
    """The transposed weights (K, N) in panels of ``columns`` columns, (P, K, C), zeros where columns are missing."""
    rows, depth = weight_NK.shape
    missing = -rows % columns
    weight_NK = weight_NK.detach()
    whole = pad(weight_NK, (0, 0, 0, missing)) if missing else weight_NK
    return whole.reshape(-1, columns, depth).transpose(1, 2).contiguous()


def _zeros(weights: CellWeights) -> CellWeights:
    made = (None if part is None else torch.zeros(part.shape, dtype=torch.float32) for part in weights)
    return CellWeights(*made)  # pyright: ignore[reportArgumentType]
