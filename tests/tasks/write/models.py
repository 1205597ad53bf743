"""Untrained models that write, as small as wanted."""

import torch
from torch import nn

from rnncli.core.recurrent import Recurrent
from rnncli.core.reference import reference
from rnncli.heads.symbols import SymbolHead


class StandInModel(nn.Module):
    """See :class:`rnncli.tasks.write.stepping.Network`."""

    def __init__(self, symbols=7, width=5, hidden=6, **core):
        super().__init__()
        self.embedding = nn.Embedding(symbols + 1, width)
        self.core = Recurrent(width, hidden, **core)
        self.head = SymbolHead(self.core.output_size, nn.Parameter(torch.randn(symbols, width)))
        nn.init.normal_(self.head.bias)
        for parameter in self.core.parameters():
            nn.init.uniform_(parameter, -1, 1)

    @property
    def table(self):
        return self.embedding.weight

    def logits(self, symbols):
        """Before the first symbol and behind each, (N + 1, V), by the cells of the textbook."""
        begin, core = self.embedding.num_embeddings - 1, self.core
        x_1TI = self.embedding(torch.tensor([[begin, *symbols]]))
        state = tuple(getattr(core, name)[:, None] for name in ("initial_h", "initial_c") if hasattr(core, name))
        layers = [[core.weights(layer, 0)] for layer in range(core.layers)]
        y_1TE, _ = reference(core.cell, layers, x_1TI, [x_1TI.shape[1]], state or None)
        return self.head(y_1TE)[0].detach().double().numpy()
