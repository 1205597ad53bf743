"""Kernels compiled for this machine by LLVM, and called without the interpreter's lock.

Whether they can be had is found out once a cell: an x86-64 processor with AVX2 and fused multiply-add, llvmlite that
imports, and code that compiles. Where not, the layers take another path; :func:`trouble` says why.
"""

from __future__ import annotations

import ctypes
import platform
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from rnncli.core.cells import Cell

NAMES = ("forward", "once", "back")


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
    """Both ways of one cell as machine code."""

    def __init__(self, cell: Cell, machine: Machine) -> None:
        from llvmlite import binding, ir

        from rnncli.core.native import cells, loops
        from rnncli.core.native.product import Products

        module = ir.Module()
        products = Products(module, machine.width, machine.rows)
        self.loops, self.panel = cells.loops_of(cell), products.columns
        self.arguments = {"forward": loops.FORWARD, "once": loops.FORWARD, "back": loops.BACK}
        cells.emit_forward(loops.LoopKernel(products, "forward", loops.FORWARD), self.loops)
        cells.emit_forward(loops.FewRowsKernel(products, "once", loops.FORWARD), self.loops)
        cells.emit_back(loops.LoopKernel(products, "back", loops.BACK), self.loops)
        self._engine = _compile(binding, str(module), machine)
        self._address = {name: self._engine.get_function_address(name) for name in NAMES}

    def call(self, name: str, **values: int) -> Call:
        """A call of ``name`` that has not been made yet."""
        ordered = [values.get(argument, 0) for argument in self.arguments[name]]
        return Call(self._address[name], (ctypes.c_int64 * len(ordered))(*ordered))


class Call:
    """The address of a kernel and its arguments."""

    def __init__(self, address: int, values: ctypes.Array[ctypes.c_int64]) -> None:
        self.address, self.values = address, values

    def __call__(self) -> None:
        """Make it."""
        _KERNEL(self.address)(ctypes.addressof(self.values))


_KERNEL = ctypes.CFUNCTYPE(None, ctypes.c_void_p)


def run(calls: Sequence[Call]) -> None:
    """Make all calls, on as many threads as torch computes with."""
    threads = min(len(calls), torch.get_num_threads())
    if threads < 2:
        for call in calls:
            call()
    elif (team := _team()) is not None:
        team(calls, threads)
    else:
        list(_threads(threads).map(lambda call: call(), calls))


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


def _compile(binding: Any, text: str, machine: Machine) -> Any:
    target = binding.Target.from_default_triple()
    target_machine = target.create_target_machine(cpu=machine.cpu, features=machine.features, opt=3)
    module = binding.parse_assembly(text)
    module.verify()
    engine = binding.create_mcjit_compiler(module, target_machine)
    builder = binding.create_pass_builder(target_machine, binding.create_pipeline_tuning_options(speed_level=2))
    builder.getModulePassManager().run(module, builder)
    engine.finalize_object()
    return engine


@cache
def _team() -> Callable[[Sequence[Call], int], None] | None:
    """Torch's own threads, where it computes by GNU OpenMP: others would compete with them for the cores."""
    try:
        library = ctypes.CDLL(None)
        parallel, number, size = library.GOMP_parallel, library.omp_get_thread_num, library.omp_get_num_threads
    except (OSError, AttributeError, TypeError):
        return None
    dispatch = _dispatcher(ctypes.cast(number, ctypes.c_void_p).value, ctypes.cast(size, ctypes.c_void_p).value)

    def team(calls: Sequence[Call], threads: int) -> None:
        values = [len(calls)]
        for call in calls:
            values += [call.address, ctypes.addressof(call.values)]
        table = (ctypes.c_int64 * len(values))(*values)
        parallel(ctypes.c_void_p(dispatch), ctypes.byref(table), ctypes.c_uint(threads), ctypes.c_uint(0))

    return team


@cache
def _dispatcher(number: int, size: int) -> int:
    """A function that each thread of a team runs: every so manieth call of a table that begins with their count."""
    from llvmlite import binding, ir

    from rnncli.core.native.emit import I32, I64, POINTER, Code

    module = ir.Module()
    function = ir.Function(module, ir.FunctionType(ir.VoidType(), [POINTER]), "dispatch")
    code, machine = Code(function, 8), this_machine()
    build: Any = code.build
    table = function.args[0]

    def ask(address: int) -> ir.Value:
        return build.sext(_call(build, ir.Constant(I64, address), I32, []), I64)

    def entry(at: ir.Value) -> ir.Value:
        return build.load(build.gep(table, [at], source_etype=I64), typ=I64, align=8)

    first, threads = ask(number), ask(size)
    count = build.load(table, typ=I64, align=8)
    with code.loop(build.sub(count, first), threads) as (index, _):
        at = build.add(build.mul(build.add(index, first), ir.Constant(I64, 2)), ir.Constant(I64, 1))
        arguments = build.inttoptr(entry(build.add(at, ir.Constant(I64, 1))), POINTER)
        _call(build, entry(at), ir.VoidType(), [arguments])
    build.ret_void()
    engine = _compile(binding, str(module), machine)
    _ENGINES.append(engine)
    return engine.get_function_address("dispatch")


_ENGINES: list[Any] = []
"""Engines own the code they compiled and must stay alive with it."""


def _call(build: Any, address: Any, result: Any, values: list[Any]) -> Any:
    """A call of a function by its address."""
    from llvmlite import ir

    kind = ir.FunctionType(result, [value.type for value in values])
    return build.call(build.inttoptr(address, kind.as_pointer()), values)


@cache
def _threads(count: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(count, thread_name_prefix="rnncli")
