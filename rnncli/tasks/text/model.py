"""A model of texts: embedding, recurrent core, and the embedding again as the head.

Shape letters: B batch, T symbols, E outputs of the core, W width of an embedding, V symbols, M members, N symbols that
are foretold.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from rnncli.heads.symbols import SymbolHead
from rnncli.tasks.common.core import build_core
from rnncli.tasks.text.schema import TextModelSection
from rnncli.tasks.write.carried import State
from rnncli.tasks.write.members import joined, locked, mean_nats, parted

FEW, FEW_WIDTH = 1000, 128
"""Kinds of symbol that are few, such as characters, and how wide their embeddings are at most."""


class TextNetwork(nn.Module):
    """One network of a :class:`TextModel`; row V of ``embedding`` is the begin of a text."""

    def __init__(self, settings: TextModelSection, symbols: int) -> None:
        super().__init__()
        width = settings.embedding or (settings.hidden if symbols > FEW else min(settings.hidden, FEW_WIDTH))
        self.embedding_dropout, self.dropout = settings.embedding_dropout, settings.dropout
        self.embedding = nn.Embedding(symbols + 1, width)
        nn.init.uniform_(self.embedding.weight, -0.1, 0.1)
        self.core = build_core(width, settings)
        weight = nn.Parameter(torch.empty(symbols, width).uniform_(-0.1, 0.1))
        self.head = SymbolHead(self.core.output_size, weight)
        self.tied = settings.tied
        if self.tied:
            # The begin is never foretold: its row is apart, so that head and embedding share the others.
            self.embedding.weight = nn.Parameter(self.embedding.weight[-1:].detach().clone())

    @property
    def table(self) -> Tensor:
        """What the core reads of each symbol and of the begin, (V + 1, W): embeddings, about as long as they are wide.

        Weights that are right for the head are small to read (Vaswani et al. 2017 scale shared ones likewise).
        """
        every = torch.cat([self.head.weight, self.embedding.weight]) if self.tied else self.embedding.weight
        return every * math.sqrt(every.shape[1])

    def read(self, before_BT: Tensor, lengths_B: Tensor | None, state: State) -> tuple[Tensor, State]:
        """Outputs (B, T, E) behind each symbol, and the state at the end."""
        table_VW = self.table
        if self.training and self.embedding_dropout:
            # Gal and Ghahramani (2016): a symbol that is left out is so wherever it stands.
            kept_V1 = torch.rand(len(table_VW), 1, device=table_VW.device) >= self.embedding_dropout
            table_VW = table_VW * kept_V1 / (1 - self.embedding_dropout)
        x_BTW = nn.functional.embedding(before_BT, table_VW)
        y_BTE, end = self.core(x_BTW, lengths_B, joined(state))
        return locked(y_BTE, self.dropout, self.training), parted(end)


class TextModel(nn.Module):
    """Networks whose probabilities are averaged; a state is that of all of them, one behind the other."""

    def __init__(self, settings: TextModelSection, symbols: int) -> None:
        super().__init__()
        self.members = nn.ModuleList(TextNetwork(settings, symbols) for _ in range(settings.members))
        self.symbols = symbols

    @property
    def networks(self) -> list[TextNetwork]:
        """The members."""
        return list(self.members)  # pyright: ignore[reportReturnType] - all of them are

    def begin(self, batch: int) -> State:
        """The state where nothing has been read."""
        return tuple(part for one in self.networks for part in parted(one.core.initial_state(batch)))

    def read(self, before_BT: Tensor, lengths_B: Tensor | None, state: State) -> tuple[list[Tensor], State]:
        """Outputs (B, T, E) of each member, and the state at the end."""
        found, ends = [], []
        each = len(state) // len(self.networks)
        for number, one in enumerate(self.networks):
            y_BTE, end = one.read(before_BT, lengths_B, state[number * each : (number + 1) * each])
            found.append(y_BTE)
            ends += end
        return found, tuple(ends)

    def loss(
        self, outputs: list[Tensor], target_BT: Tensor, inside_BT: Tensor, chance_V: Tensor | None = None
    ) -> Tensor:
        """The mean of -ln p of the targets inside of the texts, averaged over members that learn by themselves.

        With ``chance_V`` it is estimated by symbols that are drawn with these chances.
        """
        target_N, losses = target_BT[inside_BT], []
        for one, y_BTE in zip(self.networks, outputs, strict=True):
            y_NE = y_BTE[inside_BT]
            losses.append(
                one.head.loss(y_NE, target_N) if chance_V is None else one.head.drawn_loss(y_NE, target_N, chance_V)
            )
        return torch.stack(losses).mean()

    def nats(self, outputs: list[Tensor], target_BT: Tensor, inside_BT: Tensor) -> Tensor:
        """-ln p of each target inside of the texts, p being the mean over members; (N,), without gradients."""
        target_N = target_BT[inside_BT]
        pairs = zip(self.networks, outputs, strict=True)
        return mean_nats(torch.stack([one.head.nats(y_BTE[inside_BT], target_N) for one, y_BTE in pairs]))
