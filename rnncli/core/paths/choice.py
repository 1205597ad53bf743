"""What computes a layer on a CPU: which path, and how the batch is given to the threads.

Shape letters: B batch, H hidden, G gates.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor

from rnncli.core.cells import Cell
from rnncli.core.layer import Compute, infer, run
from rnncli.core.native import kernels as native
from rnncli.core.native import rows as native_rows
from rnncli.core.native.machine import this_machine
from rnncli.core.native.openmp import openmp
from rnncli.core.paths import torch_rows

LEAST = 6
"""Examples below which a batch is not cut into parts: products of fewer rows leave the processor waiting."""
FEW = 2
SOON = 32
"""Equal examples and steps in all up to which reading the weights as they lie is faster, without gradients, than laying
them out."""
WORTH = 2**15
"""Products of a step from which threads share it, times the square of threads: the more wait for each other, the longer
it takes."""
LARGE = 512
"""Hidden units from which threads share a step even where each could have a part of the batch: below, they gain less
by it on a quiet machine than they lose by waiting on a busy one."""
NARROW, BROAD = 8, 256
"""Equal examples up to which, and hidden units from which, our threads share an lstm's steps faster than oneDNN's do,
without gradients."""
FULL = 0.85
"""The share of valid steps from which oneDNN's lstm takes the padded batch where there are no kernels of ours: its own
loop is faster, padding costs."""


class ByRows(NamedTuple):
    """How layers are computed over rows without padding, and into how many parts the batch is cut for it."""

    compute: Compute
    parts: int


@dataclass(frozen=True)
class Choice:
    """The choices for layers of one cell and size; ``work`` is the precision of the arithmetic."""

    cell: Cell
    hidden: int
    directions: int

    def describe(self, work: torch.dtype) -> tuple[str, str]:
        """What computes, and why, for a person."""
        if self.compiles(work):
            path, why = "compiled kernels", this_machine().describe()
        else:
            reason = native.trouble(self.cell) if work == torch.float32 else "compiled kernels are for fp32"
            path, why = "packed autograd function", f"no padding computed; {reason}"
        if not self._has_onednn(work):
            return path, why
        if self.compiles(work):
            return path, f"{why}; oneDNN for equal lengths without gradients"
        return f"oneDNN, else {path}", f"which of them by the share of padding; {why}"

    def compiles(self, work: torch.dtype) -> bool:
        """Whether compiled kernels compute."""
        return work == torch.float32 and not native.trouble(self.cell)

    def onednn(self, lengths_B: Tensor | None, batch: int, steps: int, work: torch.dtype) -> bool:
        """Whether oneDNN's lstm over the padded batch is faster than a path over rows."""
        if not self._has_onednn(work):
            return False
        if not self.compiles(work):
            return lengths_B is None or int(lengths_B.sum()) >= FULL * batch * steps
        if lengths_B is not None or torch.is_grad_enabled() or self._few(batch, steps):
            return False
        if batch <= NARROW and self.hidden >= BROAD and self._shares(batch):
            return False
        # Its threads share every step, and so need no second direction to be busy.
        return self.directions == 1 or self.directions * self._parts(batch) < torch.get_num_threads()

    def by_rows(self, lengths_B: Tensor | None, batch: int, steps: int, work: torch.dtype) -> ByRows:
        """How to compute over rows."""
        if not self.compiles(work):
            path, parts = torch_rows, 1
        elif lengths_B is None and not torch.is_grad_enabled() and self._few(batch, steps):
            return ByRows(partial(infer, native_rows.FewRows()), 1)
        elif self._shares(batch):
            path, parts = native_rows.Shared(), 1
        else:
            path, parts = native_rows, self._parts(batch)
        return ByRows(partial(run if torch.is_grad_enabled() else infer, path), parts)

    def _has_onednn(self, work: torch.dtype) -> bool:
        """Whether oneDNN's lstm can compute this."""
        return self.cell.kind == "lstm" and work == torch.float32 and torch.backends.mkldnn.is_available()

    def _few(self, batch: int, steps: int) -> bool:
        """Whether so few equal examples that outputs may differ in the last places from those of a larger batch."""
        return batch <= FEW and (batch * steps <= SOON or not self._shares(batch))

    def _shares(self, batch: int) -> bool:
        """Whether all threads take each step together."""
        threads = torch.get_num_threads()
        if threads <= self.directions or openmp() is None:
            return False
        busy = self.directions * self._parts(batch)
        work = batch * len(self.cell.gates) * self.hidden**2
        return work >= WORTH * threads**2 and (self.hidden >= LARGE or 2 * busy <= threads)

    def _parts(self, batch: int) -> int:
        """Parts of a batch that keep all threads busy and have examples enough for a product."""
        return max(1, min(torch.get_num_threads() // self.directions, batch // LEAST))
