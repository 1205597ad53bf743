"""Words read by their characters: by a recurrent core, or by convolutions (Ma & Hovy 2016).

Shape letters: U words, C characters, I size of a character's embedding, E size of the result.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from rnncli.core.recurrent import Recurrent
from rnncli.tasks.tagging.schema import TaggerModel

WIDTH = 3
"""Characters that a convolution sees at once."""


class RecurrentReader(nn.Module):
    """The states in which both directions of a recurrent core end, side by side."""

    def __init__(self, settings: TaggerModel) -> None:
        super().__init__()
        self.core = Recurrent(
            settings.character_embedding,
            settings.characters,
            cell=settings.cell,
            activation=settings.activation,
            reset=settings.reset,
            bidirectional=True,
        )
        self.output_size = self.core.output_size

    def forward(self, x_UCI: Tensor, lengths_U: Tensor) -> Tensor:
        """(U, E)."""
        _, state = self.core(x_UCI, lengths_U)
        end_DUH = state[0] if isinstance(state, tuple) else state
        return end_DUH.transpose(0, 1).flatten(1)


class ConvolutionReader(nn.Module):
    """The largest answer of each filter anywhere in the word, at least 0."""

    def __init__(self, settings: TaggerModel) -> None:
        super().__init__()
        self.output_size = 2 * settings.characters
        self.filters = nn.Conv1d(settings.character_embedding, self.output_size, WIDTH, padding=WIDTH // 2)

    def forward(self, x_UCI: Tensor, lengths_U: Tensor) -> Tensor:
        """(U, E)."""
        inside_UC = torch.arange(x_UCI.shape[1]) < lengths_U[:, None]
        inside_UC1 = inside_UC.to(x_UCI.device).unsqueeze(-1)
        # What lies beyond a word is 0, as beyond the batch, so that a word's company does not matter.
        answers_UEC = self.filters(x_UCI.masked_fill(~inside_UC1, 0).transpose(1, 2))
        return answers_UEC.masked_fill(~inside_UC1.transpose(1, 2), 0).amax(-1).clamp(min=0)


def character_reader(settings: TaggerModel) -> RecurrentReader | ConvolutionReader:
    """The reader that the recipe asks for."""
    return RecurrentReader(settings) if settings.character_reader == "core" else ConvolutionReader(settings)
