"""What each cell does at a step, forward and back: the equations of ``rnncli.core.cells`` and their derivatives.

With d the gradient of h_t, and factors the gradients before the activations, a step back of a gru(after) is ::

    dn = d z (1 - n^2),  dz = d (n - h_(t-1)) z (1 - z),  dm = dn r,  dr = dm m (1 - r)
    d' = d (1 - z) + [dr, dz] W_gates + dm W_rx                      m = W_rx h_(t-1) + b_r', n = h'_t

and the other cells' alike.
"""

from __future__ import annotations

from typing import Protocol

from llvmlite import ir

from rnncli.core.cells import Cell
from rnncli.core.native.emit import I64, POINTER, Kernel, Rows, sigmoid, tanh
from rnncli.core.native.loops import SIGMAS, SLOPES, LoopKernel, Place, Step


class CellLoops(Protocol):
    """How one cell steps; widths are in units of H."""

    kept: int
    """What a row's way forward makes."""
    saved: bool
    """Whether the way back needs it."""
    gates: int
    """Rows of the input's weights."""
    factors: int
    """What a row's way back makes: first the gradients as the input meets them, in the order of its weights."""

    def forward(self, k: LoopKernel, step: Step, y: Rows) -> None:
        """One step; ``step.kept`` holds the input's product, ``y`` takes the output."""
        ...

    def back(self, k: LoopKernel, step: Step, factors: Rows, before: Rows, inner: Rows) -> None:
        """One step back: ``d`` becomes the gradient of the state before."""
        ...

    def gradients(self, k: LoopKernel, factors: Rows, before: Rows, inner: Rows, count: ir.Value) -> None:
        """Add to the gradients of the recurrent weights what the rows of a chunk give."""
        ...


def _recurrent(k: LoopKernel, step: Step, before: Rows, blocks: int) -> None:
    """Add the recurrent product of the first ``blocks`` gates to the input's."""
    shape = (step.count, k.times_hidden(blocks), k.hidden)
    k.by_weights(shape, before, k.weights("weight_gates"), step.kept)


def _back_through(k: LoopKernel, step: Step, factors: Rows, blocks: int, target: Rows, start: Rows | None) -> None:
    """``target`` = ``start`` + the gradients of the first ``blocks`` gates times their recurrent weights."""
    k.by_weights((step.count, k.hidden, k.times_hidden(blocks)), factors, k.weights("weight_hh"), target, start)


class RnnLoops:
    """Equation (1)."""

    kept = gates = factors = 1
    saved = False

    def __init__(self, activation: str) -> None:
        self.sigma, self.slope = SIGMAS[activation], SLOPES[activation]

    def forward(self, k: LoopKernel, step: Step, y: Rows) -> None:
        """h from the sum of both products."""
        _recurrent(k, step, k.before(step), 1)
        k.elementwise(step.count, lambda at: at.write(self.sigma(at.read(step.kept)), y))

    def back(self, k: LoopKernel, step: Step, factors: Rows, before: Rows, inner: Rows) -> None:
        """The activation's slope, then the recurrent product."""
        d, y, grad = k.rows("d"), k.from_row(k.rows("y"), step.row), k.from_row(k.rows("grad"), step.row)
        k.elementwise(step.count, lambda at: at.write((at.read(d) + at.read(grad)) * self.slope(at.read(y)), factors))
        _back_through(k, step, factors, 1, d, k.fixed(k.address("zeros")))

    def gradients(self, k: LoopKernel, factors: Rows, before: Rows, inner: Rows, count: ir.Value) -> None:
        """One product."""
        k.gradient(factors, 1, before, k.hidden, count, k.address("d_weight_hh"))


