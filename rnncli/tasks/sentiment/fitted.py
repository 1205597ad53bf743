"""A classifier of texts fitted to its training part: units, vocabulary, labels, evidence, and the model they lead to.

Shape letters: N texts, B batch, T units, K labels.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from rnncli.core.device import placed
from rnncli.data.ragged import Ragged
from rnncli.data.text import units as text_units
from rnncli.data.text.evidence import Evidence, Kinds, cross_fitted, learn
from rnncli.data.text.units import Cut, Units
from rnncli.data.text.vectors import read_vectors
from rnncli.data.text.vocabulary import Vocabulary
from rnncli.heads.pooling import ATTENTION, Pooling
from rnncli.tasks.base import About, Batches, Metrics, Rivals
from rnncli.tasks.classify.labels import Labels, require_known
from rnncli.tasks.classify.scoring import most_confident_mistakes, rows
from rnncli.tasks.common.core import recurrent
from rnncli.tasks.sentiment.data import TextPart, label_names
from rnncli.tasks.sentiment.examples import TextBatch, TextExamples
from rnncli.tasks.sentiment.extras import baselines
from rnncli.tasks.sentiment.model import TextClassifier
from rnncli.tasks.sentiment.schema import SentimentRecipe

KIND, FILE = "labels", "labels.json"
ATTENDED = 20
"""Mistakes that keep what the model attended to: as many as a page shows."""


class FittedSentiment:
    """See :class:`rnncli.tasks.base.Fitted`."""

    best_by = "accuracy"

    def __init__(
        self,
        recipe: SentimentRecipe,
        units: Units,
        vocabulary: Vocabulary,
        counts: Mapping[str, int],
        *,
        evidence: Evidence | None = None,
        fresh: bool = False,
        notes: tuple[str, ...] = (),
    ) -> None:
        self.recipe, self.units, self.vocabulary, self.evidence = recipe, units, vocabulary, evidence
        self.fresh, self.notes = fresh, notes
        self.crossed: np.ndarray | None = None
        self.labels = Labels({name: counts[name] for name in label_names(counts)}, recipe.data.multi_label)

    @property
    def about(self) -> About:
        """The label of which there are own scores."""
        return self.labels.about

    def save(self, folder: Path) -> None:
        """Write units, vocabulary and labels."""
        self.vocabulary.save(folder / "vocabulary.json")
        text_units.save(self.units, folder / "units.json")
        if self.evidence:
            self.evidence.save(folder)
        self.labels.save(folder / FILE, KIND)

    @classmethod
    def load(cls, recipe: SentimentRecipe, folder: Path) -> FittedSentiment:
        """What ``save`` wrote; raises RunError."""
        vocabulary = Vocabulary.load(folder / "vocabulary.json")
        units = text_units.load(folder / "units.json")
        labels, _ = Labels.load(folder / FILE, KIND)
        evidence = Evidence.load(folder) if (folder / "evidence.json").exists() else None
        return cls(recipe, units, vocabulary, labels.counts, evidence=evidence)

    def encode(self, part: TextPart, *, training: bool = False) -> TextExamples:
        """Texts to numbers, a few thousand texts in memory at a time; in training the evidence is cross-fitted."""
        ids = Ragged.from_iterable(map(self.vocabulary.encode, self.cut_up(part.texts())))
        truth = self._truth(part)
        if self.evidence is None:
            return TextExamples(part, ids, truth)
        units = self.cut_up(part.texts())
        if not training:
            return TextExamples(part, ids, truth, self.evidence.describe(units))
        if self.crossed is None:
            self.crossed = cross_fitted(self.evidence, list(units), truth, len(self.labels.names))
        return TextExamples(part, ids, truth, self.crossed)

    def learn_evidence(self, train: TextPart) -> None:
        """Learn what the n-grams of the training part say of its labels."""
        words = self.units.to_dict()["unit"] in ("word", "whitespace")
        kinds = Kinds(order=2, subwords=True) if words else Kinds(order=3, subwords=False)
        texts = list(self.cut_up(train.texts()))
        self.evidence, self.crossed = learn(texts, self._truth(train), len(self.labels.names), kinds)

    def cut_up(self, texts: Iterable[str]) -> Iterator[Sequence[str]]:
        """The units of each text, up to the recipe's ``max_length``."""
        cut = Cut(self.recipe.data.max_length)
        return (cut(self.units.split(text)) for text in texts)

    def build(self) -> TextClassifier:
        """A new classifier; its embeddings start from the vectors file where the recipe names one."""
        settings = self.recipe.model
        core = recurrent(settings.embedding + (self.evidence.width if self.evidence else 0), settings)
        pooling = Pooling(core.output_size, settings.pooling, directions=2 if settings.bidirectional else 1)
        model = TextClassifier(core, pooling, self.vocabulary, len(self.labels.names), settings)
        if settings.vectors and self.fresh:
            path, size, scale = Path(settings.vectors), settings.embedding, settings.embedding_scale
            vectors = read_vectors(path, self.vocabulary, dimension=size, seed=self.recipe.seed, scale=scale)
            model.embedding.weight.data.copy_(torch.from_numpy(vectors.matrix))
        return model

    def loss(self, model: TextClassifier, batch: TextBatch) -> Tensor:
        """Cross-entropy, smoothed and weighted as the recipe says; the mean over the texts."""
        logits_BK = model(batch.ids_BT, batch.lengths_B, batch.evidence_BTF).float()
        return self.labels.loss(logits_BK, batch.truth, self.recipe.train)

    def validate(self, model: TextClassifier, examples: TextExamples, batches: Batches) -> Metrics:
        """Every metric of the classifier, and ``loss``, which is its log loss."""
        return self.labels.validated(examples.truth, self._probabilities(model, len(examples), batches))

    def predictions(
        self, model: TextClassifier, part: TextPart, examples: TextExamples, batches: Batches
    ) -> list[dict[str, Any]]:
        """Probabilities of each text; the most confident mistakes with what the model attended to."""
        probabilities_NK = self._probabilities(model, len(examples), batches)
        places = map(part.place, range(len(part)))
        found = list(rows(places, part.texts(), examples.truth, probabilities_NK, self.labels.names))
        worst = np.array(most_confident_mistakes(found)[:ATTENDED], dtype=np.int64)
        if ATTENTION in model.pooling.kinds and len(worst):
            batch = placed(examples.batch(worst), model.linear.weight.device)
            weights_BT = model.attention(batch.ids_BT, batch.lengths_B, batch.evidence_BTF).float().cpu().numpy()
            for i, units, weights_T in zip(worst, self.cut_up(part.take(worst).texts()), weights_BT, strict=True):
                attended = zip(units, weights_T.tolist(), strict=False)
                found[i]["attention"] = [[unit, round(weight, 4)] for unit, weight in attended]
        return found

    def baselines(self, parts: Mapping[str, TextPart], split: str) -> tuple[Rivals, tuple[str, ...]]:
        """Majority, n-grams with logistic regression, NB-SVM."""
        train, test = parts["train"], parts[split]
        notes = ()
        if len(train) > baselines.MOST_TEXTS:
            some = np.sort(np.random.default_rng(self.recipe.seed).permutation(len(train))[: baselines.MOST_TEXTS])
            notes = (f"baselines on {len(some):,} of {len(train):,} training texts",)
            train = train.take(some)
        learn = (list(train.texts()), self._truth(train))
        score = (list(test.texts()), self._truth(test))
        return baselines.rivals(self.units.split, learn, score, self.labels), notes

    def _probabilities(self, model: TextClassifier, count: int, batches: Batches) -> np.ndarray:
        def scores(batch: TextBatch) -> Tensor:
            return model(batch.ids_BT, batch.lengths_B, batch.evidence_BTF)

        return self.labels.of_batches(batches, count, scores)

    def _truth(self, part: TextPart) -> np.ndarray:
        require_known(part, part.labels(), self.labels.names)
        return self.labels.truth(part.labels())
