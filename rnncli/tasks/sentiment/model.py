"""The classifier: embedding and evidence, recurrent core, pooling, linear layer.

Shape letters: B batch, T units, I inputs, E outputs of the core, K classes, F figures and C scores of evidence.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from rnncli.core.contract import Core
from rnncli.data.text.vocabulary import Vocabulary
from rnncli.heads.pooling import Pooling
from rnncli.heads.rows import by_row
from rnncli.tasks.sentiment.schema import ClassifierModel


class TextClassifier(nn.Module):
    """Texts as numbers of units to one score a class."""

    def __init__(
        self,
        core: Core,
        pooling: Pooling,
        vocabulary: Vocabulary,
        classes: int,
        settings: ClassifierModel,
        *,
        scored: bool = False,
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
        self.trust = nn.Parameter(torch.ones(())) if scored else None

    def forward(
        self,
        ids_BT: Tensor,
        lengths_B: Tensor,
        figures_BTF: Tensor | None = None,
        scores_BC: Tensor | None = None,
    ) -> Tensor:
        """Scores before the softmax, (B, K).

        The core reads ``figures_BTF`` along; ``scores_BC`` are what the n-grams of a text say of each class, or of the
        second of two: the model has to learn only what they do not know.
        """
        y_BTE = self._read(ids_BT, lengths_B, figures_BTF)
        logits_BK = by_row(self.linear, self.dropout(self.pooling(y_BTE, lengths_B)))
        if self.trust is None or scores_BC is None:
            return logits_BK
        if scores_BC.shape[1] < logits_BK.shape[1]:
            scores_BC = torch.cat([-scores_BC / 2, scores_BC / 2], 1)
        return logits_BK + self.trust * scores_BC.to(logits_BK)

    def attention(self, ids_BT: Tensor, lengths_B: Tensor, figures_BTF: Tensor | None = None) -> Tensor:
        """The share of attention that each unit gets, (B, T); ValueError where the pooling pays none."""
        return self.pooling.weights(self._read(ids_BT, lengths_B, figures_BTF), lengths_B)

    def _read(self, ids_BT: Tensor, lengths_B: Tensor, figures_BTF: Tensor | None) -> Tensor:
        if self.training and self.word_dropout:
            lost_BT = torch.rand(ids_BT.shape, device=ids_BT.device) < self.word_dropout
            ids_BT = ids_BT.masked_fill(lost_BT & (ids_BT > 0), self.unknown)
        # Dropout1d drops whole rows of (B, I, T): a dimension of the embedding in all steps of a text.
        x_BTI = self.embedding_dropout(self.embedding(ids_BT).transpose(1, 2)).transpose(1, 2)
        if figures_BTF is not None:
            x_BTI = torch.cat([x_BTI, figures_BTF.to(x_BTI)], -1)
        y_BTE, _ = self.core(x_BTI, lengths_B, need_state=False)
        return y_BTE
