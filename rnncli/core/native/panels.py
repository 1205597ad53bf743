"""Weights laid out in the panels that products read, see :mod:`rnncli.core.native.product`.

Shape letters: K the depth of the product, N its columns, P panels of W columns each.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import torch
from llvmlite import ir
from torch import Tensor

from rnncli.core.layout.buffers import POOL
from rnncli.core.native.arguments import Array, PanelArguments, as_integers, slots
from rnncli.core.native.emit import Kernel, Rows, Vector
from rnncli.core.native.machine import Machine, engine_of
from rnncli.core.native.openmp import Call, run
from rnncli.core.native.product import TILE_VECTORS

MIN_ELEMENTS_FOR_THREADS = 2**14
"""Elements from which a matrix is worth a second thread."""


class Panels:
    """Lays matrices out for ``machine``."""

    def __init__(self, machine: Machine) -> None:
        self.columns = TILE_VECTORS * machine.width
        self._engine = engine_of(lambda: self._written(machine.width), machine, name="panels")
        self._address = {name: self._engine.get_function_address(name) for name in ("as_it_lies", "transposed")}

    def _written(self, width: int) -> str:
        """The module."""
        module = ir.Module()
        for name, fill in (("as_it_lies", _emit_copy), ("transposed", _emit_transposition)):
            _emit(Kernel(module, name, slots(PanelArguments), width), self.columns, fill)
        return str(module)

    def lay(self, matrices: Mapping[str, Tensor], *, transposed: bool) -> dict[str, Tensor]:
        """Panels (P, K, W) of each of ``matrices``, (K, N) or, if ``transposed``, (N, K); zero beyond column N."""
        found, calls, held = {}, [], []
        for name, matrix in matrices.items():
            source = matrix if matrix.stride(1) == 1 else matrix.contiguous()
            held.append(source)  # till the calls are made
            columns, depth = source.shape if transposed else source.shape[::-1]
            count = -(-columns // self.columns)
            found[name] = POOL.take(count * depth, self.columns).view(count, depth, self.columns)
            calls += self._calls(source, found[name], columns, transposed)
        run(calls)
        return found

    def _calls(self, source: Tensor, target: Tensor, columns: int, transposed: bool) -> Iterator[Call]:
        """The work on one matrix, as many calls as threads may take."""
        count, depth, width = target.shape
        shares = torch.get_num_threads() if target.numel() >= MIN_ELEMENTS_FOR_THREADS else 1
        address = self._address["transposed" if transposed else "as_it_lies"]
        matrix, panels = Array.of(source), Array.of(target)
        for share in range(shares):
            first, after = share * count // shares, (share + 1) * count // shares
            skipped = first * width
            begin = matrix.from_row(skipped) if transposed else matrix.from_column(skipped)
            left = min(columns, after * width) - skipped
            if first < after:
                arguments = PanelArguments(begin, depth, left, panels.from_row(first * depth))
                yield Call(address, as_integers(arguments))


@cache
def panels_for(machine: Machine) -> Panels:
    """What lays matrices out for ``machine``."""
    return Panels(machine)


def _emit(k: Kernel, columns: int, fill: Any) -> None:
    """For every panel: ``fill`` it from its columns of the source, of which only some may be there."""
    build, depth, width = k.build, k.number("depth"), k.integer(columns)
    count = build.sdiv(build.add(k.number("columns"), k.integer(columns - 1)), width)
    with k.loop(count) as (panel, _):
        first = build.mul(panel, width)
        target = Rows(k.offset(k.address("target"), build.mul(first, depth)), width)
        fill(k, first, build.sub(k.number("columns"), first), target)
    build.ret_void()


def _emit_copy(k: Kernel, first: ir.Value, left: ir.Value, target: Rows) -> None:
    masks = [k.mask(k.build.sub(left, k.integer(v * k.width))) for v in range(TILE_VECTORS)]
    source = k.rows("source")
    with k.loop(k.number("depth")) as (row, _):
        for v, mask in enumerate(masks):
            place = k.offset(k.offset(k.row(source, row), first), v * k.width)
            k.store(k.load(place, mask), k.offset(k.row(target, row), v * k.width))


def _emit_transposition(k: Kernel, first: ir.Value, left: ir.Value, target: Rows) -> None:
    """A square of a vector's width at a time."""
    build, depth, source, none = k.build, k.number("depth"), k.rows("source"), k.integer(0)
    with k.loop(depth, k.width) as (row, _):
        rest = build.sub(depth, row)
        for v in range(TILE_VECTORS):
            square = []
            for at in range(v * k.width, (v + 1) * k.width):
                there = build.icmp_signed("<", k.integer(at), left)
                begin = k.row(source, build.add(first, k.integer(at)))
                square.append(k.load(k.offset(begin, row), k.mask(build.select(there, rest, none))))
            for at, vector in enumerate(_transposed(k, square)):
                wanted = build.icmp_signed("<", k.integer(at), rest)
                place = k.offset(k.row(target, build.add(row, k.integer(at))), v * k.width)
                k.store(vector, place, k.mask(build.select(wanted, k.integer(k.width), none)))


def _transposed(k: Kernel, rows: list[Vector]) -> list[Vector]:
    """A square of vectors transposed: blocks off the diagonal change places, ever larger ones."""
    size, distance = len(rows), 1
    while distance < size:
        low = [at if not at & distance else size + at - distance for at in range(size)]
        high = [at + distance if not at & distance else size + at for at in range(size)]
        for at in range(size):
            if not at & distance:
                one, other = rows[at], rows[at + distance]
                rows[at], rows[at + distance] = k.shuffled(one, other, low), k.shuffled(one, other, high)
        distance *= 2
    return rows
