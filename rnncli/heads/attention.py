"""A decoder that writes words, each by a recurrent step over those before and attention to what was encoded.

The query is the output of the recurrent core alone (Luong et al. 2015, without feeding attention back), so that teacher
forcing is one pass over a whole sentence; the energy is additive (Bahdanau et al. 2015). Shape letters: B batch, T time
of the encoder, E its width, S words, H hidden, V vocabulary. Word 0 is padding, 1 begins, 2 ends.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from rnncli.core.recurrent import Recurrent

PADDING, BEGIN, END = 0, 1, 2


@dataclass(frozen=True)
class Written:
    """Words without begin and end, the score that ranked them, and which frames each word looked at, (S, T)."""

    words: tuple[int, ...]
    score: float
    attention: list[list[float]] = field(default_factory=list)


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
        """The ``best`` sentences of beam search for one example, highest first.

        A sentence is ranked by its log probability divided by its length (the end counted) to ``length_power``. None
        has an n-gram of ``no_repeat`` words twice; 0 allows it. One that did not end within ``longest`` words is taken
        as it is where none did.
        """
        memory_1TE, length_1 = memory_TE[None], torch.tensor([len(memory_TE)])
        keys_1TH, state = self.key(memory_1TE), self._state(memory_1TE, length_1)
        live: list[tuple[tuple[int, ...], float, list[list[float]]]] = [((), 0.0, [])]
        done: list[Written] = []
        for _ in range(longest):
            count = len(live)
            last_B1 = torch.tensor([[words[-1] if words else BEGIN] for words, _, _ in live], device=memory_TE.device)
            h_B1H, state = self.core(self.embedding(last_B1), None, state)
            expanded = (part.expand(count, -1, -1) for part in (memory_1TE, keys_1TH))
            logits_B1V, weights_B1T = self._scores(h_B1H, *expanded, length_1.expand(count))
            found_BV = logits_B1V[:, 0].float().log_softmax(-1).cpu()
            found_BV[:, [PADDING, BEGIN]] = -torch.inf
            for row, (words, _, _) in enumerate(live):
                for word in banned(words, no_repeat):
                    found_BV[row, word] = -torch.inf
            totals_BV = found_BV + torch.tensor([score for _, score, _ in live])[:, None]
            scores, places = totals_BV.flatten().topk(min(2 * beam, totals_BV.numel()))
            rows, following = [], []
            for score, place in zip(scores.tolist(), places.tolist(), strict=True):
                row, word = divmod(place, totals_BV.shape[1])
                words, _, seen = live[row]
                if score == -torch.inf or len(following) == beam:
                    break
                if word == END:
                    done.append(Written(words, score / (len(words) + 1) ** length_power, seen))
                    continue
                looked = [round(weight, 4) for weight in weights_B1T[row, 0].tolist()]
                following.append(((*words, word), score, [*seen, looked]))
                rows.append(row)
            if not following or len(done) >= max(beam, best):
                break
            live, state = following, _take(state, rows)
        if not done:
            done = [Written(words, score / max(1, len(words)) ** length_power, seen) for words, score, seen in live]
        return sorted(done, key=lambda one: -one.score)[:best]

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


def banned(words: Sequence[int], size: int) -> set[int]:
    """The words that would repeat an n-gram of ``size`` words."""
    if not size or len(words) < size:
        return set()
    tail = tuple(words[len(words) - size + 1 :])
    return {words[i + size - 1] for i in range(len(words) - size + 1) if tuple(words[i : i + size - 1]) == tail}


def _take(state: Any, rows: list[int]) -> Any:
    """The states of some examples."""
    if isinstance(state, tuple):
        return tuple(part[:, rows] for part in state)
    return state[:, rows]
