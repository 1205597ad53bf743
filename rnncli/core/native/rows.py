"""A layer over packed rows by compiled kernels.

Each direction of each part of the packing is one call of a kernel, and they run side by side. Without gradients only a
chunk's worth is kept at a time.

Shape letters: B batch, N rows, I input, H hidden, D directions, E = D*H.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from rnncli.core.cells import CellWeights, State
from rnncli.core.layer import Back, Forward, Layer
from rnncli.core.layout.buffers import ODD, POOL
from rnncli.core.layout.packed import Part
from rnncli.core.native.kernels import Compiled, compiled, shared
from rnncli.core.native.openmp import Call, run, run_shared

CHUNK = 2**18
"""Elements of what a chunk makes on its way back, 1 MiB of fp32: about what stays in the cache of a core."""
WIDE = 320
"""Hidden units beyond which weights are so large that adding to their gradients costs more than leaving the cache."""
WIDE_CHUNK = 2**21


def forward(layer: Layer, *, training: bool) -> Forward:
    """The way forward, all of it fp32."""
    return _Forward(layer, training=training).result()


class FewRows:
    """The way forward of few equal examples without gradients, which reads the weights as they lie."""

    @staticmethod
    def forward(layer: Layer, *, training: bool) -> Forward:
        """As :func:`forward`, but in the last places an output is not what it is in a larger batch."""
        assert not training
        return _Forward(layer, training=False, kernel="once").result()


def back(layer: Layer, way: Forward, grad_NE: Tensor, end: State, *, need_dx: bool) -> Back:
    """The way back, all of it fp32."""
    return _Back(layer, way, need_dx=need_dx).run(grad_NE, tuple(part.clone() for part in end))


class Shared:
    """Both ways with all threads at work on the same rows, for large weights: each thread reads a share of them."""

    @staticmethod
    def forward(layer: Layer, *, training: bool) -> Forward:
        """As :func:`forward`."""
        return _Forward(layer, training=training, together=True).result()

    @staticmethod
    def back(layer: Layer, way: Forward, grad_NE: Tensor, end: State, *, need_dx: bool) -> Back:
        """As :func:`back`."""
        state = tuple(part.clone() for part in end)
        return _Back(layer, way, need_dx=need_dx, together=True).run(grad_NE, state)


class _Way:
    """What both ways share: the walks, and the places of arrays in memory."""

    def __init__(self, layer: Layer, *, together: bool) -> None:
        self.kernels: Compiled = (shared if together else compiled)(layer.cell)
        self.make = run_shared if together else run
        self.directions, self.packing = layer.directions, layer.packing
        self.x_NI = layer.x_NI.contiguous()
        self.begin = tuple(part.contiguous() for part in layer.begin)
        self.hidden = self.begin[0].shape[-1]
        self.width = len(self.directions) * self.hidden
        self.kept_stride = self.kernels.loops.kept * self.hidden + ODD
        self.held: list[Any] = []

    def chunk_rows(self, part: Part) -> int:
        """Rows of the longest chunk at most: it may exceed the target by one step."""
        return min(part.end - part.row, self.target + part.running)

    @property
    def target(self) -> int:
        """Rows of a chunk."""
        chunk = WIDE_CHUNK if self.hidden > WIDE else CHUNK
        return max(1, chunk // (self.hidden * self.kernels.loops.factors))

    def work(self, rows: int, width: int) -> Tensor:
        """Workspace that lives as long as this does."""
        self.held.append(POOL.take(rows, width))
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

    def recurrent(self, weight_hh: Tensor) -> tuple[Tensor, Tensor]:
        """The rows of the gates that see h itself, and of a gru's candidate, which has its own product."""
        cut = (2 if self.kernels.loops.gates == 3 else self.kernels.loops.gates) * self.hidden
        return weight_hh[:cut], weight_hh[cut:]

    def example(self, state_DBH: Tensor, d: int, part: Part) -> int:
        """The address of the state of a part's first example."""
        return state_DBH.data_ptr() + 4 * self.hidden * (d * state_DBH.shape[1] + part.example)

    def outputs(self, name: str, y_NE: Tensor, d: int) -> dict[str, int]:
        """The columns of one direction."""
        return {name: y_NE.data_ptr() + 4 * d * self.hidden, f"{name}_stride": self.width}


