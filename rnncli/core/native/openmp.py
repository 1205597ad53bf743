"""Calls of kernels on torch's own threads, without the interpreter's lock.

Where torch computes by GNU OpenMP its team runs them: other threads would compete with it for the cores. Either each
thread takes calls of its own (:func:`run`), or a team takes each call together (:func:`run_by_team`).
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any, NamedTuple

import torch

from rnncli.core.native.machine import engine_of

_KERNEL = ctypes.CFUNCTYPE(None, ctypes.c_void_p)


class Call:
    """The address of a kernel and its arguments."""

    def __init__(self, address: int, values: ctypes.Array[ctypes.c_int64]) -> None:
        self.address, self.values = address, values

    def __call__(self) -> None:
        """Make it."""
        _KERNEL(self.address)(ctypes.addressof(self.values))


class OpenMP(NamedTuple):
    """Addresses of what GNU OpenMP offers: a team, a thread's number in it, its size, and waiting for all of it."""

    parallel: int
    number: int
    size: int
    barrier: int

    def team(self, function: int, argument: int, threads: int) -> None:
        """``function(argument)`` on each thread of a team."""
        _PARALLEL(self.parallel)(function, argument, threads, 0)


_PARALLEL = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_uint, ctypes.c_uint)


@cache
def openmp() -> OpenMP | None:
    """GNU OpenMP, if torch computes by it."""
    names = ("GOMP_parallel", "omp_get_thread_num", "omp_get_num_threads", "GOMP_barrier")
    try:
        library = ctypes.CDLL(None)
        found = [ctypes.cast(getattr(library, name), ctypes.c_void_p).value or 0 for name in names]
    except (OSError, AttributeError, TypeError):
        return None
    return OpenMP(*found)


def run(calls: Sequence[Call]) -> None:
    """Make all calls, side by side on as many threads as torch computes with."""
    threads = min(len(calls), torch.get_num_threads())
    if threads < 2:
        for call in calls:
            call()
    elif (library := openmp()) is not None:
        values = [len(calls)]
        for call in calls:
            values += [call.address, ctypes.addressof(call.values)]
        table = (ctypes.c_int64 * len(values))(*values)
        library.team(_dispatcher(library), ctypes.addressof(table), threads)
    else:
        list(_threads(threads).map(lambda call: call(), calls))


def run_by_team(calls: Sequence[Call]) -> None:
    """Make one call after the other, each of a kernel whose operations all threads divide."""
    library = openmp()
    assert library is not None
    for call in calls:
        library.team(call.address, ctypes.addressof(call.values), torch.get_num_threads())


@cache
def _dispatcher(library: OpenMP) -> int:
    """A function that each thread of a team runs: every so manieth call of a table that begins with their count."""
    engine = engine_of(lambda: _dispatching(library))
    _ENGINES.append(engine)
    return engine.get_function_address("dispatch")


def _dispatching(library: OpenMP) -> str:
    """The module of the dispatcher."""
    from llvmlite import ir

    from rnncli.core.native.emit import I64, POINTER, Code

    module = ir.Module()
    function = ir.Function(module, ir.FunctionType(ir.VoidType(), [POINTER]), "dispatch")
    code = Code(function, 8)
    build, table = code.build, function.args[0]

    def entry(at: ir.Value) -> ir.Value:
        return build.load(build.gep(table, [at], source_etype=I64), typ=I64, align=8)

    first, threads = code.ask(library.number), code.ask(library.size)
    count = build.load(table, typ=I64, align=8)
    with code.loop(build.sub(count, first), threads) as (index, _):
        at = build.add(build.mul(build.add(index, first), ir.Constant(I64, 2)), ir.Constant(I64, 1))
        arguments = build.inttoptr(entry(build.add(at, ir.Constant(I64, 1))), POINTER)
        code.call_at(entry(at), ir.VoidType(), [arguments])
    build.ret_void()
    return str(module)


_ENGINES: list[Any] = []
"""Engines own the code they compiled and must stay alive with it."""


@cache
def _threads(count: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(count, thread_name_prefix="rnncli")
