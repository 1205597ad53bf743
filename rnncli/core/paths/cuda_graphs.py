"""A layer over equal lengths on an accelerator, of cells that torch has no kernel for: the loops of
:mod:`rnncli.core.paths.torch_loops`, on CUDA as captured graphs where the size of a batch repeats.

A step is some seven kernels, each of which takes longer to launch than to run; a graph launches many at once. Captured
are walks of 64, 32, ... 1 steps over buffers that stay where they are, and any number of steps is put together of them.

Shape letters: B batch, N rows = steps * B, I input, H hidden.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator
from functools import cache, partial
from typing import Any, Protocol

import torch
from torch import Tensor

from rnncli.core.cells import State
from rnncli.core.layer import Back, Forward, Layer
from rnncli.core.paths.torch_loops import GradientProducts, Gradients, Workspace, sweep
from rnncli.core.paths.torch_rows import TorchRows, WeightGradients

MAX_STEPS = 64
"""Steps of the longest walk that is captured."""
MAX_ELEMENTS = 2**20
"""Elements of a walk's outputs, at most: beyond, launches are a small part of the time and buffers a large one."""
USES_BEFORE_CAPTURE = 3
"""Uses of one size from the last of which on it is captured."""
MAX_SIZES = 32
"""Sizes whose graphs are held at once, 46 MiB each at most."""
MIN_USES_BEFORE_EVICTION = 1000
"""Uses of other sizes after which the graphs of one may make room for another's: capturing takes as long as three
uses."""


class Graph(Protocol):
    """Work that was captured."""

    def replay(self) -> None:
        """Do it, with what its buffers hold by now."""
        ...


class CapturedRows:
    """The path of one direction."""

    def forward(self, layer: Layer, *, training: bool) -> Forward:
        """See :class:`rnncli.core.layer.Path`."""
        found = _GRAPHS.wanted(layer)
        return found.forward(layer, training) if found else TorchRows.forward(layer, training=training)

    def back(self, layer: Layer, way: Forward, grad_NE: Tensor, end: State, *, need_dx: bool) -> Back:
        """See :class:`rnncli.core.layer.Path`."""
        found = _GRAPHS.held.get(_key(layer))
        # Capturing is for the thread that goes forward; this one may be autograd's.
        if found and found.captured_back(layer.packing.steps):
            return found.back(layer, way, grad_NE, end, need_dx)
        return TorchRows.back(layer, way, grad_NE, end, need_dx=need_dx)


