"""The loops over time of every cell, forward and back, for one direction over packed rows.

A kernel walks through chunks of time; in each, the input's product is taken for all rows first (forward) and the
products that make the weights' gradients last (back), while the chunk is still in the cache. Both walk a table of
steps: the first row of the step, how many rows it has, the first row of the step it follows, and how many of its
rows have one there; the others begin here.

What a row keeps for the way back, in units of H: rnn nothing beside its output; gru(before) r, z, h'; gru(after)
r, z, h' and m = W_rx h + b_r'; lstm i, f, c', o and the c it began from. Names follow ``rnncli.core.cells``.

Shape letters: B batch, N rows, I input, H hidden, G gates, E the width of an output row.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from llvmlite import ir

from rnncli.core.native.emit import I64, Kernel, Rows, Vector, relu, sigmoid, tanh
from rnncli.core.native.openmp import openmp
from rnncli.core.native.product import Products, Shape

SIGMAS: dict[str, Callable[[Vector], Vector]] = {"tanh": tanh, "sigmoid": sigmoid, "relu": relu}
SLOPES: dict[str, Callable[[Vector], Vector]] = {
    "tanh": lambda y: 1.0 - y * y,
    "sigmoid": lambda y: y * (1.0 - y),
    "relu": lambda y: y.where_above(0.0, 1.0),
}
"""The derivatives of the activations, in terms of their results."""

CHUNK_FIELDS = ("first_step", "steps", "row", "rows")
STEP_FIELDS = ("row", "rows", "before_row", "before_rows")


@dataclass(frozen=True)
class Step:
    """One step of the walk: its rows of the outputs, of what is kept, and of the chunk's workspace."""

    count: ir.Value
    row: ir.Value
    kept: Rows
    local: ir.Value
    before_row: ir.Value
    before_count: ir.Value


class Place:
    """A vector's worth of columns in a row of a step; arrays are read and written there by blocks of H columns."""

    def __init__(self, kernel: LoopKernel, row: ir.Value, column: ir.Value, mask: ir.Value | None) -> None:
        self.kernel, self.row, self.column, self.mask = kernel, row, column, mask

    def read(self, rows: Rows, block: int = 0) -> Vector:
        """The vector of ``rows`` here."""
        return self.kernel.load(self._at(rows, block), self.mask)

    def write(self, value: Vector, rows: Rows, block: int = 0) -> None:
        """Put a vector here."""
        self.kernel.store(value, self._at(rows, block), self.mask)

    def _at(self, rows: Rows, block: int) -> ir.Value:
        return self.kernel.offset(self.kernel.column(self.kernel.row(rows, self.row), block), self.column)


