"""What predictors of clips have in common: files, folders and streams of paths in, rows of JSON out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from rnncli.errors import DataError
from rnncli.tasks.common.predicting import files_of, json_line, require_path
from rnncli.tasks.frames.clip import Clip, Item
from rnncli.tasks.frames.clips import by
from rnncli.tasks.frames.form import Form
from rnncli.tasks.frames.reader import KNOWN, Reader
from rnncli.tasks.frames.schema import FramesRecipe


class FramePredictor:
    """Reads clips of one form; a stream has one path a line."""

    formats = ("jsonl",)
    example = "clip.mp4"
    together = 16

    def __init__(self, recipe: FramesRecipe, form: Form) -> None:
        self.reader, self.form = Reader(recipe.data, recipe.points), form

    def expand(self, text: str) -> list[str]:
        """A file itself, or all clips below a folder."""
        return files_of(text, KNOWN, "clip")

    def closing(self) -> str:
        """Nothing more to say."""
        return ""

    def parse(self, text: str) -> Item:
        """The path of a clip."""
        require_path(text, "clip", self.example)
        return Item.parse(text)

    def read(self, path: Path, form: str = "") -> Iterator[Item]:
        """The clip itself."""
        yield Item.parse(str(path))

    def listen(self, lines: Iterable[str], name: str, form: str = "") -> Iterator[Item]:
        """A path a line; blank lines are skipped."""
        return (self.parse(line) for line in lines if line.strip())

    def text(self, example: Item, row: dict[str, Any], form: str = "") -> str:
        """A JSON object on a line."""
        return json_line(row)

    def clip(self, item: Item) -> Clip:
        """The clip; raises DataError where its frames have another shape."""
        clip = self.reader.clip(item)
        if clip.shape != self.form.shape:
            said = f"{item.name}: frames of {by(clip.shape)} figures, where the model reads {by(self.form.shape)}"
            raise DataError(said, "give what it was trained on")
        return clip
