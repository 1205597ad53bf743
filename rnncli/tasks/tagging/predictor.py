"""Tags for new sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn

if TYPE_CHECKING:
    from rnncli.tasks.tagging.task import FittedTagging


class TagPredictor:
    """Sentences in, tags out."""

    example = "Ms Braflen met Dr. Kavik in Port Wenlin"

    def __init__(self, fitted: FittedTagging, model: nn.Module, device: torch.device) -> None:
        self.fitted, self.model, self.device = fitted, model, device
