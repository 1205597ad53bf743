"""A recognizer fitted to its training part: how texts become labels, features become scores, scores become texts.

Shape letters: B batch, T frames of the input, R frames of the core, F feature bins, V labels and blank, M members.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from rnncli.data.audio.features import FRAME
from rnncli.data.jsonfile import read_json, write_json
from rnncli.data.text.labelunits import LabelUnits
from rnncli.data.text.scorer import Weights
from rnncli.errors import DataError, RunError
from rnncli.heads.ctc import ctc_nll, frames_needed, log_probs
from rnncli.tasks.base import About, Axes, Batches, Metrics, Rivals
from rnncli.tasks.decode.language import Language
from rnncli.tasks.decode.tuning import Write, choose, chosen
from rnncli.tasks.speech.data import SpeechPart, frontend, require_width
from rnncli.tasks.speech.examples import SpeechBatch, SpeechExamples
from rnncli.tasks.speech.extras.augmentation import Varying
from rnncli.tasks.speech.extras.decoding import Decoder
from rnncli.tasks.speech.extras.form import FeatureForm
from rnncli.tasks.speech.extras.selection import at_other_speeds, to_train_on
from rnncli.tasks.speech.metrics import rates
from rnncli.tasks.speech.model import Recognizer, together
from rnncli.tasks.speech.schema import SpeechRecipe

KIND, FILE = "speech labels", "labels.json"
TUNED_ON = 200
"""Recordings of dev that the weights of the language model are chosen by, about."""
NARROW = 0.5
"""Seconds that the recurrent layers hear at once in the first steps of training."""


class FittedSpeech:
    """See :class:`rnncli.tasks.base.Fitted`."""

    best_by = "wer"

    def __init__(self, recipe: SpeechRecipe, units: LabelUnits, language: Language, form: FeatureForm) -> None:
        self.recipe, self.units, self.form = recipe, units, form
        settings, seconds = recipe.decoding, FRAME * recipe.model.subsampling
        self.decoder = Decoder(units.labels, units.kind, seconds, language, settings.beam, settings.best)
        self.window = 0
        self.about: About = {}
        milliseconds = 10 * recipe.model.subsampling
        self.notes: tuple[str, ...] = (
            f"{units.describe()} to write, {form.width} figures a frame, a decision every {milliseconds} ms",
        )

    def save(self, folder: Path) -> None:
        """Write the labels, the form of the features, and the language model with its weights."""
        body = self.units.to_dict() | self.form.to_dict() | self.decoder.language.save(folder)
        write_json(folder / FILE, KIND, body)

    @classmethod
    def load(cls, recipe: SpeechRecipe, folder: Path) -> FittedSpeech:
        """What ``save`` wrote; raises RunError."""
        body = read_json(folder / FILE, KIND)
        try:
            units, form = LabelUnits.from_dict(recipe.data.unit, body), FeatureForm.from_dict(body)
            language = Language.load(recipe.decoding, folder, body)
        except (KeyError, TypeError, ValueError, DataError) as error:
            why = f"{folder}: labels, normalisation or language model are damaged"
            raise RunError(why, "take it from a copy of the run") from error
        return cls(recipe, units, language, form)

    def pace(self, done: float) -> None:
        """In the first steps the recurrent layers hear half a second at once."""
        narrow = done < self.recipe.train.narrow
        self.window = max(1, round(NARROW / self.decoder.seconds)) if narrow else 0

    def encode(self, part: SpeechPart, *, training: bool = False) -> SpeechExamples:
        """Texts to numbers; training leaves out what is of no use: see :mod:`rnncli.tasks.speech.extras.selection`."""
        require_width(part, self.form.width)
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

    def build(self) -> Recognizer:
        """A new recognizer."""
        return Recognizer(self.form.width, self.recipe.model, len(self.units.labels) + 1)

    def axes(self) -> Axes:
        """What is written, behind the blank."""
        return {"stacks.*.linear.*": ((0, *self.units.labels),)}

    def loss(self, model: Recognizer, batch: SpeechBatch) -> Tensor:
        """Minus the log probability of the labels, the mean over labels.

        In training the mean over what it is under the scores of each member and, that they write labels at the same
        frames, under the scores that are their mean.
        """
        apart, lengths_B = model.apart(batch.x_BTF, batch.lengths_B, window=self.window if model.training else 0)
        learnt = [together(apart), *(apart if model.training and len(apart) > 1 else ())]
        nll_MB = torch.stack([ctc_nll(one, lengths_B, batch.labels_BS, batch.label_lengths_B) for one in learnt])
        return nll_MB.mean(0).sum() / batch.label_lengths_B.sum().clamp(min=1)

    def validate(self, model: Recognizer, examples: SpeechExamples, batches: Batches) -> Metrics:
        """Error rates by greedy decoding, and ``loss`` over the recordings whose texts fit their frames."""
        founds = [""] * len(examples)
        total = labels = 0.0
        for indices, batch in batches():
            logits_BRV, lengths_B = model(batch.x_BTF, batch.lengths_B)
            nll_B = ctc_nll(logits_BRV, lengths_B, batch.labels_BS, batch.label_lengths_B).cpu()
            fits_B = torch.isfinite(nll_B)
            total += float(nll_B[fits_B].sum())
            labels += float(batch.label_lengths_B[fits_B].sum())
            for i, log_probs_RV in zip(indices, log_probs(logits_BRV, lengths_B), strict=True):
                founds[i] = self.decoder.plain(log_probs_RV)
        return rates(examples.part.texts, founds).values() | {"loss": total / max(1.0, labels)}

    def settle(self, model: Recognizer, dev: SpeechExamples, batches: Batches) -> None:
        """Choose the weights of the language model by the word error rate of dev."""
        if self.decoder.language.model is None:
            return

        def write_by(weights: Weights) -> Write:
            decoder = self.decoder.narrower().weighed(weights)
            return lambda log_probs_RV: decoder.row(log_probs_RV)["text"].split()

        truths = [text.split() for text in dev.part.texts]
        weights = choose(self._log_probs(model, batches), truths, write_by, TUNED_ON)
        self.decoder = self.decoder.weighed(weights)
        self.notes = (*self.notes, chosen(weights))

    def predictions(
        self, model: Recognizer, part: SpeechPart, examples: SpeechExamples, batches: Batches
    ) -> list[dict[str, Any]]:
        """What is said in each recording by the search and, ``greedy``, by the most probable path."""
        rows: list[dict[str, Any]] = [{}] * len(examples)
        for i, log_probs_RV in self._log_probs(model, batches):
            known = {"place": part.places[i], "truth": part.texts[i]}
            speaker = {"speaker": part.speakers[i]} if part.speakers[i] else {}
            greedy = {"greedy": self.decoder.plain(log_probs_RV)}
            rows[i] = known | self.decoder.row(log_probs_RV) | greedy | speaker | part.clips[i].recording.whereabouts
        return rows

    def recognize(self, model: Recognizer, batch: SpeechBatch) -> list[dict[str, Any]]:
        """A row for each recording: see :meth:`rnncli.tasks.speech.extras.decoding.Decoder.row`."""
        return [self.decoder.row(one) for one in log_probs(*model(batch.x_BTF, batch.lengths_B))]

    def baselines(self, parts: Mapping[str, SpeechPart], split: str) -> tuple[Rivals, tuple[str, ...]]:
        """The text that training has most often, whatever is said."""
        usual = Counter(parts["train"].texts).most_common(1)[0][0]
        truths = parts[split].texts
        return {"most frequent text": rates(truths, [usual] * len(truths))}, ()

    def _log_probs(self, model: Recognizer, batches: Batches) -> Iterator[tuple[int, np.ndarray]]:
        """The log probabilities (R, V) of each recording behind its number."""
        for indices, batch in batches():
            found = log_probs(*model(batch.x_BTF, batch.lengths_B))
            yield from ((int(i), one) for i, one in zip(indices, found, strict=True))

    def _varying(self) -> Varying:
        data, form = self.recipe.data, self.form
        kind = data.given if form.given else "spectrum" if data.features in ("log-mel", "fbank") else "other"
        return Varying(self.recipe.variation, kind, form.width, form.scale, None if form.given else frontend(data))
