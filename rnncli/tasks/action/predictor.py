"""Classes for new clips."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from rnncli.data.frames import SUFFIXES, FrameFile
from rnncli.errors import DataError
from rnncli.tasks import classified
from rnncli.tasks.frames.clips import Sampling, judged
from rnncli.tasks.frames.examples import pad

if TYPE_CHECKING:
    from rnncli.tasks.action.task import FittedAction


class ActionPredictor:
    """Files of frames in, a row each out: ``file``, ``label``, ``probabilities``; a stream has one path a line."""

    formats = ("jsonl",)
    example = "clip.npy"
    together = 16

    def __init__(self, fitted: FittedAction, model: nn.Module, device: torch.device) -> None:
        self.fitted, self.model, self.device = fitted, model, device

    def expand(self, text: str) -> list[str]:
        """A file itself, or all clips below a folder."""
        folder = Path(text)
        if not folder.is_dir():
            return [text]
        files = sorted(str(file) for file in folder.rglob("*") if file.suffix.lower() in SUFFIXES)
        if not files:
            raise DataError(f"{text}: no clip in this folder", f"known are {', '.join(SUFFIXES)}")
        return files

    def closing(self) -> str:
        """Nothing more to say."""
        return ""

    def parse(self, text: str) -> FrameFile:
        """The path of a clip."""
        if not text.strip():
            raise DataError("an empty path of a clip", "rnncli predict RUN clip.npy")
        return FrameFile.parse(text.strip())

    def read(self, path: Path, form: str = "") -> Iterator[FrameFile]:
        """The clip itself."""
        yield FrameFile(path)

    def listen(self, lines: Iterable[str], name: str, form: str = "") -> Iterator[FrameFile]:
        """A path a line; blank lines are skipped."""
        return (self.parse(line) for line in lines if line.strip())

    @torch.no_grad()
    def predict(self, examples: Sequence[FrameFile]) -> list[dict[str, Any]]:
        """One row a clip, in order; batch mates do not matter."""
        fitted = self.fitted
        frames, lengths_B = pad([self._shown(file) for file in examples])
        found_BK = fitted.probabilities(self.model, frames.to(self.device), lengths_B)
        pairs = zip(examples, found_BK, strict=True)
        return [classified.row(str(file), shares, fitted.labels, False, "file") for file, shares in pairs]

    def text(self, example: FrameFile, row: dict[str, Any], form: str = "") -> str:
        """A JSON object on a line."""
        return json.dumps(row, ensure_ascii=False, allow_nan=False) + "\n"

    def table(self, rows: Sequence[dict[str, Any]]) -> tuple[list[str], list[list[str]]]:
        """Label, its probability, the file."""
        cells = [[row["label"], f"{100 * row['probabilities'][row['label']]:.1f} %", row["file"]] for row in rows]
        return ["label", "probability", "file"], cells

    def _shown(self, file: FrameFile) -> Any:
        recipe, view = self.fitted.recipe, self.fitted.view
        clip = judged(file, Sampling(recipe.data.every, recipe.data.most_frames), recipe.points)
        if clip.shape != self.fitted.shape:
            has, wants = (" x ".join(map(str, shape)) for shape in (clip.shape, self.fitted.shape))
            raise DataError(
                f"{file}: frames of {has} figures, where the model reads {wants}", "give what it was trained on"
            )
        return view.show(view.prepare(clip))
