"""Speech recognition: recordings to text by a recurrent network and CTC."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from rnncli.data.jsonfile import read_json, write_json
from rnncli.data.ngram import NGram, learn, read_arpa
from rnncli.errors import DataError, RunError
from rnncli.heads.ctc import Decoded, ctc_nll, frames_needed, greedy, spot
from rnncli.metrics.edits import error_rate
from rnncli.report.build import Evaluation
from rnncli.tasks import shared
from rnncli.tasks.base import Batches, Corpus, Metrics
from rnncli.tasks.speech import checks, scores
from rnncli.tasks.speech.data import SpeechPart, read_corpus, read_part
from rnncli.tasks.speech.examples import Scale, SpeechBatch, SpeechExamples, Varying
from rnncli.tasks.speech.language import Weights, WordScorer, search, tune
from rnncli.tasks.speech.model import Recogniser, frames_after
from rnncli.tasks.speech.predictor import SpeechPredictor
from rnncli.tasks.speech.schema import SpeechRecipe

KIND = "speech labels"
ARPA = "language.arpa"
UNTUNED, OF_ITSELF = Weights(0.5, 1.0), Scale()
TUNED = 200
"""Recordings of dev that the weights of the language model are chosen by."""


class FittedSpeech:
    """The labels that the training part writes, the width of its features, and the model they lead to."""

    best_by = "wer"

    def __init__(
        self,
        recipe: SpeechRecipe,
        labels: tuple[str, ...],
        width: int,
        given: bool,
        *,
        language: NGram | None = None,
        words: tuple[str, ...] = (),
        weights: Weights = UNTUNED,
        scale: Scale = OF_ITSELF,
    ) -> None:
        self.recipe, self.labels, self.width, self.given = recipe, labels, width, given
        self.language, self.words, self.weights, self.scale = language, words, weights, scale
        milliseconds = 10 * recipe.model.subsampling
        unit = {"character": "characters", "word": "words"}[recipe.data.unit]
        self.notes: tuple[str, ...] = (
            f"{len(labels):,} {unit} to write, {width} figures a frame, a decision every {milliseconds} ms",
        )
        self._number = {label: k for k, label in enumerate(labels, start=1)}

    def save(self, folder: Path) -> None:
        """Write the labels, the form of the features, and the language model with its weights."""
        body = {"labels": list(self.labels), "width": self.width, "given": self.given, "words": list(self.words)}
        body["weights"] = [self.weights.weight, self.weights.bonus]
        parts = (self.scale.mean_F, self.scale.deviation_F)
        body["scale"] = None if self.scale is OF_ITSELF else [part.tolist() for part in parts if part is not None]
        write_json(folder / "labels.json", KIND, body)
        if self.language is not None:
            self.language.write(folder / ARPA)

    @classmethod
    def load(cls, recipe: SpeechRecipe, folder: Path) -> FittedSpeech:
        """What ``save`` wrote; raises RunError."""
        path = folder / "labels.json"
        body = read_json(path, KIND)
        labels, width = body.get("labels"), body.get("width")
        if not isinstance(labels, list) or not labels or not isinstance(width, int):
            raise RunError(f"{path}: holds no labels", "take it from a copy of the run")
        try:
            weights = Weights(*map(float, body["weights"]))
            language = read_arpa(folder / ARPA) if recipe.decoding.lm else None
            scale = Scale(*np.array(body["scale"], dtype=np.float32)) if body["scale"] else OF_ITSELF
        except (KeyError, TypeError, ValueError, DataError) as error:
            raise RunError(f"{folder}: scale or language model is damaged", "take it from a copy of the run") from error
        words = tuple(map(str, body.get("words", ())))
        given = bool(body.get("given"))
        kept: dict[str, Any] = {"language": language, "words": words, "weights": weights, "scale": scale}
        return cls(recipe, tuple(map(str, labels)), width, given, **kept)

    def encode(self, part: SpeechPart, *, training: bool = False) -> SpeechExamples:
        """Texts to numbers; recordings too short for their texts are left out of training, and counted."""
        self.require_width(part)
        labels = [self.encode_text(text) for text in part.texts]
        lengths = np.array([clip.frames for clip in part.clips], dtype=np.int64)
        subsampling = self.recipe.model.subsampling
        need = np.array([frames_needed(one) for one in labels], dtype=np.int64)
        if training:
            fits = np.array([frames_after(int(n), subsampling) for n in lengths]) >= need
            if not fits.all():
                part, labels = part.take(np.flatnonzero(fits)), [labels[i] for i in np.flatnonzero(fits)]
                lengths, need = lengths[fits], need[fits]
                lost = int((~fits).sum())
                said = f"{lost:,} recordings of train left out: too few frames for their texts (model.subsampling)"
                self.notes = (*self.notes, said)
            if not len(part):
                raise DataError("every recording is too short for its text", "model.subsampling=1 leaves more frames")
        vary = self._varying() if training else None
        return SpeechExamples(part, labels, lengths, need * subsampling, self.scale, vary)

    def encode_text(self, text: str) -> np.ndarray:
        """The numbers of a text's labels, those that training does not have left out."""
        units = list(text) if self.recipe.data.unit == "character" else text.split()
        return np.array([self._number[unit] for unit in units if unit in self._number], dtype=np.int64)

    def build(self) -> nn.Module:
        """A new recogniser."""
        return Recogniser(self.width, self.recipe.model, len(self.labels) + 1)

    def kernel(self, model: nn.Module) -> str:
        """Which recurrent path the model takes and why."""
        assert isinstance(model, Recogniser)
        return model.kernel()

    def parameter_groups(self, model: nn.Module) -> list[dict[str, Any]]:
        """Weights decay, biases and gains do not."""
        return shared.parameter_groups(model)

    def loss(self, model: nn.Module, batch: SpeechBatch) -> Tensor:
        """Minus the log probability of the labels, the mean over labels."""
        logits_BRV, lengths_B = model(batch.x_BTF, batch.lengths_B)
        nll_B = ctc_nll(logits_BRV, lengths_B, batch.labels_BS, batch.label_lengths_B)
        return nll_B.sum() / batch.label_lengths_B.sum().clamp(min=1)

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
                founds[i] = self._greedy_row(log_probs_RV)["text"]
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
                rows[i], plain[i] = self._row(log_probs_RV), self._greedy_row(log_probs_RV)["text"]
        return scores.evaluate(part, rows, plain, self.recipe.evaluation, self.recipe.seed)

    def settle(self, model: nn.Module, dev: SpeechExamples, batches: Batches) -> None:
        """Choose the weights of the language model by the word error rate of dev, of 200 recordings at most."""
        if self.language is None:
            return
        found = [
            (i, one) for indices, b in batches() for i, one in zip(indices, self._log_probs(model, b), strict=True)
        ]
        found = found[:: max(1, len(found) // TUNED)]
        truths = [dev.part.texts[int(i)].split() for i, _ in found]

        def wrong(weights: Weights) -> float:
            scorer = self._scorer(weights)
            texts = [self._written(search(one, scorer, self.recipe.decoding.beam // 2 or 1) or []) for _, one in found]
            return error_rate(truths, [text.split() for text in texts])

        self.weights = tune(wrong)
        said = f"language model weighs {self.weights.weight:g}, a word adds {self.weights.bonus:g}: chosen on dev"
        self.notes = (*self.notes, said)

    def recognise(self, model: nn.Module, batch: SpeechBatch) -> list[dict[str, Any]]:
        """A row for each recording: see :func:`rnncli.tasks.speech.scores.row`."""
        return [self._row(log_probs_RV) for log_probs_RV in self._log_probs(model, batch)]

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

    def _row(self, log_probs_RV: np.ndarray) -> dict[str, Any]:
        """A prediction: of the search with the language model where there is one."""
        if self.language is None:
            return self._greedy_row(log_probs_RV)
        labels = search(log_probs_RV, self._scorer(self.weights), self.recipe.decoding.beam)
        return self._shaped(spot(log_probs_RV, labels)) if labels is not None else self._greedy_row(log_probs_RV)

    def _greedy_row(self, log_probs_RV: np.ndarray) -> dict[str, Any]:
        return self._shaped(greedy(log_probs_RV))

    def _shaped(self, decoded: Decoded) -> dict[str, Any]:
        seconds = 0.01 * self.recipe.model.subsampling
        pieces = self._pieces(decoded.labels)
        return scores.row(self._written(decoded.labels), decoded, pieces, seconds)

    def _written(self, labels: Sequence[int]) -> str:
        return " ".join("".join(self._pieces(labels)).split())

    def _pieces(self, labels: Sequence[int]) -> list[str]:
        gap = "" if self.recipe.data.unit == "character" else " "
        return [self.labels[label - 1] + gap for label in labels]

    def _scorer(self, weights: Weights) -> WordScorer:
        assert self.language is not None
        whole = self.recipe.data.unit == "word"
        return WordScorer(self.labels, whole, self.language, weights, self.words)

    def _varying(self) -> Varying:
        data = self.recipe.data
        kind = data.given if self.given else "spectrum" if data.features in ("log-mel", "fbank") else "other"
        return Varying(self.recipe.variation, kind, self.width, self.scale)

    def require_width(self, part: SpeechPart) -> None:
        """Raise DataError where a recording has another number of bins than the model reads."""
        for clip, place in zip(part.clips, part.places, strict=True):
            width = clip.load().shape[1]
            if width != self.width:
                raise DataError(f"{place}: {width} bins, where the first recording has {self.width}", "give all alike")


class Speech:
    """The task: see :class:`rnncli.tasks.base.Task`."""

    def read(self, recipe: SpeechRecipe) -> Corpus:
        """Read recordings, compute features, split."""
        return read_corpus(recipe)

    def read_more(self, recipe: SpeechRecipe, path: Path) -> Corpus:
        """A further labelled file or folder."""
        return read_part(recipe, path)

    def fit(self, recipe: SpeechRecipe, corpus: Corpus) -> FittedSpeech:
        """The labels of the training part, most frequent first."""
        train: SpeechPart = corpus.parts["train"]
        units = (text if recipe.data.unit == "character" else text.split() for text in train.texts)
        counts = Counter(unit for text in units for unit in text)
        labels = tuple(sorted(counts, key=lambda unit: (-counts[unit], unit)))
        first = train.clips[0]
        language, words = _language(recipe, train)
        width, kept = first.load().shape[1], {"language": language, "words": words}
        fitted = FittedSpeech(recipe, labels, width, first.given, **kept)
        fitted.require_width(train)
        if recipe.data.normalise == "global":
            fitted.scale = Scale.learn(clip.load() for clip in train.clips)
        return fitted

    def load(self, recipe: SpeechRecipe, folder: Path) -> FittedSpeech:
        """What a run kept."""
        return FittedSpeech.load(recipe, folder)

    def check(self, recipe: SpeechRecipe, corpus: Corpus) -> list[shared.Table]:
        """Tables of lengths, characters, speakers and leaks."""
        return checks.tables(recipe, corpus)


def _language(recipe: SpeechRecipe, train: SpeechPart) -> tuple[NGram | None, tuple[str, ...]]:
    """The language model that a recipe asks for, and the words that may be written, none for all."""
    settings = recipe.decoding
    if not settings.lm:
        return None, ()
    words = tuple(sorted({word for text in train.texts for word in text.split()})) if settings.lexicon else ()
    if settings.lm == "train":
        return learn((text.split() for text in train.texts), settings.order), words
    return read_arpa(Path(settings.lm).expanduser()), words


def _cut(logits_BRV: Tensor, lengths_B: Tensor) -> list[np.ndarray]:
    """Log probabilities (R, V) of each recording, float64."""
    log_probs = logits_BRV.double().log_softmax(-1).cpu().numpy()
    return [one[:length] for one, length in zip(log_probs, lengths_B.tolist(), strict=True)]


TASK = Speech()
