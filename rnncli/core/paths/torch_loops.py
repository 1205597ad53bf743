"""One layer in one direction over packed rows: the loops over time, forward and back, of each cell.

Forward, the input's product is taken for a whole chunk at once; what a step adds is the recurrent product, with
the transposed weights laid out contiguously, and elementwise work in place. Back, every factor that does not depend
on the gradient is computed for the whole chunk first. With d the gradient of h_t, a gru that resets after the product
then needs per step only::

    [dn, dr, dz, dm] = d * [An, Ar, Az, Am]                 m = W_rx h_(t-1) + b_r', n = h'_t
    d' = d * (1 - z) + [dr, dz, dm] W_hh

A tanh is computed as 2 sigmoid(2a) - 1, which takes a third of the time and errs by one unit in the last place
of 1; the factor 2 goes into the products.

These are the formulas of :mod:`rnncli.core.native.cells` in another order: those, computed by torch operation by
operation as they stand, take 1.2 to 1.8 times as long, for each call costs as much as its work.

Shape letters: B batch, N rows of a chunk, I input, H hidden, G gates.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import torch
from torch import Tensor

from rnncli.core.cells import Cell, CellWeights, State
from rnncli.core.layout.packed import carried

Sizes = Sequence[int]


class GradientProducts(NamedTuple):
    """What the gradients of the weights are made of, for the rows of a chunk.

    ``input_NG`` are gradients before the activations as the input meets them, in the order of the rows of
    ``Sweep.weight_ih``; ``recurrent`` pairs gradients as the state meets them with what was multiplied there, in
    the order of the rows of ``weight_hh``; ``inner_NH`` is the gradient at ``bias_hh``.
    """

    input_NG: Tensor
    recurrent: list[tuple[Tensor, Tensor]]
    inner_NH: Tensor | None = None


class Sweep(Protocol):
    """A cell's loops. Steps are given in the order of the walk: backwards in time for the reverse direction."""

    kept: tuple[int, ...]
    """Widths, in units of H, of what the backward pass needs of each row beside the outputs."""
    spare: tuple[int, ...]
    """Widths of what the forward pass needs of a chunk only."""
    weight_ih: Tensor
    """The input's weights with their rows in the order of ``GradientProducts.input_NG``."""
    weight_hh: Tensor

    def project(self, buffers: Sequence[Tensor], x_NI: Tensor) -> None:
        """Take the input's product for all rows of a chunk; ``buffers`` are the kept and the spare ones."""
        ...

    def walk(self, buffers: Sequence[list[Tensor]], y: list[Tensor], state: State, begin_BH: Tensor) -> Tensor:
        """Step through a chunk, write the outputs into ``y``, and return the last; c in ``state`` is changed in place.

        ``state[0]`` is h after the step before the chunk.
        """
        ...

    def back(
        self, kept: Sequence[Tensor], y_NH: Tensor, before_NH: Tensor, gradients: Gradients, work: Workspace
    ) -> GradientProducts:
        """Step back through a chunk: change the gradients of the state in place."""
        ...


class Gradients(NamedTuple):
    """Gradients on the way back: of the state, (B, H) each, and of a chunk's outputs with the walk through it."""

    state: State
    output_NH: Tensor
    sizes: Sizes
    reverse: bool

    def steps(self, rows: Tensor) -> list[Tensor]:
        """A chunk's rows as steps in the order of this walk."""
        return steps(rows, self.sizes, backwards=not self.reverse)


class Workspace:
    """Memory for one chunk that the next chunk uses again."""

    def __init__(self, rows: int, like: Tensor) -> None:
        self.rows, self.like = rows, like
        self._held: dict[str, Tensor] = {}

    def take(self, name: str, rows: int, *shape: int) -> Tensor:
        """The first ``rows`` of the buffer called ``name``, with what was left in them."""
        if name not in self._held:
            self._held[name] = self.like.new_empty(self.rows, *shape)
        return self._held[name][:rows]


def sweep(cell: Cell, weights: CellWeights) -> Sweep:
    """The loops of ``cell`` with these weights."""
    if cell.kind == "rnn":
        return _Rnn(weights, cell.activation)
    if cell.kind == "lstm":
        return _Lstm(weights)
    return _GruAfter(weights) if cell.resets_after else _GruBefore(weights)


