"""Files of frames to what a model is shown of them, with numpy alone, as exported models have it.

Shape letters: B clips, T frames of a clip.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np

from rnncli.data.jsonfile import read_json, write_json
from rnncli.data.video.frames import SUFFIXES, FrameFile, read_frames
from rnncli.errors import DataError
from rnncli.tasks.common.predicting import files_of, require_path
from rnncli.tasks.frames.clip import Clip, Item, Sampling
from rnncli.tasks.frames.views import View, view

if TYPE_CHECKING:
    from rnncli.tasks.frames.form import Form
    from rnncli.tasks.frames.schema import FramesRecipe

KIND, FILE, COMMON = "frames that a model reads", "frames.json", "common.npy"
READ = ("every", "most_frames", "align", "blocks", "differences")
"""Keys of ``data`` that say what is made of an array of frames."""


@dataclass(frozen=True, eq=False)
class FrameTables:
    """The shape of a frame, which frames are taken and how they are shown; ``common`` is the picture that clips share.

    ``settings`` are the keys :data:`READ` of ``data``, and ``points`` those of that section.
    """

    shape: tuple[int, ...]
    settings: dict[str, Any]
    points: dict[str, Any]
    common: np.ndarray | None

    @classmethod
    def of(cls, recipe: FramesRecipe, form: Form) -> FrameTables:
        """Those of a model in training's terms."""
        settings = {key: getattr(recipe.data, key) for key in READ}
        return cls(form.shape, settings, recipe.points.model_dump(), form.common)

    @property
    def view(self) -> View:
        """How clips are shown."""
        parts = SimpleNamespace(**self.settings), SimpleNamespace(**self.points)
        recipe: Any = SimpleNamespace(data=parts[0], points=parts[1], variation=None)  # nothing is varied
        return view(self.shape, recipe, self.common)

    def clip(self, item: Item) -> Clip:
        """The clip of a file of arrays; raises DataError for any other file, and for frames of another shape."""
        source = item.source
        if not isinstance(source, FrameFile) or source.path.suffix.lower() not in SUFFIXES:
            hint = "numpy.save of what rnncli features computes of it"
            raise DataError(f"{item.name}: only arrays of frames are read here ({', '.join(SUFFIXES)})", hint)
        sampling = Sampling(self.settings["every"], self.settings["most_frames"])
        found = sampling(read_frames(source, item.name))
        finite = np.isfinite(found)
        if not finite.any() if self.points["dimensions"] else not finite.all():
            raise DataError(f"{item.name}: holds NaN or infinity", "compute it again")
        if found.shape[1:] != self.shape:
            wanted, there = (" x ".join(map(str, shape)) for shape in (self.shape, found.shape[1:]))
            raise DataError(f"{item.name}: frames of {there} figures, where the model reads {wanted}", "")
        return Clip(source, item.name, sampling, len(found), found.shape[1:])

    def shown(self, clip: Clip) -> np.ndarray:
        """What the model is shown of a clip: (T, F) float32, or (T, C, H, W) uint8."""
        seen = self.view
        return seen.show(seen.prepare(clip))

    def save(self, folder: Path) -> None:
        """Write what :meth:`load` reads."""
        body = {"shape": list(self.shape), "settings": self.settings, "points": self.points}
        write_json(folder / FILE, KIND, body)
        if self.common is not None:
            np.save(folder / COMMON, self.common.round(2))

    @classmethod
    def load(cls, folder: Path) -> FrameTables:
        """What :meth:`save` wrote; raises RunError."""
        body, common = read_json(folder / FILE, KIND), None
        if (folder / COMMON).exists():
            common = np.load(folder / COMMON)
        return cls(tuple(body["shape"]), body["settings"], body["points"], common)


class FrameInputs:
    """Inputs that are files of frames; a stream has one path a line."""

    together = 16

    def parse(self, text: str) -> Item:
        """The path of a clip; raises DataError."""
        require_path(text, "clip", "clip.npy")
        return Item.parse(text)

    def read(self, path: Path) -> Iterator[Item]:
        """The clip itself, or all of a folder."""
        return map(self.parse, files_of(str(path), SUFFIXES, "clip"))

    def listen(self, lines: Iterable[str]) -> Iterator[Item]:
        """A path a line; blank lines are skipped."""
        return (self.parse(line) for line in lines if line.strip())


def padded(clips: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Clips (T, ...) padded with zeros at their ends, and their lengths (B,)."""
    lengths_B = np.array([len(one) for one in clips], np.int64)
    frames = np.zeros((len(clips), max(1, int(lengths_B.max(initial=0))), *clips[0].shape[1:]), clips[0].dtype)
    for row, clip in zip(frames, clips, strict=True):
        row[: len(clip)] = clip
    return frames, lengths_B
