"""A model of music: a recurrent core over frames, and a head that adds the notes of a frame one after the other.

Shape letters: B batch, T frames, S slots of a frame, E outputs of the core, K keys, F frames that are foretold, N their
symbols.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from rnncli.heads.chords import ChordHead, Frames
from rnncli.tasks.common.core import build_core
from rnncli.tasks.music import history
from rnncli.tasks.music.schema import MusicModelSection
from rnncli.tasks.write.carried import State
from rnncli.tasks.write.members import joined, locked, mean_nats, parted

BARS = (3, 4, 16)
"""Beats after which music may come round: bars of three and of four, and four of these."""
CLOCK = 16
"""Size of the embedding of where a frame is in each."""


class MusicNetwork(nn.Module):
    """One network of a :class:`MusicModel`; ``beat`` is how many frames one has, ``voices`` how many, 0 for notes."""

    def __init__(self, settings: MusicModelSection, keys: int, voices: int, beat: int) -> None:
        super().__init__()
        self.rounds = tuple(max(1, bars * beat) for bars in BARS)
        self.clock = nn.ModuleList(nn.Embedding(one, CLOCK) for one in self.rounds)
        for one in self.clock:
            nn.init.normal_(one.weight, std=0.1)  # pyright: ignore[reportArgumentType] - each is an embedding
        self.frame = nn.Linear(history.width(keys, voices), settings.embedding)
        self.core = build_core(settings.embedding + CLOCK, settings)
        self.dropout = settings.dropout
        size = self.core.output_size + settings.embedding + CLOCK
        self.head = ChordHead(size, keys, settings.head_hidden, slots=voices, dropout=settings.head_dropout)

    def read(self, figures_BTF: Tensor, lengths_B: Tensor | None, at_B: Tensor, state: State) -> tuple[Tensor, State]:
        """Outputs (B, T, E) behind each frame, the first of which stands before that at ``at_B``, and the state.

        The head is also given what the core reads: where in the bar a frame is, say.
        """
        at_BT = at_B[:, None] + torch.arange(figures_BTF.shape[1], device=at_B.device)
        clocks = [one(at_BT % steps) for one, steps in zip(self.clock, self.rounds, strict=True)]
        x_BTI = torch.cat([torch.relu(self.frame(figures_BTF)), torch.stack(clocks).sum(0)], -1)
        y_BTH, end = self.core(x_BTI, lengths_B, joined(state))
        return torch.cat([locked(y_BTH, self.dropout, self.training), x_BTI], -1), parted(end)


class MusicModel(nn.Module):
    """Networks whose probabilities of the next note are averaged.

    A state is what frames have been, then that of each network.
    """

    def __init__(self, settings: MusicModelSection, keys: int, voices: int, beat: int) -> None:
        super().__init__()
        self.keys, self.voices = keys, voices
        self.members = nn.ModuleList(MusicNetwork(settings, keys, voices, beat) for _ in range(settings.members))

    @property
    def networks(self) -> list[MusicNetwork]:
        """The members."""
        return list(self.members)  # pyright: ignore[reportReturnType] - all of them are

    def begin(self, batch: int) -> State:
        """The state where nothing has been read."""
        begun = history.begin(batch, self.keys, self.voices, self.networks[0].frame.weight)
        return begun + tuple(part for one in self.networks for part in parted(one.core.initial_state(batch)))

    def read(
        self, before_BTS: Tensor, lengths_B: Tensor | None, at_B: Tensor, state: State
    ) -> tuple[list[Tensor], State]:
        """Outputs (B, T, E) of each member, and the state at the end."""
        told = 6 if self.voices else 3
        figures_BTF, ends = history.features(before_BTS, self.keys, self.voices, lengths_B, state[:told])
        found, state = [], state[told:]
        each = len(state) // len(self.networks)
        for number, one in enumerate(self.networks):
            y_BTE, end = one.read(figures_BTF, lengths_B, at_B, state[number * each : (number + 1) * each])
            found.append(y_BTE)
            ends += end
        return found, ends

    def loss(self, outputs: list[Tensor], before_BTS: Tensor, frames_BTS: Tensor, inside_BT: Tensor) -> Tensor:
        """-ln p of a frame on average, the mean over members, which learn by themselves."""
        losses = []
        for one, y_BTE in zip(self.networks, outputs, strict=True):
            frames = Frames(y_BTE[inside_BT], before_BTS[inside_BT], frames_BTS[inside_BT])
            logits_NK, true_N = one.head(frames)
            losses.append(functional.cross_entropy(logits_NK, true_N, reduction="sum") / max(1, len(frames.y_FE)))
        return torch.stack(losses).mean()

    def nats(self, outputs: list[Tensor], before_BTS: Tensor, frames_BTS: Tensor, inside_BT: Tensor) -> Tensor:
        """-ln p of each frame inside of the pieces, (F,)."""
        before_FS, frames_FS = before_BTS[inside_BT], frames_BTS[inside_BT]
        shares, symbols_FN = [], self.networks[0].head.symbols(frames_FS)
        for one, y_BTE in zip(self.networks, outputs, strict=True):
            logits_NK, true_N = one.head(Frames(y_BTE[inside_BT], before_FS, frames_FS))
            shares.append(functional.cross_entropy(logits_NK.float(), true_N, reduction="none"))
        frame_N = (symbols_FN >= 0).nonzero()[:, 0]
        mean_N = mean_nats(torch.stack(shares)).double()
        return frames_FS.new_zeros(len(frames_FS), dtype=torch.float64).index_add(0, frame_N, mean_N)
