"""Sums over all tag sequences of a batch at once: forward and backward recursions of a linear chain (Rabiner 1989).

Shape letters: B batch, T time, K tags, P valid steps of the batch, Q those of them that have a step before.
"""

from __future__ import annotations

from functools import cached_property
from typing import NamedTuple, Protocol

import torch
from torch import Tensor

MOST_ELEMENTS = 1 << 21
"""Elements of pairs (Q, K, K) that are held at once."""
SCALED = 4
"""Steps after which products are scaled anew."""


class ChainWeights(NamedTuple):
    """Scores of a chain; minus infinity is forbidden."""

    scores_BTK: Tensor
    transition_KK: Tensor
    start_K: Tensor
    end_K: Tensor


class ChainLayout:
    """The valid steps of a batch as P rows: time after time, at each time the longest sequence first.

    So ``active[t]`` rows of time t stand together, and the first ``active[t + 1]`` of them go on.
    """

    def __init__(self, lengths_B: Tensor, scores_BTK: Tensor) -> None:
        self.batch, self.steps, _ = scores_BTK.shape
        lengths_B = lengths_B.to("cpu", torch.int64)
        if lengths_B.shape != (self.batch,) or bool(((lengths_B < 0) | (lengths_B > self.steps)).any()):
            raise ValueError(f"lengths {lengths_B.tolist()} do not fit scores of shape {tuple(scores_BTK.shape)}")
        sorted_B, order_B = lengths_B.sort(descending=True, stable=True)
        active_T = (torch.arange(self.steps)[:, None] < sorted_B).sum(1)
        self.active: list[int] = active_T[active_T > 0].tolist()
        first = self.active[0] if self.active else 0
        starts_T = torch.cumsum(active_T, 0) - active_T
        time_P = torch.repeat_interleave(torch.arange(self.steps), active_T)
        self.place_P = torch.arange(len(time_P)) - starts_T[time_P]
        mirror_P = starts_T[sorted_B[self.place_P] - 1 - time_P] + self.place_P
        self.first, self.last_B = first, starts_T[sorted_B[:first] - 1] + torch.arange(first)
        self.later_Q = torch.arange(first, len(time_P))
        self.earlier_Q = starts_T[time_P[first:] - 1] + self.place_P[first:]
        source_P = order_B[self.place_P] * self.steps + time_P
        device = scores_BTK.device
        self.lengths_B = sorted_B[:first].to(device)
        self.order_B, self.place_P, self.mirror_P = order_B.to(device), self.place_P.to(device), mirror_P.to(device)
        self.last_B, self.later_Q, self.earlier_Q, self.source_P = (
            index.to(device) for index in (self.last_B, self.later_Q, self.earlier_Q, source_P)
        )

    def rows(self, x_BTK: Tensor) -> Tensor:
        """The valid steps, (P, K), shifted to a maximum of 0."""
        rows_PK = x_BTK.reshape(-1, x_BTK.shape[-1]).index_select(0, self.source_P)
        return rows_PK - rows_PK.amax(-1, keepdim=True)

    def padded(self, x_PK: Tensor) -> Tensor:
        """Rows back in the batch's own order, (B, T, K), 0 in the padding."""
        found = x_PK.new_zeros(self.batch * self.steps, x_PK.shape[-1])
        found.index_copy_(0, self.source_P, x_PK)
        return found.view(self.batch, self.steps, x_PK.shape[-1])


class ChainSums(Protocol):
    """What training and marginals want of a batch."""

    def log_z(self) -> Tensor:
        """The log sum over all sequences of tags, for the sequences that have steps, the longest first."""
        ...

    def nodes(self) -> Tensor:
        """The probability of each tag at each step, (P, K)."""
        ...

    def pairs(self, weights_Q: Tensor) -> Tensor:
        """The probabilities of pairs of neighbouring tags, summed with the weights of their later steps, (K, K)."""
        ...

    def pair(self, earlier_Q: Tensor, later_Q: Tensor) -> Tensor:
        """The probability of one tag at each step that has a step before and another at that one, (Q,)."""
        ...


def sums(weights: ChainWeights, layout: ChainLayout, rows_PK: Tensor) -> ChainSums:
    """Sums of products where no product is too small for a float, else sums of logarithms, several times slower."""
    products = ChainProducts(weights, layout, rows_PK)
    return products if products.exact() else Logarithms(weights, layout, rows_PK)


