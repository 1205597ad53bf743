"""What predictors of clips have in common: files, folders and streams of paths in, rows of JSON out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from rnncli.data.tables.sheet import Sheet, Sought, is_tabular
from rnncli.data.video.frames import ClipError
from rnncli.errors import DataError
from rnncli.tasks.common.predicting import files_of, json_line, require_path
from rnncli.tasks.frames.clip import Clip, Item
from rnncli.tasks.frames.clips import FRAME_NAMES, by
from rnncli.tasks.frames.form import Form
from rnncli.tasks.frames.reader import KNOWN, Reader, item_of
from rnncli.tasks.frames.schema import FramesRecipe
from rnncli.tasks.predictors import Missing

NO_CLIP = Item(b"", "")


class FramePredictor:
    """Reads clips of one form; a stream has one path a line."""

    formats = ("jsonl",)
    sought = Sought("frames_column", FRAME_NAMES, "clips")
    other_forms, own_columns = (), ("file",)
    example = "clip.mp4"
    together = 16

    def __init__(self, recipe: FramesRecipe, form: Form) -> None:
        self.recipe, self.reader, self.form = recipe, Reader(recipe.data, recipe.points), form

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

    def is_table(self, path: Path) -> bool:
        """Whether a file is a table by its name."""
        return is_tabular(path)

    def rows(self, sheet: Sheet) -> Iterator[Item | Missing]:
        """The clip of each row, found from the folder of the table; a row without a file is missing."""
        column = sheet.column(self.sought)
        for number, values in sheet.rows:
            found = item_of(values.get(column), sheet.folder, sheet.place(number))
            yield Missing(found.reason, NO_CLIP) if isinstance(found, ClipError) else found

    def own(self, example: Item) -> dict[str, Any]:
        """The file."""
        return {"file": example.name}

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
