"""A model of music that goes on behind frames, or finds the other notes below a melody.

Shape letters: T frames, S slots of a frame, K keys, E outputs of the core.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from rnncli.heads.next_notes import NextNotes, NotesOfFrame
from rnncli.heads.notes import BEGIN, NOTHING
from rnncli.tasks.music.model import MusicModel
from rnncli.tasks.write.carried import State
from rnncli.tasks.write.sampling import Drawing, choose
from rnncli.tasks.write.stepping import one_thread


@dataclass(frozen=True, eq=False)
class Reached:
    """Where a model is: behind how many frames, what each member says of the notes of the next, and the state."""

    frames: int
    notes: list[NotesOfFrame]
    state: State

    def next_logits(self, chosen: Sequence[int]) -> np.ndarray:
        """ln p (K + 1,) of the symbol behind those ``chosen`` of the next frame, in fp64."""
        found = [one.logits(chosen).astype(np.float64) for one in self.notes]
        return np.logaddexp.reduce([one - np.logaddexp.reduce(one) for one in found]) - math.log(len(found))


class Composer:
    """Writes frames with a model, one symbol at a time on one thread: a sample is the same wherever it is drawn.

    >>> composer = Composer(model)
    >>> len(composer.frames(composer.begin(), Drawing(seed=1), number=1, length=16))
    16
    """

    def __init__(self, model: MusicModel) -> None:
        weight = next(model.parameters())
        is_here = weight.device.type == "cpu" and weight.dtype == torch.float32
        self.model = model if is_here else copy.deepcopy(model).to("cpu", torch.float32).eval()
        self.heads = [NextNotes(one.head) for one in self.model.networks]

    def begin(self, frames_TS: np.ndarray | None = None) -> Reached:
        """At the begin of a piece, behind its first frames if there are any."""
        frames_TS = np.empty((0, self._slots)) if frames_TS is None else frames_TS
        read_TS = np.concatenate([np.full((1, frames_TS.shape[1]), BEGIN), frames_TS])
        with one_thread(), torch.no_grad():
            return self._behind(torch.from_numpy(read_TS.astype(np.int64)), 0, self.model.begin(1))

    def frames(
        self, reached: Reached, sampling: Drawing, number: int, length: int, melody_T: np.ndarray | None = None
    ) -> np.ndarray:
        """Sample ``number``, of ``length`` frames, (T, S).

        Below a ``melody_T``, a key of each frame or -1 for none, the first voice is the melody; of notes it is the
        highest of its frame, and where it is silent any may sound.
        """
        generator = sampling.generator(number)
        found = []
        with one_thread(), torch.no_grad():
            for at in range(length):
                key = None if melody_T is None else int(melody_T[at])
                found.append(self._frame(reached, sampling, generator, key))
                frame_1S = torch.tensor(found[-1:] if found[-1] else [[NOTHING]])
                reached = self._behind(frame_1S, reached.frames, reached.state)
        width = max(self._slots, *map(len, found))
        return np.array([[*frame, *[NOTHING] * (width - len(frame))] for frame in found], np.int16)

    @property
    def _slots(self) -> int:
        """The fewest that a frame has."""
        return self.model.voices or 1

    def _behind(self, frames_TS: Tensor, before: int, state: State) -> Reached:
        """Behind further frames."""
        outputs, state = self.model.read(frames_TS[None], None, torch.tensor([before]), state)
        pairs, last_S = zip(self.heads, outputs, strict=True), frames_TS[-1].tolist()
        notes = [head.frame(y_1TE[0, -1].numpy(), last_S) for head, y_1TE in pairs]
        return Reached(before + len(frames_TS), notes, state)

    def _frame(
        self, reached: Reached, sampling: Drawing, generator: np.random.Generator, melody: int | None
    ) -> list[int]:
        """The keys of the next frame; of voices ``K`` for one that is silent."""
        keys, voices = self.model.keys, self.model.voices
        chosen: list[int] = []
        if voices and melody is not None:
            chosen.append(melody if melody >= 0 else keys)
        highest = keys if voices or melody is None or melody < 0 else melody
        while True:
            if voices and len(chosen) == voices:
                return chosen
            logits_K = reached.next_logits(chosen)
            logits_K[highest + 1 :] = -np.inf
            symbol = choose(logits_K, sampling, generator)
            if not voices and symbol == keys:
                return chosen
            chosen.append(symbol)
            if not voices and symbol == highest:
                return chosen