class LoopKernel(Kernel):
    """A kernel over chunks and steps, with the products that it calls."""

    def __init__(self, products: Products, name: str, arguments: list[str]) -> None:
        super().__init__(products.module, name, arguments, products.width)
        self.products = products
        self.hidden, self.input = self.number("hidden"), self.number("input")
        self.fresh: ir.Value = ir.Constant(ir.IntType(1), 0)

    def times_hidden(self, blocks: int) -> ir.Value:
        """``blocks`` times H."""
        return self.build.mul(self.hidden, self.integer(blocks))

    def column(self, pointer: ir.Value, block: int) -> ir.Value:
        """The address ``block`` blocks of H columns further on."""
        return self.offset(pointer, self.times_hidden(block)) if block else pointer

    def block(self, rows: Rows, block: int) -> Rows:
        """Rows without their first ``block`` blocks."""
        return Rows(self.column(rows.start, block), rows.stride)

    def from_row(self, rows: Rows, index: ir.Value) -> Rows:
        """Rows from ``index`` on."""
        return Rows(self.row(rows, index), rows.stride)

    def fixed(self, pointer: ir.Value) -> Rows:
        """The same row again and again."""
        return Rows(pointer, self.integer(0))

    def weights(self, name: str) -> Rows:
        """What :meth:`by_weights` takes: weights in panels, see :mod:`rnncli.core.native.product`."""
        return self.fixed(self.address(name))

    def by_weights(self, shape: Shape, a: Rows, weights: Rows, c: Rows, start: Rows | None = None) -> None:
        """C = start + A B with weights for B; without ``start`` it is added to C."""
        self.products.call(self.products.by_panels, self, shape, a, weights, c, start or c)

    def gradient(self, d: Rows, blocks: int, x: Rows, width: ir.Value, count: ir.Value, result: ir.Value) -> None:
        """Add the product of d transposed, ``blocks`` blocks of H columns of it, and x to ``result``, row after row.

        In the first chunk there is nothing to add to.
        """
        c = Rows(result, width)
        begin = self.build.select(self.fresh, self.address("zeros"), result)
        start = Rows(begin, self.build.select(self.fresh, self.integer(0), width))
        self._gradient((self.times_hidden(blocks), width, count), d, x, c, start)

    def total(self, rows: Rows, blocks: int, count: ir.Value, result: ir.Value) -> None:
        """Add the sum of ``count`` rows to ``result``; in the first chunk there is nothing to add to."""
        zero = self.splat(0.0).value

        def sum_columns(column: ir.Value, mask: ir.Value | None) -> None:
            there = self.load(self.offset(result, column), mask).value
            with self.loop(count, carried=[self.build.select(self.fresh, zero, there)]) as (row, values):
                more = self.load(self.offset(self.row(rows, row), column), mask)
                values[0] = (Vector(self, values[0]) + more).value
            self.store(Vector(self, values[0]), self.offset(result, column), mask)

        self.across(self.times_hidden(blocks), sum_columns)

    def elementwise(self, count: ir.Value, body: Callable[[Place], None]) -> None:
        """``body`` for every place of ``count`` rows."""
        self._elementwise(self.integer(0), count, body)

    def copy(self, count: ir.Value, source: Rows, target: Rows) -> None:
        """Copy rows of H columns."""
        self.elementwise(count, lambda at: at.write(at.read(source), target))

    def chunks(self, body: Callable[[dict[str, ir.Value]], None]) -> None:
        """``body`` with the fields of every chunk."""
        table = self.address("chunks")
        with self.loop(self.number("chunks_length")) as (index, _):
            self.fresh = self.build.icmp_signed("==", index, self.integer(0))
            body(self._fields(table, index, CHUNK_FIELDS))
        self.build.ret_void()

    def walk(self, chunk: dict[str, ir.Value], body: Callable[[Step], None]) -> None:
        """``body`` with every step of a chunk."""
        table = self.address("steps")
        with self.loop(chunk["steps"]) as (index, _):
            found = self._fields(table, self.build.add(chunk["first_step"], index), STEP_FIELDS)
            local = self.build.sub(found["row"], chunk["row"])
            kept = self.from_row(self.kept(chunk), local)
            body(Step(found["rows"], found["row"], kept, local, found["before_row"], found["before_rows"]))

    def kept(self, chunk: dict[str, ir.Value]) -> Rows:
        """What the rows of a chunk keep: their place among all rows, or where nothing is kept a chunk's worth."""
        return self.from_row(self.rows("kept"), self.build.mul(chunk["row"], self.number("keeps")))

    def gather(self, step: Step, target: Rows) -> None:
        """Copy the state that each row of a step begins from."""
        self.copy(step.before_count, self.from_row(self.rows("y"), step.before_row), target)
        rest = self.build.sub(step.count, step.before_count)
        begin = self.from_row(self.rows("begin"), step.before_count)
        self.copy(rest, begin, self.from_row(target, step.before_count))

    def before(self, step: Step) -> Rows:
        """The state that each row of a step begins from: where it lies, or gathered if it lies in two places."""
        build, y, begin = self.build, self.rows("y"), self.rows("begin")
        inside = build.icmp_signed("==", step.before_count, step.count)
        none = build.icmp_signed("==", step.before_count, self.integer(0))
        gathered = self.rows("before")
        with build.if_then(build.not_(build.or_(inside, none))):
            self.gather(step, gathered)
        there = self.from_row(y, step.before_row)
        found = [
            build.select(inside, here, build.select(none, first, both))
            for here, first, both in zip(there, begin, gathered, strict=True)
        ]
        return Rows(*found)

    def _gradient(self, shape: Shape, d: Rows, x: Rows, c: Rows, start: Rows) -> None:
        self.products.call(self.products.by_columns, self, shape, d, x, c, start)

    def _elementwise(self, first: ir.Value, count: ir.Value, body: Callable[[Place], None]) -> None:
        with self.loop(count) as (index, _):
            row = self.build.add(first, index)
            self.across(self.hidden, lambda column, mask: body(Place(self, row, column, mask)))

    def _fields(self, table: ir.Value, index: ir.Value, fields: tuple[str, ...]) -> dict[str, ir.Value]:
        build, found = self.build, {}
        for at, field in enumerate(fields):
            place = build.add(build.mul(index, self.integer(len(fields))), self.integer(at))
            found[field] = build.load(build.gep(table, [place], source_etype=I64), typ=I64, align=8)
        return found


