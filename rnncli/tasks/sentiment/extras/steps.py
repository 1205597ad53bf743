"""What the core of a classifier of texts reads: a unit at each step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch

from rnncli.tasks.inspecting import ReadBatch, ReadSteps, everywhere
from rnncli.tasks.sentiment.data import TextPart
from rnncli.tasks.sentiment.examples import TextBatch, TextExamples
from rnncli.tasks.sentiment.fitted import FittedSentiment
from rnncli.tasks.sentiment.model import TextClassifier


class TextSteps:
    """See :class:`rnncli.tasks.inspecting.StepReader`; the label of a text is a mark of each of its units."""

    lexical = True

    def __init__(self, fitted: FittedSentiment, model: TextClassifier, device: torch.device) -> None:
        self.fitted, self.model, self.device = fitted, model, device
        by_character = fitted.units.to_dict()["unit"] == "character"
        self.unit, self.gap = ("character", "") if by_character else ("word", " ")

    def typed(self, text: str) -> ReadBatch:
        """A text, or the ``text`` of a JSON object."""
        tables = self.fitted.tables
        text = tables.parse(text)
        given = {name: torch.from_numpy(one).to(self.device) for name, one in tables.inputs([text]).items()}
        self.model(given["ids"], given["lengths"].cpu(), given.get("figures"), given.get("scores"))
        return ReadBatch([ReadSteps(list(units)) for units in tables.cut_up([text])])

    def of_part(self, part: TextPart, examples: TextExamples, indices: np.ndarray, batch: TextBatch) -> ReadBatch:
        """Texts with their labels."""
        self.model(batch.ids_BT, batch.lengths_B, batch.figures_BTF, batch.scores_BC)
        some = part.take(indices)
        found = zip(indices, self.fitted.cut_up(some.texts()), some.labels(), strict=True)
        return ReadBatch(
            [
                ReadSteps(list(units), part.place(int(index)), everywhere(len(units), self._marks(labels)))
                for index, units, labels in found
            ]
        )

    def _marks(self, labels: Sequence[str]) -> Mapping[str, str]:
        """The label of a text, or of each of several whether the text has it."""
        if not self.fitted.labels.several:
            return {"label": labels[0]}
        return {f"label {name}": "yes" if name in labels else "no" for name in self.fitted.labels.names}
