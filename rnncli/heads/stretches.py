"""How probable it is that CTC writes just some labels within a stretch of frames, with gradients.

Frames are independent under CTC, so that a stretch is read by itself: the probability is the sum over all paths of its
frames that collapse to the labels (Graves et al. 2006). Shape letters: N rows, T frames, W frames of the longest
stretch, V labels and blank, S target length, J sequences.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from rnncli.heads.ctc import BLANK, frames_needed

LEAST = 1e-15
"""A probability is no nearer to 1 than this."""
IMPOSSIBLE = -1e4
"""The log probability of what cannot be."""


@dataclass(frozen=True)
class LabelStretch:
    """The frames from ``begin`` to ``end``, and the label ``sequences`` any of which they may be read as."""

    begin: int
    end: int
    sequences: tuple[tuple[int, ...], ...]

    @property
    def fits(self) -> bool:
        """Whether there are frames enough for any of them."""
        return any(frames_needed(one) <= self.end - self.begin for one in self.sequences)


def between(begins: Sequence[int], ends: Sequence[int], frames: int) -> list[tuple[int, int]]:
    """The stretches of words that take the frames from ``begins`` to ``ends``, which meet midway between two words."""
    cuts = [(end + begin) // 2 for end, begin in zip(ends[:-1], begins[1:], strict=True)]
    return list(zip([0, *cuts], [*cuts, frames], strict=True)) if begins else []


def with_spaces(labels: tuple[int, ...], spaces: Sequence[int]) -> tuple[tuple[int, ...], ...]:
    """The labels, and the same with any of ``spaces`` before them, behind them, or both."""
    sides = [(), *((space,) for space in spaces)]
    return tuple((*before, *labels, *behind) for before in sides for behind in sides)


def written_log_odds(logits_NTV: Tensor, stretches: Sequence[LabelStretch]) -> Tensor:
    """The log-odds that each stretch is read as one of its sequences and as nothing else, (N,) float64."""
    return log_odds(written_log_probs(logits_NTV, stretches))


def written_log_probs(logits_NTV: Tensor, stretches: Sequence[LabelStretch]) -> Tensor:
    """The log probabilities of the same, (N,) float64."""
    sizes_N = torch.tensor([one.end - one.begin for one in stretches])
    begins_N1 = torch.tensor([[one.begin] for one in stretches])
    at_NW = (begins_N1 + torch.arange(int(sizes_N.max()))).clamp(max=logits_NTV.shape[1] - 1).to(logits_NTV.device)
    some_NWV = logits_NTV.double().gather(1, at_NW[..., None].expand(-1, -1, logits_NTV.shape[2]))
    log_probs_WNV = some_NWV.log_softmax(-1).transpose(0, 1)
    counts = range(max(len(one.sequences) for one in stretches))
    return torch.stack([_log_probs(log_probs_WNV, sizes_N, stretches, j) for j in counts]).logsumexp(0)


def log_odds(log_N: Tensor) -> Tensor:
    """Of log probabilities, in double precision."""
    log_N = log_N.clamp(max=-LEAST)
    return log_N - torch.log(-torch.expm1(log_N))


def _log_probs(log_probs_WNV: Tensor, sizes_N: Tensor, stretches: Sequence[LabelStretch], j: int) -> Tensor:
    """The log probability of the sequence ``j`` of each stretch, (N,); of those that lack it or do not hold it none."""
    known = [one.sequences[j] if j < len(one.sequences) else () for one in stretches]
    held = [
        len(labels) > 0 and frames_needed(labels) <= one.end - one.begin
        for labels, one in zip(known, stretches, strict=True)
    ]
    rows = torch.tensor([n for n, one in enumerate(held) if one], dtype=torch.int64)
    log_N = log_probs_WNV.new_full((len(stretches),), IMPOSSIBLE)
    if not len(rows):
        return log_N
    labels_NS = torch.nn.utils.rnn.pad_sequence([torch.tensor(known[n]) for n in rows.tolist()], batch_first=True)
    lengths_N = torch.tensor([len(known[n]) for n in rows.tolist()])
    there_N = rows.to(log_probs_WNV.device)
    nll_N = functional.ctc_loss(
        log_probs_WNV[:, there_N], labels_NS.to(there_N.device), sizes_N[rows], lengths_N, blank=BLANK, reduction="none"
    )
    return log_N.index_put((there_N,), -nll_N)
