"""What the class of a clip hangs on: its frames, as the encoder hands them to the core.

A frame is deleted by the average frame of training in its place, for frames have times. A long clip is asked about a
window at a time, as it is predicted. Shape letters: B clips, T frames, E encoded features, K classes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import torch
from torch import Tensor

from rnncli.errors import UsageError
from rnncli.heads.rows import by_row
from rnncli.tasks.action.fitted import FittedAction
from rnncli.tasks.action.model import ActionClassifier
from rnncli.tasks.action.predictor import ActionPredictor
from rnncli.tasks.action.windows import windows
from rnncli.tasks.base import Row
from rnncli.tasks.explaining import UNKNOWN, InputStream, LabelQuestion, Pieces, QuestionReading
from rnncli.tasks.frames.clip import Item
from rnncli.tasks.frames.examples import pad
from rnncli.tasks.frames.steps import frame_times


@dataclass(frozen=True, eq=False)
class ShownFrames:
    """Frames (T, ...) as the model is shown them, and what they are called."""

    frames: np.ndarray
    names: tuple[str, ...]


class ActionExplainer:
    """See :class:`rnncli.tasks.explaining.Explainer`."""

    together = 16
    piece = "frame"

    def __init__(self, fitted: FittedAction, model: ActionClassifier, device: torch.device) -> None:
        self.fitted, self.model, self.device = fitted, model, device
        self.labels = fitted.labels.names
        self.predictor = ActionPredictor(fitted, model, device)

    def questions(self, examples: Sequence[Item], of: str = "") -> list[LabelQuestion]:
        """Why the class that a clip, or each window of a long one, is given; or what speaks for the class ``of``."""
        if of and of not in self.labels:
            raise UsageError(f"--of {of}: there is no such label", f"there are: {', '.join(self.labels[:20])}")
        asked = []
        for number, item in enumerate(examples):
            for shown in self._windows(item):
                frames, lengths_B = pad([shown.frames])
                with torch.no_grad():
                    shares_K = self.fitted.probabilities(self.model, frames.to(self.device), lengths_B)[0]
                k = self.labels.index(of) if of else int(shares_K.argmax())
                asked.append(LabelQuestion(number, shown, self.labels[k], float(shares_K[k]), k))
        return asked

    def pieces(self, example: ShownFrames) -> Pieces:
        """The times of the frames."""
        return Pieces(example.names, (" ",) * len(example.names), example.names)

    def without(self, question: LabelQuestion, pieces: np.ndarray) -> LabelQuestion:
        """The clip with average frames in the places of some."""
        frames = question.example.frames.copy()
        frames[pieces] = self._average(frames[:1])
        return replace(question, example=replace(question.example, frames=frames))

    def example(self, row: Row) -> Item | None:
        """The file of a row, where it is still there."""
        name = row.get("file")
        item = Item.parse(name) if isinstance(name, str) else None
        return item if item is not None and not isinstance(item.source, bytes) and item.source.path.is_file() else None

    def read(self, questions: Sequence[LabelQuestion], against: str = UNKNOWN) -> QuestionReading:
        """Encoded frames, held against the encoded average frame, or against 0."""
        frames, lengths_B = pad([question.example.frames for question in questions])
        target_B = torch.tensor([question.target for question in questions], device=self.device)
        with torch.no_grad():
            x_BTE = self.model.encoder(frames.to(self.device), lengths_B)
            held_BTE = torch.zeros_like(x_BTE)
            if against == UNKNOWN:
                average = torch.from_numpy(self._average(frames[:1, :1].numpy()[0])).to(self.device)
                held_BTE = self.model.encoder(average.expand_as(frames), lengths_B)
        stream = InputStream("frames", x_BTE, held_BTE, lambda gradient: (gradient * (x_BTE - held_BTE)).sum(-1))
        return QuestionReading([stream], partial(self._score, lengths_B, target_B))

    def _score(self, lengths_B: Tensor, target_B: Tensor, values: Sequence[Tensor]) -> Tensor:
        """The log-odds of the targets, (N,)."""
        times = len(values[0]) // max(1, len(target_B))
        lengths_N, target_N1 = lengths_B.repeat(times), target_B.repeat(times)[:, None]
        y_NTE, _ = self.model.core(values[0], lengths_N, need_state=False)
        logits_NK = by_row(self.model.linear, self.model.pooling(y_NTE, lengths_N)).double()
        others_NK = logits_NK.scatter(1, target_N1, -torch.inf)
        return logits_NK.gather(1, target_N1).squeeze(1) - others_NK.logsumexp(1)

    def _windows(self, item: Item) -> list[ShownFrames]:
        clip, view = self.predictor.clip(item), self.predictor.form.view
        frames = view.show(view.prepare(clip))
        names = tuple(frame_times(clip, len(frames)))
        spans = windows(len(frames), self.fitted.longest)
        return [ShownFrames(frames[start:end], names[start:end]) for start, end in spans]

    def _average(self, like: np.ndarray) -> np.ndarray:
        """The average frame of training, in the shape and type of the one frame ``like`` (1, ...)."""
        mean_F = self.model.encoder.mean.cpu().numpy()
        filled = np.broadcast_to(mean_F.reshape(1, -1, *(1,) * (like.ndim - 2)), like.shape)
        return (filled.round() if like.dtype == np.uint8 else filled).astype(like.dtype)
