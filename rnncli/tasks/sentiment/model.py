"""The classifier: embedding and evidence, recurrent core, pooling, linear layer."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from rnncli.core.recurrent import Recurrent
from rnncli.data.text.vocabulary import Vocabulary
from rnncli.heads.pooling import Pooling
from rnncli.heads.rows import by_row
from rnncli.tasks.sentiment.schema import ClassifierModel


class TextClassifier(nn.Module):
    """Texts as numbers of units to one score a class."""

    def __init__(
        self,
        core: Recurrent,
        pooling: Pooling,
        vocabulary: Vocabulary,
        classes: int,
        settings: ClassifierModel,
    ) -> None:
        super().__init__()
        self.unknown, self.word_dropout = vocabulary.unknown, settings.word_dropout
        self.embedding = nn.Embedding(len(vocabulary), settings.embedding, padding_idx=vocabulary.pad)
        nn.init.uniform_(self.embedding.weight, -settings.embedding_scale, settings.embedding_scale)
        with torch.no_grad():
            self.embedding.weight[vocabulary.pad] = 0
        self.embedding_dropout = nn.Dropout1d(settings.embedding_dropout)
        self.core = core
        self.pooling = pooling
        self.dropout = nn.Dropout(settings.dropout)
        self.linear = nn.Linear(pooling.output_size, classes)
        nn.init.zeros_(self.linear.bias)

    def forward(self, ids_BT: Tensor, lengths_B: Tensor, evidence_BTF: Tensor | None = None) -> Tensor:
        """Scores before the softmax, (B, K); ``evidence_BTF`` are F figures a unit that the core reads along."""
        y_BTE = self._read(ids_BT, lengths_B, evidence_BTF)
        return by_row(self.linear, self.dropout(self.pooling(y_BTE, lengths_B)))

    def attention(self, ids_BT: Tensor, lengths_B: Tensor, evidence_BTF: Tensor | None = None) -> Tensor:
        """The share of attention that each unit gets, (B, T); ValueError where the pooling pays none."""
        return self.pooling.weights(self._read(ids_BT, lengths_B, evidence_BTF), lengths_B)

    def _read(self, ids_BT: Tensor, lengths_B: Tensor, evidence_BTF: Tensor | None) -> Tensor:
        if self.training and self.word_dropout:
            lost_BT = torch.rand(ids_BT.shape, device=ids_BT.device) < self.word_dropout
            ids_BT = ids_BT.masked_fill(lost_BT & (ids_BT > 0), self.unknown)
        # Dropout1d drops whole rows of (B, I, T): a dimension of the embedding in all steps of a text.
        x_BTI = self.embedding_dropout(self.embedding(ids_BT).transpose(1, 2)).transpose(1, 2)
        if evidence_BTF is not None:
            x_BTI = torch.cat([x_BTI, evidence_BTF.to(x_BTI)], -1)
        y_BTE, _ = self.core(x_BTI, lengths_B, need_state=False)
        return y_BTE
