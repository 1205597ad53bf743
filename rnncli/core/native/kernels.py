"""The kernels of a cell, compiled for this machine.

Whether they can be had is found out once a cell: an x86-64 processor with AVX2 and fused multiply-add, llvmlite that
imports, and code that compiles. Where not, the layers take another path; :func:`trouble` says why.
"""

from __future__ import annotations

import ctypes
import platform
from collections.abc import Mapping, Sequence
from enum import Enum, auto
from functools import cache, partial
from typing import TYPE_CHECKING

from torch import Tensor

from rnncli.core.cells import Cell
from rnncli.core.native.arguments import BackArguments, ForwardArguments, as_integers, slots
from rnncli.core.native.machine import Machine, engine_of, this_machine
from rnncli.core.native.openmp import Call

if TYPE_CHECKING:
    from rnncli.core.native.cells import CellLoops


class Mode(Enum):
    """Who takes a call."""

    ALONE = auto()
    """One thread, beside others that take calls of their own."""
    TEAM = auto()
    """All threads, who divide each of its operations: large weights are read once."""


WAYS = ("forward", "layers", "back")


class Kernels:
    """Both ways of one cell as machine code, for threads alone or for a ``team``; ``rounded``, forward in eight bits.

    Code of a team is compiled in each process: it holds addresses of the functions by which threads meet.
    """

    def __init__(self, cell: Cell, machine: Machine, *, team: bool = False, rounded: bool = False) -> None:
        from rnncli.core.native.cells import loops_of
        from rnncli.core.native.panels import panels_for

        self.panels, self.loops, self.rounded = panels_for(machine), loops_of(cell), rounded
        write = (
            partial(_written_rounded, self.loops, machine) if rounded else partial(_written, self.loops, machine, team)
        )
        name = "" if team else f"{cell!r}{' rounded' if rounded else ''}"
        self._engine = engine_of(write, machine, name=name)
        self._address = {way: self._engine.get_function_address(way) for way in WAYS[: 2 if rounded else 3]}

    def lay(self, matrices: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Panels of weights (N, K) for the way forward."""
        if not self.rounded:
            return self.panels.lay(matrices, transposed=True)
        from rnncli.core.native.rounded import lay_rounded

        return {name: lay_rounded(matrix, self.panels.columns) for name, matrix in matrices.items()}

    def code_floats(self, depth: int) -> int:
        """Floats of workspace for a row of ``depth`` in eight bits."""
        if not self.rounded:
            return 0
        from rnncli.core.native.rounded import code_floats

        return code_floats(depth)

    def forward(self, arguments: ForwardArguments) -> Call:
        """The way forward, not gone yet."""
        return self.call(as_integers(arguments))

    def layers(self, values: Sequence[ctypes.Array[ctypes.c_int64]]) -> Call:
        """One way forward after the other, each with :class:`ForwardArguments` as integers."""
        addresses = map(ctypes.addressof, values)
        return Call(self._address["layers"], (ctypes.c_int64 * (1 + len(values)))(len(values), *addresses))

    def call(self, values: ctypes.Array[ctypes.c_int64]) -> Call:
        """The way forward with :class:`ForwardArguments` as integers."""
        return Call(self._address["forward"], values)

    def back(self, arguments: BackArguments) -> Call:
        """The way back, not gone yet."""
        return Call(self._address["back"], as_integers(arguments))


def _written(cell: CellLoops, machine: Machine, team: bool) -> str:
    """The module."""
    from llvmlite import ir

    from rnncli.core.native import cells, loops
    from rnncli.core.native.emit import Kernel
    from rnncli.core.native.product import Products

    module = ir.Module()
    products = Products(module, machine.width, machine.rows)
    kind = loops.TeamKernel if team else loops.LoopKernel
    forward = kind(products, "forward", slots(ForwardArguments))
    cells.emit_forward(forward, cell)
    cells.emit_layers(Kernel(module, "layers", ["count"], machine.width), forward.function)
    cells.emit_back(kind(products, "back", slots(BackArguments)), cell)
    return str(module)


def _written_rounded(cell: CellLoops, machine: Machine) -> str:
    """The module in eight bits."""
    from llvmlite import ir

    from rnncli.core.native import cells
    from rnncli.core.native.emit import Kernel
    from rnncli.core.native.product import Products
    from rnncli.core.native.rounded import RoundedKernel, RoundedProducts

    module = ir.Module()
    products, rounded = Products(module, machine.width, machine.rows), RoundedProducts(module, machine)
    forward = RoundedKernel(products, rounded, "forward", slots(ForwardArguments))
    cells.emit_forward(forward, cell)
    cells.emit_layers(Kernel(module, "layers", ["count"], machine.width), forward.function)
    return str(module)


@cache
def trouble(cell: Cell) -> str:
    """Why there are no kernels of ``cell`` for this machine; empty if there are."""
    if platform.machine().lower() not in ("x86_64", "amd64"):
        return f"no compiled kernels for {platform.machine()}"
    try:
        features = this_machine().features
        if "+avx2" not in features or "+fma" not in features:
            return "no compiled kernels: the processor lacks AVX2 or FMA"
        kernels_of(cell)
    except Exception as error:  # whatever a broken installation raises, training must go on without it
        return f"no compiled kernels, llvmlite does not work: {error}".splitlines()[0]
    return ""


@cache
def kernels_of(cell: Cell, *, team: bool = False, rounded: bool = False) -> Kernels:
    """The kernels of ``cell``, compiled when they are first asked for."""
    return Kernels(cell, this_machine(), team=team, rounded=rounded)
