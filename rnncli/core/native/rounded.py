"""Products in eight bits: C (M, N) = start + A (M, K) B (K, N), of which A is rounded by row when it is met.

B lies in panels as wide as those of :mod:`rnncli.core.native.product`, of words of four bytes: a row of whole numbers
from which sums begin, a row with the scale of each column, then four codes of a column in each word. A row of A is a
scale and codes from -127 to 127, kept with 128 added, since processors multiply bytes without a sign by bytes with one;
so sums begin at -128 times those of B's codes. They are whole numbers of 32 bits and exact, whatever multiplies.

Shape letters: M rows, N columns, K depth, Q = K / 4 rounded up, P panels of W columns.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from llvmlite import ir
from torch import Tensor

from rnncli.core.native.emit import F32, I32, I64, POINTER, SHIFTER, Code, Rows, Vector
from rnncli.core.native.loops import LoopKernel
from rnncli.core.native.machine import Machine
from rnncli.core.native.product import MIN_SUMS, TILE_VECTORS, Products, Shape

MOST = 127
"""The largest code."""
HEADER = 2
"""Rows of a panel before its codes."""
MAX_TILE_ROWS = 6
I8, I16 = ir.IntType(8), ir.IntType(16)
KINDS = [I64, I64, I64, POINTER, POINTER, POINTER, I64, POINTER, I64]
"""(M, N, K), A's codes, B, C and start with their strides."""


def round_rows(matrix_NK: Tensor) -> tuple[Tensor, Tensor]:
    """Codes (N, K) int8 from -127 to 127 and scales (N,) fp32, which are max |row| / 127.

    >>> round_rows(torch.tensor([[1.27, -0.5], [0.0, 0.0]]))[0].tolist()
    [[127, -50], [0, 0]]
    """
    scales_N = matrix_NK.abs().amax(1) / MOST if matrix_NK.shape[1] else matrix_NK.new_zeros(len(matrix_NK))
    codes_NK = matrix_NK / torch.where(scales_N > 0, scales_N, 1)[:, None]
    return codes_NK.round().clamp(-MOST, MOST).to(torch.int8), scales_N


