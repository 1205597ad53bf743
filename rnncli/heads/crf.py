"""A linear-chain conditional random field (Lafferty, McCallum & Pereira 2001) on the scores of any encoder.

The probability of tags y for a sequence of length T is ``exp(s(y)) / sum_y' exp(s(y'))`` with
``s(y) = start[y_1] + sum_t score_t[y_t] + sum_t transition[y_(t-1), y_t] + end[y_T]``. Everything is in logarithms, and
each step's scores are shifted to a maximum of 0, which changes no probability, so that scores of any size are safe in
fp32. Shape letters: B batch, T time, K tags, N sequences that go on, P valid steps of the batch.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from rnncli.heads.chain import ChainLayout, ChainWeights, log_nodes, sums


class CRF(nn.Module):
    """Scores of tags to a loss, to the best tags, and to marginal probabilities.

    ``allowed_KK[i, j]`` says whether tag j may follow tag i, ``allowed_start_K`` and ``allowed_end_K`` say which tags
    may be first and last; None allows all. What is forbidden has probability 0 in training and in decoding.
    """

    allowed_KK: Tensor
    allowed_start_K: Tensor
    allowed_end_K: Tensor

    def __init__(
        self,
        tags: int,
        *,
        allowed_KK: Tensor | None = None,
        allowed_start_K: Tensor | None = None,
        allowed_end_K: Tensor | None = None,
    ) -> None:
        super().__init__()
        self.transition_KK = nn.Parameter(torch.zeros(tags, tags))
        self.start_K, self.end_K = nn.Parameter(torch.zeros(tags)), nn.Parameter(torch.zeros(tags))
        for name, mask, shape in (
            ("allowed_KK", allowed_KK, (tags, tags)),
            ("allowed_start_K", allowed_start_K, (tags,)),
            ("allowed_end_K", allowed_end_K, (tags,)),
        ):
            mask = torch.ones(shape, dtype=torch.bool) if mask is None else mask.bool()
            if mask.shape != shape:
                raise ValueError(f"{name} of shape {tuple(mask.shape)}, not {shape}")
            self.register_buffer(name, mask, persistent=False)

    def loss(self, scores_BTK: Tensor, tags_BT: Tensor, lengths_B: Tensor) -> Tensor:
        """Minus the log probability of each sequence's tags, (B,), in fp32 or finer.

        It is 0 for a sequence without steps and infinite for tags that are forbidden; tags in the padding are not read.
        """
        weights = self._weights(scores_BTK)
        layout = ChainLayout(lengths_B, weights.scores_BTK)
        return _NegativeLogLikelihood.apply(*weights, tags_BT, layout)

    def log_partition(self, scores_BTK: Tensor, lengths_B: Tensor) -> Tensor:
        """``log sum_y exp(s(y))`` of each sequence, (B,), with gradients; 0 of one without steps."""
        tags_BT = self.best(scores_BTK, lengths_B)
        weights, lengths_B = self._weights(scores_BTK), lengths_B.to(scores_BTK.device)
        inside_BT = torch.arange(tags_BT.shape[1], device=tags_BT.device) < lengths_B[:, None]
        step_BT = weights.scores_BTK.gather(-1, tags_BT[..., None]).squeeze(-1)
        pair_BS = weights.transition_KK[tags_BT[:, :-1], tags_BT[:, 1:]].masked_fill(~inside_BT[:, 1:], 0)
        last_B = tags_BT.gather(1, (lengths_B - 1).clamp(min=0)[:, None]).squeeze(1)
        ends_B = (weights.start_K[tags_BT[:, 0]] + weights.end_K[last_B]).masked_fill(lengths_B == 0, 0)
        path_B = step_BT.masked_fill(~inside_BT, 0).sum(1) + pair_BS.sum(1) + ends_B
        return path_B + self.loss(scores_BTK, tags_BT, lengths_B.cpu())

    @torch.no_grad()
    def best(self, scores_BTK: Tensor, lengths_B: Tensor) -> Tensor:
        """The most probable tags of each sequence as a whole (Viterbi 1967), (B, T) int64, 0 in the padding."""
        weights = self._weights(scores_BTK)
        layout = ChainLayout(lengths_B, weights.scores_BTK)
        return layout.padded(_viterbi(weights, layout)[:, None]).squeeze(-1)

    @torch.no_grad()
    def marginals(self, scores_BTK: Tensor, lengths_B: Tensor) -> Tensor:
        """The probability of each tag at each step, (B, T, K), 0 in the padding."""
        weights = self._weights(scores_BTK)
        layout = ChainLayout(lengths_B, weights.scores_BTK)
        nodes_PK = sums(weights, layout, layout.rows(weights.scores_BTK)).nodes()
        return layout.padded(nodes_PK.to(weights.scores_BTK.dtype))

    def log_marginals(self, scores_BTK: Tensor, lengths_B: Tensor) -> Tensor:
        """The log probability of each tag at each step, with gradients, one row a step of all sequences, (P, K).

        Those of the first sequence come first. What cannot be is very small, and not minus infinity.
        """
        weights = self._weights(scores_BTK)
        layout = ChainLayout(lengths_B, weights.scores_BTK)
        rows_PK = log_nodes(weights, layout, layout.rows(weights.scores_BTK))
        return rows_PK[layout.source_P.argsort()].to(weights.scores_BTK.dtype)

    @torch.no_grad()
    def shares(self, scores_BTK: Tensor, tags_BT: Tensor, lengths_B: Tensor) -> tuple[Tensor, Tensor]:
        """The probability of each tag by itself, and that given the tag before it, (B, T) each, 0 in the padding.

        The product of the first of some neighbouring steps by itself and the others given the one before is the
        probability that all of them have these tags.
        """
        weights = self._weights(scores_BTK)
        layout = ChainLayout(lengths_B, weights.scores_BTK)
        found = sums(weights, layout, layout.rows(weights.scores_BTK))
        tags_P = tags_BT.reshape(-1).index_select(0, layout.source_P)
        alone_P = found.nodes().gather(1, tags_P[:, None]).squeeze(1)
        given_P = alone_P.clone()
        pair_Q = found.pair(tags_P[layout.earlier_Q], tags_P[layout.later_Q])
        least = torch.finfo(alone_P.dtype).tiny
        given_P[layout.later_Q] = (pair_Q / alone_P[layout.earlier_Q].clamp(min=least)).clamp(max=1)
        both_BT2 = layout.padded(torch.stack([alone_P, given_P], 1).to(weights.scores_BTK.dtype))
        return both_BT2[..., 0], both_BT2[..., 1]

    def _weights(self, scores_BTK: Tensor) -> ChainWeights:
        """All scores in fp32 or finer, what is forbidden at minus infinity."""
        if scores_BTK.dim() != 3 or scores_BTK.shape[-1] != len(self.start_K):
            raise ValueError(f"scores of shape {tuple(scores_BTK.shape)}, not (batch, time, {len(self.start_K)})")
        kept = torch.promote_types(scores_BTK.dtype, torch.float32)
        return ChainWeights(
            scores_BTK.to(kept),
            self.transition_KK.to(kept).masked_fill(~self.allowed_KK, -torch.inf),
            self.start_K.to(kept).masked_fill(~self.allowed_start_K, -torch.inf),
            self.end_K.to(kept).masked_fill(~self.allowed_end_K, -torch.inf),
        )


class _NegativeLogLikelihood(torch.autograd.Function):
    """``log Z - s(y)`` of each sequence; its gradient is the expected counts under the model minus those of y."""

    @staticmethod
    def forward(  # pyright: ignore[reportIncompatibleMethodOverride]
        ctx: Any,
        scores_BTK: Tensor,
        transition_KK: Tensor,
        start_K: Tensor,
        end_K: Tensor,
        tags_BT: Tensor,
        layout: ChainLayout,
    ) -> Tensor:
        weights = ChainWeights(scores_BTK, transition_KK, start_K, end_K)
        rows_PK = layout.rows(scores_BTK)
        tags_P = tags_BT.reshape(-1).index_select(0, layout.source_P)
        ctx.layout, ctx.sums, ctx.dtype = layout, sums(weights, layout, rows_PK), scores_BTK.dtype
        ctx.save_for_backward(tags_P)
        nll_B = scores_BTK.new_zeros(layout.batch)
        if layout.active:
            found_B = ctx.sums.log_z() - _path(weights, layout, rows_PK, tags_P)
            nll_B[layout.order_B[: len(found_B)]] = found_B.to(nll_B.dtype)
        return nll_B

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_B: Tensor) -> tuple[Tensor | None, ...]:  # pyright: ignore[reportIncompatibleMethodOverride]
        layout: ChainLayout = ctx.layout
        (tags_P,) = ctx.saved_tensors
        node_PK = ctx.sums.nodes()
        grad_P = grad_B[layout.order_B][layout.place_P].to(node_PK.dtype)
        node_PK.scatter_add_(1, tags_P[:, None], node_PK.new_full((len(tags_P), 1), -1.0)).mul_(grad_P[:, None])
        pair_KK = ctx.sums.pairs(grad_P[layout.later_Q])
        pairs_Q = tags_P[layout.earlier_Q] * len(pair_KK) + tags_P[layout.later_Q]
        pair_KK.view(-1).index_add_(0, pairs_Q, -grad_P[layout.later_Q])
        found = node_PK, pair_KK, node_PK[: layout.first].sum(0), node_PK[layout.last_B].sum(0)
        rows_PK, *others = (part.to(ctx.dtype) for part in found)
        return layout.padded(rows_PK), *others, None, None


def _path(weights: ChainWeights, layout: ChainLayout, rows_PK: Tensor, tags_P: Tensor) -> Tensor:
    """The score of the given tags, for the sequences that have steps, the longest first."""
    step_P = rows_PK.gather(1, tags_P[:, None]).squeeze(1)
    step_P[layout.later_Q] += weights.transition_KK[tags_P[layout.earlier_Q], tags_P[layout.later_Q]]
    score_B = weights.start_K[tags_P[: layout.first]] + weights.end_K[tags_P[layout.last_B]]
    return score_B.index_add(0, layout.place_P, step_P)


def _viterbi(weights: ChainWeights, layout: ChainLayout) -> Tensor:
    """The best tags, (P,)."""
    rows_PK = layout.rows(weights.scores_BTK)
    tags_P = torch.zeros(len(rows_PK), dtype=torch.int64, device=rows_PK.device)
    if not layout.active:
        return tags_P
    steps, tags = rows_PK.split(layout.active), tags_P.split(layout.active)
    best = [steps[0] + weights.start_K]
    count, into_KK = len(weights.start_K), weights.transition_KK.T.contiguous()
    room = rows_PK.new_empty(count * layout.first * count)
    for t, active in enumerate(layout.active[1:], start=1):
        # By the tag that is left first, since a maximum over the outermost is the fastest. The largest alone, without
        # the place where it was: that is looked for afterwards, on the best path only.
        arriving_KNK = room[: count * active * count].view(count, active, count)
        torch.add(best[-1][:active].T.unsqueeze(2), weights.transition_KK.unsqueeze(1), out=arriving_KNK)
        best.append(arriving_KNK.amax(0).add_(steps[t]))
    for t in reversed(range(len(steps))):
        going = layout.active[t + 1] if t + 1 < len(steps) else 0
        tags[t][going:] = (best[t][going:] + weights.end_K).argmax(-1)
        if going:
            tags[t][:going] = (best[t][:going] + into_KK[tags[t + 1]]).argmax(-1)
    return tags_P