def log_nodes(weights: ChainWeights, layout: ChainLayout, rows_PK: Tensor) -> Tensor:
    """The log probability of each tag at each step, (P, K), with gradients; very small where it is 0.

    Forward and backward products in fp64, those of a step divided by the largest, of which gradients need not know: a
    factor of all tags of a step changes no probability there.
    """
    kind = torch.float32 if rows_PK.device.type == "mps" else torch.float64  # which mps does not have
    least = torch.finfo(kind).tiny
    if not layout.active:
        return rows_PK.to(kind)
    start_K, end_K, pair_KK = (
        (part - part.detach().max()).to(kind).exp() for part in (weights.start_K, weights.end_K, weights.transition_KK)
    )
    pair_2KK, step_PK = torch.stack([pair_KK, pair_KK.T]), rows_PK.to(kind).exp().clamp(min=least)
    steps = torch.stack([step_PK, step_PK[layout.mirror_P]]).split(layout.active, 1)
    found = [_scaled(steps[0] * torch.stack([start_K, end_K]).unsqueeze(1), least)]
    for t, active in enumerate(layout.active[1:], start=1):
        found.append(_scaled(torch.bmm(found[-1][:, :active], pair_2KK) * steps[t], least))
    both_2PK = torch.cat(found, 1)
    product_PK = both_2PK[0] / step_PK * both_2PK[1, layout.mirror_P]
    return (product_PK / product_PK.sum(-1, keepdim=True).clamp(min=least)).clamp(min=least).log()


def _scaled(x_2NK: Tensor, least: float) -> Tensor:
    return x_2NK / x_2NK.detach().amax(-1, keepdim=True).clamp(min=least)


class ChainProducts:
    """Probabilities themselves, scaled now and then to a maximum of 1, so that a step is one small matrix product.

    Products that fall below the range of floats are lost. That matters where others, which are not lost here, come to
    nothing later, as :meth:`exact` finds out: in fp64 that takes scores that differ by hundreds.
    """

    def __init__(self, weights: ChainWeights, layout: ChainLayout, rows_PK: Tensor) -> None:
        self.layout, self.weights = layout, weights
        kind = torch.float32 if rows_PK.device.type == "mps" else torch.float64  # which mps does not have
        # What is lost is below tiny beside a maximum of ``least`` or more, and what is kept comes to as much.
        self.least, tiny = (1e-15, 1e-37) if kind == torch.float32 else (1e-140, 1e-307)
        start_K, end_K, transition_KK = (
            part.to(kind) for part in (weights.start_K, weights.end_K, weights.transition_KK)
        )
        self.offsets = start_K.max(), end_K.max(), transition_KK.max()
        self.ends_2K = torch.stack([(start_K - self.offsets[0]).exp(), (end_K - self.offsets[1]).exp()])
        self.pair_KK = (transition_KK - self.offsets[2]).exp()
        step_2PK = torch.empty(2, *rows_PK.shape, dtype=kind, device=rows_PK.device)
        self.step_PK = torch.exp(rows_PK.to(kind), out=step_2PK[0]).clamp_(min=tiny)
        torch.index_select(self.step_PK, 0, layout.mirror_P, out=step_2PK[1])
        both_2PK, self.scale_2P = self._recursion(step_2PK)
        self.before_PK, self.after_PK = both_2PK[0], both_2PK[1].index_select(0, layout.mirror_P)

    def exact(self) -> bool:
        """Whether all that was lost is nothing beside what was kept, at every step."""
        return bool((self._sums >= self.least).all() & (self.scale_2P >= self.least).all())

    def log_z(self) -> Tensor:
        """See :class:`ChainSums`."""
        start, end, transition = self.offsets
        steps_B = self.layout.lengths_B - 1
        total_B = (self.before_PK[self.layout.last_B] * self.ends_2K[1]).sum(-1)
        log_B = total_B.log() + start + end + transition * steps_B
        return log_B.index_add(0, self.layout.place_P, self.scale_2P[0].log())

    def nodes(self) -> Tensor:
        """See :class:`ChainSums`."""
        return self._products / self._sums[:, None]

    def pairs(self, weights_Q: Tensor) -> Tensor:
        """See :class:`ChainSums`."""
        later_QK = self.after_PK[self.layout.first :] * (weights_Q / self._pair_sums)[:, None]
        return self.pair_KK * (self.before_PK.index_select(0, self.layout.earlier_Q).T @ later_QK)

    def pair(self, earlier_Q: Tensor, later_Q: Tensor) -> Tensor:
        """See :class:`ChainSums`."""
        before_Q = self.before_PK[self.layout.earlier_Q, earlier_Q]
        after_Q = self.after_PK[self.layout.later_Q, later_Q]
        return before_Q * after_Q * self.pair_KK[earlier_Q, later_Q] / self._pair_sums

    @cached_property
    def _products(self) -> Tensor:
        return (self.before_PK / self.step_PK).mul_(self.after_PK)

    @cached_property
    def _sums(self) -> Tensor:
        return self._products.sum(-1)

    @cached_property
    def _pair_sums(self) -> Tensor:
        """What all pairs of a step and the one before come to: that step's own sum, before it was scaled."""
        return (self._sums * self.scale_2P[0])[self.layout.first :]

    def _recursion(self, step_2PK: Tensor) -> tuple[Tensor, Tensor]:
        """The forward recursion on sequences and, with transitions turned round, on reversed ones, (2, P, K).

        Also by what the steps were divided, (2, P).
        """
        found_2PK, scale_2P = torch.empty_like(step_2PK), torch.ones_like(step_2PK[..., 0])
        if not self.layout.active:
            return found_2PK, scale_2P
        pair_2KK = torch.stack([self.pair_KK, self.pair_KK.T])
        steps, found = step_2PK.split(self.layout.active, 1), found_2PK.split(self.layout.active, 1)
        scales = scale_2P.split(self.layout.active, 1)
        before_2NK = self.ends_2K.unsqueeze(1)
        for t, active in enumerate(self.layout.active):
            if t:
                before_2NK = torch.bmm(found[t - 1][:, :active], pair_2KK)
            torch.mul(before_2NK, steps[t], out=found[t])
            if t % SCALED == 0:
                torch.amax(found[t], -1, out=scales[t])
                found[t].div_(scales[t].unsqueeze(-1))
        return found_2PK, scale_2P


