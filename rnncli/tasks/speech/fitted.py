"""A recogniser fitted to its training part: how texts become labels, features become scores, scores become texts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from rnncli.errors import DataError
from rnncli.heads.ctc import ctc_nll, frames_needed
from rnncli.metrics.edits import error_rate
from rnncli.report.build import Evaluation
from rnncli.tasks.base import Batches, Metrics
from rnncli.tasks.decode.language import Weights, tune
from rnncli.tasks.speech import keep, metrics
from rnncli.tasks.speech.data import SpeechPart, frontend
from rnncli.tasks.speech.decoding import Decoder
from rnncli.tasks.speech.examples import SpeechBatch, SpeechExamples, Varying
from rnncli.tasks.speech.keep import Form
from rnncli.tasks.speech.model import Recogniser, together
from rnncli.tasks.speech.predictor import SpeechPredictor
from rnncli.tasks.speech.schema import SpeechRecipe
from rnncli.tasks.speech.training import at_other_speeds, to_train_on
from rnncli.tasks.speech.units import Units

TUNED = 200
"""Recordings of dev that the weights of the language model are chosen by."""
NARROW = 0.5
"""Seconds that the recurrent layers hear at once in the first steps of training."""


class FittedSpeech:
    """What the training part writes, the form of its features, and the model that they lead to."""

    best_by = "wer"

    def __init__(self, recipe: SpeechRecipe, units: Units, decoder: Decoder, form: Form) -> None:
        self.recipe, self.units, self.decoder, self.form = recipe, units, decoder, form
        self.window = 0
        milliseconds = 10 * recipe.model.subsampling
        self.notes: tuple[str, ...] = (
            f"{units.describe()} to write, {form.width} figures a frame, a decision every {milliseconds} ms",
        )

    def save(self, folder: Path) -> None:
        """Write labels, form and decoder: see :func:`rnncli.tasks.speech.keep.save`."""
        keep.save(folder, self.units, self.decoder, self.form)

    def pace(self, done: float) -> None:
        """In the first steps the recurrent layers hear half a second at once."""
        narrow = done < self.recipe.train.narrow
        self.window = max(1, round(NARROW / self.decoder.seconds)) if narrow else 0

    def encode(self, part: SpeechPart, *, training: bool = False) -> SpeechExamples:
        """Texts to numbers; training leaves out what is of no use to it: see :mod:`rnncli.tasks.speech.training`."""
        self.require_width(part)
        if training:
            part, notes = to_train_on(part, self.units, self.recipe)
            self.notes = (*self.notes, *notes)
        labels = [self.units.encode(text) for text in part.texts]
        lengths = np.array([clip.frames for clip in part.clips], dtype=np.int64)
        least = np.array([frames_needed(one) for one in labels], dtype=np.int64) * self.recipe.model.subsampling
        if not training:
            return SpeechExamples(part, labels, lengths, least, self.form.scale)
        others = at_other_speeds(part, self.recipe)
        return SpeechExamples(part, labels, lengths, least, self.form.scale, self._varying(), others)

    def build(self) -> nn.Module:
        """A new recogniser."""
        return Recogniser(self.form.width, self.recipe.model, len(self.units.labels) + 1)

    def kernel(self, model: nn.Module) -> str:
        """Which recurrent path the model takes and why."""
        assert isinstance(model, Recogniser)
        return model.kernel()

    def parameter_groups(self, model: nn.Module) -> list[dict[str, Any]]:
        """Weights decay, biases and gains do not."""
        return shared.parameter_groups(model)

    def loss(self, model: nn.Module, batch: SpeechBatch) -> Tensor:
        """Minus the log probability of the labels, the mean over labels.

        In training the mean over what it is under the scores of each member and, that they write labels at the same
        frames, under the scores that are their mean.
        """
        assert isinstance(model, Recogniser)
        apart, lengths_B = model.apart(batch.x_BTF, batch.lengths_B, window=self.window if model.training else 0)
        learnt = [together(apart), *(apart if model.training and len(apart) > 1 else ())]
        nll_MB = torch.stack([ctc_nll(one, lengths_B, batch.labels_BS, batch.label_lengths_B) for one in learnt])
        return nll_MB.mean(0).sum() / batch.label_lengths_B.sum().clamp(min=1)

    def validate(self, model: nn.Module, examples: SpeechExamples, batches: Batches) -> Metrics:
        """Error rates by greedy decoding, and ``loss`` over the recordings whose texts fit their frames."""
        founds = [""] * len(examples)
        total = labels = 0.0
        for indices, batch in batches():
            logits_BRV, lengths_B = model(batch.x_BTF, batch.lengths_B)
            nll_B = ctc_nll(logits_BRV, lengths_B, batch.labels_BS, batch.label_lengths_B).cpu()
            fits_B = torch.isfinite(nll_B)
            total += float(nll_B[fits_B].sum())
            labels += float(batch.label_lengths_B[fits_B].sum())
            for i, log_probs_RV in zip(indices, _cut(logits_BRV, lengths_B), strict=True):
                founds[i] = self.decoder.plain(log_probs_RV)
        truths = examples.part.texts
        wer = error_rate([text.split() for text in truths], [text.split() for text in founds])
        right = [truth == found for truth, found in zip(truths, founds, strict=True)]
        accuracy = float(np.mean(right))
        return {"wer": wer, "cer": error_rate(truths, founds), "accuracy": accuracy, "loss": total / max(1.0, labels)}

    def evaluate(self, model: nn.Module, part: SpeechPart, examples: SpeechExamples, batches: Batches) -> Evaluation:
        """Error rates with their parts, intervals, rates by speaker and length, the worst alignments, predictions."""
        rows: list[dict[str, Any]] = [{}] * len(examples)
        plain = [""] * len(examples)
        for indices, batch in batches():
            for i, log_probs_RV in zip(indices, self._log_probs(model, batch), strict=True):
                rows[i], plain[i] = self.decoder.row(log_probs_RV), self.decoder.plain(log_probs_RV)
        return metrics.evaluate(part, rows, plain, self.recipe.evaluation, self.recipe.seed)

    def settle(self, model: nn.Module, dev: SpeechExamples, batches: Batches) -> None:
        """Choose the weights of the language model by the word error rate of dev, of 200 recordings at most."""
        if self.decoder.language is None:
            return
        found = [
            (i, one) for indices, b in batches() for i, one in zip(indices, self._log_probs(model, b), strict=True)
        ]
        found = found[:: max(1, len(found) // TUNED)]
        truths = [dev.part.texts[int(i)].split() for i, _ in found]

        def wrong(weights: Weights) -> float:
            decoder = self.decoder.narrower().weighed(weights)
            return error_rate(truths, [decoder.row(one)["text"].split() for _, one in found])

        weights = tune(wrong)
        self.decoder = self.decoder.weighed(weights)
        said = f"language model weighs {weights.weight:g}, a word adds {weights.bonus:g}: chosen on dev"
        self.notes = (*self.notes, said)

    def recognise(self, model: nn.Module, batch: SpeechBatch) -> list[dict[str, Any]]:
        """A row for each recording: see :meth:`rnncli.tasks.speech.decoding.Decoder.row`."""
        return [self.decoder.row(log_probs_RV) for log_probs_RV in self._log_probs(model, batch)]

    def baselines(self, parts: Mapping[str, SpeechPart], split: str) -> tuple[dict[str, Metrics], tuple[str, ...]]:
        """The text that training has most often, whatever is said."""
        usual = Counter(parts["train"].texts).most_common(1)[0][0]
        truths = parts[split].texts
        found = {"wer": error_rate([t.split() for t in truths], [usual.split()] * len(truths))}
        found["cer"] = error_rate(truths, [usual] * len(truths))
        found["accuracy"] = float(np.mean([truth == usual for truth in truths]))
        return {"most frequent text": found}, ()

    def predictor(self, model: nn.Module, device: torch.device) -> SpeechPredictor:
        """A predictor around a trained recogniser."""
        return SpeechPredictor(self, model, device)

    def _log_probs(self, model: nn.Module, batch: SpeechBatch) -> list[np.ndarray]:
        return _cut(*model(batch.x_BTF, batch.lengths_B))

    def _varying(self) -> Varying:
        data, form = self.recipe.data, self.form
        kind = data.given if form.given else "spectrum" if data.features in ("log-mel", "fbank") else "other"
        return Varying(self.recipe.variation, kind, form.width, form.scale, None if form.given else frontend(data))

    def require_width(self, part: SpeechPart) -> None:
        """Raise DataError where a recording has another number of bins than the model reads."""
        for clip, place in zip(part.clips, part.places, strict=True):
            if clip.width != self.form.width:
                hint = "give features of the same kind for all"
                raise DataError(f"{place}: {clip.width} bins, where the first recording has {self.form.width}", hint)


def _cut(logits_BRV: Tensor, lengths_B: Tensor) -> list[np.ndarray]:
    """Log probabilities (R, V) of each recording, float64."""
    log_probs = logits_BRV.double().log_softmax(-1).cpu().numpy()
    return [one[:length] for one, length in zip(log_probs, lengths_B.tolist(), strict=True)]
