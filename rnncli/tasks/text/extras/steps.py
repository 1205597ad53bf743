"""What the core of a model of texts reads: the symbol before the one that it foretells."""

from __future__ import annotations

import numpy as np
import torch

from rnncli.core.device import placed
from rnncli.data.text.encoded import Encoded, encode
from rnncli.tasks.inspecting import ReadBatch, ReadSteps
from rnncli.tasks.text.examples import TextWindows
from rnncli.tasks.text.fitted import FittedText
from rnncli.tasks.text.model import TextModel
from rnncli.tasks.text.portable import document_of, text_of_json
from rnncli.tasks.write.windows import WindowBatch

BEGIN = "<begin>"


class SymbolSteps:
    """See :class:`rnncli.tasks.inspecting.StepReader`; the symbol behind each step is its mark ``next``.

    Each window of a long text is read from the begin of a text.
    """

    lexical = True

    def __init__(self, fitted: FittedText, model: TextModel, device: torch.device) -> None:
        self.fitted, self.model, self.device = fitted, model, device
        unit = fitted.codec.unit
        self.unit = {"character": "character", "byte": "byte", "subword": "piece"}.get(unit, "word")
        self.gap = " " if unit == "whitespace" else ""

    def typed(self, text: str) -> ReadBatch:
        """A text, or the ``text`` of a JSON object."""
        encoded = encode(self.fitted.codec, [document_of(self.fitted.codec, text_of_json(text), "")])
        windows = self._windows(encoded, max(1, len(encoded.steps.values)))
        return self._read(placed(windows.batch(np.zeros(1, np.int64)), self.device), [""])

    def of_part(self, part: object, examples: TextWindows, indices: np.ndarray, batch: WindowBatch) -> ReadBatch:
        """Windows of documents."""
        return self._read(batch, [examples.place(int(index)) for index in indices])

    def _windows(self, encoded: Encoded, window: int) -> TextWindows:
        return TextWindows(encoded, window, self.fitted.codec.size, str, training=False)

    def _read(self, batch: WindowBatch, places: list[str]) -> ReadBatch:
        self.model.read(batch.before_BT, batch.lengths_B, self.model.begin(len(batch.before_BT)))
        before_BT, next_BT = batch.before_BT.tolist(), batch.steps_BT.tolist()
        rows = zip(before_BT, next_BT, batch.lengths_B.tolist(), places, strict=True)
        return ReadBatch(
            [
                ReadSteps(self._names(before[:length]), place, {"next": self._names(following[:length])})
                for before, following, length, place in rows
            ]
        )

    def _names(self, numbers: list[int]) -> list[str]:
        codec = self.fitted.codec
        return [BEGIN if number == codec.size else codec.token(number) for number in numbers]
