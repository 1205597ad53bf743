"""How far back in time gradients arrive in the trained model of a run, measured on dev examples."""

from __future__ import annotations

from typing import Any

import numpy as np
from torch import device, nn

from rnncli.core.device import placed
from rnncli.core.reach import outermost, shares
from rnncli.recipe.schema import TrainSection
from rnncli.report.reach import Reach, reach
from rnncli.tasks.base import Examples, Fitted

SEQUENCES = 32
"""The longest of the part, because they let one see farthest."""
LEAST = 0.1
FARTHEST = 1000
"""Steps back that a report keeps."""


def gradient_reach(
    fitted: Fitted[Any], model: nn.Module, examples: Examples, settings: TrainSection, where: device
) -> Reach | None:
    """The reach of the outermost recurrent layers of ``model``, which is in evaluation mode; None without any.

    It takes as much memory as a step of training, and as much time as two or four small ones.
    """
    layers = outermost(model)
    longest = np.argsort(-examples.lengths, kind="stable")
    longest = longest[examples.lengths[longest] > 0]
    if not layers or not len(longest):
        return None
    most = settings.batch_tokens // int(examples.lengths[longest[0]])
    chosen = longest[: max(1, min(SEQUENCES, most))]
    batch = placed(examples.batch(chosen), where)
    found = shares(layers, lambda: fitted.loss(model, batch))
    kept = {name: [float(f"{share:.4g}") for share in one[:FARTHEST].tolist()] for name, one in found.items()}
    return reach(kept, LEAST, len(chosen)) if kept else None
