"""Matrix products in tiles that stay in registers: C (M, N) = start + A (M, K) B (K, N).

A tile is a few rows of C and TILE_VECTORS vectors of columns. For every k it takes as many vectors of B once, one
float of A a row, and multiplies them: all the arithmetic that the loads allow. Each element of C is summed in the
order of k whatever the tile, so a row's result does not depend on how many rows there are.
"""

from __future__ import annotations

from typing import NamedTuple

from llvmlite import ir

from rnncli.core.native.emit import I64, POINTER, Code, Rows, Vector

TILE_VECTORS = 2


class Matrix(NamedTuple):
    """B in panels of TILE_VECTORS vectors of columns: how far apart panels are, and rows within a panel, in floats."""

    start: ir.Value
    panel: ir.Value
    row: ir.Value


class Products:
    """Emits one function for products by rows of A and one by columns (A transposed), with all the tiles they need."""

    def __init__(self, module: ir.Module, width: int, rows: int) -> None:
        self.module, self.width, self.most = module, width, rows
        self.columns = TILE_VECTORS * width
        self.by_rows = self._product("by_rows", transposed=False)
        self.by_columns = self._product("by_columns", transposed=True)

    def call(
        self,
        code: Code,
        shape: tuple[ir.Value, ir.Value, ir.Value],
        a: Rows,
        b: Matrix,
        c: Rows,
        start: Rows,
        *,
        transposed: bool = False,
    ) -> None:
        """C = start + A B for ``shape`` (M, N, K); if ``transposed``, A is given by its columns, (K, M) in memory."""
        function = self.by_columns if transposed else self.by_rows
        code.build.call(function, [*shape, *a, *b, *c, *start])

    def _tile(self, rows: int, transposed: bool, full: bool) -> ir.Function:
        """Rows ``rows``; not ``full``: only some of the columns are there."""
        name = f"tile_{rows}_{'columns' if transposed else 'rows'}_{'full' if full else 'part'}"
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
        kinds = [I64, I64, I64, POINTER, I64, POINTER, I64, I64, POINTER, I64, POINTER, I64]
        function = ir.Function(self.module, ir.FunctionType(ir.VoidType(), kinds), name)
        function.linkage = "internal"
        rows, columns, depth, a, a_stride, b, panel, b_row, c, c_stride, start, start_stride = function.args
        code = Code(function, self.width)
        build, tile_columns = code.build, code.integer(self.columns)
        blocks = build.sdiv(build.add(rows, code.integer(self.most - 1)), code.integer(self.most))
        panels = build.sdiv(build.add(columns, code.integer(self.columns - 1)), tile_columns)
        counts = (blocks, panels) if transposed else (panels, blocks)
        with code.loop(counts[0]) as (outer, _), code.loop(counts[1]) as (inner, _):
            block, at = (outer, inner) if transposed else (inner, outer)
            first = build.sdiv(build.mul(block, rows), blocks)
            count = build.sub(build.sdiv(build.mul(build.add(block, code.integer(1)), rows), blocks), first)
            column = build.mul(at, tile_columns)
            left = build.sub(columns, column)
            arguments = [
                code.offset(a, first) if transposed else code.row(Rows(a, a_stride), first),
                a_stride,
                code.offset(b, build.mul(at, panel)),
                b_row,
                code.offset(code.row(Rows(c, c_stride), first), column),
                c_stride,
                code.offset(code.row(Rows(start, start_stride), first), column),
                start_stride,
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
        return function

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
