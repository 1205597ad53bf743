"""Captioning: clips to words by a recurrent encoder and an attention decoder, or CTC."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from rnncli.data import units as text_units
from rnncli.data.jsonfile import read_json, write_json
from rnncli.data.units import Units
from rnncli.errors import DataError, RunError
from rnncli.heads.attention import BEGIN, END, PADDING, AttentionDecoder, Written
from rnncli.heads.beam import beam_search
from rnncli.heads.ctc import ctc_nll, frames_needed
from rnncli.report.build import Evaluation
from rnncli.tasks import shared
from rnncli.tasks.base import Batches, Corpus, Metrics
from rnncli.tasks.captioning import checks, scores
from rnncli.tasks.captioning.data import Captioned, once, read_corpus, read_more
from rnncli.tasks.captioning.model import Captioner
from rnncli.tasks.captioning.predictor import CaptionPredictor
from rnncli.tasks.captioning.schema import CaptionRecipe
from rnncli.tasks.frames.clips import FramePart, require_alike
from rnncli.tasks.frames.examples import Clips, moments
from rnncli.tasks.frames.views import view

KIND = "caption words"
LOOKED_AT = 100
"""Clips of dev that are captioned after each epoch; the loss is of all."""


@dataclass(frozen=True)
class CaptionBatch:
    """Padded frames (B, T, ...), lengths_B and word_lengths_B, which stay on the CPU, and words_BS."""

    frames: Tensor
    lengths_B: Tensor
    words_BS: Tensor
    word_lengths_B: Tensor

    @property
    def size(self) -> int:
        """Clips in the batch."""
        return len(self.lengths_B)

    def to(self, device: torch.device) -> CaptionBatch:
        """The same batch on another device."""
        frames, words_BS = (part.to(device, non_blocking=True) for part in (self.frames, self.words_BS))
        return CaptionBatch(frames, self.lengths_B, words_BS, self.word_lengths_B)


@dataclass(frozen=True, eq=False)
class CaptionExamples:
    """Clips of one part with the numbers of a caption each; ``captioned`` has all of them."""

    clips: Clips
    words: Sequence[np.ndarray]
    captioned: Captioned

    @property
    def lengths(self) -> np.ndarray:
        """Frames of each clip, (N,)."""
        return self.clips.lengths

    def __len__(self) -> int:
        return len(self.clips)

    def batch(self, indices: np.ndarray) -> CaptionBatch:
        """Collate the clips at ``indices``."""
        words = [torch.from_numpy(self.words[int(i)]) for i in indices]
        words_BS = nn.utils.rnn.pad_sequence(words, batch_first=True, padding_value=PADDING)
        return CaptionBatch(*self.clips.pad(indices), words_BS, torch.tensor([len(one) for one in words]))

    def place(self, index: int) -> str:
        """Where a clip stands in the user's data."""
        return self.clips.place(index)


