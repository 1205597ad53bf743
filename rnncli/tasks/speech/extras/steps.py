"""What the core of a recognizer reads: a frame of convolved features at each step."""

from __future__ import annotations

import numpy as np
import torch

from rnncli.core.device import placed
from rnncli.tasks.inspecting import ReadBatch, ReadSteps
from rnncli.tasks.speech.examples import SpeechBatch, SpeechExamples, collate
from rnncli.tasks.speech.fitted import FittedSpeech
from rnncli.tasks.speech.model import Recognizer
from rnncli.tasks.speech.predictor import SpeechPredictor

NOTHING = "nothing"


class SoundSteps:
    """See :class:`rnncli.tasks.inspecting.StepReader`; what is ``heard`` at a frame, its likeliest label, is a mark."""

    unit, gap, lexical = "frame", " ", False

    def __init__(self, fitted: FittedSpeech, model: Recognizer, device: torch.device) -> None:
        self.fitted, self.model, self.device = fitted, model, device
        self.predictor = SpeechPredictor(fitted, model, device)

    def typed(self, text: str) -> ReadBatch:
        """The path of a recording, or of .npy features, which is read whole."""
        path = self.predictor.parse(text)
        batch = collate([self.fitted.form.scale(self.predictor.features(path))], [self.fitted.units.encode("")])
        return self._read(placed(batch, self.device), [text])

    def of_part(self, part: object, examples: SpeechExamples, indices: np.ndarray, batch: SpeechBatch) -> ReadBatch:
        """Recordings of a part."""
        return self._read(batch, [examples.place(int(index)) for index in indices])

    def _read(self, batch: SpeechBatch, places: list[str]) -> ReadBatch:
        logits_BRV, lengths_B = self.model(batch.x_BTF, batch.lengths_B)
        seconds, labels = self.fitted.decoder.seconds, (NOTHING, *self.fitted.units.labels)
        found = []
        for best_R, length, place in zip(logits_BRV.argmax(-1).tolist(), lengths_B.tolist(), places, strict=True):
            heard = [labels[number] for number in best_R[:length]]
            found.append(ReadSteps([f"{at * seconds:.2f} s" for at in range(length)], place, {"heard": heard}))
        return ReadBatch(found)
