"""Untrained models that write, as small as wanted."""

import torch
from torch import nn

from rnncli.core.recurrent import Recurrent


class StandInHead(nn.Module):
    """A head over all symbols."""

    def __init__(self, symbols, width, outputs):
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.randn(symbols, width)), nn.Parameter(torch.randn(symbols))
        self.project = nn.Linear(outputs, width) if outputs != width else None

    def forward(self, y):
        return (y if self.project is None else self.project(y)) @ self.weight.T + self.bias


class StandInModel(nn.Module):
    """An embedding, a core, a head, as :class:`rnncli.tasks.write.stepping.Stepper` wants them."""

    def __init__(self, symbols=7, width=5, hidden=6, **core):
        super().__init__()
        self.embedding = nn.Embedding(symbols + 1, width)
        self.core = Recurrent(width, hidden, **core)
        self.head = StandInHead(symbols, width, self.core.output_size)
        for parameter in self.core.parameters():
            nn.init.uniform_(parameter, -1, 1)

    def logits(self, symbols):
        """Before the first symbol and behind each, (N + 1, V), in one pass."""
        begin = self.embedding.num_embeddings - 1
        y_1TE, _ = self.core(self.embedding(torch.tensor([[begin, *symbols]])))
        return self.head(y_1TE)[0].detach().double().numpy()
