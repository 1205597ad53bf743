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
from rnncli.core.layout.buffers import POOL, ROW_GAP
from rnncli.core.layout.packed import Part
from rnncli.core.native.arguments import NOWHERE, Array, BackArguments, ForwardArguments, IntegerTable
from rnncli.core.native.kernels import Kernels, Mode, kernels_of
from rnncli.core.native.openmp import Call, run, run_by_team

CHUNK_ELEMENTS = 2**18
"""Elements of what a chunk makes on its way back, 1 MiB of fp32: about what stays in the cache of a core."""
MAX_HIDDEN_FOR_CACHED_CHUNKS = 320
"""Hidden units beyond which weights are so large that adding to their gradients costs more than leaving the cache."""
WIDE_CHUNK_ELEMENTS = 2**21
"""CHUNK_ELEMENTS of layers that are wider."""


def chunk_target(kernels: Kernels, hidden: int) -> int:
    """Rows of a chunk."""
    chunk = WIDE_CHUNK_ELEMENTS if hidden > MAX_HIDDEN_FOR_CACHED_CHUNKS else CHUNK_ELEMENTS
    return max(1, chunk // (hidden * kernels.loops.factors))


def lay_forward(kernels: Kernels, weights: CellWeights) -> tuple[ForwardArguments, Any]:
    """Weights laid out for the way forward: the arguments that name them, and what holds their memory."""
    weight_ih, weight_hh, bias, bias_hh = weights.map(Tensor.detach)
    gates_GH, candidates_HH = _recurrent(kernels, weight_hh)
    laid = {"weight_ih": weight_ih, "weight_gates": gates_GH, "weight_rx": candidates_HH}
    laid = kernels.lay(laid)
    arguments = ForwardArguments(
        input=weight_ih.shape[1],
        hidden=weight_hh.shape[1],
        weight_ih=Array.of(laid["weight_ih"]),
        weight_gates=Array.of(laid["weight_gates"]),
        weight_rx=Array.of(laid["weight_rx"]),
        bias=Array.of(bias),
        bias_hh=NOWHERE if bias_hh is None else Array.of(bias_hh),
    )
    return arguments, (laid, bias, bias_hh)


class NativeRows:
    """The path in one of the modes; all of it fp32, or ``rounded``: products in eight bits, forward and alone."""

    def __init__(self, mode: Mode, *, rounded: bool = False) -> None:
        assert not (rounded and mode is Mode.TEAM)
        self.mode, self.rounded = mode, rounded

    def forward(self, layer: Layer, *, training: bool) -> Forward:
        """See :class:`rnncli.core.layer.Path`."""
        assert not (training and self.rounded)
        return _Forward(layer, self.mode, training=training, rounded=self.rounded).result()

    def back(self, layer: Layer, way: Forward, grad_NE: Tensor, end: State, *, need_dx: bool) -> Back:
        """See :class:`rnncli.core.layer.Path`."""
        # The kernels write the gradients of the states in place, and autograd gives them in any order of memory.
        state = tuple(part.clone(memory_format=torch.contiguous_format) for part in end)
        return _Back(layer, way, self.mode, need_dx=need_dx).run(grad_NE, state)


class _Way:
    """What both ways have in common: the walks, and the places of arrays in memory."""

    def __init__(self, layer: Layer, mode: Mode, *, rounded: bool = False) -> None:
        self.mode = mode
        self.kernels = kernels_of(layer.cell, team=mode is Mode.TEAM, rounded=rounded)
        self.make = run_by_team if mode is Mode.TEAM else run
        self.directions, self.packing = layer.directions, layer.packing
        self.x_NI = layer.x_NI.contiguous()
        self.begin = tuple(part.contiguous() for part in layer.begin)
        self.hidden = self.begin[0].shape[-1]
        self.width = len(self.directions) * self.hidden
        self.kept_width = self.kernels.loops.kept * self.hidden + ROW_GAP
        self.target = chunk_target(self.kernels, self.hidden)
        self.held: list[Any] = []

    def chunk_rows(self, part: Part) -> int:
        """Rows of the longest chunk at most: it may exceed the target by one step."""
        return min(part.end - part.row, self.target + part.running)

    def work(self, rows: int, width: int) -> Array:
        """Workspace that lives as long as this does."""
        self.held.append(POOL.take(rows, width))
        return Array.of(self.held[-1])

    def walk(self, part: Part, d: int, *, back: bool) -> tuple[IntegerTable, IntegerTable]:
        """The chunks and the steps of a walk."""
        chunks_K4, steps_T4 = part.tables(self.target, reverse=bool(d), back=back)
        return IntegerTable.of(chunks_K4), IntegerTable.of(steps_T4)

    def examples(self, state_DBH: Tensor, d: int, part: Part) -> Array:
        """The states of a part's examples."""
        return Array.of(state_DBH[d]).from_row(part.example)

    def columns(self, y_NE: Tensor, d: int) -> Array:
        """The columns of one direction."""
        return Array.of(y_NE).from_column(d * self.hidden)


class _Forward(_Way):
    def __init__(self, layer: Layer, mode: Mode, *, training: bool, rounded: bool) -> None:
        super().__init__(layer, mode, rounded=rounded)
        self.keeps = training and self.kernels.loops.saved
        self.y_NE = POOL.take(self.packing.rows, self.width)
        self.kept = [POOL.take(self.packing.rows, self.kept_width) for _ in self.directions] if self.keeps else []
        self.c_DBH = self.begin[1].clone() if layer.cell.states == 2 else None
        calls = []
        for d, weights in enumerate(self.directions):
            given, held = lay_forward(self.kernels, weights)
            self.held.append(held)
            given = given._replace(keeps=int(self.keeps))
            calls += [self._call(d, part, given) for part in self.packing.parts]
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

    def _call(self, d: int, part: Part, given: ForwardArguments) -> Call:
        chunks, steps = self.walk(part, d, back=False)
        arguments = given._replace(
            chunks=chunks,
            steps=steps,
            x=Array.of(self.x_NI),
            kept=Array.of(self.kept[d]) if self.keeps else self.work(self.chunk_rows(part), self.kept_width),
            y=self.columns(self.y_NE, d),
            begin=self.examples(self.begin[0], d, part),
            c=NOWHERE if self.c_DBH is None else self.examples(self.c_DBH, d, part),
            before=self.work(part.running, self.hidden),
            reset=self.work(part.running, self.hidden),
            codes=self.work(self.chunk_rows(part), self.kernels.code_floats(max(self.hidden, given.input))),
        )
        return self.kernels.forward(arguments)


class _Back(_Way):
    def __init__(self, layer: Layer, way: Forward, mode: Mode, *, need_dx: bool) -> None:
        super().__init__(layer, mode)
        self.y_NE, self.kept = way.y_NE, way.kept
        self.dx = [POOL.take(len(self.x_NI), self.x_NI.shape[1]) for _ in self.directions] if need_dx else []
        self.zeros = self.x_NI.new_zeros(max(self.hidden, self.x_NI.shape[1]))
        self.sums = [[_sums(weights, part) for part in self.packing.parts] for weights in self.directions]

    def run(self, grad_NE: Tensor, state: State) -> Back:
        """Walk back, turning ``state``, the gradients at the ends, into those at the beginnings."""
        calls = []
        for d, weights in enumerate(self.directions):
            given = self._weights(weights)
            for part, sums in zip(self.packing.parts, self.sums[d], strict=True):
                calls.append(self._call(d, part, _summed_in(given, sums), grad_NE, state))
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

    def _weights(self, weights: CellWeights) -> BackArguments:
        """The arguments that all parts have in common."""
        gates_GH, candidates_HH = _recurrent(self.kernels, weights.weight_hh.detach())
        laid = {"weight_hh": gates_GH, "weight_rx": candidates_HH}
        if self.dx:
            laid["weight_ih"] = weights.weight_ih.detach()
        laid = self.kernels.panels.lay(laid, transposed=False)
        self.held.append(laid)
        return BackArguments(
            input=self.x_NI.shape[1],
            hidden=self.hidden,
            keeps=int(bool(self.kept)),
            zeros=Array.of(self.zeros),
            weight_ih=Array.of(laid["weight_ih"]) if self.dx else NOWHERE,
            weight_hh=Array.of(laid["weight_hh"]),
            weight_rx=Array.of(laid["weight_rx"]),
        )

    def _call(self, d: int, part: Part, given: BackArguments, grad_NE: Tensor, state: State) -> Call:
        (chunks, steps), rows = self.walk(part, d, back=True), self.chunk_rows(part)
        arguments = given._replace(
            chunks=chunks,
            steps=steps,
            x=Array.of(self.x_NI),
            kept=Array.of(self.kept[d]) if self.kept else NOWHERE,
            y=self.columns(self.y_NE, d),
            grad=self.columns(grad_NE, d),
            begin=self.examples(self.begin[0], d, part),
            d=self.examples(state[0], d, part),
            c=self.examples(state[1], d, part) if len(state) > 1 else NOWHERE,
            factors=self.work(rows, self.kernels.loops.factors * self.hidden + ROW_GAP),
            before=self.work(rows, self.hidden + ROW_GAP),
            inner=self.work(rows, self.hidden + ROW_GAP),
            reset=self.work(part.running, self.hidden),
            dx=Array.of(self.dx[d]) if self.dx else NOWHERE,
        )
        return self.kernels.back(arguments)


def _recurrent(kernels: Kernels, weight_hh: Tensor) -> tuple[Tensor, Tensor]:
    """The rows of the gates that see h itself, and of a gru's candidate, which has its own product."""
    cut = (2 if kernels.loops.gates == 3 else kernels.loops.gates) * weight_hh.shape[1]
    return weight_hh[:cut], weight_hh[cut:]


def _sums(weights: CellWeights, part: Part) -> CellWeights:
    """Where the gradients of a part are summed; those of all but the first part are only added to the first's."""

    def place(weight: Tensor) -> Tensor:
        shape = weight.shape
        if part.end == part.row:
            return weight.new_zeros(shape)
        if part.example == 0:
            return weight.new_empty(shape)
        return POOL.take(shape[0], shape.numel() // shape[0]).view(shape)

    return weights.map(place)


def _summed_in(given: BackArguments, sums: CellWeights) -> BackArguments:
    return given._replace(
        d_weight_ih=Array.of(sums.weight_ih),
        d_weight_hh=Array.of(sums.weight_hh),
        d_bias=Array.of(sums.bias),
        d_bias_hh=NOWHERE if sums.bias_hh is None else Array.of(sums.bias_hh),
    )
