"""Classes for new clips, long ones in windows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch

from rnncli.tasks.action.fitted import FittedAction
from rnncli.tasks.action.model import ActionClassifier
from rnncli.tasks.action.windows import SHOWN, windowed_row, windows
from rnncli.tasks.frames.clip import Item
from rnncli.tasks.frames.examples import pad
from rnncli.tasks.frames.predictor import FramePredictor


class ActionPredictor(FramePredictor):
    """Files in, a row each out: ``file``, ``label``, ``probabilities``; a stream has one path a line.

    A clip that is much longer than those of training is cut into windows as long as the longest of them, each half over
    the next. Its ``windows`` have ``start`` and ``end``, in the ``unit`` seconds or, where a file gives no times,
    frames; the row itself has the mean of their probabilities.
    """

    def __init__(self, fitted: FittedAction, model: ActionClassifier, device: torch.device) -> None:
        super().__init__(fitted.recipe, fitted.form)
        self.fitted, self.model, self.device = fitted, model, device

    @torch.no_grad()
    def predict(self, examples: Sequence[Item]) -> list[dict[str, Any]]:
        """One row a clip, in order; batch mates do not matter."""
        clips = [self.clip(item) for item in examples]
        shown = [self.form.view.show(self.form.view.prepare(clip)) for clip in clips]
        spans = [windows(len(frames), self.fitted.longest) for frames in shown]
        pieces = [frames[start:end] for frames, cut in zip(shown, spans, strict=True) for start, end in cut]
        found = iter(self._probabilities(pieces))
        labels = self.fitted.labels.names
        return [
            windowed_row(clip.name, clip.step, cut, [next(found) for _ in cut], labels)
            for clip, cut in zip(clips, spans, strict=True)
        ]

    def table(self, rows: Sequence[dict[str, Any]]) -> tuple[list[str], list[list[str]]]:
        """Label, its probability, the file; of a long clip a line a window."""
        cells = []
        for clip in rows:
            for one in clip.get("windows", [clip]):
                when = f" {one['start']:g} - {one['end']:g} {clip['unit']}" if "windows" in clip else ""
                sure = one["probability"] if "windows" in clip else clip["probabilities"][clip["label"]]
                cells.append([one["label"], f"{100 * sure:.1f} %", clip[SHOWN] + when])
        return ["label", "probability", "file"], cells

    def _probabilities(self, pieces: Sequence[np.ndarray]) -> Iterator[np.ndarray]:
        for start in range(0, len(pieces), self.together):
            frames, lengths_B = pad(pieces[start : start + self.together])
            yield from self.fitted.probabilities(self.model, frames.to(self.device), lengths_B)
