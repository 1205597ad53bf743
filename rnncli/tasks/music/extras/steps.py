"""What the core of a model of music reads: the frame before the one that it foretells."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from rnncli.core.device import placed
from rnncli.heads.notes import BEGIN
from rnncli.tasks.inspecting import ReadBatch, ReadSteps
from rnncli.tasks.music.data import MusicPart
from rnncli.tasks.music.extras.pictures import note_name
from rnncli.tasks.music.fitted import FittedMusic
from rnncli.tasks.music.model import MusicModel
from rnncli.tasks.music.predictor import PiecePredictor
from rnncli.tasks.write.windows import WindowBatch, Windows

NOTHING_YET, SILENCE = "<begin>", "rest"


class PieceSteps:
    """See :class:`rnncli.tasks.inspecting.StepReader`; a step is named by its notes, of which it has a number.

    The ``beat`` is where in a bar of four beats a frame stands. Each window of a long piece is read from its begin.
    """

    unit, gap, lexical = "frame", " | ", True

    def __init__(self, fitted: FittedMusic, model: MusicModel, device: torch.device) -> None:
        self.fitted, self.model, self.device = fitted, model, device
        self.predictor = PiecePredictor(fitted, model, device)

    def typed(self, text: str) -> ReadBatch:
        """The path of a piece, of which the first window is looked at."""
        piece = self.predictor.parse(text)
        form = self.fitted.form
        examples = self.fitted.encode(MusicPart((piece,), form.form, form.keys, form.lowest))
        first = np.zeros(1, np.int64)
        return self.of_part(None, examples, first, placed(examples.batch(first), self.device))

    def of_part(self, part: object, examples: Windows, indices: np.ndarray, batch: WindowBatch) -> ReadBatch:
        """Windows of pieces."""
        state = self.model.begin(len(batch.before_BT))
        self.model.read(batch.before_BT, batch.lengths_B, batch.at_B, state)
        rows = zip(indices, batch.before_BT.tolist(), batch.lengths_B.tolist(), batch.at_B.tolist(), strict=True)
        return ReadBatch(
            [self._steps(frames[:length], at, Path(examples.place(int(i))).name) for i, frames, length, at in rows]
        )

    def _steps(self, frames: list[list[int]], at: int, place: str) -> ReadSteps:
        form = self.fitted.form
        sounding = [[key for key in frame if 0 <= key < form.keys] for frame in frames]
        names = [" ".join(note_name(key + form.lowest) for key in sorted(keys)) or SILENCE for keys in sounding]
        if frames and frames[0][0] == BEGIN:
            names[0] = NOTHING_YET
        # A step reads the frame before its own.
        beats = [(at + step - 1) / form.beat % 4 for step in range(len(frames))]
        return ReadSteps(names, place, numbers={"notes": [len(keys) for keys in sounding], "beat": beats})
