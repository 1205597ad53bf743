"""Kernels compiled for this machine by LLVM.

Whether they can be had is found out once a cell: an x86-64 processor with AVX2 and fused multiply-add, llvmlite that
imports, and code that compiles. Where not, the layers take another path; :func:`trouble` says why.
"""

from __future__ import annotations

import ctypes
import platform
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from rnncli.core.native.openmp import Call

if TYPE_CHECKING:
    from rnncli.core.cells import Cell


class Machine:
    """A processor: ``width`` floats are a vector, ``rows`` rows of a product fit into its registers."""

    def __init__(self, cpu: str, features: Mapping[str, bool]) -> None:
        self.cpu = cpu
        self.features = ",".join(f"{'+' if on else '-'}{name}" for name, on in sorted(features.items()))
        self.width = 16 if features.get("avx512f") and features.get("avx512vl") else 8
        self.rows = 12 if self.width == 16 else 6

    def describe(self) -> str:
        """For a person."""
        return f"for {self.cpu}, {self.width} floats at a time; no padding computed"


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
def this_machine() -> Machine:
    """The processor that this runs on."""
    from llvmlite import binding

    binding.initialize_native_target()
    binding.initialize_native_asmprinter()
    return Machine(binding.get_host_cpu_name(), dict(binding.get_host_cpu_features()))


@cache
def compiled(cell: Cell) -> Compiled:
    """The kernels of ``cell``, compiled when they are first asked for."""
    return Compiled(cell, this_machine())


@cache
def shared(cell: Cell) -> Compiled:
    """The kernels of ``cell`` that all threads of a team share, compiled when they are first asked for."""
    return Compiled(cell, this_machine(), shared=True)


def engine_of(text: str, machine: Machine | None = None) -> Any:
    """What LLVM makes of a module for ``machine``, else this one; it owns the code and must stay alive with it."""
    from llvmlite import binding

    machine = machine or this_machine()
    target = binding.Target.from_default_triple()
    target_machine = target.create_target_machine(cpu=machine.cpu, features=machine.features, opt=3)
    module = binding.parse_assembly(text)
    module.verify()
    engine = binding.create_mcjit_compiler(module, target_machine)
    builder = binding.create_pass_builder(target_machine, binding.create_pipeline_tuning_options(speed_level=2))
    builder.getModulePassManager().run(module, builder)
    engine.finalize_object()
    return engine