class LstmLoops:
    """Equations (3) to (8)."""

    kept, gates, factors = 5, 4, 4
    saved = True

    def forward(self, k: LoopKernel, step: Step, y: Rows) -> None:
        """Gates, memory and output in one pass over the row."""
        _recurrent(k, step, k.before(step), 4)
        c, kept = k.rows("c"), step.kept

        def gates(at: Place) -> None:
            i, f, o = (sigmoid(at.read(kept, block)) for block in (0, 1, 3))
            candidate, memory = tanh(at.read(kept, 2)), at.read(c)
            for block, value in enumerate((i, f, candidate, o, memory)):
                at.write(value, kept, block)
            memory = f * memory + i * candidate
            at.write(memory, c)
            at.write(o * tanh(memory), y)

        k.elementwise(step.count, gates)

    def back(self, k: LoopKernel, step: Step, factors: Rows, before: Rows, inner: Rows) -> None:
        """The memory is made anew from its gates; ``c`` is its gradient."""
        d, dc, kept, grad = k.rows("d"), k.rows("c"), step.kept, k.from_row(k.rows("grad"), step.row)

        def gates(at: Place) -> None:
            i, f, candidate, o, memory = (at.read(kept, block) for block in range(5))
            d_h = at.read(d) + at.read(grad)
            t = tanh(f * memory + i * candidate)
            d_c = at.read(dc) + d_h * o * (1.0 - t * t)
            at.write(d_c * candidate * i * (1.0 - i), factors, 0)
            at.write(d_c * memory * f * (1.0 - f), factors, 1)
            at.write(d_c * i * (1.0 - candidate * candidate), factors, 2)
            at.write(d_h * t * o * (1.0 - o), factors, 3)
            at.write(d_c * f, dc)

        k.elementwise(step.count, gates)
        _back_through(k, step, factors, 4, d, k.fixed(k.address("zeros")))

    def gradients(self, k: LoopKernel, factors: Rows, before: Rows, inner: Rows, count: ir.Value) -> None:
        """One product."""
        k.gradient(factors, 4, before, k.hidden, count, k.address("d_weight_hh"))


class GruBeforeLoops:
    """Equations (9) to (12)."""

    kept = gates = factors = 3
    saved = True

    def forward(self, k: LoopKernel, step: Step, y: Rows) -> None:
        """Gates, then the candidate, whose product waits for the reset."""
        before, kept, reset = k.before(step), step.kept, k.rows("reset")
        _recurrent(k, step, before, 2)

        def gates(at: Place) -> None:
            r = sigmoid(at.read(kept, 0))
            at.write(r, kept, 0)
            at.write(sigmoid(at.read(kept, 1)), kept, 1)
            at.write(r * at.read(before), reset)

        def renewed(at: Place) -> None:
            z, h, candidate = at.read(kept, 1), at.read(before), tanh(at.read(kept, 2))
            at.write(candidate, kept, 2)
            at.write(h + z * (candidate - h), y)

        k.elementwise(step.count, gates)
        candidates = k.block(kept, 2)
        k.by_weights((step.count, k.hidden, k.hidden), reset, k.weights("weight_rx"), candidates)
        k.elementwise(step.count, renewed)

    def back(self, k: LoopKernel, step: Step, factors: Rows, before: Rows, inner: Rows) -> None:
        """``reset`` takes the gradient of r h, ``inner`` r h itself."""
        d, kept, reset = k.rows("d"), step.kept, k.rows("reset")
        grad = k.from_row(k.rows("grad"), step.row)

        def gates(at: Place) -> None:
            d_h, h, z, candidate = at.read(d) + at.read(grad), at.read(before), at.read(kept, 1), at.read(kept, 2)
            at.write(d_h * (candidate - h) * z * (1.0 - z), factors, 1)
            at.write(d_h * z * (1.0 - candidate * candidate), factors, 2)
            at.write(d_h * (1.0 - z), d)

        def through_reset(at: Place) -> None:
            r, h, d_rh = at.read(kept, 0), at.read(before), at.read(reset)
            at.write(r * h, inner)
            at.write(d_rh * h * r * (1.0 - r), factors, 0)
            at.write(at.read(d) + d_rh * r, d)

        k.elementwise(step.count, gates)
        rx, zeros = k.weights("weight_rx"), k.fixed(k.address("zeros"))
        k.by_weights((step.count, k.hidden, k.hidden), k.block(factors, 2), rx, reset, zeros)
        k.elementwise(step.count, through_reset)
        _back_through(k, step, factors, 2, d, None)

    def gradients(self, k: LoopKernel, factors: Rows, before: Rows, inner: Rows, count: ir.Value) -> None:
        """The candidate multiplied r h, the gates h."""
        result = k.address("d_weight_hh")
        candidate = k.offset(result, k.build.mul(k.times_hidden(2), k.hidden))
        k.gradient(factors, 2, before, k.hidden, count, result)
        k.gradient(k.block(factors, 2), 1, inner, k.hidden, count, candidate)