class FittedCaptioning:
    """The words that the training part uses, the shape of its frames, and the model they lead to."""

    best_by = "loss"

    def __init__(
        self, recipe: CaptionRecipe, units: Units, words: tuple[str, ...], shape: tuple[int, ...], width: int
    ) -> None:
        self.recipe, self.units, self.words, self.shape, self.width = recipe, units, words, shape, width
        self.ctc = recipe.model.head == "ctc"
        self.first = 1 if self.ctc else END + 1
        self.view = view(shape, recipe.data, recipe.points, recipe.variation)
        self.moments: tuple[Tensor, Tensor] | None = None
        self.notes: tuple[str, ...] = (f"{len(words):,} words to write, by head {recipe.model.head}",)
        self._number = {word: k for k, word in enumerate(words, start=self.first)}

    def save(self, folder: Path) -> None:
        """Write words and the shape of frames; mean and deviation lie with the weights."""
        text_units.save(self.units, folder / "units.json")
        write_json(
            folder / "words.json", KIND, {"words": list(self.words), "shape": list(self.shape), "width": self.width}
        )

    @classmethod
    def load(cls, recipe: CaptionRecipe, folder: Path) -> FittedCaptioning:
        """What ``save`` wrote; raises RunError."""
        path = folder / "words.json"
        body = read_json(path, KIND)
        words, shape, width = body.get("words"), body.get("shape"), body.get("width")
        if not isinstance(words, list) or not words or not isinstance(shape, list) or not isinstance(width, int):
            raise RunError(f"{path}: holds no words and shape of frames", "take it from a copy of the run")
        units = text_units.load(folder / "units.json")
        return cls(recipe, units, tuple(map(str, words)), tuple(map(int, shape)), width)

    def encode(self, part: FramePart, *, training: bool = False) -> CaptionExamples:
        """Clips as the model is shown them: in training a row a caption, else each clip once with its first caption."""
        require_alike([part], self.shape)
        captioned = once(part)
        rows = part if training else captioned.part
        words = [self._numbers(text) for text in rows.truths]
        if training and self.ctc:
            fits = np.array([c.frames >= frames_needed(one) for c, one in zip(rows.clips, words, strict=True)])
            if not fits.any():
                raise DataError("every clip is too short for its caption", "model.head=attention needs no frame a word")
            if not fits.all():
                lost = int((~fits).sum())
                self.notes = (*self.notes, f"{lost:,} clips of train left out: too short for their captions")
                rows, words = rows.take(np.flatnonzero(fits)), [words[i] for i in np.flatnonzero(fits)]
        return CaptionExamples(Clips.of(rows, self.view, training), words, captioned)

    def tokens(self, text: str) -> list[str]:
        """The words of a caption that it is scored by."""
        return self._scored(self.units.split(text))

    def build(self) -> nn.Module:
        """A new captioner."""
        model = Captioner(self.width, self.view.pixels, self.recipe.model, len(self.words) + self.first)
        if self.moments:
            model.encoder.mean.copy_(self.moments[0])
            model.encoder.deviation.copy_(self.moments[1])
        return model

    def kernel(self, model: nn.Module) -> str:
        """Which recurrent path the model takes and why."""
        assert isinstance(model, Captioner)
        return model.core.kernel(model.norm.weight.device)

    def parameter_groups(self, model: nn.Module) -> list[dict[str, Any]]:
        """Weights decay, biases and gains do not."""
        return shared.parameter_groups(model)

    def loss(self, model: nn.Module, batch: CaptionBatch) -> Tensor:
        """Minus the log probability of a word, smoothed in attention; the mean over words."""
        total, count = self._nll(model, batch, self.recipe.train.label_smoothing)
        return total / max(1, count)

    def validate(self, model: nn.Module, examples: CaptionExamples, batches: Batches) -> Metrics:
        """``loss`` of all first captions, and the scores of greedy captions of the first clips."""
        total = count = 0.0
        founds: dict[int, list[str]] = {}
        for indices, batch in batches():
            summed, words = self._nll(model, batch, 0.0)
            total, count = total + float(summed), count + words
            if len(founds) < LOOKED_AT:
                rows = self.write(model, batch.frames, batch.lengths_B, beam=1)
                founds |= {int(i): self._text(row[0]) for i, row in zip(indices, rows, strict=True)}
        references = [[self.tokens(text) for text in examples.captioned.references[i]] for i in founds]
        return scores.metrics(list(founds.values()), references) | {"loss": total / max(1.0, count)}

    def evaluate(self, model: nn.Module, part: FramePart, examples: CaptionExamples, batches: Batches) -> Evaluation:
        """Scores with intervals, samples, the best and the worst, predictions."""
        found: list[list[Written]] = [[]] * len(examples)
        for indices, batch in batches():
            rows = self.write(model, batch.frames, batch.lengths_B)
            for i, row in zip(indices, rows, strict=True):
                found[int(i)] = row
        best = [self._text(row[0]) for row in found]
        attention = [row[0].attention for row in found]
        return scores.evaluate(
            examples.captioned, best, attention, self.tokens, self.recipe.evaluation, self.recipe.seed
        )

    def baselines(self, parts: Mapping[str, FramePart], split: str) -> tuple[dict[str, Metrics], tuple[str, ...]]:
        """The most frequent caption, and the first caption of the clip that is nearest by its mean frame."""
        train, test = self.encode(parts["train"]), self.encode(parts[split])
        references = [[self.tokens(text) for text in texts] for texts in test.captioned.references]
        usual = Counter(parts["train"].truths).most_common(1)[0][0]
        X, Y = self._means(train), self._means(test)
        scale = X.std(0) + 1e-3
        nearest = [int(((X - y) ** 2 / scale**2).sum(1).argmin()) for y in Y]
        near = [train.captioned.references[i][0] for i in nearest]
        return {
            "most frequent caption": scores.metrics([self.tokens(usual)] * len(references), references),
            "nearest neighbour": scores.metrics([self.tokens(text) for text in near], references),
        }, ()

    def predictor(self, model: nn.Module, device: torch.device) -> CaptionPredictor:
        """A predictor of captions."""
        return CaptionPredictor(self, model, device)

    def write(self, model: nn.Module, frames: Tensor, lengths_B: Tensor, beam: int = 0) -> list[list[Written]]:
        """The best captions of each clip, highest first; ``beam`` 0 is that of the recipe."""
        assert isinstance(model, Captioner)
        settings, memory_BTE = self.recipe.decoding, model.encode(frames, lengths_B)
        beam, best = beam or settings.beam, 1 if beam else settings.best
        found = []
        for memory_TE, length in zip(memory_BTE, lengths_B.tolist(), strict=True):
            memory_TE = memory_TE[:length]
            if isinstance(model.head, AttentionDecoder):
                found.append(
                    model.head.search(
                        memory_TE,
                        beam=max(beam, best),
                        longest=settings.longest,
                        length_power=settings.length_power,
                        no_repeat=settings.no_repeat,
                        best=best,
                    )
                )
                continue
            log_probs_TV = model.head(memory_TE).double().log_softmax(-1).cpu().numpy()
            ranked = beam_search(log_probs_TV, beam=max(beam, best), best=best)
            found.append([Written(one.labels, one.score) for one in ranked])
        return found

    def caption(self, written: Written) -> str:
        """A caption as it is shown."""
        unspaced = self.units.to_dict()["unit"] == "character" and " " not in self._number
        return ("" if unspaced else " ").join(self._text(written))

    def _text(self, written: Written) -> list[str]:
        """The words of what was written, as it is scored."""
        return self._scored([self.words[word - self.first] for word in written.words])

    def _scored(self, units: list[str]) -> list[str]:
        """Characters are joined to words where captions have spaces."""
        return "".join(units).split() if " " in self._number else units

    def _numbers(self, text: str) -> np.ndarray:
        """The numbers of a caption's words, those that training does not have left out; of attention with an end."""
        found = [self._number[unit] for unit in self.units.split(text) if unit in self._number]
        return np.array(found if self.ctc else [*found, END], dtype=np.int64)

    def _nll(self, model: nn.Module, batch: CaptionBatch, smoothing: float) -> tuple[Tensor, float]:
        """Minus the log probability of all words of a batch, and how many there are."""
        assert isinstance(model, Captioner)
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

    def _means(self, examples: CaptionExamples) -> np.ndarray:
        shown = (self.view.show(prepared) for prepared in examples.clips.prepared)
        return np.array([frames.astype(np.float32).mean(0).ravel() for frames in shown])


