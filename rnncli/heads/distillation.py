"""How far a model is from what teachers say: their softened probabilities as targets (Hinton, Vinyals & Dean 2015).

Shape letters: P rows, one for each thing that is chosen; K outcomes to choose among; B batch, C labels.
"""

from __future__ import annotations

import torch
from torch import Tensor

LEAST = 1e-12
"""Probabilities are at least this: no teacher is surer, and the logarithm of 0 is no number."""


def distance(log_probs_PK: Tensor, said_PK: Tensor, temperature: float) -> Tensor:
    """``T^2 KL(p || q)`` of each row, (P,): p are the teachers' probabilities to the power 1/T and q the model's.

    Both are scaled to a sum of 1 again, which for a softmax is to divide its scores by T. The factor keeps gradients as
    large as those of the labels, whatever T is.

    >>> distance(torch.tensor([[0.5, 0.5]]).log(), torch.tensor([[0.5, 0.5]]), 2.0)
    tensor([0.])
    """
    theirs_PK = (said_PK.to(log_probs_PK).clamp(min=LEAST).log() / temperature).log_softmax(-1)
    ours_PK = (log_probs_PK / temperature).log_softmax(-1)
    return temperature**2 * (theirs_PK.exp() * (theirs_PK - ours_PK)).sum(-1)


def distance_by_label(logits_BC: Tensor, said_BC: Tensor, temperature: float) -> Tensor:
    """The same of labels that are true or not, each by itself, (B, C)."""
    either = torch.nn.functional.logsigmoid
    log_probs = torch.stack([either(-logits_BC), either(logits_BC)], -1)
    return distance(log_probs, torch.stack([1 - said_BC, said_BC], -1), temperature)