def steps(rows: Tensor, sizes: Sizes, *, backwards: bool) -> list[Tensor]:
    """Rows as one view a step, the last step first if ``backwards``."""
    views = list(rows.split(sizes if isinstance(sizes, list) else list(sizes)))
    if backwards:
        views.reverse()
    return views


class _Rnn:
    """Equation (1)."""

    kept, spare = (), (1,)

    def __init__(self, weights: CellWeights, activation: str) -> None:
        self.weight_ih, self.weight_hh, self.bias, _ = weights
        self.activation = activation
        self.scale = 2 if activation == "tanh" else 1
        self.weight_hh_T = self.weight_hh.T.contiguous()

    def project(self, buffers: Sequence[Tensor], x_NI: Tensor) -> None:
        torch.addmm(self.bias, x_NI, self.weight_ih.T, alpha=self.scale, beta=self.scale, out=buffers[0])

    def walk(self, buffers: Sequence[list[Tensor]], y: list[Tensor], state: State, begin_BH: Tensor) -> Tensor:
        h_BH, weight, scale = state[0], self.weight_hh_T, self.scale
        minus_one = weight.new_full((), -1.0)
        for a_BH, y_BH in zip(buffers[0], y, strict=True):
            a_BH.addmm_(carried(h_BH, len(a_BH), begin_BH), weight, alpha=scale)
            if self.activation == "tanh":
                torch.add(minus_one, a_BH.sigmoid_(), alpha=2, out=y_BH)
            elif self.activation == "sigmoid":
                torch.sigmoid(a_BH, out=y_BH)
            else:
                torch.clamp_min(a_BH, 0, out=y_BH)
            h_BH = y_BH
        return h_BH

    def back(
        self, kept: Sequence[Tensor], y_NH: Tensor, before_NH: Tensor, gradients: Gradients, work: Workspace
    ) -> GradientProducts:
        factor_NH = work.take("factors", *y_NH.shape)
        if self.activation == "tanh":
            torch.mul(y_NH, y_NH, out=factor_NH)
            torch.add(y_NH.new_full((), 1.0), factor_NH, alpha=-1, out=factor_NH)
        elif self.activation == "sigmoid":
            torch.addcmul(y_NH, y_NH, y_NH, value=-1, out=factor_NH)
        else:
            torch.gt(y_NH, 0, out=factor_NH)
        (d_all,) = gradients.state
        outputs = gradients.steps(gradients.output_NH)
        d_BH = d_all[: len(outputs[0])].add_(outputs[0])
        for f_BH, more_BH in zip(gradients.steps(factor_NH), [*outputs[1:], None], strict=True):
            f_BH.mul_(d_BH)
            if more_BH is not None and len(more_BH) == len(f_BH):
                torch.addmm(more_BH, f_BH, self.weight_hh, out=d_BH)
                continue
            torch.mm(f_BH, self.weight_hh, out=d_BH)
            if more_BH is not None:
                d_BH = d_all[: len(more_BH)].add_(more_BH)
        return GradientProducts(factor_NH, [(factor_NH, before_NH)])