class TeamKernel(LoopKernel):
    """The same walk by all threads of a team: each does its share of every operation, then waits for the others.

    So large weights are read once by all threads together, and no two sum the same gradient.
    """

    def __init__(self, products: Products, name: str, arguments: list[str]) -> None:
        super().__init__(products, name, arguments)
        library = openmp()
        assert library is not None
        self.barrier = library.barrier
        self.member, self.members = self.ask(library.number), self.ask(library.size)

    def by_weights(self, shape: Shape, a: Rows, weights: Rows, c: Rows, start: Rows | None = None) -> None:
        """A share of the panels."""
        build, width = self.build, self.integer(self.products.columns)
        rows, columns, depth = shape
        panels = build.sdiv(build.add(columns, build.sub(width, self.integer(1))), width)
        first, count = self._share(panels)
        column = build.mul(first, width)
        left, wanted = build.sub(columns, column), build.mul(count, width)
        some = build.select(build.icmp_signed("<", left, wanted), left, wanted)
        begin = start or c
        shifted = [Rows(self.offset(of.start, column), of.stride) for of in (c, begin)]
        panel = Rows(self.offset(weights.start, build.mul(column, depth)), weights.stride)
        self.products.call(self.products.by_panels, self, (rows, some, depth), a, panel, *shifted)
        self._wait()

    def total(self, rows: Rows, blocks: int, count: ir.Value, result: ir.Value) -> None:
        """The first thread's: it is little work."""
        with self.build.if_then(self.build.icmp_signed("==", self.member, self.integer(0))):
            super().total(rows, blocks, count, result)
        self._wait()

    def elementwise(self, count: ir.Value, body: Callable[[Place], None]) -> None:
        """A share of the rows."""
        self._elementwise(*self._share(count), body)
        self._wait()

    def _gradient(self, shape: Shape, d: Rows, x: Rows, c: Rows, start: Rows) -> None:
        """A share of the rows of the result."""
        first, count = self._share(shape[0])
        d = Rows(self.offset(d.start, first), d.stride)
        super()._gradient((count, *shape[1:]), d, x, self.from_row(c, first), self.from_row(start, first))
        self._wait()

    def _share(self, count: ir.Value) -> tuple[ir.Value, ir.Value]:
        """The first of this thread's share of ``count`` things, and how many they are."""
        build = self.build
        first = build.sdiv(build.mul(self.member, count), self.members)
        after = build.sdiv(build.mul(build.add(self.member, self.integer(1)), count), self.members)
        return first, build.sub(after, first)

    def _wait(self) -> None:
        self.call_at(self.barrier, ir.VoidType())
