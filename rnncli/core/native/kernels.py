"""The kernels of a cell, compiled for this machine.

Whether they can be had is found out once a cell: an x86-64 processor with AVX2 and fused multiply-add, llvmlite that
imports, and code that compiles. Where not, the layers take another path; :func:`trouble` says why.
"""

from __future__ import annotations

import ctypes
import platform
from functools import cache

from rnncli.core.cells import Cell
from rnncli.core.native.machine import Machine, engine_of, this_machine
from rnncli.core.native.openmp import Call


class Compiled:
    """Both ways of one cell as machine code; of kernels that threads share, there is none for few rows."""

    def __init__(self, cell: Cell, machine: Machine, *, shared: bool = False) -> None:
        from llvmlite import ir

        from rnncli.core.native import cells, loops
        from rnncli.core.native.panels import panels_for
        from rnncli.core.native.product import Products

        module = ir.Module()
        products = Products(module, machine.width, machine.rows)
        self.panels, self.loops = panels_for(machine), cells.loops_of(cell)
        self.arguments = {"forward": loops.FORWARD, "back": loops.BACK} | ({} if shared else {"once": loops.FORWARD})
        kind = loops.SharedKernel if shared else loops.LoopKernel
        cells.emit_forward(kind(products, "forward", loops.FORWARD), self.loops)
        cells.emit_back(kind(products, "back", loops.BACK), self.loops)
        if not shared:
            cells.emit_forward(loops.FewRowsKernel(products, "once", loops.FORWARD), self.loops)
        self._engine = engine_of(str(module), machine)
        self._address = {name: self._engine.get_function_address(name) for name in self.arguments}

    def call(self, name: str, **values: int) -> Call:
        """A call of ``name`` that has not been made yet."""
        ordered = [values.get(argument, 0) for argument in self.arguments[name]]
        return Call(self._address[name], (ctypes.c_int64 * len(ordered))(*ordered))


@cache
def trouble(cell: Cell) -> str:
    """Why there are no kernels of ``cell`` for this machine; empty if there are."""
    if platform.machine().lower() not in ("x86_64", "amd64"):
        return f"no compiled kernels for {platform.machine()}"
    try:
        features = this_machine().features
        if "+avx2" not in features or "+fma" not in features:
            return "no compiled kernels: the processor lacks AVX2 or FMA"
        compiled(cell)
    except Exception as error:  # whatever a broken installation raises, training must go on without it
        return f"no compiled kernels, llvmlite does not work: {error}".splitlines()[0]
    return ""


@cache
def compiled(cell: Cell) -> Compiled:
    """The kernels of ``cell``, compiled when they are first asked for."""
    return Compiled(cell, this_machine())


@cache
def shared(cell: Cell) -> Compiled:
    """The kernels of ``cell`` that all threads of a team share, compiled when they are first asked for."""
    return Compiled(cell, this_machine(), shared=True)
