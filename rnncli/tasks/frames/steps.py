"""What the core of a model of clips reads: a frame at each step."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from rnncli.tasks.frames.clip import Clip
from rnncli.tasks.frames.examples import Clips, pad
from rnncli.tasks.frames.predictor import FramePredictor
from rnncli.tasks.inspecting import ReadBatch, ReadSteps, everywhere


class FrameSteps:
    """See :class:`rnncli.tasks.inspecting.StepReader`; steps are the seconds of frames, or else count them from 1.

    ``compute`` runs the model on padded frames and their lengths; ``marks`` gives those of a clip of a part.
    """

    unit, gap, lexical = "frame", " ", False

    def __init__(
        self,
        predictor: FramePredictor,
        compute: Callable[[Tensor, Tensor], object],
        device: torch.device,
        marks: Callable[[Clips, int], Mapping[str, str]] = lambda examples, index: {},
    ) -> None:
        self.predictor, self.compute, self.device, self.marks = predictor, compute, device, marks

    def typed(self, text: str) -> ReadBatch:
        """The path of a clip, which is read whole."""
        clip = self.predictor.clip(self.predictor.parse(text))
        view = self.predictor.form.view
        frames, lengths_B = pad([view.show(view.prepare(clip))])
        self.compute(frames.to(self.device), lengths_B)
        return ReadBatch([ReadSteps(frame_times(clip, int(lengths_B[0])), clip.name)])

    def of_part(self, part: object, examples: Clips, indices: np.ndarray, batch: object) -> ReadBatch:
        """Clips of a part."""
        frames, lengths_B = examples.pad(indices)
        self.compute(frames.to(self.device), lengths_B)
        found = []
        for index, length in zip(indices.tolist(), lengths_B.tolist(), strict=True):
            names = frame_times(examples.part.clips[index], length)
            found.append(ReadSteps(names, examples.place(index), everywhere(length, self.marks(examples, index))))
        return ReadBatch(found)


def frame_times(clip: Clip, count: int) -> Sequence[str]:
    """What the frames of a clip are called: their seconds, or else their numbers from 1."""
    return [f"{at * clip.step:.2f} s" if clip.step else str(at + 1) for at in range(count)]
