"""Matrix products in tiles that stay in registers: C (M, N) = start + A (M, K) B (K, N).

There are three: by panels, B lies in panels, as wide as a tile, each of which is read from begin to end (far apart, the
rows of a large matrix are read at a third of the speed); by columns, A lies column after column; by dots, B does, so an
element of C is a product of two rows: for few rows of A, where laying B out in panels would cost more than it saves.

A tile is a few rows of C and TILE_VECTORS vectors of columns. For every k it takes as many vectors of B once, one
float of A a row, and multiplies them: all the arithmetic that the loads allow. Each element of C is summed in the
order of k whatever the tile, so a row's result does not depend on how many rows there are.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from llvmlite import ir

from rnncli.core.native.emit import F32, I64, POINTER, Code, Rows, Vector

TILE_VECTORS = 2
DOT_COLUMNS = 8
"""Columns that share the reading of a row of A, and keep the processor busy while their sums depend on each other."""
MAX_CACHED_DEPTH = 128
"""Rows of a panel that fit well into the first cache: deeper ones serve the more blocks of A by columns while near."""
PREFETCHED_ROWS = 32
"""Rows of B by which memory is asked for one before it is read."""
Shape = tuple[ir.Value, ir.Value, ir.Value]
KINDS = [I64, I64, I64, POINTER, I64, POINTER, I64, POINTER, I64, POINTER, I64]


class Products:
    """Emits one function for products by panels, one by columns and one by dots, with all the tiles they need."""

    def __init__(self, module: ir.Module, width: int, rows: int) -> None:
        self.module, self.width, self.most = module, width, rows
        self.columns = TILE_VECTORS * width
        self.by_panels = self._product("by_panels", transposed=False)
        self.by_columns = self._product("by_columns", transposed=True)
        self.by_dots = self._dots()

    def call(self, function: ir.Function, code: Code, shape: Shape, a: Rows, b: Rows, c: Rows, start: Rows) -> None:
        """C = start + A B for ``shape`` (M, N, K) by one of the functions."""
        code.build.call(function, [*shape, *a, *b, *c, *start])

    def _tile(self, rows: int, transposed: bool, full: bool) -> ir.Function:
        """Rows ``rows``; not ``full``: only some of the columns are there."""
        name = f"tile_{rows}_{'columns' if transposed else 'rows'}_{'full' if full else 'part'}"
        if name in self.module.globals:
            return self.module.globals[name]
        kinds = [POINTER, I64, POINTER, I64, POINTER, I64, POINTER, I64, I64, I64]
        function = ir.Function(self.module, ir.FunctionType(ir.VoidType(), kinds), name)
        function.linkage = "internal"
        a, a_stride, b, b_stride, c, c_stride, start, start_stride, depth, columns = function.args
        code = Code(function, self.width)
        masks = [
            None if full else code.mask(code.build.sub(columns, code.integer(v * self.width)))
            for v in range(TILE_VECTORS)
        ]
        begin = Rows(start, start_stride)
        sums = [
            code.load(code.offset(code.row(begin, r), v * self.width), masks[v]).value
            for r in range(rows)
            for v in range(TILE_VECTORS)
        ]
        row_starts = [a if transposed else code.row(Rows(a, a_stride), r) for r in range(rows)]
        with code.loop(depth, carried=sums) as (k, values):
            b_row = code.row(Rows(b, b_stride), k)
            later = code.row(Rows(b, b_stride), code.build.add(k, code.integer(PREFETCHED_ROWS)))
            for v in range(TILE_VECTORS):
                code.prefetch(code.offset(later, v * self.width))
            b_vectors = [code.load(code.offset(b_row, v * self.width), masks[v]) for v in range(TILE_VECTORS)]
            a_column = code.row(Rows(a, a_stride), k) if transposed else None
            for r in range(rows):
                place = code.offset(a_column, r) if a_column is not None else code.offset(row_starts[r], k)
                factor = code.splat(code.build.load(place, typ=ir.FloatType(), align=4))
                for v in range(TILE_VECTORS):
                    at = r * TILE_VECTORS + v
                    values[at] = (factor * b_vectors[v] + Vector(code, values[at])).value
        for r in range(rows):
            for v in range(TILE_VECTORS):
                place = code.offset(code.row(Rows(c, c_stride), r), v * self.width)
                code.store(Vector(code, values[r * TILE_VECTORS + v]), place, masks[v])
        code.build.ret_void()
        return function

    def _product(self, name: str, *, transposed: bool) -> ir.Function:
        """All tiles of a product; rows are spread evenly over tiles of at most ``most``."""
        part = [self._tile(r, transposed, False) for r in range(1, self.most + 1)]
        # Where masks cost nothing, whole panels need no tiles of their own.
        full = part if self.width == 16 else [self._tile(r, transposed, True) for r in range(1, self.most + 1)]
        code, (rows, columns, depth), a, b, c, start = self._begin(name)
        build, tile_columns = code.build, code.integer(self.columns)
        blocks = build.sdiv(build.add(rows, code.integer(self.most - 1)), code.integer(self.most))
        across = build.sdiv(build.add(columns, code.integer(self.columns - 1)), tile_columns)
        cached = build.sdiv(depth, code.integer(MAX_CACHED_DEPTH)) if transposed else blocks
        near = build.add(cached, code.integer(1))
        with self._tiles(code, blocks, across, near) as (block, at):
            first = build.sdiv(build.mul(block, rows), blocks)
            count = build.sub(build.sdiv(build.mul(build.add(block, code.integer(1)), rows), blocks), first)
            column = build.mul(at, tile_columns)
            left = build.sub(columns, column)
            arguments = [
                code.offset(a.start, first) if transposed else code.row(a, first),
                a.stride,
                code.offset(b.start, column if transposed else build.mul(column, depth)),
                b.stride if transposed else tile_columns,
                code.offset(code.row(c, first), column),
                c.stride,
                code.offset(code.row(start, first), column),
                start.stride,
                depth,
                left,
            ]
            if full is part:
                self._switch(code, count, part, arguments)
            else:
                with build.if_else(build.icmp_signed(">=", left, tile_columns)) as (whole, rest):
                    with whole:
                        self._switch(code, count, full, arguments)
                    with rest:
                        self._switch(code, count, part, arguments)
        build.ret_void()
        return code.function

    @contextmanager
    def _tiles(self, code: Code, blocks: ir.Value, across: ir.Value, near: ir.Value) -> Iterator[list[ir.Value]]:
        """Every block of rows with every panel of columns: ``near`` blocks pass by all panels, then the next ones."""
        build = code.build
        groups = build.sdiv(build.add(blocks, build.sub(near, code.integer(1))), near)
        with code.loop(groups) as (group, _), code.loop(across) as (panel, _):
            begin = build.mul(group, near)
            left = build.sub(blocks, begin)
            with code.loop(build.select(build.icmp_signed("<", left, near), left, near)) as (block, _):
                yield [build.add(begin, block), panel]

    def _dots(self) -> ir.Function:
        """DOT_COLUMNS columns of C at once, then the rest one by one."""
        code, (rows, columns, depth), a, b, c, start = self._begin("by_dots")
        whole = code.build.sub(columns, code.build.srem(columns, code.integer(DOT_COLUMNS)))

        def some(column: ir.Value, count: int) -> None:
            with code.loop(rows) as (row, _):
                places = [code.offset(code.row(where, row), column) for where in (start, c)]
                columns = [code.row(b, code.build.add(column, code.integer(i))) for i in range(count)]
                sums = self._dot(code, code.row(a, row), columns, depth)
                for i, total in enumerate(sums):
                    first = code.build.load(code.offset(places[0], i), typ=F32, align=4)
                    code.build.store(code.build.fadd(first, total), code.offset(places[1], i), align=4)

        with code.loop(whole, DOT_COLUMNS) as (column, _):
            some(column, DOT_COLUMNS)
        with code.loop(code.build.sub(columns, whole)) as (column, _):
            some(code.build.add(whole, column), 1)
        code.build.ret_void()
        return code.function

    def _dot(self, code: Code, a: ir.Value, columns: list[ir.Value], depth: ir.Value) -> list[ir.Value]:
        """The products of one row with some columns that each lie in a row."""
        sums = [code.splat(0.0).value for _ in columns]
        whole = code.build.and_(depth, code.integer(-self.width))
        rest = code.build.sub(depth, whole)

        def add(k: ir.Value, mask: ir.Value | None, values: list[ir.Value]) -> None:
            factor = code.load(code.offset(a, k), mask)
            for i, column in enumerate(columns):
                values[i] = (factor * code.load(code.offset(column, k), mask) + Vector(code, values[i])).value

        with code.loop(whole, self.width, carried=sums) as (k, values):
            add(k, None, values)
        add(whole, code.mask(rest), values)
        return [code.horizontal_sum(Vector(code, value)) for value in values]

    def _begin(self, name: str) -> tuple[Code, Shape, Rows, Rows, Rows, Rows]:
        """The code of a product, (M, N, K), A, B, C and start."""
        function = ir.Function(self.module, ir.FunctionType(ir.VoidType(), KINDS), name)
        function.linkage = "internal"
        rows, columns, depth, *places = function.args
        a, b, c, start = (Rows(*places[at : at + 2]) for at in range(0, 8, 2))
        return Code(function, self.width), (rows, columns, depth), a, b, c, start

    def _switch(self, code: Code, count: ir.Value, tiles: list[ir.Function], arguments: list[ir.Value]) -> None:
        build = code.build
        after = code.function.append_basic_block()
        switch = build.switch(count, after)
        for rows, tile in enumerate(tiles, 1):
            block = code.function.append_basic_block()
            switch.add_case(ir.Constant(I64, rows), block)
            build.position_at_end(block)
            build.call(tile, arguments)
            build.branch(after)
        build.position_at_end(after)
