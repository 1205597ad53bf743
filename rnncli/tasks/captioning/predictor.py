"""Captions for new clips."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch

from rnncli.data.tables.sheet import Sheet
from rnncli.tasks.captioning.fitted import FittedCaptioning
from rnncli.tasks.captioning.model import Captioner
from rnncli.tasks.frames.clip import Item
from rnncli.tasks.frames.examples import pad
from rnncli.tasks.frames.predictor import FramePredictor


class CaptionPredictor(FramePredictor):
    """Files in, a row each out: ``file``, ``caption``, and the best ``captions`` with their scores."""

    def __init__(self, fitted: FittedCaptioning, model: Captioner, device: torch.device) -> None:
        super().__init__(fitted.recipe, fitted.form)
        self.fitted, self.model, self.device = fitted, model, device

    @torch.no_grad()
    def predict(self, examples: Sequence[Item]) -> list[dict[str, Any]]:
        """One row a clip, in order; batch mates do not matter."""
        fitted, view = self.fitted, self.form.view
        frames, lengths_B = pad([view.show(view.prepare(self.clip(item))) for item in examples])
        found = fitted.writer(self.model, frames.to(self.device), lengths_B)
        return [fitted.writer.row(item.name, one) for item, one in zip(examples, found, strict=True)]

    def blank(self, example: Item) -> dict[str, Any]:
        """The row of a clip without a caption."""
        return {"file": example.name, "caption": None, "captions": []}

    def added(self, sheet: Sheet | None) -> dict[str, type]:
        """The best caption and its score."""
        return {"caption": str, "score": float}

    def cells(self, example: Item, row: Mapping[str, Any]) -> list[dict[str, Any]]:
        """What is added to the row of a clip."""
        return [{"caption": best["caption"], "score": best["score"]} for best in row["captions"][:1]] or [{}]

    def table(self, rows: Sequence[dict[str, Any]]) -> tuple[list[str], list[list[str]]]:
        """Caption and file."""
        return ["caption", "file"], [[row["caption"], row["file"]] for row in rows]
