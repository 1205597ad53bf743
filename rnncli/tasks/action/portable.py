"""Clips to the inputs of a recognizer of actions, and its scores to rows: what exported models predict with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from rnncli.data.jsonfile import read_json, write_json
from rnncli.tasks.action.windows import windowed_row, windows
from rnncli.tasks.classify.answers import probabilities
from rnncli.tasks.frames.clip import Item
from rnncli.tasks.frames.portable import FrameInputs, FrameTables, padded
from rnncli.tasks.portable import Run

KIND, FILE = "actions", "labels.json"


@dataclass(frozen=True, eq=False)
class ActionTables:
    """All but the weights: how frames are shown, the classes, the most frames of a training clip."""

    frames: FrameTables
    labels: tuple[str, ...]
    longest: int

    def save(self, folder: Path) -> None:
        """Write what :meth:`load` reads."""
        self.frames.save(folder)
        write_json(folder / FILE, KIND, {"labels": self.labels, "longest": self.longest})

    @classmethod
    def load(cls, folder: Path) -> ActionTables:
        """What :meth:`save` wrote; raises RunError."""
        body = read_json(folder / FILE, KIND)
        return cls(FrameTables.load(folder), tuple(body["labels"]), body["longest"])


class PortableActions(FrameInputs):
    """See :class:`rnncli.tasks.portable.Portable`; an example is a file of frames."""

    def __init__(self, tables: ActionTables, run: Run) -> None:
        self.tables, self.run = tables, run

    def predict(self, examples: Sequence[Item]) -> list[dict[str, Any]]:
        """One row a clip, in order; batch mates do not matter."""
        tables = self.tables
        clips = [tables.frames.clip(item) for item in examples]
        shown = [tables.frames.shown(clip) for clip in clips]
        spans = [windows(len(frames), tables.longest) for frames in shown]
        pieces = [frames[start:end] for frames, cut in zip(shown, spans, strict=True) for start, end in cut]
        found = iter(self._probabilities(pieces))
        return [
            windowed_row(clip.name, clip.step, cut, [next(found) for _ in cut], tables.labels)
            for clip, cut in zip(clips, spans, strict=True)
        ]

    def _probabilities(self, pieces: Sequence[np.ndarray]) -> list[np.ndarray]:
        found: list[np.ndarray] = []
        for start in range(0, len(pieces), self.together):
            frames, lengths_B = padded(pieces[start : start + self.together])
            logits_BK = self.run("model", {"frames": frames, "lengths": lengths_B})["logits"]
            found += list(probabilities(logits_BK, several=False))
        return found


def open_model(folder: Path, run: Run) -> PortableActions:
    """The recognizer whose tables lie in ``folder``."""
    return PortableActions(ActionTables.load(folder), run)