def lay_rounded(matrix_NK: Tensor, columns: int) -> Tensor:
    """Panels (P, 2 + Q, W) of a matrix given by its columns, W being ``columns``; words of four bytes as fp32."""
    codes_NK, scales_N = round_rows(matrix_NK)
    count, depth = matrix_NK.shape
    panels, words = -(-count // columns), -(-depth // 4)
    codes = torch.zeros(panels * columns, 4 * words, dtype=torch.int8, device="cpu")
    codes[:count, :depth] = codes_NK
    scales = torch.zeros(panels, 1, columns, dtype=torch.float32, device="cpu")
    scales.view(-1)[:count] = scales_N
    begin = (-128 * codes.sum(1, dtype=torch.int32)).to(torch.int32).view(panels, 1, columns).view(torch.float32)
    packed = codes.view(panels, columns, words, 4).permute(0, 2, 1, 3).contiguous().view(torch.float32).squeeze(-1)
    return torch.cat([begin, scales, packed], 1)


def code_floats(depth: int) -> int:
    """Floats of workspace that a rounded row of ``depth`` takes: its scale on a vector's place, then its codes."""
    return 16 + 4 * (-(-depth // 16))


class RoundedProducts:
    """Emits one function that rounds rows and one for the product, with the tiles it needs."""

    def __init__(self, module: ir.Module, machine: Machine) -> None:
        self.module, self.width, self.multiplies = module, machine.width, machine.multiplies_bytes
        self.columns = TILE_VECTORS * self.width
        self.round = self._round()
        self.product = self._product()

    def _round(self) -> ir.Function:
        """M rows of A, K wide, as codes: (M, K, A, its stride, codes)."""
        code = self._begin("round_rows", [I64, I64, POINTER, I64, POINTER])
        rows, depth, a, stride, target = code.function.args
        build = code.build
        with code.loop(rows) as (row, _):
            source = code.row(Rows(a, stride), row)
            place = code.row(Rows(target, _code_stride(code, depth)), row)
            largest = self._largest(code, source, depth)
            build.store(build.fmul(largest, ir.Constant(F32, 1 / MOST)), place, align=4)
            known = build.fcmp_ordered(">", largest, ir.Constant(F32, 0.0))
            inverse = code.splat(build.select(known, build.fdiv(ir.Constant(F32, MOST), largest), ir.Constant(F32, 0)))
            codes = code.offset(place, 16)

            def put(at: ir.Value, mask: ir.Value | None, source=source, codes=codes, inverse=inverse) -> None:
                bits = build.bitcast(
                    (code.load(code.offset(source, at), mask) * inverse + SHIFTER).value, code.integers
                )
                found = build.trunc(build.add(bits, code.whole(128)), ir.VectorType(I8, self.width))
                build.store(found, build.gep(codes, [at], source_etype=I8), align=1)

            code.across(depth, put)
        build.ret_void()
        return code.function

    def _largest(self, code: _WholeCode, source: ir.Value, depth: ir.Value) -> ir.Value:
        """The largest magnitude of a row."""
        build, found = code.build, code.splat(0.0).value

        def larger(at: ir.Value, mask: ir.Value | None, before: ir.Value) -> ir.Value:
            bits = build.bitcast(code.load(code.offset(source, at), mask).value, code.integers)
            value = build.bitcast(build.and_(bits, code.whole(0x7FFFFFFF)), code.kind)
            return build.select(build.fcmp_ordered(">", value, before), value, before)

        whole = build.and_(depth, code.integer(-self.width))
        with code.loop(whole, self.width, carried=[found]) as (at, values):
            values[0] = larger(at, None, values[0])
        found = larger(whole, code.mask(build.sub(depth, whole)), values[0])
        name = f"llvm.vector.reduce.fmax.v{self.width}f32"
        kind = ir.FunctionType(F32, [code.kind])
        return build.call(code.declared(name, kind), [found])

    def _product(self) -> ir.Function:
        """As many rows at once as a tile has, the rest one by one."""
        code = self._begin("rounded_product", KINDS)
        rows, columns, depth, a, *places = code.function.args
        whole = code.build.sub(rows, code.build.srem(rows, code.integer(MAX_TILE_ROWS)))
        stride = _code_stride(code, depth)
        b, c, start = places[0], Rows(*places[1:3]), Rows(*places[3:5])
        for count, first, last in ((MAX_TILE_ROWS, code.integer(0), whole), (1, whole, code.build.sub(rows, whole))):
            function = self._some(count)
            with code.loop(last, count) as (index, _):
                row = code.build.add(first, index)
                moved = [code.row(c, row), c.stride, code.row(start, row), start.stride]
                code.build.call(function, [columns, depth, code.row(Rows(a, stride), row), b, *moved])
        code.build.ret_void()
        return code.function

    def _some(self, rows: int) -> ir.Function:
        """``rows`` rows: several panels at a time where sums would wait for each other, then the rest one by one."""
        code = self._begin(f"rounded_{rows}", [I64, I64, POINTER, POINTER, POINTER, I64, POINTER, I64])
        columns, depth, a, b, c, c_stride, start, start_stride = code.function.args
        build, done, panels = code.build, code.integer(0), 1
        words = build.sdiv(build.add(depth, code.integer(3)), code.integer(4))
        height = build.add(words, code.integer(HEADER))
        while rows * TILE_VECTORS * panels < MIN_SUMS:
            panels *= 2
        while panels >= 1:
            wide = self.columns * panels
            left = build.sub(columns, done)
            some = build.and_(left, code.integer(-wide)) if panels > 1 else left
            tile = self._tile(rows, panels)
            with code.loop(some, wide) as (index, _):
                at = build.add(done, index)
                panel = code.offset(b, build.mul(at, height))
                places = [code.offset(c, at), c_stride, code.offset(start, at), start_stride]
                build.call(tile, [a, panel, *places, words, _code_stride(code, depth), build.sub(columns, at)])
            done, panels = build.add(done, some), panels // 2
        build.ret_void()
        return code.function

    def _tile(self, rows: int, panels: int) -> ir.Function:
        """``rows`` rows of ``panels`` panels, which are whole where there are several."""
        kinds = [POINTER, POINTER, POINTER, I64, POINTER, I64, I64, I64, I64]
        code = self._begin(f"rounded_tile_{rows}_{panels}", kinds)
        a, b, c, c_stride, start, start_stride, words, a_stride, columns = code.function.args
        build, width = code.build, code.integer(self.columns)
        height = build.mul(build.add(words, code.integer(HEADER)), width)
        places = [(p, v) for p in range(panels) for v in range(TILE_VECTORS)]
        begins = [code.offset(b, build.mul(height, code.integer(p))) for p in range(panels)]

        def at(p: int, v: int, row: ir.Value) -> ir.Value:
            return code.offset(code.row(Rows(begins[p], width), row), v * self.width)

        first = [build.load(at(p, v, code.integer(0)), typ=code.integers, align=4) for p, v in places]
        scales = [code.load(at(p, v, code.integer(1))) for p, v in places]
        codes = [code.offset(code.row(Rows(a, a_stride), r), 16) for r in range(rows)]
        with code.loop(words, carried=first * rows) as (word, values):
            row = build.add(word, code.integer(HEADER))
            b_words = [build.load(at(p, v, row), typ=code.integers, align=4) for p, v in places]
            for r in range(rows):
                four = build.load(code.offset(codes[r], word), typ=I32, align=4)
                found = self._multiplied(code, values[r * len(places) :], four, b_words)
                values[r * len(places) : (r + 1) * len(places)] = found
        for r in range(rows):
            scale = code.splat(build.load(code.row(Rows(a, a_stride), r), typ=F32, align=4))
            for n, (p, v) in enumerate(places):
                over = p * self.columns + v * self.width
                mask = None if panels > 1 else code.mask(build.sub(columns, code.integer(over)))
                total = Vector(code, build.sitofp(values[r * len(places) + n], code.kind))
                before = code.load(code.offset(code.row(Rows(start, start_stride), r), over), mask)
                code.store(
                    total * (scale * scales[n]) + before, code.offset(code.row(Rows(c, c_stride), r), over), mask
                )
        build.ret_void()
        return code.function

    def _multiplied(
        self, code: _WholeCode, sums: Sequence[ir.Value], four: ir.Value, b_words: list[ir.Value]
    ) -> list[ir.Value]:
        """The sums with the products of four codes of A and those of each of B's words added."""
        spread = code.spread(four)
        if self.multiplies:
            kind = ir.FunctionType(code.integers, [code.integers] * 3)
            function = code.declared(f"llvm.x86.avx512.vpdpbusd.{32 * self.width}", kind)
            return [
                code.build.call(function, [total, spread, word]) for total, word in zip(sums, b_words, strict=False)
            ]
        even, odd = code.build.and_(spread, code.whole(0x00FF00FF)), code.bytes_above(spread, signed=False)
        found = []
        for total, word in zip(sums, b_words, strict=False):
            total = code.build.add(total, code.pairs(even, code.bytes_below(word)))
            found.append(code.build.add(total, code.pairs(odd, code.bytes_above(word, signed=True))))
        return found

    def _begin(self, name: str, kinds: list[ir.Type]) -> _WholeCode:
        function = ir.Function(self.module, ir.FunctionType(ir.VoidType(), kinds), name)
        function.linkage = "internal"
        return _WholeCode(function, self.width)


class _WholeCode(Code):
    """Code with vectors of whole numbers of 32 bits, also as pairs of such of 16."""

    def __init__(self, function: ir.Function, width: int) -> None:
        super().__init__(function, width)
        self.integers, self.halves = ir.VectorType(I32, width), ir.VectorType(I16, 2 * width)

    def whole(self, value: int) -> ir.Value:
        """A vector of one whole number."""
        return ir.Constant(self.integers, [value] * self.width)

    def spread(self, value: ir.Value) -> ir.Value:
        """A vector of one whole number that is not known yet."""
        undefined = ir.Constant(self.integers, ir.Undefined)
        single = self.build.insert_element(undefined, value, ir.Constant(I32, 0))
        return self.build.shuffle_vector(single, undefined, ir.Constant(self.integers, [0] * self.width))

    def bytes_below(self, words: ir.Value) -> ir.Value:
        """The lower byte of each half of the words, with its sign."""
        halves = self.build.bitcast(words, self.halves)
        eight = ir.Constant(self.halves, [8] * 2 * self.width)
        return self.build.bitcast(self.build.ashr(self.build.shl(halves, eight), eight), self.integers)

    def bytes_above(self, words: ir.Value, *, signed: bool) -> ir.Value:
        """The upper byte of each half of the words."""
        halves = self.build.bitcast(words, self.halves)
        eight = ir.Constant(self.halves, [8] * 2 * self.width)
        return self.build.bitcast((self.build.ashr if signed else self.build.lshr)(halves, eight), self.integers)

    def pairs(self, one: ir.Value, other: ir.Value) -> ir.Value:
        """The products of the halves of words, the two of each word summed."""
        name = {8: "llvm.x86.avx2.pmadd.wd", 16: "llvm.x86.avx512.pmaddw.d.512"}[self.width]
        function = self.declared(name, ir.FunctionType(self.integers, [self.halves] * 2))
        return self.build.call(function, [self.build.bitcast(part, self.halves) for part in (one, other)])

    def declared(self, name: str, kind: ir.FunctionType) -> ir.Function:
        """A function of LLVM's."""
        return self.function.module.globals.get(name) or ir.Function(self.function.module, kind, name)


def _code_stride(code: Code, depth: ir.Value) -> ir.Value:
    """:func:`code_floats`."""
    sixteens = code.build.sdiv(code.build.add(depth, code.integer(15)), code.integer(16))
    return code.build.add(code.build.mul(sixteens, code.integer(4)), code.integer(16))


class RoundedKernel(LoopKernel):
    """The same walk with weights in eight bits; gates, h and c stay in fp32."""

    def __init__(self, products: Products, rounded: RoundedProducts, name: str, arguments: list[str]) -> None:
        super().__init__(products, name, arguments)
        self.rounded = rounded

    def by_weights(self, shape: Shape, a: Rows, weights: Rows, c: Rows, start: Rows | None = None) -> None:
        """C = start + A B with A rounded; without ``start`` it is added to C."""
        (rows, _, depth), codes = shape, self.address("codes")
        self.build.call(self.rounded.round, [rows, depth, *a, codes])
        self.build.call(self.rounded.product, [*shape, codes, weights.start, *c, *(start or c)])
