"""A model of music fitted to its training part: the form of its frames, and which keys there are.

Shape letters: N frames of all pieces, B batch, T frames, S slots of a frame, K keys.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from rnncli.data.jsonfile import read_json, write_json
from rnncli.data.steps import Steps
from rnncli.errors import RunError
from rnncli.heads.notes import BEGIN
from rnncli.tasks.base import About, Batches, Metrics, Rivals
from rnncli.tasks.music.data import MusicPart
from rnncli.tasks.music.extras.rivals import limited, rivals
from rnncli.tasks.music.extras.sampled import CHORDS, sampled
from rnncli.tasks.music.form import MusicForm
from rnncli.tasks.music.model import MusicModel
from rnncli.tasks.music.schema import MusicRecipe
from rnncli.tasks.write.carried import Carried, State
from rnncli.tasks.write.chords import resemblance
from rnncli.tasks.write.members import inside
from rnncli.tasks.write.scoring import Blocks, midi_frames, music_blocks, music_rows
from rnncli.tasks.write.walk import ScoredSpans, nats_of
from rnncli.tasks.write.windows import WindowBatch, Windows

FILE, KIND = "music.json", "form of music"


class FittedMusic:
    """See :class:`rnncli.tasks.base.Fitted` and :class:`rnncli.tasks.base.Carries`."""

    best_by = "nats_per_frame"

    def __init__(self, recipe: MusicRecipe, form: MusicForm, written: Mapping[str, Any] | None = None) -> None:
        self.recipe, self.form, self.written = recipe, form, dict(written or {})
        self.notes: tuple[str, ...] = ()
        self._carried = Carried()
        self._train: Steps | None = None

    @property
    def about(self) -> About:
        """What frames are, samples, and what of them is copied."""
        return asdict(self.form) | self.written

    def save(self, folder: Path) -> None:
        """Write what frames are, and what was written."""
        write_json(folder / FILE, KIND, asdict(self.form) | {"written": self.written})

    @classmethod
    def load(cls, recipe: MusicRecipe, folder: Path) -> FittedMusic:
        """What ``save`` wrote; raises RunError."""
        body = read_json(folder / FILE, KIND)
        try:
            return cls(recipe, MusicForm(**{name: body[name] for name in MusicForm.__annotations__}), body["written"])
        except (KeyError, TypeError, ValueError) as error:
            raise RunError(f"{folder / FILE}: {error} is missing", "take it from a copy of the run") from error

    def encode(self, part: MusicPart, *, training: bool = False) -> Windows:
        """Windows of the pieces, in training in any of the keys that the recipe shifts them to."""
        self.require_form(part)
        steps = part.steps()
        begin = np.full(steps.values.shape[1:], BEGIN)
        shifts = _shifts(steps, self.form.keys, self.recipe.train.transpose) if training else range(1)
        window = self.recipe.train.window
        if training:
            self._train = steps

        def vary(frames_TS: np.ndarray, variant: int) -> np.ndarray:
            is_key = (frames_TS >= 0) & (frames_TS < self.form.keys)
            return np.where(is_key, frames_TS + shifts[variant], frames_TS)

        return Windows(
            steps, window, begin, part.place, training=training, variants=len(shifts), vary=vary if training else None
        )

    def require_form(self, part: MusicPart) -> None:
        """Raises DataError for a piece of another form, or of more or fewer voices, than the model was trained on."""
        self.form.require(part.pieces, part.form)

    def build(self) -> MusicModel:
        """A new model."""
        return MusicModel(self.recipe.model, self.form.keys, self.form.voices, max(1, round(self.form.beat)))

    def loss(self, model: MusicModel, batch: WindowBatch) -> Tensor:
        """Nats a frame; in training from the state behind the window before."""

        def read(before_BT: Tensor, state: State) -> tuple[list[Tensor], State]:
            return model.read(before_BT, batch.lengths_B, batch.at_B, state)

        begin = model.begin(len(batch.windows))
        before_BT, outputs = self._carried.read(batch, begin, read, training=model.training)
        inside_BT = inside(batch.lengths_B, batch.steps_BT.shape[1]).to(batch.steps_BT.device)
        return model.loss(outputs, before_BT, batch.steps_BT, inside_BT)

    def carried(self) -> dict[str, Tensor]:
        """The states behind the windows read last."""
        return self._carried.tensors()

    def carry(self, tensors: Mapping[str, Tensor], device: torch.device) -> None:
        """Go on with them."""
        self._carried.restore(tensors, device)

    def validate(self, model: MusicModel, examples: Windows, batches: Batches) -> Metrics:
        """What frames and notes cost."""
        nats_N, blocks = self.nats(model, examples.steps), self._blocks(examples.steps)
        found = blocks.statistics(nats_N).values()
        return found | {"loss": found["nats_per_frame"]}

    def settle(self, model: MusicModel, dev: Windows, batches: Batches) -> None:
        """Write samples, and see how much of them is copied."""
        assert self._train is not None, "settled before the training part was encoded"
        form, settings = self.form, self.recipe.evaluation
        found = sampled(model, form.lowest, settings, self.recipe.seed, self._train, dev.steps)
        seconds = 60 / form.tempo / form.beat
        self.written = found | {"samples": [one | {"seconds": seconds} for one in found.get("samples", ())]}

    def predictions(
        self, model: MusicModel, part: MusicPart, examples: Windows, batches: Batches
    ) -> Iterator[dict[str, Any]]:
        """A row for each piece, several for a long one."""
        steps, seen_D = examples.steps, None
        if self._train is not None:
            seen_D = resemblance(steps, self._train, self.form.keys, CHORDS)
        found = music_rows(
            self._blocks(steps),
            steps,
            self.nats(model, steps),
            pitches=lambda frames_TS: midi_frames(frames_TS, self.form.lowest, self.form.keys),
            places=[part.place(row) for row in range(len(part))],
            seconds=[piece.frame_seconds for piece in part.pieces],
        )
        yield from (row if seen_D is None else row | {"seen": float(seen_D[row["example"]])} for row in found)

    def scores(
        self, model: MusicModel, part: MusicPart, examples: Windows, batches: Batches
    ) -> Iterator[dict[str, Any]]:
        """What each frame costs, in order."""
        steps = examples.steps
        nats_N = self.nats(model, steps).tolist()
        for document, (first, end) in enumerate(pairwise(steps.bounds_D1.tolist())):
            frames = midi_frames(steps[document], self.form.lowest, self.form.keys)
            place = part.place(document)
            for at, (frame, nats) in enumerate(zip(frames, nats_N[first:end], strict=True), start=1):
                yield {"place": f"{place}, frame {at:,}", "token": frame, "nats": nats}

    def baselines(self, parts: Mapping[str, MusicPart], split: str) -> tuple[Rivals, tuple[str, ...]]:
        """n-grams of notes, each key by its frequency, and by whether it sounded."""
        train, test = parts["train"].steps(), parts[split].steps()
        blocks = self._blocks(test)
        found = rivals(train, test, self.form.form, self.form.keys)
        return {name: blocks.statistics(nats_N) for name, nats_N in found.items()}, tuple(
            filter(None, [limited(train)])
        )

    def _blocks(self, steps: Steps) -> Blocks:
        return music_blocks(steps, first=self.recipe.evaluation.first)

    def nats(self, model: MusicModel, steps: Steps) -> np.ndarray:
        """-ln p of each frame given all before it in its piece, (N,)."""
        device = next(model.parameters()).device

        def read(
            before_BT: Tensor, steps_BT: Tensor, lengths_B: Tensor, at_B: Tensor, state: State | None
        ) -> tuple[Tensor, State]:
            begin = model.begin(len(before_BT)) if state is None else state
            outputs, end = model.read(before_BT, lengths_B, at_B, begin)
            inside_BT = inside(lengths_B, before_BT.shape[1]).to(device)
            found_BT = torch.zeros(inside_BT.shape, dtype=torch.float64, device=device)
            found_BT[inside_BT] = model.nats(outputs, before_BT, steps_BT, inside_BT)
            return found_BT, end

        begin = np.full(steps.values.shape[1:], BEGIN)
        return nats_of(steps, ScoredSpans.whole(steps), begin, read, device)


def _shifts(steps: Steps, keys: int, most: int) -> range:
    """By how many half tones all pieces can be shifted, no shift among them."""
    values_NS = steps.values
    sounding = values_NS[(values_NS >= 0) & (values_NS < keys)]
    if not len(sounding):
        return range(1)
    return range(-min(most, int(sounding.min())), min(most, keys - 1 - int(sounding.max())) + 1)
