"""Examples of which teachers have said something, and further ones that only teachers have labelled."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from rnncli.data import batching
from rnncli.data.batching import BatchPlan
from rnncli.tasks.base import Examples, PlansBatches
from rnncli.tasks.teaching import SoftTargets

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class TaughtBatch:
    """A batch of the task itself, and the probabilities that teachers give, (B, T, K)."""

    own: Any
    said_BTK: Tensor
    labelled: bool


@dataclass(eq=False)
class TaughtExamples:
    """The task's examples of training and, numbered behind them, ``further`` ones without labels, or None.

    ``said`` is of both. A batch is of either kind alone; without further ones the batches are those of the task.
    """

    own: Examples
    further: Examples | None
    said: SoftTargets

    def __post_init__(self) -> None:
        more = [] if self.further is None else [self.further.lengths]
        self.lengths = np.concatenate([self.own.lengths, *more])

    def __len__(self) -> int:
        return len(self.lengths)

    def plan(self, *, max_examples: int, max_tokens: int, seed: int, epoch: int) -> BatchPlan:
        """The batches of both kinds, mixed with each other."""
        most: Any = {"max_examples": max_examples, "max_tokens": max_tokens, "seed": seed, "epoch": epoch}
        plan = (
            self.own.plan(**most) if isinstance(self.own, PlansBatches) else batching.shuffled(self.own.lengths, **most)
        )
        if self.further is None:
            return plan
        return _mixed(plan, batching.shuffled(self.further.lengths, **most), len(self.own), seed, epoch)

    def batch(self, indices: np.ndarray) -> TaughtBatch:
        """Collate the examples at ``indices``, which are all of one kind."""
        labelled = bool(indices[0] < len(self.own))
        if labelled:
            own = self.own.batch(indices)
        else:
            assert self.further is not None
            own = self.further.batch(indices - len(self.own))
        return TaughtBatch(own, torch.from_numpy(self.said.padded(indices)), labelled)

    def place(self, index: int) -> str:
        """Where an example stands in the user's data."""
        if index < len(self.own) or self.further is None:
            return self.own.place(index)
        return self.further.place(index - len(self.own))


def _mixed(own: BatchPlan, further: BatchPlan, behind: int, seed: int, epoch: int) -> BatchPlan:
    """The batches of two plans in one random order; numbers of the second begin at ``behind``."""
    batches = [own[k] for k in range(len(own))] + [further[k] + behind for k in range(len(further))]
    turn = np.random.default_rng((seed, epoch, len(batches))).permutation(len(batches))
    batches = [batches[k] for k in turn.tolist()]
    offsets = np.concatenate([[0], np.cumsum([len(one) for one in batches])])
    real = [len(plan.order) for plan in (own, further)]
    fill = float(np.average([own.fill, further.fill], weights=real))
    return BatchPlan(np.concatenate(batches), offsets, fill)