class _Forward(_Way):
    def __init__(self, layer: Layer, *, training: bool, kernel: str = "forward", together: bool = False) -> None:
        super().__init__(layer, together=together)
        self.kernel = kernel
        self.keeps = training and self.kernels.loops.saved
        self.y_NE = POOL.take(self.packing.rows, self.width)
        self.kept = [POOL.take(self.packing.rows, self.kept_stride) for _ in self.directions] if self.keeps else []
        self.c_DBH = self.begin[1].clone() if layer.cell.states == 2 else None
        calls = []
        for d, weights in enumerate(self.directions):
            shared = self._weights(weights)
            calls += [self._call(d, part, shared) for part in self.packing.parts]
        self.make(calls)

    def result(self) -> Forward:
        """The outputs, the states at the ends, and what is kept."""
        ends = []
        for d in range(len(self.directions)):
            columns = self.y_NE[:, d * self.hidden : (d + 1) * self.hidden]
            h_BH, parts = self.begin[0][d], self.packing.parts
            find = Part.first if d else Part.last
            ends.append(torch.cat([find(p, columns, h_BH[p.example : p.example + p.batch]) for p in parts]))
        memory = () if self.c_DBH is None else (self.c_DBH,)
        return Forward(self.y_NE, (torch.stack(ends), *memory), self.kept)

    def _weights(self, weights: CellWeights) -> dict[str, int]:
        weight_ih, weight_hh, bias, bias_hh = (None if part is None else part.detach() for part in weights)
        assert weight_ih is not None
        assert weight_hh is not None
        assert bias is not None
        gates_GH, candidates_HH = self.recurrent(weight_hh)
        found = {"weight_ih": weight_ih, "weight_gates": gates_GH, "weight_rx": candidates_HH}
        if self.kernel == "forward":
            found = self.kernels.panels.lay(found, transposed=True)
        else:
            found = {name: part.contiguous() for name, part in found.items()}
        found |= {"bias": bias} if bias_hh is None else {"bias": bias, "bias_hh": bias_hh}
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
        return self.kernels.call(self.kernel, **values)


class _Back(_Way):
    def __init__(self, layer: Layer, way: Forward, *, need_dx: bool, together: bool = False) -> None:
        super().__init__(layer, together=together)
        self.y_NE, self.kept = way.y_NE, way.kept
        self.dx = [POOL.take(len(self.x_NI), self.x_NI.shape[1]) for _ in self.directions] if need_dx else []
        self.zeros = torch.zeros(max(self.hidden, self.x_NI.shape[1]), dtype=torch.float32)
        self.sums = [[_sums(weights, part) for part in self.packing.parts] for weights in self.directions]

    def run(self, grad_NE: Tensor, state: State) -> Back:
        """Walk back, turning ``state``, the gradients at the ends, into those at the beginnings."""
        calls = []
        for d, weights in enumerate(self.directions):
            shared = self._weights(weights)
            for part, sums in zip(self.packing.parts, self.sums[d], strict=True):
                calls.append(self._call(d, part, shared | self._sums(sums), grad_NE, state))
        self.make(calls)
        return Back(self._input_gradient(), state, self._weight_gradients())

    def _input_gradient(self) -> Tensor | None:
        """The gradient of the input."""
        if not self.dx:
            return None
        return self.dx[0] if len(self.dx) == 1 else self.dx[0].add_(self.dx[1])

    def _weight_gradients(self) -> list[Tensor | None]:
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
        gates_GH, candidates_HH = self.recurrent(weights.weight_hh.detach())
        found = {"weight_hh": gates_GH, "weight_rx": candidates_HH}
        if self.dx:
            found["weight_ih"] = weights.weight_ih.detach()
        found = self.kernels.panels.lay(found, transposed=False)
        self.held.append(found)
        return {name: part.data_ptr() for name, part in found.items()} | {"input": self.x_NI.shape[1]}

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


def _sums(weights: CellWeights, part: Part) -> CellWeights:
    """Where the gradients of a part are summed; those of all but the first part are only added to the first's."""

    def place(shape: torch.Size) -> Tensor:
        if part.end == part.row:
            return torch.zeros(shape, dtype=torch.float32)
        if part.example == 0:
            return torch.empty(shape, dtype=torch.float32)
        return POOL.take(shape[0], shape.numel() // shape[0]).view(shape)

    return weights.each(lambda weight: place(weight.shape))
