"""What computes a layer on a CPU: which path, and how threads divide the work.

Taken is the first of these that may be: the compiled kernels with weights laid out once, for few sequences without
gradients; oneDNN's lstm over the padded batch where it is faster; the compiled kernels in one of their modes
(:class:`rnncli.core.native.kernels.Mode`): by a team, or alone with the batch cut into parts; the loops of torch.

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
from rnncli.core.native import kernels
from rnncli.core.native.kernels import Mode
from rnncli.core.native.machine import this_machine
from rnncli.core.native.openmp import openmp
from rnncli.core.native.rows import NativeRows
from rnncli.core.native.stack import MAX_BATCH
from rnncli.core.paths.torch_rows import TorchRows

MIN_EXAMPLES_OF_A_PART = 6
"""Examples below which a batch is not cut into parts: products of fewer rows leave the processor waiting."""
MIN_PRODUCTS_FOR_A_TEAM = 2**15
"""Products of a step from which a team takes it, times the square of threads: the more wait for each other, the longer
it takes."""
MIN_HIDDEN_FOR_A_TEAM = 512
"""Hidden units from which a team takes a step even where each thread could have a part of the batch: below, threads
gain less by it on a quiet machine than they lose by waiting on a busy one."""
MAX_BATCH_BEFORE_ONEDNN, MIN_HIDDEN_BEFORE_ONEDNN = 8, 256
"""Equal examples up to which, and hidden units from which, our team takes an lstm's steps faster than oneDNN's threads
do, without gradients."""
MIN_VALID_SHARE_FOR_ONEDNN = 0.85
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
            reason = kernels.trouble(self.cell) if work == torch.float32 else "compiled kernels are for fp32"
            path, why = "packed autograd function", f"no padding computed; {reason}"
        if not self._has_onednn(work):
            return path, why
        if self.compiles(work):
            return path, f"{why}; oneDNN for equal lengths without gradients"
        return f"oneDNN, else {path}", f"which of them by the share of padding; {why}"

    def compiles(self, work: torch.dtype) -> bool:
        """Whether compiled kernels compute."""
        return work == torch.float32 and not kernels.trouble(self.cell)

    def few(self, batch: int, steps: int, work: torch.dtype, *, rounded: bool = False) -> bool:
        """Whether ``batch`` equal sequences are so few, without gradients, that weights laid out once are faster."""
        if not 0 < batch <= MAX_BATCH or not self.compiles(work):
            return False
        return steps == 1 or (self._parts(batch) == 1 and (rounded or not self._by_team(batch)))

    def onednn(self, lengths_B: Tensor | None, batch: int, steps: int, work: torch.dtype) -> bool:
        """Whether oneDNN's lstm over the padded batch is faster than a path over rows."""
        if not self._has_onednn(work):
            return False
        if not self.compiles(work):
            return lengths_B is None or int(lengths_B.sum()) >= MIN_VALID_SHARE_FOR_ONEDNN * batch * steps
        if lengths_B is not None or torch.is_grad_enabled():
            return False
        if batch <= MAX_BATCH_BEFORE_ONEDNN and self.hidden >= MIN_HIDDEN_BEFORE_ONEDNN and self._by_team(batch):
            return False
        # Its threads divide every step, and so need no second direction to be busy.
        return self.directions == 1 or self.directions * self._parts(batch) < torch.get_num_threads()

    def by_rows(self, batch: int, work: torch.dtype, *, rounded: bool = False) -> ByRows:
        """How to compute over rows, without gradients ``rounded`` where kernels are compiled."""
        compute = run if torch.is_grad_enabled() else infer
        if not self.compiles(work):
            return ByRows(partial(compute, TorchRows()), 1)
        if rounded and not torch.is_grad_enabled():
            return ByRows(partial(infer, NativeRows(Mode.ALONE, rounded=True)), self._parts(batch))
        mode = Mode.TEAM if self._by_team(batch) else Mode.ALONE
        return ByRows(partial(compute, NativeRows(mode)), self._parts(batch) if mode is Mode.ALONE else 1)

    def _has_onednn(self, work: torch.dtype) -> bool:
        """Whether oneDNN's lstm can compute this."""
        return self.cell.kind == "lstm" and work == torch.float32 and torch.backends.mkldnn.is_available()

    def _by_team(self, batch: int) -> bool:
        """Whether all threads take each step together."""
        threads = torch.get_num_threads()
        if threads <= self.directions or openmp() is None:
            return False
        busy = self.directions * self._parts(batch)
        products = batch * len(self.cell.gates) * self.hidden**2
        worth_it = products >= MIN_PRODUCTS_FOR_A_TEAM * threads**2
        return worth_it and (self.hidden >= MIN_HIDDEN_FOR_A_TEAM or 2 * busy <= threads)

    def _parts(self, batch: int) -> int:
        """Parts of a batch that keep all threads busy and have examples enough for a product."""
        return max(1, min(torch.get_num_threads() // self.directions, batch // MIN_EXAMPLES_OF_A_PART))