class _GruBefore:
    """Equations (9) to (12)."""

    kept, spare = (2, 1), (1,)

    def __init__(self, weights: CellWeights) -> None:
        self.weight_ih, self.weight_hh, self.bias, _ = weights
        self.cut = 2 * weights.weight_hh.shape[1]
        self.weight_gates_T = self.weight_hh[: self.cut].T.contiguous()
        self.weight_rx_T = self.weight_hh[self.cut :].T.contiguous()

    def project(self, buffers: Sequence[Tensor], x_NI: Tensor) -> None:
        cut = self.cut
        torch.addmm(self.bias[:cut], x_NI, self.weight_ih[:cut].T, out=buffers[0])
        torch.addmm(self.bias[cut:], x_NI, self.weight_ih[cut:].T, alpha=2, beta=2, out=buffers[1])

    def walk(self, buffers: Sequence[list[Tensor]], y: list[Tensor], state: State, begin_BH: Tensor) -> Tensor:
        h_BH, gates_T, rx_T = state[0], self.weight_gates_T, self.weight_rx_T
        minus_one = rx_T.new_full((), -1.0)
        for rz_BG, n_BH, rh_BH, y_BH in zip(*buffers, y, strict=True):
            h_BH = carried(h_BH, len(y_BH), begin_BH)
            r_BH, z_BH = rz_BG.addmm_(h_BH, gates_T).sigmoid_().chunk(2, 1)
            torch.mul(r_BH, h_BH, out=rh_BH)
            n_BH.addmm_(rh_BH, rx_T, alpha=2).sigmoid_()
            torch.add(minus_one, n_BH, alpha=2, out=n_BH)
            h_BH = torch.lerp(h_BH, n_BH, z_BH, out=y_BH)
        return h_BH

    def back(
        self, kept: Sequence[Tensor], y_NH: Tensor, before_NH: Tensor, gradients: Gradients, work: Workspace
    ) -> GradientProducts:
        rows, hidden = y_NH.shape
        (r_NH, z_NH), n_NH = kept[0].chunk(2, 1), kept[1]
        f_N3H = work.take("factors", rows, 3, hidden)
        keep_NH, rh_NH = work.take("keep", rows, hidden), work.take("reset", rows, hidden)
        ar_NH, az_NH, an_NH = f_N3H.unbind(1)
        torch.add(y_NH.new_full((), 1.0), z_NH, alpha=-1, out=keep_NH)
        torch.mul(r_NH, before_NH, out=rh_NH)
        torch.addcmul(rh_NH, rh_NH, r_NH, value=-1, out=ar_NH)
        torch.sub(n_NH, before_NH, out=az_NH).mul_(z_NH).mul_(keep_NH)
        torch.mul(n_NH, n_NH, out=an_NH)
        torch.addcmul(z_NH, z_NH, an_NH, value=-1, out=an_NH)
        f_NG = f_N3H.view(rows, 3 * hidden)
        self._back_steps(f_N3H, f_NG, keep_NH, r_NH, gradients)
        return GradientProducts(f_NG, [(f_NG[:, : self.cut], before_NH), (f_NG[:, self.cut :], rh_NH)])

    def _back_steps(self, f_N3H: Tensor, f_NG: Tensor, keep_NH: Tensor, r_NH: Tensor, gradients: Gradients) -> None:
        weight_gates, weight_rx = self.weight_hh[: self.cut], self.weight_hh[self.cut :]
        (d_all,) = gradients.state
        reset_all = torch.empty_like(d_all)
        split = gradients.steps
        outputs = split(gradients.output_NH)
        d_BH, reset_BH = d_all[: len(outputs[0])].add_(outputs[0]), reset_all[: len(outputs[0])]
        for f_zn, f_n, f_r, f_rz, keep_BH, r_BH, more_BH in zip(
            split(f_N3H[:, 1:]),
            split(f_N3H[:, 2]),
            split(f_N3H[:, 0]),
            split(f_NG[:, : self.cut]),
            split(keep_NH),
            split(r_NH),
            [*outputs[1:], None],
            strict=True,
        ):
            f_zn.mul_(d_BH.unsqueeze(1))
            torch.mm(f_n, weight_rx, out=reset_BH)
            f_r.mul_(reset_BH)
            same = more_BH is not None and len(more_BH) == len(d_BH)
            if same:
                torch.addcmul(more_BH, d_BH, keep_BH, out=d_BH)  # pyright: ignore[reportArgumentType]
            else:
                d_BH.mul_(keep_BH)
            d_BH.addcmul_(reset_BH, r_BH).addmm_(f_rz, weight_gates)
            if more_BH is not None and not same:
                d_BH, reset_BH = d_all[: len(more_BH)].add_(more_BH), reset_all[: len(more_BH)]


