"""What is learnt of the frames of a training part, before any weights: their shape, where they lie, their moments."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from torch import Tensor

from rnncli.data.jsonfile import read_json, write_json
from rnncli.data.video.registration import common_picture, mean_picture
from rnncli.errors import DataError, RunError
from rnncli.tasks.frames.clip import Clip
from rnncli.tasks.frames.encoder import FrameEncoder
from rnncli.tasks.frames.examples import moments
from rnncli.tasks.frames.schema import FramesRecipe
from rnncli.tasks.frames.views import reach, view

KIND, FILE = "form of frames", "frames.json"


class Form:
    """The shape of a frame, the figures (or channels of pixels) that a model reads, the picture that clips share.

    ``moments`` are their mean and deviation in training; a form that was read has none, as they lie with the weights.
    """

    def __init__(self, recipe: FramesRecipe, shape: tuple[int, ...], width: int, common: np.ndarray | None) -> None:
        self.shape, self.width, self.common = shape, width, common
        self.view = view(shape, recipe, common)
        self.moments: tuple[Tensor, Tensor] | None = None

    @classmethod
    def learn(cls, recipe: FramesRecipe, clips: Sequence[Clip]) -> Form:
        """The form of clips, each of them once; raises DataError where the recipe does not fit them."""
        shape = clips[0].shape
        common = None
        if recipe.data.align:
            if len(shape) == 1:
                raise DataError("data.align is for frames of pixels, not for figures", "data.align=0")
            common = common_picture([mean_picture(clip.load()) for clip in clips], reach(shape, recipe.data.align))
        shown = view(shape, recipe, common)
        found = moments((shown.show(shown.prepare(clip)) for clip in clips), shown.pixels)
        form = cls(recipe, shape, len(found[0]), common)
        form.moments = found
        return form

    def save(self, folder: Path) -> None:
        """Write all but the moments."""
        common = None if self.common is None else self.common.round(2).tolist()
        write_json(folder / FILE, KIND, {"shape": list(self.shape), "width": self.width, "common": common})

    @classmethod
    def load(cls, recipe: FramesRecipe, folder: Path) -> Form:
        """What ``save`` wrote; raises RunError."""
        path = folder / FILE
        body = read_json(path, KIND)
        try:
            shape, width = tuple(map(int, body["shape"])), int(body["width"])
            common = None if body["common"] is None else np.array(body["common"], dtype=np.float32)
            if not shape or (common is not None and common.shape != shape[:2]):
                raise ValueError
        except (KeyError, TypeError, ValueError) as error:
            raise RunError(f"{path}: holds no form of frames", "take it from a copy of the run") from error
        return cls(recipe, shape, width, common)

    def encoder(self, recipe: FramesRecipe) -> FrameEncoder:
        """A new encoder of such frames."""
        encoder = FrameEncoder(self.width, self.view.pixels, recipe.model)
        if self.moments:
            encoder.mean.copy_(self.moments[0])
            encoder.deviation.copy_(self.moments[1])
        return encoder
