"""One step of one layer by a compiled kernel, without gradients, for streams.

Shape letters: B batch, I input, H hidden.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from rnncli.core.cells import Cell, CellWeights, State
from rnncli.core.native.arguments import FLOAT_BYTES, Array, ForwardArguments, IntegerTable, slots
from rnncli.core.native.kernels import kernels_of
from rnncli.core.native.openmp import Call

MAX_BATCH = 16
"""Examples up to which reading the weights where they lie, on one thread, is faster than torch's calls."""
PLACES = ("kept", "reset", "x", "y", "begin", "c", "weight_ih", "weight_gates", "weight_rx", "bias", "bias_hh")
"""The arguments that differ from step to step, by their addresses."""


def one_step(cell: Cell, weights: CellWeights, x_BI: Tensor, state: State) -> State:
    """The next state (B, H), whose first tensor is h; all of it fp32."""
    x_BI, h_BH = x_BI.contiguous(), state[0].contiguous()
    (batch, inputs), hidden = x_BI.shape, h_BH.shape[1]
    plan = _plan(cell, batch, inputs, hidden)
    end = (torch.empty_like(h_BH), *(part.clone(memory_format=torch.contiguous_format) for part in state[1:]))
    work = torch.empty(plan.workspace, dtype=torch.float32, device="cpu")
    weight_ih, weight_hh, bias, bias_hh = weights
    held = weight_ih.contiguous(), weight_hh.contiguous()
    plan.call(
        work.data_ptr(),
        work.data_ptr() + plan.reset,
        x_BI.data_ptr(),
        end[0].data_ptr(),
        h_BH.data_ptr(),
        end[-1].data_ptr(),
        held[0].data_ptr(),
        held[1].data_ptr(),
        held[1].data_ptr() + plan.candidate,
        bias.data_ptr(),
        bias.data_ptr() if bias_hh is None else bias_hh.data_ptr(),
    )()
    return end


class _Plan:
    """A step of certain sizes: its arguments but for the places of arrays."""

    def __init__(self, cell: Cell, batch: int, inputs: int, hidden: int) -> None:
        kernels = kernels_of(cell)
        width, row = kernels.loops.kept * hidden, Array(0, hidden)
        self.workspace, self.reset = batch * (width + hidden), FLOAT_BYTES * batch * width
        # Behind two gates: a gru's candidate, which no other cell reads.
        self.candidate = FLOAT_BYTES * 2 * hidden * hidden
        # One chunk with one step, which all rows begin in.
        self.chunk_14, self.step_14 = (np.array([row], dtype=np.int64) for row in ([0, 1, 0, batch], [0, batch, 0, 0]))
        arguments = ForwardArguments(
            input=inputs,
            hidden=hidden,
            chunks=IntegerTable.of(self.chunk_14),
            steps=IntegerTable.of(self.step_14),
            x=Array(0, inputs),
            kept=Array(0, width),
            y=row,
            begin=row,
            c=row,
            reset=row,
            weight_ih=Array(0, inputs),
            weight_gates=row,
            weight_rx=row,
        )
        self.fixed = kernels.forward(arguments, in_place=True)
        names = slots(ForwardArguments)
        self.at = [names.index(name) for name in PLACES]

    def call(self, *places: int) -> Call:
        """A step with arrays at ``places``, in the order of PLACES."""
        values = type(self.fixed.values).from_buffer_copy(self.fixed.values)
        for at, place in zip(self.at, places, strict=True):
            values[at] = place
        return Call(self.fixed.address, values)


_plan = lru_cache(64)(_Plan)
