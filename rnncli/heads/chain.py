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


class Weights(NamedTuple):
    """Scores of a chain; minus infinity is forbidden."""

    scores_BTK: Tensor
    transition_KK: Tensor
    start_K: Tensor
    end_K: Tensor


class Layout:
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
        self.time_P, self.lengths_B = time_P.to(device), sorted_B[:first].to(device)
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
        found[self.source_P] = x_PK
        return found.view(self.batch, self.steps, x_PK.shape[-1])


class Sums(Protocol):
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


def sums(weights: Weights, layout: Layout, rows_PK: Tensor) -> Sums:
    """Sums of products where no product is too small for a float, else sums of logarithms, several times slower."""
    products = Products(weights, layout, rows_PK)
    return products if products.exact() else Logarithms(weights, layout, rows_PK)


class Products:
    """Probabilities themselves, each step's scaled to a maximum of 1, so that a step is one small matrix product.

    Products that fall below the range of floats are lost, which :meth:`exact` finds out. In fp64 that takes scores that
    differ by hundreds.
    """

    def __init__(self, weights: Weights, layout: Layout, rows_PK: Tensor) -> None:
        self.layout, self.given = layout, weights
        kind = torch.float32 if rows_PK.device.type == "mps" else torch.float64  # which mps does not have
        self.least = 1e-30 if kind == torch.float32 else 1e-280
        start_K, end_K, transition_KK = (
            part.to(kind) for part in (weights.start_K, weights.end_K, weights.transition_KK)
        )
        self.offsets = start_K.max(), end_K.max(), transition_KK.max()
        self.ends_2K = torch.stack([(start_K - self.offsets[0]).exp(), (end_K - self.offsets[1]).exp()])
        self.pair_KK = (transition_KK - self.offsets[2]).exp()
        self.step_PK = rows_PK.to(kind).exp()
        both_2PK, scale_2P = self._recursion(torch.stack([self.step_PK, self.step_PK[layout.mirror_P]]))
        self.before_PK, self.after_PK = both_2PK[0], both_2PK[1, layout.mirror_P]
        self.log_scale_P = scale_2P[0].log()

    def exact(self) -> bool:
        """Whether nothing of what is allowed has come near the smallest float."""
        if not self.layout.active:
            return True
        small = torch.stack([self.before_PK, self.after_PK[self.layout.mirror_P]]) < self.least
        return not bool((small & self._reachable).any() | (self._total < self.least).any())

    def log_z(self) -> Tensor:
        """See :class:`Sums`."""
        start, end, transition = self.offsets
        steps_B = self.layout.lengths_B - 1
        log_B = self._total.log() + start + end + transition * steps_B
        return log_B.index_add(0, self.layout.place_P, self.log_scale_P)

    def nodes(self) -> Tensor:
        """See :class:`Sums`."""
        product_PK = self.before_PK * (self.after_PK / self.step_PK)
        return product_PK / product_PK.sum(-1, keepdim=True)

    def pairs(self, weights_Q: Tensor) -> Tensor:
        """See :class:`Sums`."""
        earlier_QK, later_QK = self.before_PK[self.layout.earlier_Q], self.after_PK[self.layout.later_Q]
        total_Q = ((earlier_QK @ self.pair_KK) * later_QK).sum(-1)
        return self.pair_KK * (earlier_QK.T @ (later_QK * (weights_Q / total_Q)[:, None]))

    def pair(self, earlier_Q: Tensor, later_Q: Tensor) -> Tensor:
        """See :class:`Sums`."""
        earlier_QK, later_QK = self.before_PK[self.layout.earlier_Q], self.after_PK[self.layout.later_Q]
        total_Q = ((earlier_QK @ self.pair_KK) * later_QK).sum(-1)
        both_Q = earlier_QK.gather(1, earlier_Q[:, None]) * later_QK.gather(1, later_Q[:, None])
        return both_Q.squeeze(1) * self.pair_KK[earlier_Q, later_Q] / total_Q

    @cached_property
    def _total(self) -> Tensor:
        return (self.before_PK[self.layout.last_B] * self.ends_2K[1]).sum(-1)

    @cached_property
    def _reachable(self) -> Tensor:
        """Which tags the rules allow at each step, in both directions, (2, P, K)."""
        allowed_2KK = torch.stack([self.pair_KK, self.pair_KK.T]) > 0
        now_2K = self.ends_2K > 0
        found = [now_2K]
        for _ in self.layout.active[1:]:
            next_2K = (now_2K.unsqueeze(-1) & allowed_2KK).any(1)
            if bool((next_2K == now_2K).all()):
                break
            found.append(now_2K := next_2K)
        time_P = self.layout.time_P.clamp(max=len(found) - 1)
        return torch.stack(found, 1)[:, time_P]

    def _recursion(self, step_2PK: Tensor) -> tuple[Tensor, Tensor]:
        """The forward recursion on sequences and, with transitions turned round, on reversed ones; and its scales."""
        if not self.layout.active:
            return step_2PK, step_2PK[..., 0]
        pair_2KK = torch.stack([self.pair_KK, self.pair_KK.T])
        found_2PK, scale_2P = torch.empty_like(step_2PK), torch.empty_like(step_2PK[..., 0])
        steps, found = step_2PK.split(self.layout.active, 1), found_2PK.split(self.layout.active, 1)
        scales = scale_2P.split(self.layout.active, 1)
        before_2NK = self.ends_2K.unsqueeze(1)
        for t, active in enumerate(self.layout.active):
            if t:
                before_2NK = torch.bmm(found[t - 1][:, :active], pair_2KK)
            torch.mul(before_2NK, steps[t], out=found[t])
            torch.amax(found[t], -1, out=scales[t])
            found[t].div_(scales[t].unsqueeze(-1))
        return found_2PK, scale_2P


class Logarithms:
    """Logarithms of sums, exact for scores of any size."""

    def __init__(self, weights: Weights, layout: Layout, rows_PK: Tensor) -> None:
        self.weights, self.layout, self.rows_PK = weights, layout, rows_PK
        self.before_PK, self.from_PK = self._recursion()
        self.after_PK = self.from_PK - rows_PK
        self.total_P = torch.logsumexp(self.before_PK + self.after_PK, -1)

    def log_z(self) -> Tensor:
        """See :class:`Sums`."""
        return torch.logsumexp(self.before_PK[self.layout.last_B] + self.weights.end_K, -1)

    def nodes(self) -> Tensor:
        """See :class:`Sums`."""
        return (self.before_PK + self.after_PK - self.total_P[:, None]).exp()

    def pairs(self, weights_Q: Tensor) -> Tensor:
        """See :class:`Sums`."""
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
        """See :class:`Sums`."""
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
