"""The kernels of a cell, compiled for this machine.

Whether they can be had is found out once a cell: an x86-64 processor with AVX2 and fused multiply-add, llvmlite that
imports, and code that compiles. Where not, the layers take another path; :func:`trouble` says why.
"""

from __future__ import annotations

import platform
from enum import Enum, auto
from functools import cache

from rnncli.core.cells import Cell
from rnncli.core.native.arguments import BackArguments, ForwardArguments, as_integers, slots
from rnncli.core.native.machine import Machine, engine_of, this_machine
from rnncli.core.native.openmp import Call


class Mode(Enum):
    """How threads and weights meet: who takes a call, and where its weights are read.

    A fourth, a team with weights in place, would serve nothing: weights that are worth a team are worth panels.
    """

    ALONE = auto()
    """A call is one thread's, beside others that take calls of their own; weights are laid out in panels."""
    TEAM = auto()
    """A call is all threads', who divide each of its operations: large weights are read once. In panels."""
    IN_PLACE = auto()
    """A call is one thread's, and weights are read where they lie: for few rows, forward, without gradients."""


class Kernels:
    """Both ways of one cell as machine code, for threads alone or for a ``team``; a team has nothing in place.

    Code of a team is compiled in each process: it holds addresses of the functions by which threads meet.
    """

    def __init__(self, cell: Cell, machine: Machine, *, team: bool = False) -> None:
        from llvmlite import ir

        from rnncli.core.native import cells, loops
        from rnncli.core.native.panels import panels_for
        from rnncli.core.native.product import Products

        module = ir.Module()
        products = Products(module, machine.width, machine.rows)
        self.panels, self.loops = panels_for(machine), cells.loops_of(cell)
        kind, ways = loops.TeamKernel if team else loops.LoopKernel, ["forward", "back"]
        cells.emit_forward(kind(products, "forward", slots(ForwardArguments)), self.loops)
        cells.emit_back(kind(products, "back", slots(BackArguments)), self.loops)
        if not team:
            ways.append("in_place")
            cells.emit_forward(loops.InPlaceKernel(products, "in_place", slots(ForwardArguments)), self.loops)
        self._engine = engine_of(str(module), machine, cached=not team)
        self._address = {way: self._engine.get_function_address(way) for way in ways}

    def forward(self, arguments: ForwardArguments, *, in_place: bool = False) -> Call:
        """The way forward, not gone yet."""
        return Call(self._address["in_place" if in_place else "forward"], as_integers(arguments))

    def back(self, arguments: BackArguments) -> Call:
        """The way back, not gone yet."""
        return Call(self._address["back"], as_integers(arguments))


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
def kernels_of(cell: Cell, *, team: bool = False) -> Kernels:
    """The kernels of ``cell``, compiled when they are first asked for."""
    return Kernels(cell, this_machine(), team=team)