class _GruAfter:
    """Equations (9), (10), (11') and (12); the input's rows in the order candidate, reset, update."""

    kept, spare = (2, 1, 1), ()

    def __init__(self, weights: CellWeights) -> None:
        hidden = weights.weight_hh.shape[1]
        assert weights.bias_hh is not None
        self.cut, self.weight_hh, self.inner = 2 * hidden, weights.weight_hh, weights.bias_hh
        self.weight_ih, self.bias = weights.weight_ih.roll(hidden, 0), weights.bias.roll(hidden, 0)
        self.weight_gates_T = self.weight_hh[: self.cut].T.contiguous()
        self.weight_rx_T = self.weight_hh[self.cut :].T.contiguous()

    def project(self, buffers: Sequence[Tensor], x_NI: Tensor) -> None:
        hidden = self.cut // 2
        torch.addmm(self.bias[hidden:], x_NI, self.weight_ih[hidden:].T, out=buffers[0])
        torch.addmm(self.bias[:hidden], x_NI, self.weight_ih[:hidden].T, alpha=2, beta=2, out=buffers[1])

    def walk(self, buffers: Sequence[list[Tensor]], y: list[Tensor], state: State, begin_BH: Tensor) -> Tensor:
        h_BH, gates_T, rx_T, inner_H = state[0], self.weight_gates_T, self.weight_rx_T, self.inner
        minus_one = rx_T.new_full((), -1.0)
        for rz_BG, n_BH, m_BH, y_BH in zip(*buffers, y, strict=True):
            h_BH = carried(h_BH, len(y_BH), begin_BH)
            r_BH, z_BH = rz_BG.addmm_(h_BH, gates_T).sigmoid_().chunk(2, 1)
            torch.addmm(inner_H, h_BH, rx_T, out=m_BH)
            n_BH.addcmul_(r_BH, m_BH, value=2).sigmoid_()
            torch.add(minus_one, n_BH, alpha=2, out=n_BH)
            h_BH = torch.lerp(h_BH, n_BH, z_BH, out=y_BH)
        return h_BH

    def back(
        self, kept: Sequence[Tensor], y_NH: Tensor, before_NH: Tensor, gradients: Gradients, work: Workspace
    ) -> GradientProducts:
        rows, hidden = y_NH.shape
        (r_NH, z_NH), n_NH, m_NH = kept[0].chunk(2, 1), kept[1], kept[2]
        f_N4H, keep_NH = work.take("factors", rows, 4, hidden), work.take("keep", rows, hidden)
        an_NH, ar_NH, az_NH, am_NH = f_N4H.unbind(1)
        torch.add(y_NH.new_full((), 1.0), z_NH, alpha=-1, out=keep_NH)
        torch.mul(n_NH, n_NH, out=an_NH)
        torch.addcmul(z_NH, z_NH, an_NH, value=-1, out=an_NH)
        torch.sub(n_NH, before_NH, out=az_NH).mul_(z_NH).mul_(keep_NH)
        torch.mul(an_NH, r_NH, out=am_NH)
        torch.mul(am_NH, m_NH, out=ar_NH)
        torch.addcmul(ar_NH, ar_NH, r_NH, value=-1, out=ar_NH)
        f_NG = f_N4H.view(rows, 4 * hidden)
        self._back_steps(f_N4H, f_NG[:, hidden:], keep_NH, gradients)
        return GradientProducts(f_NG[:, : 3 * hidden], [(f_NG[:, hidden:], before_NH)], f_NG[:, 3 * hidden :])

    def _back_steps(self, f_N4H: Tensor, f_NG: Tensor, keep_NH: Tensor, gradients: Gradients) -> None:
        (d_all,) = gradients.state
        split = gradients.steps
        outputs = split(gradients.output_NH)
        d_BH = d_all[: len(outputs[0])].add_(outputs[0])
        for f_B4H, f_BG, keep_BH, more_BH in zip(
            split(f_N4H), split(f_NG), split(keep_NH), [*outputs[1:], None], strict=True
        ):
            f_B4H.mul_(d_BH.unsqueeze(1))
            same = more_BH is not None and len(more_BH) == len(d_BH)
            if same:
                torch.addcmul(more_BH, d_BH, keep_BH, out=d_BH)  # pyright: ignore[reportArgumentType]
            else:
                d_BH.mul_(keep_BH)
            d_BH.addmm_(f_BG, self.weight_hh)
            if more_BH is not None and not same:
                d_BH = d_all[: len(more_BH)].add_(more_BH)