class Captioning:
    """The task: see :class:`rnncli.tasks.base.Task`."""

    def read(self, recipe: CaptionRecipe) -> Corpus:
        """Read and split clips."""
        return read_corpus(recipe)

    def read_more(self, recipe: CaptionRecipe, path: Path) -> Corpus:
        """A further file of clips and captions."""
        return read_more(recipe, path)

    def fit(self, recipe: CaptionRecipe, corpus: Corpus) -> FittedCaptioning:
        """Words, shape, mean and deviation of the training part."""
        train: FramePart = corpus.parts["train"]
        units, why = text_units.make(recipe.data.unit, train.truths, lower=recipe.data.lower)
        counts = Counter(unit for text in train.truths for unit in units.split(text))
        kept = [unit for unit, count in counts.items() if count >= recipe.data.min_count]
        if not kept:
            raise DataError(f"no word is seen {recipe.data.min_count} times", "data.min_count=1")
        shape = train.clips[0].shape
        shown = view(shape, recipe.data, recipe.points, recipe.variation)
        mean, deviation = moments((shown.show(shown.prepare(clip)) for clip in once(train).part.clips), shown.pixels)
        words = tuple(sorted(kept, key=lambda unit: (-counts[unit], unit)))
        fitted = FittedCaptioning(recipe, units, words, shape, len(mean))
        fitted.notes = (*fitted.notes, *([f"units: {why}"] if why else []))
        fitted.moments = mean, deviation
        return fitted

    def load(self, recipe: CaptionRecipe, folder: Path) -> FittedCaptioning:
        """What a run kept."""
        return FittedCaptioning.load(recipe, folder)

    def check(self, recipe: CaptionRecipe, corpus: Corpus) -> list[shared.Table]:
        """Tables of lengths, words and leaks."""
        return checks.tables(corpus)


TASK = Captioning()
