"""One step of one layer by a compiled kernel, without gradients, for streams.

Shape letters: B batch, I input, H hidden.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from rnncli.core.cells import Cell, CellWeights, State
from rnncli.core.native.kernels import compiled
from rnncli.core.native.openmp import Call

MOST = 16
"""Examples up to which reading the weights as they lie, on one thread, is faster than torch's calls."""
PLACES = ("kept", "reset", "x", "y", "begin", "c", "weight_ih", "weight_gates", "weight_rx", "bias", "bias_hh")
"""The arguments that differ from step to step."""


def one_step(cell: Cell, weights: CellWeights, x_BI: Tensor, state: State) -> State:
    """The next state (B, H), whose first tensor is h; all of it fp32."""
    x_BI, h_BH = x_BI.contiguous(), state[0].contiguous()
    (batch, inputs), hidden = x_BI.shape, h_BH.shape[1]
    plan = _plan(cell, batch, inputs, hidden)
    end = (torch.empty_like(h_BH), *(part.clone() for part in state[1:]))
    work = torch.empty(plan.workspace)
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
        held[1].data_ptr() + 8 * hidden * hidden,  # behind two gates: a gru's candidate, which no other cell reads
        bias.data_ptr(),
        bias.data_ptr() if bias_hh is None else bias_hh.data_ptr(),
    )()
    return end


class _Plan:
    """A step of certain sizes: its arguments but for the places of arrays."""

    def __init__(self, cell: Cell, batch: int, inputs: int, hidden: int) -> None:
        kernels = compiled(cell)
        width = kernels.loops.kept * hidden
        self.workspace, self.reset = batch * (width + hidden), 4 * batch * width
        # One chunk with one step, which all rows begin in.
        self.tables = np.array([[0, 1, 0, batch], [0, batch, 0, 0]], dtype=np.int64)
        sizes = {"input": inputs, "hidden": hidden, "kept_stride": width, "x_stride": inputs}
        sizes |= dict.fromkeys(("reset_stride", "y_stride", "begin_stride", "c_stride"), hidden)
        tables = {"chunks": self.tables[0].ctypes.data, "chunk_count": 1, "steps": self.tables[1].ctypes.data}
        self.fixed = kernels.call("once", **sizes, **tables)
        self.at = [kernels.arguments["once"].index(name) for name in PLACES]

    def call(self, *places: int) -> Call:
        """A step with arrays at ``places``, in the order of PLACES."""
        values = type(self.fixed.values).from_buffer_copy(self.fixed.values)
        for at, place in zip(self.at, places, strict=True):
            values[at] = place
        return Call(self.fixed.address, values)


_plan = lru_cache(64)(_Plan)
