"""A model of texts fitted to its training part: the symbols, what helps it at test time, what it writes.

Shape letters: N symbols of all documents, B batch, T steps, V kinds of symbol.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from rnncli.data.jsonfile import read_json, write_json
from rnncli.data.steps import Steps
from rnncli.data.text.codec import Codec
from rnncli.data.text.encoded import Encoded, encode
from rnncli.data.text.kneser_ney import KneserNey
from rnncli.heads.symbols import chances
from rnncli.tasks.base import About, Axes, Batches, Metrics, Names, Rivals
from rnncli.tasks.text.data import DocumentPart
from rnncli.tasks.text.examples import TextWindows
from rnncli.tasks.text.extras.helping import DEV_SYMBOLS, DYNAMIC, DYNAMIC_SYMBOLS, Help, Observed, observe
from rnncli.tasks.text.extras.rivals import learn_ngrams, limited, ngram_orders, xz
from rnncli.tasks.text.extras.sampled import run_of, sampled
from rnncli.tasks.text.extras.unknown import unsaid
from rnncli.tasks.text.model import TextModel
from rnncli.tasks.text.schema import TextRecipe
from rnncli.tasks.write.cache import SHARPNESS
from rnncli.tasks.write.carried import Carried, State
from rnncli.tasks.write.copying import shares
from rnncli.tasks.write.dynamic import RATES, dynamic_nats
from rnncli.tasks.write.members import inside
from rnncli.tasks.write.scoring import Blocks, text_blocks, text_rows, text_truth
from rnncli.tasks.write.walk import ScoredSpans, WindowReader, nats_of, walk
from rnncli.tasks.write.windows import WindowBatch

FILE = "codec.json"
WRITTEN, KIND = "written.json", "what a model of texts wrote"


class FittedText:
    """See :class:`rnncli.tasks.base.Fitted` and :class:`rnncli.tasks.base.Carries`."""

    best_by = "bits_per_character"

    def __init__(
        self,
        recipe: TextRecipe,
        codec: Codec,
        notes: tuple[str, ...] = (),
        help_at_test: Help | None = None,
        written: Mapping[str, Any] | None = None,
    ) -> None:
        self.recipe, self.codec, self.notes = recipe, codec, notes
        self.help_at_test, self.written = help_at_test, dict(written or {})
        self._carried = Carried()
        self._chance_V: Tensor | None = None
        self._train: Encoded | None = None
        self._learnt: dict[int, KneserNey] = {}

    @property
    def about(self) -> About:
        """What symbols are, the weights of what helps, samples, and what of them is copied."""
        weights = self.help_at_test.weights if self.help_at_test else {}
        return {"unit": self.codec.unit, "vocabulary": self.codec.size, "weights": weights, **self.written}

    def save(self, folder: Path) -> None:
        """Write the symbols, what helps, and what was written."""
        self.codec.save(folder / FILE)
        write_json(folder / WRITTEN, KIND, self.written)
        if self.help_at_test:
            self.help_at_test.save(folder)

    @classmethod
    def load(cls, recipe: TextRecipe, folder: Path) -> FittedText:
        """What ``save`` wrote; raises RunError."""
        written = read_json(folder / WRITTEN, KIND)
        kept = {name: written[name] for name in ("samples", "copied") if name in written}
        return cls(recipe, Codec.load(folder / FILE), (), Help.load(folder), kept)

    def encode(self, part: DocumentPart, *, training: bool = False) -> TextWindows:
        """Windows of the documents."""
        encoded = encode(self.codec, part.documents)
        negatives = self.recipe.train.negatives
        if training and negatives and negatives < self.codec.size:
            count_V = np.bincount(encoded.steps.values, minlength=self.codec.size)
            self._chance_V = chances(torch.from_numpy(count_V), negatives)
        if training:
            self._train = encoded
        return TextWindows(encoded, self.recipe.train.window, self.codec.size, part.place, training=training)

    def build(self) -> TextModel:
        """A new model."""
        return TextModel(self.recipe.model, self.codec.size)

    def axes(self) -> Axes:
        """Symbols; behind those that are read apart from the head stands the begin of a text."""
        found: dict[str, tuple[Names, ...]] = dict.fromkeys(("*.head.weight", "*.head.bias"), (self.codec.names,))
        return found if self.recipe.model.tied else found | {"*.embedding.weight": ((*self.codec.names, -1),)}

    def loss(self, model: TextModel, batch: WindowBatch) -> Tensor:
        """Nats a symbol; in training from the state behind the window before."""
        state, before_BT = model.begin(len(batch.windows)), batch.before_BT
        if model.training:
            state, known_B = self._carried.before(batch.windows, batch.follow, state)
            before_BT = batch.beginning(known_B)
        outputs, end = model.read(before_BT, batch.lengths_B, state)
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
        nats_N = self._nats(model, encoded.steps, ScoredSpans.parts(encoded.steps))
        found = self._blocks(encoded).statistics(nats_N).values()
        return found | {"loss": found["nats_per_token"]}

    def settle(self, model: TextModel, dev: TextWindows, batches: Batches) -> None:
        """Choose by dev in which shares an n-gram model and a cache help, and write samples."""
        settings, train = self.recipe.evaluation, self._train
        assert train is not None, "settled before the training part was encoded"
        if settings.help:
            some = dev.encoded.steps.first(DEV_SYMBOLS)
            ngram = self._ngrams(train.steps)[self._best_order]
            found = Help.choose(ngram, some, self._observed(model, some, SHARPNESS))
            self.help_at_test = replace(found, rate=self._best_rate(model, some)) if settings.dynamic else found
        self.written = sampled(model, self.codec, settings, self.recipe.seed, train.steps, dev.encoded.steps)

    def predictions(
        self, model: TextModel, part: DocumentPart, examples: TextWindows, batches: Batches
    ) -> Iterator[dict[str, Any]]:
        """A row for each block of a document, each symbol given all before it in the document."""
        encoded, steps, helped = examples.encoded, examples.encoded.steps, {}
        if self.help_at_test:
            observed = self._observed(model, steps, (self.help_at_test.sharpness,))
            nats_N, helped = observed.nats_N, self.help_at_test.nats(steps, observed)
            if self.help_at_test.rate:
                helped[DYNAMIC] = self._dynamic(model, steps, self.help_at_test.rate)
        else:
            nats_N = self.nats(model, encoded)
        seen_D = None
        if self._train is not None and len(part) > 1:
            seen_D = shares(steps, self._train.steps, run_of(self.codec.unit)[0])
        found = text_rows(
            self._blocks(encoded, part),
            steps,
            nats_N,
            codec=self.codec,
            places=[part.place(row) for row in range(len(part))],
            truths=[text_truth(document.pieces()) for document in part.documents],
            helped=helped,
            keep=self.recipe.evaluation.keep,
        )
        yield from (row if seen_D is None else row | {"seen": float(seen_D[row["example"]])} for row in found)

    def scores(
        self, model: TextModel, part: DocumentPart, examples: TextWindows, batches: Batches
    ) -> Iterator[dict[str, Any]]:
        """What each symbol costs, in order."""
        steps = examples.encoded.steps
        nats_N = self.nats(model, examples.encoded)
        for document, (first, end) in enumerate(pairwise(steps.bounds_D1.tolist())):
            place = part.place(document)
            for at in range(first, end):
                token = self.codec.token(int(steps.values[at]))
                yield {"place": f"{place}, symbol {at - first + 1:,}", "token": token, "nats": float(nats_N[at])}

    def baselines(self, parts: Mapping[str, DocumentPart], split: str) -> tuple[Rivals, tuple[str, ...]]:
        """Kneser-Ney models, each symbol by its frequency, and a compressor."""
        train = self._train or encode(self.codec, parts["train"].documents)
        encoded = encode(self.codec, parts[split].documents)
        blocks, found = self._blocks(encoded, parts[split]), {}
        for order, model in sorted(self._ngrams(train.steps).items(), reverse=True):
            name = "unigram" if order == 1 else f"kneser-ney {order}"
            found[name] = blocks.statistics(model.nats(encoded.steps.values, encoded.steps.bounds_D1))
        found["xz"] = xz(parts["train"].documents, parts[split].documents)
        said = limited(train.steps)
        return found, (said,) if said else ()

    def nats(self, model: TextModel, encoded: Encoded) -> np.ndarray:
        """-ln p of each symbol given all before it in its document, (N,)."""
        return self._nats(model, encoded.steps, ScoredSpans.whole(encoded.steps))

    @property
    def _best_order(self) -> int:
        return self.recipe.evaluation.ngram or ngram_orders(self.codec.unit)[-1]

    def _ngrams(self, train: Steps) -> dict[int, KneserNey]:
        """The n-gram models of the training part, by their orders."""
        if not self._learnt:
            orders = {1, *ngram_orders(self.codec.unit), self._best_order}
            self._learnt = learn_ngrams(train, self.codec.size, sorted(orders))
        return self._learnt

    def _observed(self, model: TextModel, steps: Steps, sharpness: Sequence[float]) -> Observed:
        device, size = next(model.parameters()).device, self.codec.size
        found = walk(steps, ScoredSpans.whole(steps), size, self._reading(model, with_outputs=True), device)
        return observe(steps, found, self.recipe.evaluation.cache, size, sharpness)

    def _best_rate(self, model: TextModel, dev: Steps) -> float:
        """At which the model is to go on learning."""
        some = dev.first(DYNAMIC_SYMBOLS)
        return min(RATES, key=lambda rate: self._dynamic(model, some, rate).mean())

    def _dynamic(self, model: TextModel, steps: Steps, rate: float) -> np.ndarray:
        def read(before_1T: Tensor, steps_1T: Tensor, state: State | None) -> tuple[Tensor, Tensor, State]:
            outputs, end = model.read(before_1T, None, model.begin(1) if state is None else state)
            inside_1T = torch.ones_like(steps_1T, dtype=torch.bool)
            return model.nats(outputs, steps_1T, inside_1T), model.loss(outputs, steps_1T, inside_1T), end

        return dynamic_nats(model, steps, self.codec.size, read, rate)

    def _blocks(self, encoded: Encoded, part: DocumentPart | None = None) -> Blocks:
        """Blocks of documents; those of a ``part`` also count the symbols that do not say what stands there."""
        unknown_N = unsaid(self.codec, part.documents, encoded.steps.values) if part else None
        return text_blocks(encoded.steps, encoded.characters_N, encoded.bytes_N, unknown_N)

    def _nats(self, model: TextModel, steps: Steps, spans: ScoredSpans) -> np.ndarray:
        """-ln p of each symbol of the spans, (N,)."""
        device = next(model.parameters()).device
        return nats_of(steps, spans, self.codec.size, self._reading(model), device)

    def _reading(self, model: TextModel, *, with_outputs: bool = False) -> WindowReader:
        """How the model reads windows: the nats of each symbol, and the outputs of its first network behind them."""

        def read(
            before_BT: Tensor, steps_BT: Tensor, lengths_B: Tensor, at_B: Tensor, state: State | None
        ) -> tuple[Tensor, State]:
            begin = model.begin(len(before_BT)) if state is None else state
            outputs, end = model.read(before_BT, lengths_B, begin)
            inside_BT = inside(lengths_B, before_BT.shape[1]).to(before_BT.device)
            found_BT = torch.zeros(inside_BT.shape, device=before_BT.device)
            found_BT[inside_BT] = model.nats(outputs, steps_BT, inside_BT)
            return (torch.cat([found_BT[..., None], outputs[0].float()], -1) if with_outputs else found_BT), end

        return read