class Logarithms:
    """Logarithms of sums, exact for scores of any size."""

    def __init__(self, weights: ChainWeights, layout: ChainLayout, rows_PK: Tensor) -> None:
        self.weights, self.layout, self.rows_PK = weights, layout, rows_PK
        self.before_PK, self.from_PK = self._recursion()
        self.after_PK = self.from_PK - rows_PK
        self.total_P = torch.logsumexp(self.before_PK + self.after_PK, -1)

    def log_z(self) -> Tensor:
        """See :class:`ChainSums`."""
        return torch.logsumexp(self.before_PK[self.layout.last_B] + self.weights.end_K, -1)

    def nodes(self) -> Tensor:
        """See :class:`ChainSums`."""
        return (self.before_PK + self.after_PK - self.total_P[:, None]).exp()

    def pairs(self, weights_Q: Tensor) -> Tensor:
        """See :class:`ChainSums`."""
        transition_KK = self.weights.transition_KK
        sum_KK = torch.zeros_like(transition_KK)
        size = max(1, MOST_ELEMENTS // transition_KK.numel())
        parts = (part.split(size) for part in (self.layout.earlier_Q, self.layout.later_Q, weights_Q))
        for earlier_Q, later_Q, weight_Q in zip(*parts, strict=True):
            from_QK = self.from_PK[later_Q] - self.total_P[later_Q, None]
            pair_QKK = self.before_PK[earlier_Q].unsqueeze(2) + transition_KK + from_QK.unsqueeze(1)
            sum_KK += torch.einsum("q,qij->ij", weight_Q, pair_QKK.exp_())
        return sum_KK

    def pair(self, earlier_Q: Tensor, later_Q: Tensor) -> Tensor:
        """See :class:`ChainSums`."""
        before_QK, from_QK = self.before_PK[self.layout.earlier_Q], self.from_PK[self.layout.later_Q]
        ends_Q = before_QK.gather(1, earlier_Q[:, None]) + from_QK.gather(1, later_Q[:, None])
        pair_Q = self.weights.transition_KK[earlier_Q, later_Q]
        return (ends_Q.squeeze(1) + pair_Q - self.total_P[self.layout.later_Q]).exp()

    def _recursion(self) -> tuple[Tensor, Tensor]:
        """Log sums over the tags up to each step and from each step on, (P, K) each, both with the step's own score."""
        weights, layout = self.weights, self.layout
        if not layout.active:
            return self.rows_PK, self.rows_PK
        transition_2KK = torch.stack([weights.transition_KK, weights.transition_KK.T]).unsqueeze(1)
        steps = torch.stack([self.rows_PK, self.rows_PK[layout.mirror_P]]).split(layout.active, 1)
        found = [steps[0] + torch.stack([weights.start_K, weights.end_K]).unsqueeze(1)]
        for t in range(1, len(steps)):
            before_2NK1 = found[-1][:, : layout.active[t]].unsqueeze(-1)
            found.append(torch.logsumexp(before_2NK1 + transition_2KK, 2) + steps[t])
        both_2PK = torch.cat(found, 1)
        return both_2PK[0], both_2PK[1, layout.mirror_P]
