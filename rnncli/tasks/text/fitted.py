"""A model of texts fitted to its training part: the symbols.

Shape letters: N symbols of all documents, B batch, T steps, V kinds of symbol.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from rnncli.data.text.codec import Codec
from rnncli.data.text.encoded import Encoded, encode
from rnncli.heads.symbols import chances
from rnncli.tasks.base import About, Batches, Metrics, Rivals
from rnncli.tasks.text.data import DocumentPart
from rnncli.tasks.text.examples import TextWindows
from rnncli.tasks.text.model import TextModel
from rnncli.tasks.text.schema import TextRecipe
from rnncli.tasks.write.carried import Carried, State
from rnncli.tasks.write.members import inside
from rnncli.tasks.write.scoring import Blocks, text_blocks, text_rows, text_truth
from rnncli.tasks.write.walk import Spans, nats_of
from rnncli.tasks.write.windows import WindowBatch

FILE = "codec.json"


class FittedText:
    """See :class:`rnncli.tasks.base.Fitted` and :class:`rnncli.tasks.base.Carries`."""

    best_by = "bits_per_character"

    def __init__(self, recipe: TextRecipe, codec: Codec, notes: tuple[str, ...] = ()) -> None:
        self.recipe, self.codec, self.notes = recipe, codec, notes
        self._carried = Carried()
        self._chance_V: Tensor | None = None

    @property
    def about(self) -> About:
        """What symbols are."""
        return {"unit": self.codec.unit, "vocabulary": self.codec.size}

    def save(self, folder: Path) -> None:
        """Write the symbols."""
        self.codec.save(folder / FILE)

    @classmethod
    def load(cls, recipe: TextRecipe, folder: Path) -> FittedText:
        """What ``save`` wrote; raises RunError."""
        return cls(recipe, Codec.load(folder / FILE))

    def encode(self, part: DocumentPart, *, training: bool = False) -> TextWindows:
        """Windows of the documents."""
        encoded = encode(self.codec, part.documents)
        negatives = self.recipe.train.negatives
        if training and negatives and negatives < self.codec.size:
            count_V = np.bincount(encoded.steps.values, minlength=self.codec.size)
            self._chance_V = chances(torch.from_numpy(count_V), negatives)
        return TextWindows(encoded, self.recipe.train.window, self.codec.size, part.place, training=training)

    def build(self) -> TextModel:
        """A new model."""
        return TextModel(self.recipe.model, self.codec.size)

    def loss(self, model: TextModel, batch: WindowBatch) -> Tensor:
        """Nats a symbol; in training from the state behind the window before."""
        state = model.begin(len(batch.windows))
        if model.training:
            state = self._carried.before(batch.windows, batch.follow, state)
        outputs, end = model.read(batch.before_BT, batch.lengths_B, state)
        if model.training:
            self._carried.keep(batch.windows, end)
        device = batch.steps_BT.device
        inside_BT = inside(batch.lengths_B, batch.steps_BT.shape[1]).to(device)
        chance_V = None if self._chance_V is None or not model.training else self._chance_V.to(device)
        return model.loss(outputs, batch.steps_BT, inside_BT, chance_V)

    def carried(self) -> dict[str, Tensor]:
        """The states behind the windows read last."""
        return self._carried.tensors()

    def carry(self, tensors: Mapping[str, Tensor], device: torch.device) -> None:
        """Go on with them."""
        self._carried.restore(tensors, device)

    def validate(self, model: TextModel, examples: TextWindows, batches: Batches) -> Metrics:
        """What the text costs, long documents read in parts at once, each after some text before it."""
        encoded = examples.encoded
        nats_N = self._nats(model, encoded, Spans.parts(encoded.steps))
        found = self._blocks(encoded).statistics(nats_N).values()
        return found | {"loss": found["nats_per_token"]}

    def predictions(
        self, model: TextModel, part: DocumentPart, examples: TextWindows, batches: Batches
    ) -> Iterator[dict[str, Any]]:
        """A row for each block of a document, each symbol given all before it in the document."""
        encoded = examples.encoded
        yield from text_rows(
            self._blocks(encoded),
            encoded.steps,
            self._nats(model, encoded, Spans.whole(encoded.steps)),
            codec=self.codec,
            places=[part.place(row) for row in range(len(part))],
            truths=[text_truth(document.pieces()) for document in part.documents],
            keep=self.recipe.evaluation.keep,
        )

    def baselines(self, parts: Mapping[str, DocumentPart], split: str) -> tuple[Rivals, tuple[str, ...]]:
        """Kneser-Ney models, each symbol by its frequency, and a compressor."""
        return {}, ()

    def _blocks(self, encoded: Encoded) -> Blocks:
        unknown_N = None if self.codec.unit == "byte" else encoded.steps.values == 0
        return text_blocks(encoded.steps, encoded.characters_N, encoded.bytes_N, unknown_N)

    def _nats(self, model: TextModel, encoded: Encoded, spans: Spans) -> np.ndarray:
        """-ln p of each symbol of the spans, (N,)."""
        device = next(model.parameters()).device

        def read(
            before_BT: Tensor, steps_BT: Tensor, lengths_B: Tensor, at_B: Tensor, state: State | None
        ) -> tuple[Tensor, State]:
            begin = model.begin(len(before_BT)) if state is None else state
            outputs, end = model.read(before_BT, lengths_B, begin)
            inside_BT = inside(lengths_B, before_BT.shape[1]).to(device)
            found_BT = torch.zeros(inside_BT.shape, device=device)
            found_BT[inside_BT] = model.nats(outputs, steps_BT, inside_BT)
            return found_BT, end

        return nats_of(encoded.steps, spans, self.codec.size, read, device)
