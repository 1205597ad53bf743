"""The classifier: embedding, recurrent core, pooling, linear layer."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from rnncli.core.recurrent import Recurrent
from rnncli.data.vocabulary import Vocabulary
from rnncli.heads.pooling import Pooling


class TextClassifier(nn.Module):
    """Texts as numbers of units to one score a class."""

    def __init__(
        self,
        core: Recurrent,
        pooling: Pooling,
        vocabulary: Vocabulary,
        classes: int,
        *,
        embedding: int,
        embedding_scale: float,
        embedding_dropout: float,
        word_dropout: float,
        dropout: float,
    ) -> None:
        super().__init__()
        self.unknown, self.word_dropout = vocabulary.unknown, word_dropout
        self.embedding = nn.Embedding(len(vocabulary), embedding, padding_idx=vocabulary.pad)
        nn.init.normal_(self.embedding.weight, std=embedding_scale)
        with torch.no_grad():
            self.embedding.weight[vocabulary.pad] = 0
        self.embedding_dropout = nn.Dropout(embedding_dropout)
        self.core = core
        self.pooling = pooling
        self.dropout = nn.Dropout(dropout)
        self.linear = nn.Linear(pooling.output_size, classes)

    def forward(self, ids_BT: Tensor, lengths_B: Tensor) -> Tensor:
        """Scores before the softmax, (B, K)."""
        if self.training and self.word_dropout:
            lost_BT = torch.rand(ids_BT.shape, device=ids_BT.device) < self.word_dropout
            ids_BT = ids_BT.masked_fill(lost_BT & (ids_BT > 0), self.unknown)
        x_BTI = self.embedding_dropout(self.embedding(ids_BT))
        y_BTE, _ = self.core(x_BTI, lengths_B)
        return self.linear(self.dropout(self.pooling(y_BTE, lengths_B)))
