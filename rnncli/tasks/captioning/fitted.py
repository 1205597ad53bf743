"""A captioner fitted to its training part: how captions become numbers, clips become scores, scores become captions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from rnncli.data.jsonfile import read_json, write_json
from rnncli.data.text import units as text_units
from rnncli.data.text.scorer import Weights
from rnncli.errors import DataError, RunError
from rnncli.heads.attention import AttentionDecoder
from rnncli.heads.ctc import ctc_nll, frames_needed
from rnncli.heads.sentences import BEGIN, END, PADDING, Written
from rnncli.metrics.captions import caption_statistics
from rnncli.tasks.base import About, Axes, Batches, Metrics, Rivals
from rnncli.tasks.captioning import metrics
from rnncli.tasks.captioning.data import once
from rnncli.tasks.captioning.examples import CaptionBatch, CaptionExamples
from rnncli.tasks.captioning.extras.spelling import Spelling
from rnncli.tasks.captioning.extras.writer import CaptionWriter, log_probs
from rnncli.tasks.captioning.model import Captioner
from rnncli.tasks.captioning.schema import CaptionRecipe
from rnncli.tasks.decode.language import Language
from rnncli.tasks.decode.tuning import Write, choose, chosen
from rnncli.tasks.frames.clips import FramePart, require_alike
from rnncli.tasks.frames.form import Form

KIND, FILE, UNITS = "caption words", "words.json", "units.json"
MOST_CAPTIONED = 100
"""Clips of dev that are captioned after each epoch, and to tune by; the loss is of all."""


class FittedCaptioning:
    """See :class:`rnncli.tasks.base.Fitted`."""

    best_by = "loss"
    about: ClassVar[About] = {}

    def __init__(self, recipe: CaptionRecipe, writer: CaptionWriter, form: Form) -> None:
        self.recipe, self.writer, self.form = recipe, writer, form
        self.spelling = writer.spelling
        self.notes: tuple[str, ...] = (
            f"{len(self.spelling.known):,} {self.spelling.name} to write, by head {recipe.model.head}",
        )

    def save(self, folder: Path) -> None:
        """Write words, the form of frames and the language model."""
        text_units.save(self.spelling.units, folder / UNITS)
        self.form.save(folder)
        write_json(folder / FILE, KIND, {"words": list(self.spelling.known)} | self.writer.language.save(folder))

    @classmethod
    def load(cls, recipe: CaptionRecipe, folder: Path) -> FittedCaptioning:
        """What ``save`` wrote; raises RunError."""
        body = read_json(folder / FILE, KIND)
        units = text_units.load(folder / UNITS)
        try:
            words, language = tuple(map(str, body["words"])), Language.load(recipe.decoding, folder, body)
            if not words:
                raise ValueError
        except (KeyError, TypeError, ValueError, DataError) as error:
            raise RunError(f"{folder}: words or language model are damaged", "take them from a copy") from error
        spelling = Spelling(units, words, recipe.model.head == "ctc")
        return cls(recipe, CaptionWriter(spelling, recipe.decoding, language), Form.load(recipe, folder))

    def encode(self, part: FramePart, *, training: bool = False) -> CaptionExamples:
        """Clips as the model is shown them: in training a row a caption, else each clip once with its first caption."""
        require_alike([part], self.form.shape)
        captioned = once(part)
        rows = part if training else captioned.part
        words = [self.spelling.numbers(text) for text in rows.truths]
        if training and self.spelling.ctc:
            fits = np.array([c.frames >= frames_needed(one) for c, one in zip(rows.clips, words, strict=True)])
            if not fits.any():
                raise DataError("every clip is too short for its caption", "model.head=attention needs no frame a word")
            if not fits.all():
                lost = int((~fits).sum())
                self.notes = (*self.notes, f"{lost:,} clips of train left out: too short for their captions")
                rows, words = rows.take(np.flatnonzero(fits)), [words[i] for i in np.flatnonzero(fits)]
        return CaptionExamples.of(rows, self.form.view, training, words=words, captioned=captioned)

    def build(self) -> Captioner:
        """A new captioner."""
        return Captioner(self.form.encoder(self.recipe), self.recipe.model, self.spelling.size)

    def axes(self) -> Axes:
        """What can be written, behind what the head has of its own."""
        written = (*range(self.spelling.first), *self.spelling.known)
        return dict.fromkeys(("head.embedding.weight", "head.linear.*", "head.1.*"), (written,))

    def loss(self, model: Captioner, batch: CaptionBatch) -> Tensor:
        """Minus the log probability of a word, smoothed in attention; the mean over words."""
        total, count = self._nll(model, batch, self.recipe.train.label_smoothing)
        return total / max(1, count)

    def validate(self, model: Captioner, examples: CaptionExamples, batches: Batches) -> Metrics:
        """``loss`` of all first captions, and the scores of greedy captions of the first clips."""
        total = count = 0.0
        founds: dict[int, list[str]] = {}
        for indices, batch in batches():
            summed, words = self._nll(model, batch, 0.0)
            total, count = total + float(summed), count + words
            if len(founds) < MOST_CAPTIONED:
                rows = self.writer.plain(model, batch.frames, batch.lengths_B)
                founds |= {int(i): self.spelling.read(row.words) for i, row in zip(indices, rows, strict=True)}
        references = self._references(examples)
        found = caption_statistics(list(founds.values()), [references[i] for i in founds]).values()
        return found | {"loss": total / max(1.0, count)}

    def settle(self, model: Captioner, dev: CaptionExamples, batches: Batches) -> None:
        """Choose the weights of the language model by the word error rate of dev."""
        if self.writer.language.model is None:
            return

        def write_by(weights: Weights) -> Write:
            writer = self.writer.narrower().weighed(weights)
            return lambda log_probs_TV: self.spelling.read(writer.search(log_probs_TV)[0].words)

        found = (
            (int(i), one)
            for indices, batch in batches()
            for i, one in zip(indices, log_probs(model, batch.frames, batch.lengths_B), strict=True)
        )
        weights = choose(found, [said[0] for said in self._references(dev)], write_by, MOST_CAPTIONED)
        self.writer, self.notes = self.writer.weighed(weights), (*self.notes, chosen(weights))

    def predictions(
        self, model: Captioner, part: FramePart, examples: CaptionExamples, batches: Batches
    ) -> Iterator[dict[str, Any]]:
        """The best caption of each clip, with all that is said of it."""
        found: list[Written] = [Written((), 0.0)] * len(examples)
        for indices, batch in batches():
            for i, row in zip(indices, self.writer(model, batch.frames, batch.lengths_B), strict=True):
                found[int(i)] = row[0]
        captioned, references = examples.captioned, self._references(examples)
        for i, one in enumerate(found):
            place, file = captioned.part.place(i), captioned.part.clips[i].name
            words = self.spelling.read(one.words)
            yield metrics.row(place, file, captioned.references[i], words, references[i], one.attention)

    def baselines(self, parts: Mapping[str, FramePart], split: str) -> tuple[Rivals, tuple[str, ...]]:
        """The most frequent caption, and the first caption of the clip that is nearest by its mean frame."""
        train, test = self.encode(parts["train"]), self.encode(parts[split])
        references = self._references(test)
        usual = Counter(parts["train"].truths).most_common(1)[0][0]
        X, Y = self._means(train), self._means(test)
        scale = X.std(0) + 1e-3
        nearest = [int(((X - y) ** 2 / scale**2).sum(1).argmin()) for y in Y]
        rivals = {
            "most frequent caption": [self.spelling.words(usual)] * len(references),
            "nearest neighbour": [self.spelling.words(train.captioned.references[i][0]) for i in nearest],
        }
        settings = self.recipe.evaluation
        notes = [
            metrics.interval_note(name, one, references, settings, self.recipe.seed) for name, one in rivals.items()
        ]
        return {name: caption_statistics(one, references) for name, one in rivals.items()}, tuple(filter(None, notes))

    def _nll(self, model: Captioner, batch: CaptionBatch, smoothing: float) -> tuple[Tensor, float]:
        """Minus the log probability of all words of a batch, and how many there are."""
        memory_BTE, words_BS = model.encode(batch.frames, batch.lengths_B), batch.words_BS
        count = float(batch.word_lengths_B.sum())
        if not isinstance(model.head, AttentionDecoder):
            # A clip that was varied to fewer frames than its caption needs teaches nothing.
            repeats_B = ((words_BS[:, 1:] == words_BS[:, :-1]) & (words_BS[:, 1:] != PADDING)).sum(1).cpu()
            fits_B = batch.lengths_B >= batch.word_lengths_B + repeats_B
            logits_BTV, fitting = model.head(memory_BTE), fits_B.to(words_BS.device)
            parts = (logits_BTV[fitting], batch.lengths_B[fits_B], words_BS[fitting], batch.word_lengths_B[fits_B])
            return ctc_nll(*parts).sum() if fits_B.any() else 0 * logits_BTV.sum(), float(parts[3].sum())
        given_BS = functional.pad(words_BS[:, :-1], (1, 0), value=BEGIN)
        if model.training and self.recipe.train.own_words:
            given_BS = self._mixed(model.head, memory_BTE, batch.lengths_B, given_BS)
        logits_BSV = model.head(memory_BTE, batch.lengths_B, given_BS).float()
        options: dict[str, Any] = {"ignore_index": PADDING, "label_smoothing": smoothing, "reduction": "sum"}
        return functional.cross_entropy(logits_BSV.flatten(0, 1), words_BS.flatten(), **options), count

    @torch.no_grad()
    def _mixed(self, head: AttentionDecoder, memory_BTE: Tensor, lengths_B: Tensor, given_BS: Tensor) -> Tensor:
        """The words before each word, some of them what the model would write there (Mihaylova & Martins 2019)."""
        own_BS = head(memory_BTE, lengths_B, given_BS)[:, :-1, END + 1 :].argmax(-1) + END + 1
        swap_BS = torch.rand(own_BS.shape, device=own_BS.device) < self.recipe.train.own_words
        after_BS = torch.where(swap_BS & (given_BS[:, 1:] > END), own_BS, given_BS[:, 1:])
        return torch.cat([given_BS[:, :1], after_BS], 1)

    def _references(self, examples: CaptionExamples) -> list[list[list[str]]]:
        """The words of all that is said of each clip."""
        return [[self.spelling.words(text) for text in texts] for texts in examples.captioned.references]

    def _means(self, examples: CaptionExamples) -> np.ndarray:
        shown = (self.form.view.show(prepared) for prepared in examples.prepared)
        return np.array([frames.astype(np.float32).mean(0).ravel() for frames in shown])
