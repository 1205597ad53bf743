"""A decoder that writes words, each by a recurrent step over those before and attention to what was encoded.

The query is the output of the recurrent core alone (Luong et al. 2015, without feeding attention back), so that teacher
forcing is one pass over a whole sentence; the energy is additive (Bahdanau et al. 2015). Shape letters: B batch, T time
of the encoder, E its width, S words, H hidden, V vocabulary. Word 0 is padding, 1 begins, 2 ends.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from rnncli.core.recurrent import Recurrent
from rnncli.heads.sentences import PADDING, NextWords, Written, search


class AttentionDecoder(nn.Module):
    """Words from encoder outputs; ``core`` reads embeddings of width ``embedding``, in one direction."""

    def __init__(self, core: Recurrent, width: int, words: int, embedding: int, dropout: float) -> None:
        super().__init__()
        self.core = core
        hidden = core.output_size
        self.embedding = nn.Embedding(words, embedding, padding_idx=PADDING)
        self.begin = nn.Linear(width, core.layers * hidden)
        self.query, self.key = nn.Linear(hidden, hidden), nn.Linear(width, hidden, bias=False)
        self.energy = nn.Linear(hidden, 1, bias=False)
        self.join = nn.Linear(hidden + width, hidden)
        self.dropout = nn.Dropout(dropout)
        self.linear = nn.Linear(hidden, words)

    def forward(self, memory_BTE: Tensor, lengths_B: Tensor, words_BS: Tensor) -> Tensor:
        """Scores (B, S, V) of the word behind each of ``words_BS``, which begin with 1."""
        x_BSI = self.dropout(self.embedding(words_BS))
        h_BSH, _ = self.core(x_BSI, None, self._state(memory_BTE, lengths_B), need_state=False)
        return self._scores(h_BSH, memory_BTE, self.key(memory_BTE), lengths_B)[0]

    @torch.no_grad()
    def search(
        self,
        memory_TE: Tensor,
        *,
        beam: int = 5,
        longest: int = 30,
        length_power: float = 0.7,
        no_repeat: int = 0,
        best: int = 1,
    ) -> list[Written]:
        """The ``best`` sentences for one example: see :func:`rnncli.heads.sentences.search`."""
        memory_1TE, length_1 = memory_TE[None], torch.tensor([len(memory_TE)])
        keys_1TH = self.key(memory_1TE)

        def advance(words_B: list[int], state: tuple[Any, ...]) -> NextWords:
            last_B1 = torch.tensor(words_B, device=memory_TE.device)[:, None]
            h_B1H, after = self.core(self.embedding(last_B1), None, state if state[1:] else state[0])
            count = len(words_B)
            memory_BTE, keys_BTH = memory_1TE.expand(count, -1, -1), keys_1TH.expand(count, -1, -1)
            logits_B1V, weights_B1T = self._scores(h_B1H, memory_BTE, keys_BTH, length_1.expand(count))
            logs_BV = logits_B1V[:, 0].float().log_softmax(-1).cpu().numpy()
            return NextWords(logs_BV, weights_B1T[:, 0].float().cpu().numpy(), _parts(after))

        begin = _parts(self._state(memory_1TE, length_1))
        return search(
            advance,
            begin,
            beam=beam,
            longest=longest,
            length_power=length_power,
            no_repeat=no_repeat,
            best=best,
        )

    def _state(self, memory_BTE: Tensor, lengths_B: Tensor) -> Any:
        """Where the core begins: made of the mean of what was encoded."""
        mean_BE = memory_BTE.sum(1) / lengths_B.clamp(min=1).to(memory_BTE.device)[:, None]
        h_LBH = torch.tanh(self.begin(mean_BE)).unflatten(1, (self.core.layers, -1)).transpose(0, 1).contiguous()
        return (h_LBH, torch.zeros_like(h_LBH)) if self.core.cell.kind == "lstm" else h_LBH

    def _scores(self, h_BSH: Tensor, memory_BTE: Tensor, keys_BTH: Tensor, lengths_B: Tensor) -> tuple[Tensor, Tensor]:
        """Scores (B, S, V) and attention (B, S, T), which is 0 in the padding."""
        energy_BST = self.energy(torch.tanh(self.query(h_BSH)[:, :, None] + keys_BTH[:, None])).squeeze(-1)
        inside_BT = (torch.arange(memory_BTE.shape[1])[None] < lengths_B[:, None]).to(memory_BTE.device)
        energy_BST = energy_BST.float().masked_fill(~inside_BT[:, None], torch.finfo(torch.float32).min)
        weights_BST = energy_BST.softmax(-1).to(memory_BTE.dtype)
        joined_BSH = torch.tanh(self.join(torch.cat([h_BSH, weights_BST @ memory_BTE], -1)))
        return self.linear(self.dropout(joined_BSH)), weights_BST


def _parts(state: Any) -> tuple[Tensor, ...]:
    """A state of the core as tensors (L, B, H)."""
    return state if isinstance(state, tuple) else (state,)
