"""A small language for kernels: vectors of floats with operators, loops and rows of arrays, written as LLVM's code.

A kernel's formulas are Python expressions of :class:`Vector`, so a step reads like its equation. Nothing here knows
of cells. Every kernel takes one array of 64-bit integers: addresses and sizes by name, see :class:`Kernel`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

from llvmlite import ir

I32, I64, F32, POINTER = ir.IntType(32), ir.IntType(64), ir.FloatType(), ir.PointerType()
FUSED = ("contract",)
"""Allows a product and a sum in one rounding, and no other change to the arithmetic."""
SHIFTER = 12582912.0
"""1.5 * 2^23: added to a float of moderate size it leaves the nearest integer in the lowest bits."""
LOG2_E, LN2_HIGH, LN2_LOW = 1.4426950408889634, 0.693145751953125, 1.4286068203094172e-06
TAYLOR = (1 / 5040, 1 / 720, 1 / 120, 1 / 24, 1 / 6, 1 / 2, 1.0, 1.0)


class Vector:
    """As many floats as a register holds, or a mask of them; its operators write code."""

    __slots__ = ("code", "value")

    def __init__(self, code: Code, value: ir.Value) -> None:
        self.code, self.value = code, value

    def __add__(self, other: Vector | float) -> Vector:
        return self._with("fadd", other)

    def __sub__(self, other: Vector | float) -> Vector:
        return self._with("fsub", other)

    def __mul__(self, other: Vector | float) -> Vector:
        return self._with("fmul", other)

    def __truediv__(self, other: Vector | float) -> Vector:
        return self._with("fdiv", other)

    def __rsub__(self, other: float) -> Vector:
        return self.code.splat(other) - self

    def __rtruediv__(self, other: float) -> Vector:
        return self.code.splat(other) / self

    __radd__, __rmul__ = __add__, __mul__

    def clipped(self, low: float, high: float) -> Vector:
        """Within both bounds; what is not a number stays so."""
        return self.where_below(low, low).where_above(high, high)

    def where_below(self, bound: float, then: float) -> Vector:
        """``then`` where this is below ``bound``."""
        return self._where("<", bound, then)

    def where_above(self, bound: float, then: float) -> Vector:
        """``then`` where this is above ``bound``."""
        return self._where(">", bound, then)

    def _where(self, relation: str, bound: float, then: float) -> Vector:
        build = self.code.build
        holds = build.fcmp_ordered(relation, self.value, self.code.splat(bound).value)
        return Vector(self.code, build.select(holds, self.code.splat(then).value, self.value))

    def _with(self, operation: str, other: Vector | float) -> Vector:
        right = other if isinstance(other, Vector) else self.code.splat(other)
        return Vector(self.code, getattr(self.code.build, operation)(self.value, right.value, flags=FUSED))


class Rows(NamedTuple):
    """Rows of floats in memory: where the first begins, and how many floats on the next does."""

    start: ir.Value
    stride: ir.Value


class Code:
    """Writes into one function; ``width`` floats make a vector."""

    def __init__(self, function: ir.Function, width: int) -> None:
        # llvmlite declares no types; inferred ones say that its instructions are None.
        self.build: Any = ir.IRBuilder(function.append_basic_block())
        self.function, self.width = function, width
        self.kind = ir.VectorType(F32, width)

    def integer(self, value: int | ir.Value) -> ir.Value:
        """A 64-bit integer."""
        return ir.Constant(I64, value) if isinstance(value, int) else value

    def splat(self, value: float | ir.Value) -> Vector:
        """A vector of one value."""
        if isinstance(value, ir.Value):
            undefined = ir.Constant(self.kind, ir.Undefined)
            single = self.build.insert_element(undefined, value, ir.Constant(I32, 0))
            zeros = ir.Constant(ir.VectorType(I32, self.width), [0] * self.width)
            return Vector(self, self.build.shuffle_vector(single, undefined, zeros))
        return Vector(self, ir.Constant(self.kind, [ir.Constant(F32, value)] * self.width))

    def offset(self, pointer: ir.Value, floats: ir.Value | int) -> ir.Value:
        """The address ``floats`` further on."""
        return self.build.gep(pointer, [self.integer(floats)], source_etype=F32)

    def row(self, rows: Rows, index: ir.Value | int) -> ir.Value:
        """Where row ``index`` begins."""
        return self.offset(rows.start, self.build.mul(rows.stride, self.integer(index)))

    def load(self, pointer: ir.Value, mask: ir.Value | None = None) -> Vector:
        """The vector at an address; zero where the mask is off."""
        if mask is None:
            return Vector(self, self.build.load(pointer, align=4, typ=self.kind))
        zero = ir.Constant(self.kind, [0.0] * self.width)
        return Vector(self, self._masked("load", self.kind, pointer, ir.Constant(I32, 4), mask, zero))

    def store(self, vector: Vector, pointer: ir.Value, mask: ir.Value | None = None) -> None:
        """Write a vector, only where the mask is on."""
        if mask is None:
            self.build.store(vector.value, pointer, align=4)
        else:
            self._masked("store", ir.VoidType(), vector.value, pointer, ir.Constant(I32, 4), mask)

    def shuffled(self, one: Vector, other: Vector, places: Sequence[int]) -> Vector:
        """The elements of both vectors, one after the other, that stand at ``places``."""
        chosen = ir.Constant(ir.VectorType(I32, self.width), list(places))
        return Vector(self, self.build.shuffle_vector(one.value, other.value, chosen))

    def prefetch(self, pointer: ir.Value) -> None:
        """Ask for what lies at an address, which need not be a valid one."""
        name = "llvm.prefetch.p0"
        known = self.function.module.globals.get(name)
        kind = ir.FunctionType(ir.VoidType(), [POINTER, I32, I32, I32])
        function = known or ir.Function(self.function.module, kind, name)
        self.build.call(function, [pointer, *(ir.Constant(I32, value) for value in (0, 3, 1))])

    def call_at(self, address: int | ir.Value, result: ir.Type, pointers: Sequence[ir.Value] = ()) -> ir.Value:
        """The result of a function by its address, which takes ``pointers``."""
        kind = ir.FunctionType(result, [POINTER] * len(pointers))
        return self.build.call(self.build.inttoptr(self.integer(address), kind.as_pointer()), pointers)

    def ask(self, address: int) -> ir.Value:
        """The integer that a C function without arguments gives."""
        return self.build.sext(self.call_at(address, I32), I64)

    def mask(self, count: ir.Value) -> ir.Value:
        """On for the first ``count`` elements of a vector."""
        lanes = ir.VectorType(I64, self.width)
        undefined = ir.Constant(lanes, ir.Undefined)
        single = self.build.insert_element(undefined, count, ir.Constant(I32, 0))
        zeros = ir.Constant(ir.VectorType(I32, self.width), [0] * self.width)
        counts = self.build.shuffle_vector(single, undefined, zeros)
        return self.build.icmp_signed("<", ir.Constant(lanes, list(range(self.width))), counts)

    @contextmanager
    def loop(
        self, stop: ir.Value, step: int | ir.Value = 1, carried: Sequence[Any] = ()
    ) -> Iterator[tuple[ir.Value, list[ir.Value]]]:
        """Count from 0 up to ``stop``; ``carried`` values go round: replace those of the list that is given.

        After the loop the list holds what came out of it.
        """
        before = self.build.block
        head, body, after = (self.function.append_basic_block() for _ in range(3))
        self.build.branch(head)
        self.build.position_at_end(head)
        index = self.build.phi(I64)
        index.add_incoming(ir.Constant(I64, 0), before)
        phis = [self.build.phi(value.type) for value in carried]
        for phi, value in zip(phis, carried, strict=True):
            phi.add_incoming(value, before)
        self.build.cbranch(self.build.icmp_signed("<", index, stop), body, after)
        self.build.position_at_end(body)
        values: list[ir.Value] = list(phis)
        yield index, values
        following = self.build.add(index, self.integer(step))
        index.add_incoming(following, self.build.block)
        for phi, value in zip(phis, values, strict=True):
            phi.add_incoming(value, self.build.block)
        self.build.branch(head)
        self.build.position_at_end(after)
        values[:] = phis

    def across(self, count: ir.Value, body: Callable[[ir.Value, ir.Value | None], None]) -> None:
        """``body(index, mask)`` for ``count`` elements, a vector at a time; the rest, if any, under a mask."""
        whole = self.build.and_(count, self.integer(-self.width))
        with self.loop(whole, self.width) as (index, _):
            body(index, None)
        rest = self.build.sub(count, whole)
        with self.build.if_then(self.build.icmp_signed(">", rest, self.integer(0))):
            body(whole, self.mask(rest))

    def _masked(self, what: str, result: ir.Type, *values: Any) -> ir.Value:
        name = f"llvm.masked.{what}.v{self.width}f32.p0"
        known = self.function.module.globals.get(name)
        kind = ir.FunctionType(result, [value.type for value in values])
        return self.build.call(known or ir.Function(self.function.module, kind, name), values)


class Kernel(Code):
    """A function that Python calls: ``given[name]`` are its arguments, 64-bit integers in the order of ``names``."""

    def __init__(self, module: ir.Module, name: str, names: Sequence[str], width: int) -> None:
        function = ir.Function(module, ir.FunctionType(ir.VoidType(), [POINTER]), name)
        super().__init__(function, width)
        self._given: dict[str, ir.Value] = {}
        for at, argument in enumerate(names):
            place = self.build.gep(function.args[0], [ir.Constant(I64, at)], source_etype=I64)
            self._given[argument] = self.build.load(place, typ=I64, align=8)

    def number(self, name: str) -> ir.Value:
        """A size."""
        return self._given[name]

    def address(self, name: str) -> ir.Value:
        """An address."""
        return self.build.inttoptr(self._given[name], POINTER)

    def rows(self, name: str) -> Rows:
        """An array given by its address and, as ``<name>_stride``, the distance of its rows in floats."""
        return Rows(self.address(name), self._given[f"{name}_stride"])


def exp(x: Vector) -> Vector:
    """e to the x within two units in the last place: 2^n e^r with |r| <= ln(2) / 2, e^r by its series."""
    build = x.code.build
    x = x.clipped(-87.0, 88.0)
    shifted = x * LOG2_E + SHIFTER
    n = shifted - SHIFTER
    r = x - n * LN2_HIGH - n * LN2_LOW
    series = x.code.splat(TAYLOR[0])
    for term in TAYLOR[1:]:
        series = series * r + term
    integers = ir.VectorType(I32, x.code.width)
    bits = build.shl(build.bitcast(shifted.value, integers), ir.Constant(integers, [23] * x.code.width))
    one = ir.Constant(integers, [127 << 23] * x.code.width)
    return series * Vector(x.code, build.bitcast(build.add(bits, one), x.code.kind))


def sigmoid(x: Vector) -> Vector:
    """1 / (1 + e^-x)."""
    return 1.0 / (exp(x * -1.0) + 1.0)


def tanh(x: Vector) -> Vector:
    """2 sigmoid(2x) - 1: errs by a unit in the last place of 1."""
    return 2.0 / (exp(x * -2.0) + 1.0) - 1.0


def relu(x: Vector) -> Vector:
    """x where it is positive, else 0."""
    return x.where_below(0.0, 0.0)
