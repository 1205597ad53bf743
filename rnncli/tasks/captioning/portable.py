"""Captions of clips, where numpy and ONNX Runtime are all that there is.

Shape letters: B sentences that are followed, T frames, E outputs of the encoder, V words, L layers, H hidden.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from rnncli.data.jsonfile import read_json, write_json
from rnncli.data.text import units as text_units
from rnncli.heads.sentences import NextWords, Written, search
from rnncli.tasks.captioning.extras.spelling import Spelling
from rnncli.tasks.captioning.extras.writer import CaptionWriter
from rnncli.tasks.decode.language import Language
from rnncli.tasks.frames.clip import Item
from rnncli.tasks.frames.portable import FrameInputs, FrameTables
from rnncli.tasks.portable import Run

FILE, UNITS, KIND = "words.json", "units.json", "captioner"
SETTINGS = ("beam", "best", "longest", "length_power", "no_repeat")
"""Keys of ``decoding`` that a search goes by."""


@dataclass(frozen=True, eq=False)
class CaptionTables:
    """All but the weights: how frames are shown, the words, how captions are searched for."""

    frames: FrameTables
    writer: CaptionWriter

    def save(self, folder: Path) -> None:
        """Write what :meth:`load` reads, with numpy alone."""
        self.frames.save(folder)
        spelling = self.writer.spelling
        text_units.save(spelling.units, folder / UNITS)
        words = {"words": list(spelling.known), "ctc": spelling.ctc}
        settings = {name: getattr(self.writer.settings, name) for name in SETTINGS}
        write_json(folder / FILE, KIND, words | {"search": settings} | self.writer.language.keep(folder))

    @classmethod
    def load(cls, folder: Path) -> CaptionTables:
        """What :meth:`save` wrote; raises RunError."""
        body = read_json(folder / FILE, KIND)
        spelling = Spelling(text_units.load(folder / UNITS), tuple(body["words"]), body["ctc"])
        settings: Any = SimpleNamespace(**body["search"])
        return cls(FrameTables.load(folder), CaptionWriter(spelling, settings, Language.kept(folder, body)))


class PortableCaptions(FrameInputs):
    """See :class:`rnncli.tasks.portable.Portable`; an example is a file of frames."""

    together = 1  # a caption is searched for by itself

    def __init__(self, tables: CaptionTables, run: Run) -> None:
        self.tables, self.run = tables, run

    def predict(self, examples: Sequence[Item]) -> list[dict[str, Any]]:
        """One row a clip, in order; raises DataError."""
        frames, writer = self.tables.frames, self.tables.writer
        return [writer.row(item.name, self._written(frames.shown(frames.clip(item)))) for item in examples]

    def _written(self, frames: np.ndarray) -> list[Written]:
        """The best captions of the frames of a clip."""
        writer, length_1 = self.tables.writer, np.array([len(frames)])
        found = self.run("model", {"frames": frames[None], "lengths": length_1})
        if not writer.spelling.ctc:
            return self._attended(found, length_1)
        logits_TV = found["logits"][0].astype(np.float64)
        logits_TV -= logits_TV.max(1, keepdims=True)
        return writer.search(logits_TV - np.log(np.exp(logits_TV).sum(1, keepdims=True)))

    def _attended(self, encoded: dict[str, np.ndarray], length_1: np.ndarray) -> list[Written]:
        """Captions that are written word by word."""
        names = [name for name in ("h", "c") if name in encoded]

        def advance(words_B: list[int], state: tuple[np.ndarray, ...]) -> NextWords:
            given = {name: np.repeat(encoded[name], len(words_B), 0) for name in ("memory", "keys")}
            given |= {"words": np.array(words_B), "lengths": np.repeat(length_1, len(words_B))}
            made = self.run("step", given | dict(zip(names, state, strict=True)))
            return NextWords(made["logs"], made["attention"], tuple(made[f"next_{name}"] for name in names))

        return search(advance, tuple(encoded[name] for name in names), **self.tables.writer.options)


def open_model(folder: Path, run: Run) -> PortableCaptions:
    """The captioner whose tables lie in ``folder``."""
    return PortableCaptions(CaptionTables.load(folder), run)