class _Lstm:
    """Equations (3) to (8). The memory is carried doubled, 2c, as its sigmoid wants it; ``kept`` holds 2c before."""

    kept, spare = (4, 1), (1,)

    def __init__(self, weights: CellWeights) -> None:
        hidden = weights.weight_hh.shape[1]
        self.weight_ih, self.weight_hh, _, _ = weights
        candidate = slice(2 * hidden, 3 * hidden)
        self.weight_hh_T = self.weight_hh.T.contiguous()
        self.weight_hh_T[:, candidate] *= 2
        self.bias, self.doubled_ih = weights.bias.clone(), self.weight_ih.clone()
        self.bias[candidate] *= 2
        self.doubled_ih[candidate] *= 2

    def project(self, buffers: Sequence[Tensor], x_NI: Tensor) -> None:
        torch.addmm(self.bias, x_NI, self.doubled_ih.T, out=buffers[0])

    def walk(self, buffers: Sequence[list[Tensor]], y: list[Tensor], state: State, begin_BH: Tensor) -> Tensor:
        h_BH, c_all = state
        minus_one = h_BH.new_full((), -1.0)
        for a_BG, before_BH, t_BH, y_BH in zip(*buffers, y, strict=True):
            h_BH = carried(h_BH, len(y_BH), begin_BH)
            c_BH = c_all[: len(y_BH)]
            i_BH, f_BH, g_BH, o_BH = a_BG.addmm_(h_BH, self.weight_hh_T).sigmoid_().chunk(4, 1)
            before_BH.copy_(c_BH)
            torch.add(minus_one, g_BH, alpha=2, out=g_BH)
            c_BH.mul_(f_BH).addcmul_(i_BH, g_BH, value=2)
            torch.sigmoid(c_BH, out=t_BH)
            torch.add(minus_one, t_BH, alpha=2, out=t_BH)
            h_BH = torch.mul(o_BH, t_BH, out=y_BH)
        return h_BH

    def back(
        self, kept: Sequence[Tensor], y_NH: Tensor, before_NH: Tensor, gradients: Gradients, work: Workspace
    ) -> GradientProducts:
        rows, hidden = y_NH.shape
        i_NH, f_NH, g_NH, o_NH = kept[0].chunk(4, 1)
        f_N4H, t_NH = work.take("factors", rows, 4, hidden), work.take("memory", rows, hidden)
        ac_NH = work.take("through", rows, hidden)
        ai_NH, af_NH, ag_NH, ao_NH = f_N4H.unbind(1)
        torch.mul(f_NH, kept[1], out=af_NH)
        torch.mul(i_NH, g_NH, out=ai_NH)
        torch.add(af_NH, ai_NH, alpha=2, out=t_NH).sigmoid_()
        torch.add(y_NH.new_full((), -1.0), t_NH, alpha=2, out=t_NH)
        torch.addcmul(af_NH, af_NH, f_NH, value=-1, out=af_NH).mul_(0.5)
        torch.addcmul(i_NH, ai_NH, g_NH, value=-1, out=ag_NH)
        torch.addcmul(ai_NH, ai_NH, i_NH, value=-1, out=ai_NH)
        torch.addcmul(o_NH, y_NH, t_NH, value=-1, out=ac_NH)
        torch.addcmul(y_NH, y_NH, o_NH, value=-1, out=ao_NH)
        f_NG = f_N4H.view(rows, 4 * hidden)
        self._back_steps(f_N4H, f_NG, ac_NH, f_NH, gradients)
        return GradientProducts(f_NG, [(f_NG, before_NH)])

    def _back_steps(self, f_N4H: Tensor, f_NG: Tensor, ac_NH: Tensor, forget_NH: Tensor, gradients: Gradients) -> None:
        d_all, dc_all = gradients.state
        split = gradients.steps
        outputs = split(gradients.output_NH)
        d_BH, dc_BH = d_all[: len(outputs[0])].add_(outputs[0]), dc_all[: len(outputs[0])]
        for f_ifg, f_o, f_BG, ac_BH, forget_BH, more_BH in zip(
            split(f_N4H[:, :3]),
            split(f_N4H[:, 3]),
            split(f_NG),
            split(ac_NH),
            split(forget_NH),
            [*outputs[1:], None],
            strict=True,
        ):
            dc_BH.addcmul_(d_BH, ac_BH)
            f_ifg.mul_(dc_BH.unsqueeze(1))
            f_o.mul_(d_BH)
            dc_BH.mul_(forget_BH)
            if more_BH is not None and len(more_BH) == len(d_BH):
                torch.addmm(more_BH, f_BG, self.weight_hh, out=d_BH)
                continue
            torch.mm(f_BG, self.weight_hh, out=d_BH)
            if more_BH is not None:
                d_BH, dc_BH = d_all[: len(more_BH)].add_(more_BH), dc_all[: len(more_BH)]
