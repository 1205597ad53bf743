"""What explainers of clips have in common: frames, as the encoder hands them to the core.

A frame is deleted by the average frame of training in its place, for frames have times. Shape letters: B clips, T
frames, E encoded features.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from rnncli.report.figures import Media
from rnncli.tasks.base import Row
from rnncli.tasks.explaining import UNKNOWN, InputStream, LabelQuestion, Pieces, TimeLine
from rnncli.tasks.frames.clip import Clip, Item
from rnncli.tasks.frames.encoder import FrameEncoder
from rnncli.tasks.frames.examples import pad
from rnncli.tasks.frames.pictures import thumbnails
from rnncli.tasks.frames.predictor import FramePredictor
from rnncli.tasks.frames.steps import frame_times


@dataclass(frozen=True, eq=False)
class ShownFrames:
    """Frames (T, ...) of a clip as the model is shown them, the first of them its frame ``begin``."""

    frames: np.ndarray
    clip: Clip
    begin: int = 0


class FrameExplainer:
    """What is the same whatever is said of clips: see :class:`rnncli.tasks.explaining.Explainer`."""

    together = 16
    piece = "frame"

    def __init__(self, predictor: FramePredictor, encoder: FrameEncoder, device: torch.device) -> None:
        self.predictor, self.encoder, self.device = predictor, encoder, device

    def shown(self, item: Item) -> ShownFrames:
        """All frames of a clip."""
        clip, view = self.predictor.clip(item), self.predictor.form.view
        return ShownFrames(view.show(view.prepare(clip)), clip)

    def pieces(self, example: ShownFrames) -> Pieces:
        """The times of the frames."""
        count, clip = len(example.frames), example.clip
        names = frame_times(clip, example.begin + count)[example.begin :]
        edges = np.arange(example.begin, example.begin + count + 1)
        line = TimeLine((edges * clip.step if clip.step else edges + 1).tolist(), bool(clip.step))
        return Pieces(names, (" ",) * count, names, line, clip.name)

    def without(self, question: LabelQuestion, pieces: np.ndarray) -> LabelQuestion:
        """The clip with average frames in the places of some."""
        frames = question.example.frames.copy()
        frames[pieces] = self._average(frames[:1])
        return replace(question, example=replace(question.example, frames=frames))

    def pictures(self, example: ShownFrames, pieces: Sequence[int]) -> Sequence[Media]:
        """Small pictures of some frames; none where they are figures or cannot be read."""
        return thumbnails(example.clip, [example.begin + at for at in pieces], self.predictor.recipe)

    def example(self, row: Row) -> Item | None:
        """The file of a row, where it is still there."""
        name = row.get("file")
        item = Item.parse(name) if isinstance(name, str) else None
        return item if item is not None and not isinstance(item.source, bytes) and item.source.path.is_file() else None

    def stream(self, questions: Sequence[LabelQuestion], against: str) -> tuple[InputStream, Tensor]:
        """Encoded frames (B, T, E), held against the encoded average frame, or against 0; and lengths (B,)."""
        frames, lengths_B = pad([question.example.frames for question in questions])
        with torch.no_grad():
            x_BTE = self.encoder(frames.to(self.device), lengths_B)
            held_BTE = torch.zeros_like(x_BTE)
            if against == UNKNOWN:
                average = torch.from_numpy(self._average(frames[:1, :1].numpy()[0])).to(self.device)
                held_BTE = self.encoder(average.expand_as(frames), lengths_B)
        change_BTE = x_BTE - held_BTE
        return InputStream("frames", x_BTE, held_BTE, lambda gradient: (gradient * change_BTE).sum(-1)), lengths_B

    def _average(self, like: np.ndarray) -> np.ndarray:
        """The average frame of training, in the shape and type of the one frame ``like`` (1, ...)."""
        mean_F = self.encoder.mean.cpu().numpy()
        filled = np.broadcast_to(mean_F.reshape(1, -1, *(1,) * (like.ndim - 2)), like.shape)
        return (filled.round() if like.dtype == np.uint8 else filled).astype(like.dtype)
