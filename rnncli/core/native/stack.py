"""Layers over few sequences of equal lengths, without gradients: as little work around the kernels as can be.

Weights are laid out once and stay so till they change. What kernels are given, workspace included, is made once for
each size of a batch, and only the places of the input, the output and the state differ from call to call. A single step
of a stream is a sequence of one step.

Shape letters: B batch, T time, N = T*B rows, step after step, I input, H hidden, D directions, E = D*H, S = L*D states.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import torch
from torch import Tensor

from rnncli.core.cells import Cell, CellWeights, State
from rnncli.core.layout.packed import Part, equal_parts
from rnncli.core.native.arguments import FLOAT_BYTES, Array, ForwardArguments, IntegerTable, as_integers, slots
from rnncli.core.native.kernels import Kernels, kernels_of
from rnncli.core.native.openmp import run
from rnncli.core.native.rows import chunk_target, lay_forward

MAX_BATCH = 16
"""Sequences up to which the work around the kernels is worth sparing."""
MAX_SIZES = 64
"""Sizes of batches whose workspace is kept."""
NAMES = slots(ForwardArguments)
X, Y, BEGIN, C = (NAMES.index(name) for name in ("x", "y", "begin", "c"))


class _Laid(NamedTuple):
    """One layer in one direction: the arguments that name its weights, and what holds their memory."""

    arguments: ForwardArguments
    panels: Any
    weights: CellWeights


class LaidLayers:
    """Layers of ``cell`` in one or two ``directions``; a copy begins without anything laid out."""

    def __init__(self, cell: Cell, directions: int) -> None:
        self.cell, self.directions, self._rounded = cell, directions, False
        self._laid: list[_Laid] = []
        self._seen: list[tuple[int, int]] = []
        self._free: dict[tuple[int, int], list[_Work]] = {}

    def __reduce__(self) -> tuple[Any, ...]:
        return LaidLayers, (self.cell, self.directions)

    def lay(
        self,
        parameters: Iterable[Tensor | None],
        weights: Callable[[], Iterable[CellWeights]],
        *,
        rounded: bool = False,
    ) -> None:
        """Lay out the ``weights`` of every layer and direction, ``rounded`` to eight bits or not.

        Nothing is done where ``parameters``, what the weights are made of, are what they were.
        """
        seen = [(part.data_ptr(), part._version) for part in parameters if part is not None]
        if seen == self._seen and rounded == self._rounded:
            return
        kernels = kernels_of(self.cell, rounded=rounded)
        # Whatever the values were made of stays in memory, so no other weights can come to lie where they are.
        self._laid = [_Laid(*lay_forward(kernels, one), one.map(Tensor.detach)) for one in weights()]
        self._seen, self._rounded, self._free = seen, rounded, {}

    def run(self, x_BTI: Tensor, begin: State, *, need_state: bool) -> tuple[Tensor, State]:
        """Outputs (B, T, E) and the state (S, B, H) at the end, () if not needed; all of it fp32 and T at least 1.

        ``begin`` is the state at the beginning; () is zero.
        """
        batch, steps, _ = x_BTI.shape
        if len(self._free) > MAX_SIZES:
            self._free = {}
        free = self._free.setdefault((batch, steps), [])
        # Whoever works takes the workspace out: another thread finds none and makes its own.
        work = free.pop() if free else self._work(batch, steps)
        y_TBE, end = work.run(x_BTI, begin, need_state=need_state)
        free.append(work)
        return y_TBE.transpose(0, 1), end

    def _work(self, batch: int, steps: int) -> _Work:
        kernels = kernels_of(self.cell, rounded=self._rounded)
        return _Work(kernels, self._laid, (self.cell.states, self.directions, batch, steps))


class _Work:
    """What kernels are given for batches of one size, and the memory that they work in."""

    def __init__(self, kernels: Kernels, laid: list[_Laid], sizes: tuple[int, int, int, int]) -> None:
        self.kernels, self.hidden = kernels, laid[0].arguments.hidden
        self.states, directions, batch, steps = sizes
        self.directions, self.batch, self.steps = directions, batch, steps
        (part,) = equal_parts(batch, steps, 1)
        self.zeros_SBH = torch.zeros(len(laid), batch, self.hidden, dtype=torch.float32, device="cpu")
        self.inner_LNE = _floats(len(laid) // directions - 1, steps * batch, directions * self.hidden)
        self.values: list[ctypes.Array[ctypes.c_int64]] = []
        self._held: list[Any] = [laid]
        for place, (arguments, *_) in enumerate(laid):
            self.values.append(as_integers(self._arguments(arguments, part, reverse=bool(place % directions))))
            layer, d = divmod(place, directions)
            if layer:
                self.values[place][X] = self.inner_LNE[layer - 1].data_ptr()
            if layer < len(self.inner_LNE):
                self.values[place][Y] = self.inner_LNE[layer].data_ptr() + FLOAT_BYTES * d * self.hidden
        self.calls = [self.kernels.call(values) for values in self.values]
        self.layers = self.kernels.layers(self.values)

    def _arguments(self, laid: ForwardArguments, part: Part, *, reverse: bool) -> ForwardArguments:
        """All but the places of the input, the output and the state."""
        hidden, width = self.hidden, self.kernels.loops.kept * self.hidden
        chunks_K4, steps_T4 = part.tables(chunk_target(self.kernels, hidden), reverse=reverse, back=False)
        longest = int(chunks_K4[:, 3].max())
        kept, state = _floats(longest, width), _floats(2, self.batch, hidden)
        codes = _floats(longest, self.kernels.code_floats(max(hidden, laid.input)))
        self._held += [chunks_K4, steps_T4, kept, state, codes]
        return laid._replace(
            chunks=IntegerTable.of(chunks_K4),
            steps=IntegerTable.of(steps_T4),
            x=Array(0, laid.input),
            kept=Array.of(kept),
            y=Array(0, self.directions * hidden),
            begin=Array(0, hidden),
            c=Array(0, hidden),
            before=Array.of(state[0]),
            reset=Array.of(state[1]),
            codes=Array.of(codes),
        )

    def run(self, x_BTI: Tensor, begin: State, *, need_state: bool) -> tuple[Tensor, State]:
        """Outputs (T, B, E) and the state (S, B, H)."""
        x_TBI = x_BTI.transpose(0, 1).contiguous()
        y_TBE = _floats(self.steps, self.batch, self.directions * self.hidden)
        h_SBH = begin[0].contiguous() if begin else self.zeros_SBH
        c_SBH = h_SBH
        if self.states == 2:
            c_SBH = begin[1].clone(memory_format=torch.contiguous_format) if begin else torch.zeros_like(h_SBH)
        self._place(x_TBI.data_ptr(), y_TBE.data_ptr(), h_SBH.data_ptr(), c_SBH.data_ptr())
        if self.directions == 2 and torch.get_num_threads() > 1:
            for first in range(0, len(self.calls), 2):
                run(self.calls[first : first + 2])
        else:
            self.layers()
        if not need_state:
            return y_TBE, ()
        end_SBH = self._end(y_TBE)
        return y_TBE, (end_SBH, c_SBH) if self.states == 2 else (end_SBH,)

    def _place(self, x: int, y: int, h: int, c: int) -> None:
        """Where the arrays of a call lie."""
        state = FLOAT_BYTES * self.batch * self.hidden
        for place, values in enumerate(self.values):
            values[BEGIN], values[C] = h + place * state, c + place * state
        for d in range(self.directions):
            self.values[d][X] = x
            self.values[d - self.directions][Y] = y + FLOAT_BYTES * d * self.hidden

    def _end(self, y_TBE: Tensor) -> Tensor:
        """h where each direction of each layer ended (S, B, H)."""
        if len(self.values) == 1:
            return y_TBE[-1:].clone()
        layers = [*self.inner_LNE.view(-1, *y_TBE.shape), y_TBE]
        if self.directions == 1:
            return torch.stack([layer_TBE[-1] for layer_TBE in layers])
        ends = [(layer_TBE[-1, :, : self.hidden], layer_TBE[0, :, self.hidden :]) for layer_TBE in layers]
        return torch.stack([end_BH for both in ends for end_BH in both])


def _floats(*shape: int) -> Tensor:
    return torch.empty(shape, dtype=torch.float32, device="cpu")