class GruAfterLoops:
    """Equations (9), (10), (11') and (12)."""

    kept, gates, factors = 4, 3, 4
    saved = True

    def forward(self, k: LoopKernel, step: Step, y: Rows) -> None:
        """Both recurrent products at once, then all else in one pass."""
        before, kept = k.before(step), step.kept
        _recurrent(k, step, before, 2)
        bias = k.fixed(k.address("bias_hh"))
        k.by_weights((step.count, k.hidden, k.hidden), before, k.weights("weight_rx"), k.block(kept, 3), bias)

        def gates(at: Place) -> None:
            r, z, h = sigmoid(at.read(kept, 0)), sigmoid(at.read(kept, 1)), at.read(before)
            candidate = tanh(at.read(kept, 2) + r * at.read(kept, 3))
            for block, value in enumerate((r, z, candidate)):
                at.write(value, kept, block)
            at.write(h + z * (candidate - h), y)

        k.elementwise(step.count, gates)

    def back(self, k: LoopKernel, step: Step, factors: Rows, before: Rows, inner: Rows) -> None:
        """All factors in one pass, then the recurrent products."""
        d, kept, grad = k.rows("d"), step.kept, k.from_row(k.rows("grad"), step.row)

        def gates(at: Place) -> None:
            r, z, candidate, m = (at.read(kept, block) for block in range(4))
            d_h, h = at.read(d) + at.read(grad), at.read(before)
            d_n = d_h * z * (1.0 - candidate * candidate)
            d_m = d_n * r
            for block, value in enumerate((d_m * m * (1.0 - r), d_h * (candidate - h) * z * (1.0 - z), d_n, d_m)):
                at.write(value, factors, block)
            at.write(d_h * (1.0 - z), d)

        k.elementwise(step.count, gates)
        _back_through(k, step, factors, 2, d, None)
        k.by_weights((step.count, k.hidden, k.hidden), k.block(factors, 3), k.weights("weight_rx"), d)

    def gradients(self, k: LoopKernel, factors: Rows, before: Rows, inner: Rows, count: ir.Value) -> None:
        """The candidate has its own factors, and a bias inside the reset."""
        result = k.address("d_weight_hh")
        candidate = k.offset(result, k.build.mul(k.times_hidden(2), k.hidden))
        k.gradient(factors, 2, before, k.hidden, count, result)
        k.gradient(k.block(factors, 3), 1, before, k.hidden, count, candidate)
        k.total(k.block(factors, 3), 1, count, k.address("d_bias_hh"))


def emit_forward(k: LoopKernel, cell: CellLoops) -> None:
    """The whole way forward: for each chunk the input's product, then its steps."""
    y, gates = k.rows("y"), k.times_hidden(cell.gates)

    def chunk(fields: dict[str, ir.Value]) -> None:
        x, kept = k.from_row(k.rows("x"), fields["row"]), k.kept(fields)
        weights, bias = k.weights("weight_ih"), k.fixed(k.address("bias"))
        k.by_weights((fields["rows"], gates, k.input), x, weights, kept, bias)
        k.walk(fields, lambda step: cell.forward(k, step, k.from_row(y, step.row)))

    k.chunks(chunk)


def emit_layers(k: Kernel, forward: ir.Function) -> None:
    """The way forward of ``count`` layers, one after the other; behind the count stand their arguments' addresses."""
    with k.loop(k.number("count")) as (index, _):
        place = k.build.gep(k.function.args[0], [k.build.add(index, k.integer(1))], source_etype=I64)
        k.build.call(forward, [k.build.inttoptr(k.build.load(place, typ=I64, align=8), POINTER)])
    k.build.ret_void()


def emit_back(k: LoopKernel, cell: CellLoops) -> None:
    """The whole way back: for each chunk its steps, then the gradients of the weights and of the input."""
    factors, before, inner = k.rows("factors"), k.rows("before"), k.rows("inner")

    def step_back(step: Step) -> None:
        here = k.from_row(before, step.local)
        k.gather(step, here)
        cell.back(k, step, k.from_row(factors, step.local), here, k.from_row(inner, step.local))

    def chunk(fields: dict[str, ir.Value]) -> None:
        k.walk(fields, step_back)
        x, count = k.from_row(k.rows("x"), fields["row"]), fields["rows"]
        k.gradient(factors, cell.gates, x, k.input, count, k.address("d_weight_ih"))
        k.total(factors, cell.gates, count, k.address("d_bias"))
        cell.gradients(k, factors, before, inner, count)
        wanted = k.build.icmp_signed("!=", k.number("dx"), k.integer(0))
        with k.build.if_then(wanted):
            shape, zeros = (count, k.input, k.times_hidden(cell.gates)), k.fixed(k.address("zeros"))
            k.by_weights(shape, factors, k.weights("weight_ih"), k.from_row(k.rows("dx"), fields["row"]), zeros)

    k.chunks(chunk)


def loops_of(cell: Cell) -> CellLoops:
    """The steps of ``cell``."""
    if cell.kind == "rnn":
        return RnnLoops(cell.activation)
    if cell.kind == "lstm":
        return LstmLoops()
    return GruAfterLoops() if cell.resets_after else GruBeforeLoops()
