"""Matrix products in tiles that stay in registers: C (M, N) = start + A (M, K) B (K, N).

There are two: by panels, B lies in panels, as wide as a tile, each of which is read from begin to end (far apart, the
rows of a large matrix are read at a third of the speed); by columns, A lies column after column.

A tile is a few rows of C and TILE_VECTORS vectors of columns. For every k it takes as many vectors of B once, one
float of A a row, and multiplies them: all the arithmetic that the loads allow. Where rows are so few that sums would
wait for each other, a tile goes over several panels. Each element of C is summed in the order of k whatever the tile,
so a row's result does not depend on how many rows there are.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from llvmlite import ir

from rnncli.core.native.emit import I64, POINTER, Code, Rows, Vector

TILE_VECTORS = 2
MIN_SUMS = 8
"""Vectors of sums of a tile from which none waits for the one before: the steps of a fused product, two at once."""
MAX_CACHED_DEPTH = 128
"""Rows of a panel that fit well into the first cache: deeper ones serve the more blocks of A by columns while near."""
PREFETCHED_ROWS = 32
"""Rows of B by which memory is asked for one before it is read."""
Shape = tuple[ir.Value, ir.Value, ir.Value]
KINDS = [I64, I64, I64, POINTER, I64, POINTER, I64, POINTER, I64, POINTER, I64]


class Products:
    """Emits one function for products by panels and one by columns, with all the tiles they need."""

    def __init__(self, module: ir.Module, width: int, rows: int) -> None:
        self.module, self.width, self.most = module, width, rows
        self.columns = TILE_VECTORS * width
        self.by_panels = self._by_panels(self._product("by_blocks", transposed=False))
        self.by_columns = self._product("by_columns", transposed=True)

    def call(self, function: ir.Function, code: Code, shape: Shape, a: Rows, b: Rows, c: Rows, start: Rows) -> None:
        """C = start + A B for ``shape`` (M, N, K) by one of the functions."""
        code.build.call(function, [*shape, *a, *b, *c, *start])

    def _tile(self, rows: int, *, transposed: bool = False, full: bool = False, panels: int = 1) -> ir.Function:
        """Rows ``rows`` of ``panels`` panels; not ``full``: only some of the columns are there."""
        name = f"tile_{rows}_{panels}_{'columns' if transposed else 'rows'}_{'full' if full else 'part'}"
        if name in self.module.globals:
            return self.module.globals[name]
        kinds = [POINTER, I64, POINTER, I64, POINTER, I64, POINTER, I64, I64, I64]
        function = ir.Function(self.module, ir.FunctionType(ir.VoidType(), kinds), name)
        function.linkage = "internal"
        a, a_stride, b, b_stride, c, c_stride, start, start_stride, depth, columns = function.args
        code, across = Code(function, self.width), range(panels * TILE_VECTORS)
        masks = [None if full else code.mask(code.build.sub(columns, code.integer(v * self.width))) for v in across]
        begin = Rows(start, start_stride)
        sums = [
            code.load(code.offset(code.row(begin, r), v * self.width), masks[v]).value
            for r in range(rows)
            for v in across
        ]
        row_starts = [a if transposed else code.row(Rows(a, a_stride), r) for r in range(rows)]
        panel = code.build.mul(depth, b_stride)
        begins = [code.offset(b, code.build.mul(panel, code.integer(at))) for at in range(panels)]
        with code.loop(depth, carried=sums) as (k, values):
            b_rows = [code.row(Rows(begin, b_stride), k) for begin in begins]
            if panels == 1:  # loads alone keep a wide tile busy
                later = code.row(Rows(b, b_stride), code.build.add(k, code.integer(PREFETCHED_ROWS)))
                for v in across:
                    code.prefetch(code.offset(later, v * self.width))
            b_vectors = [
                code.load(code.offset(row, v * self.width), masks[p * TILE_VECTORS + v])
                for p, row in enumerate(b_rows)
                for v in range(TILE_VECTORS)
            ]
            a_column = code.row(Rows(a, a_stride), k) if transposed else None
            for r in range(rows):
                place = code.offset(a_column, r) if a_column is not None else code.offset(row_starts[r], k)
                factor = code.splat(code.build.load(place, typ=ir.FloatType(), align=4))
                for v in across:
                    at = r * len(across) + v
                    values[at] = (factor * b_vectors[v] + Vector(code, values[at])).value
        for r in range(rows):
            for v in across:
                place = code.offset(code.row(Rows(c, c_stride), r), v * self.width)
                code.store(Vector(code, values[r * len(across) + v]), place, masks[v])
        code.build.ret_void()
        return function

    def _product(self, name: str, *, transposed: bool) -> ir.Function:
        """All tiles of a product; rows are spread evenly over tiles of at most ``most``."""
        part = [self._tile(r, transposed=transposed) for r in range(1, self.most + 1)]
        # Where masks cost nothing, whole panels need no tiles of their own.
        full = (
            part
            if self.width == 16
            else [self._tile(r, transposed=transposed, full=True) for r in range(1, self.most + 1)]
        )
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

    def _by_panels(self, many: ir.Function) -> ir.Function:
        """The product of few rows by tiles over several panels, of more by ``many``."""
        few = [self._few(rows) for rows in range(1, MIN_SUMS // TILE_VECTORS)]
        code, (rows, *_), *_ = self._begin("by_panels")
        given = list(code.function.args)
        for count, product in enumerate(few, 1):
            with code.build.if_then(code.build.icmp_signed("==", rows, code.integer(count))):
                code.build.call(product, given)
                code.build.ret_void()
        code.build.call(many, given)
        code.build.ret_void()
        return code.function

    def _few(self, rows: int) -> ir.Function:
        """The product of ``rows`` rows: whole panels several at a time, then the rest one by one."""
        code, (_, columns, depth), a, b, c, start = self._begin(f"few_{rows}")
        build, done, panels = code.build, code.integer(0), 1
        while rows * TILE_VECTORS * panels < MIN_SUMS:
            panels *= 2
        while panels >= 1:
            wide = self.columns * panels
            tile = self._tile(rows, full=panels > 1, panels=panels)
            left = build.sub(columns, done)
            some = build.and_(left, code.integer(-wide)) if panels > 1 else left
            with code.loop(some, wide) as (index, _):
                at = build.add(done, index)
                panel = code.offset(b.start, build.mul(at, depth))
                places = [code.offset(c.start, at), c.stride, code.offset(start.start, at), start.stride]
                lack = [code.integer(self.columns), *places, depth, build.sub(columns, at)]
                build.call(tile, [*a, panel, *lack])
            done, panels = build.add(done, some), panels // 2
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