class Captured:
    """Walks over batches of one size, there and back, and the buffers that they read and write."""

    def __init__(self, layer: Layer) -> None:
        cell, (weights,), x_NI, begin, packing = layer
        hidden = begin[0].shape[-1]
        self.cell, self.batch, self.hidden = cell, packing.batch, hidden
        steps = max(1, min(MAX_STEPS, MAX_ELEMENTS // (packing.batch * hidden)))
        self.longest = 1 << (steps.bit_length() - 1)
        rows = self.longest * self.batch
        self.weights = weights.map(torch.empty_like)
        self.h_BH, self.d_BH = x_NI.new_zeros(self.batch, hidden), x_NI.new_zeros(self.batch, hidden)
        self.y_NH, self.grad_NH, self.before_NH = (x_NI.new_zeros(rows, hidden) for _ in range(3))
        self.work = Workspace(rows, x_NI)
        self.products: dict[int, GradientProducts] = {}
        self.pool = torch.cuda.graph_pool_handle() if x_NI.is_cuda else None
        self.loops = sweep(cell, self.weights)
        self.kept = [x_NI.new_zeros(rows, width * hidden) for width in self.loops.kept]
        self.spare = [x_NI.new_zeros(rows, width * hidden) for width in self.loops.spare]
        self.prepare = capture(self._prepare, self.pool)
        self.walks: dict[int, Graph] = {}
        self.backs: dict[int, Graph] = {}
        self.used = 0

    def captured_back(self, steps: int) -> bool:
        """Whether the way back over so many steps is captured."""
        return all(count in self.backs for _, count in self._pieces(steps))

    def forward(self, layer: Layer, training: bool) -> Forward:
        """The way forward; what is not captured yet is captured."""
        x_NI, (begin_1BH,) = layer.x_NI, layer.begin
        y_NH = x_NI.new_empty(len(x_NI), self.hidden)
        kept = [x_NI.new_empty(len(x_NI), part.shape[1]) for part in self.kept] if training else []
        self._load(layer)
        pieces = list(self._pieces(layer.packing.steps))
        for count in {count for _, count in pieces}:
            self._capture(count, training)
        self.h_BH.copy_(begin_1BH[0])
        for rows, count in pieces:
            size = rows.stop - rows.start
            self.loops.project([part[:size] for part in (*self.kept, *self.spare)], x_NI[rows])
            self.walks[count].replay()
            for outer, inner in zip((y_NH, *kept), (self.y_NH, *self.kept), strict=False):
                outer[rows].copy_(inner[:size])
        return Forward(y_NH, (self.h_BH[None].clone(),), kept)

    def back(self, layer: Layer, way: Forward, grad_NH: Tensor, end: State, need_dx: bool) -> Back:
        """The way back, all of whose walks are captured."""
        x_NI, (begin_1BH,) = layer.x_NI, layer.begin
        dx_NI = torch.empty_like(x_NI) if need_dx else None
        self._load(layer)
        gathered = WeightGradients(self.weights)
        self.d_BH.copy_(end[0][0])
        for rows, count in reversed(list(self._pieces(layer.packing.steps))):
            size, first = rows.stop - rows.start, rows.start
            for outer, inner in zip((*way.kept, way.y_NE, grad_NH), (*self.kept, self.y_NH, self.grad_NH), strict=True):
                inner[:size].copy_(outer[rows])
            self.before_NH[: self.batch].copy_(way.y_NE[first - self.batch : first] if first else begin_1BH[0])
            self.before_NH[self.batch : size].copy_(way.y_NE[first : rows.stop - self.batch])
            self.backs[count].replay()
            gathered.add(self.products[count], x_NI[rows])
            if dx_NI is not None:
                torch.mm(self.products[count].input_NG, self.loops.weight_ih, out=dx_NI[rows])
        return Back(dx_NI, (self.d_BH[None].clone(),), gathered.found())

    def _pieces(self, steps: int) -> Iterator[tuple[slice, int]]:
        """The rows of each walk and its steps, long walks first."""
        row, count = 0, self.longest
        while steps:
            while count > steps:
                count //= 2
            yield slice(row, row + count * self.batch), count
            row += count * self.batch
            steps -= count

    def _load(self, layer: Layer) -> None:
        for inner, outer in zip(self.weights, layer.directions[0], strict=True):
            if inner is not None and outer is not None:
                inner.copy_(outer)
        self.prepare.replay()

    def _capture(self, count: int, training: bool) -> None:
        if count not in self.walks:
            self.walks[count] = capture(partial(self._walk, count), self.pool)
        if training and count not in self.backs:
            self.backs[count] = capture(partial(self._walk_back, count), self.pool)

    def _prepare(self) -> None:
        self.loops = sweep(self.cell, self.weights)

    def _walk(self, count: int) -> None:
        rows = count * self.batch
        walks = [list(part[:rows].split(self.batch)) for part in (*self.kept, *self.spare)]
        y = list(self.y_NH[:rows].split(self.batch))
        self.h_BH.copy_(self.loops.walk(walks, y, (self.h_BH,), self.h_BH))

    def _walk_back(self, count: int) -> None:
        rows = count * self.batch
        kept = [part[:rows] for part in self.kept]
        walk = Gradients((self.d_BH,), self.grad_NH[:rows], [self.batch] * count, reverse=False)
        self.products[count] = self.loops.back(kept, self.y_NH[:rows], self.before_NH[:rows], walk, self.work)


class _Graphs:
    """The sizes that were seen, and the graphs of those that are seen often, the one that was used last behind."""

    def __init__(self) -> None:
        self.seen: Counter[Any] = Counter()
        self.held: OrderedDict[Any, Captured] = OrderedDict()
        self.uses = 0

    def wanted(self, layer: Layer) -> Captured | None:
        """The graphs for a layer; None where the loop is to be walked as it is."""
        if not len(layer.x_NI) or not can_capture(layer.x_NI):
            return None
        key = _key(layer)
        self.seen[key] += 1
        self.uses += 1
        if key not in self.held:
            if self.seen[key] < USES_BEFORE_CAPTURE or not self._room():
                return None
            self.held[key] = Captured(layer)
        self.held.move_to_end(key)
        self.held[key].used = self.uses
        return self.held[key]

    def _room(self) -> bool:
        """Whether there is room for one more, if need be by letting go of one that was not used for long."""
        if len(self.held) == MAX_SIZES and self.uses - next(iter(self.held.values())).used > MIN_USES_BEFORE_EVICTION:
            self.held.popitem(last=False)
        return len(self.held) < MAX_SIZES


def can_capture(x_NI: Tensor) -> bool:
    """Whether there are graphs where ``x_NI`` is, and no other is being captured."""
    here = x_NI.is_cuda and x_NI.device.index == torch.cuda.current_device()
    return here and not torch.cuda.is_current_stream_capturing()


def capture(work: Callable[[], None], pool: Any) -> Graph:
    """``work`` on the current device as a graph; nothing is done yet."""
    graph, stream = torch.cuda.CUDAGraph(), _stream(torch.cuda.current_device())
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        graph.capture_begin(pool=pool, capture_error_mode="thread_local")
        try:
            work()
        finally:
            graph.capture_end()
    torch.cuda.current_stream().wait_stream(stream)
    return graph


@cache
def _stream(device: int) -> torch.cuda.Stream:
    """Where work is captured: always the same, since each stream has its own memory for products."""
    return torch.cuda.Stream(device)


def _key(layer: Layer) -> Any:
    """What the graphs of a layer depend on."""
    x_NI, hidden = layer.x_NI, layer.begin[0].shape[-1]
    precision = torch.get_float32_matmul_precision()
    return layer.cell, layer.packing.batch, x_NI.shape[1], hidden, x_NI.dtype, x_NI.device, precision


_GRAPHS = _Graphs()
