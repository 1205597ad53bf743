"""A classifier of texts fitted to its training part: units, vocabulary, labels, evidence, and the model they lead to.

Shape letters: N texts, B batch, T units, K labels.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from rnncli.core.device import placed
from rnncli.data.ragged import Ragged
from rnncli.data.text import units as text_units
from rnncli.data.text.evidence import Evidence, LearntEvidence, Told, cross_fitted, learn
from rnncli.data.text.grams import Kinds
from rnncli.data.text.units import Units
from rnncli.data.text.vectors import read_vectors
from rnncli.data.text.vocabulary import Vocabulary
from rnncli.errors import DataError
from rnncli.heads.pooling import ATTENTION, Pooling
from rnncli.metrics.statistics import Statistics
from rnncli.tasks.base import About, Axes, Batches, Metrics, Names, Rivals
from rnncli.tasks.classify.labels import Labels, require_known
from rnncli.tasks.classify.scoring import most_confident_mistakes, rows
from rnncli.tasks.common.core import build_core
from rnncli.tasks.common.pooled import pooled_axes
from rnncli.tasks.common.tables import table_of
from rnncli.tasks.sentiment.columns import as_columns
from rnncli.tasks.sentiment.data import TextPart, label_names
from rnncli.tasks.sentiment.examples import TextBatch, TextExamples
from rnncli.tasks.sentiment.extras import baselines
from rnncli.tasks.sentiment.model import TextClassifier
from rnncli.tasks.sentiment.portable import TextTables
from rnncli.tasks.sentiment.schema import SentimentRecipe
from rnncli.tasks.teaching import SoftTargets, Teaching, shares_of

KIND, FILE = "labels", "labels.json"
ATTENDED = 20
"""Mistakes that keep what the model attended to: as many as a page shows."""


class FittedSentiment:
    """See :class:`rnncli.tasks.base.Fitted`."""

    best_by = "accuracy"
    few_apart = 0.0

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
        self.crossed: Told | None = None
        self.labels = Labels({name: counts[name] for name in label_names(counts)}, recipe.data.multi_label)

    @property
    def about(self) -> About:
        """The label of which there are own scores."""
        return self.labels.about

    @property
    def tables(self) -> TextTables:
        """All but the weights, for predicting."""
        data, labels = self.recipe.data, self.labels
        columns = as_columns(data.text_column)
        return TextTables(
            self.units, self.vocabulary, labels.names, labels.several, data.max_length, columns, self.evidence
        )

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
        if not training:
            return TextExamples(part, ids, truth, self.tell(part.texts()))
        if self.crossed is None:
            units, most = map(self.units.split, part.texts()), self.recipe.data.max_length
            self.crossed = cross_fitted(self.evidence, units, self._columns(truth), most)
        return TextExamples(part, ids, truth, self.crossed)

    def learn_evidence(self, train: TextPart, known: FittedSentiment | None = None) -> None:
        """Learn what the n-grams of the training part say of its labels, and note how long that took.

        What is ``known`` counts beside it, by how many texts either was learnt from.
        """
        begun = time.perf_counter()
        words = self.units.to_dict()["unit"] in ("word", "whitespace")
        kinds = Kinds(order=2, subwords=True) if words else Kinds(order=3, subwords=False)
        units, truth_NC = map(self.units.split, train.texts()), self._columns(self._truth(train))
        before = None
        if known and known.evidence:
            before = known.evidence.of_columns(known.turned(self.columns))
            # Runs of before this was do not say of how many texts it is.
            before = replace(before, texts=before.texts or int(known.labels.frequencies.sum()))
        found = learn(units, truth_NC, kinds, self.recipe.data.max_length, before)
        self.evidence, self.crossed = found.evidence, found.told
        self.notes = (*self.notes, _evidence_note(found, time.perf_counter() - begun))

    def tell(self, texts: Iterable[str]) -> Told | None:
        """What n-grams say of texts, read whole, and of the units that the core reads."""
        return self.tables.tell(texts)

    def cut_up(self, texts: Iterable[str]) -> Iterator[Sequence[str]]:
        """The units of each text, up to the recipe's ``max_length``."""
        return self.tables.cut_up(texts)

    def build(self) -> TextClassifier:
        """A new classifier; its embeddings start from the vectors file where the recipe names one."""
        settings = self.recipe.model
        core = build_core(settings.embedding + (self.evidence.width if self.evidence else 0), settings)
        pooling = Pooling(core.output_size, settings.pooling, directions=core.directions)
        scored = self.evidence is not None and self.evidence.bias is not None
        model = TextClassifier(core, pooling, self.vocabulary, len(self.labels.names), settings, scored=scored)
        if settings.vectors and self.fresh:
            path, size, scale = Path(settings.vectors), settings.embedding, settings.embedding_scale
            vectors = read_vectors(path, self.vocabulary, dimension=size, seed=self.recipe.seed, scale=scale)
            model.embedding.weight.data.copy_(torch.from_numpy(vectors.matrix))
        return model

    def loss(self, model: TextClassifier, batch: TextBatch) -> Tensor:
        """Cross-entropy, smoothed and weighted as the recipe says; the mean over the texts."""
        logits_BK = model(batch.ids_BT, batch.lengths_B, batch.figures_BTF, batch.scores_BC).float()
        return self.labels.loss(logits_BK, batch.truth, self.recipe.train)

    def taught_loss(self, model: TextClassifier, batch: TextBatch, teaching: Teaching) -> Tensor:
        """See :class:`rnncli.tasks.teaching.Teachable`."""
        logits_BK = model(batch.ids_BT, batch.lengths_B, batch.figures_BTF, batch.scores_BC).float()
        return self.labels.taught_loss(logits_BK, batch.truth, self.recipe.train, teaching)

    @property
    def outcomes(self) -> tuple[str, ...]:
        """The labels."""
        return self.labels.names

    def encode_to_teach(self, part: TextPart) -> TextExamples:
        """Texts with the evidence of others, as in training, where these are those that it was learnt from.

        That of all would have each text's own label in it, and the model trusts it no less.
        """
        learnt = self.evidence is not None and self.evidence.texts == len(part)
        return self.encode(part, training=learnt)

    def soft_targets(self, model: TextClassifier, examples: TextExamples, batches: Batches) -> SoftTargets:
        """The probability of each label."""
        found_NK = self._probabilities(model, len(examples), batches)
        return SoftTargets.of(list(found_NK[:, None]))

    def keys(self, part: TextPart) -> Iterator[str]:
        """The texts, without blanks around them."""
        return (text.strip() for text in part.texts())

    def row_of(self, row: Mapping[str, Any], place: str) -> tuple[str, np.ndarray]:
        """``text`` and ``probabilities`` of a row, as ``predict`` writes them."""
        text = row.get("text")
        if not isinstance(text, str):
            raise DataError(f'{place}: a row without a "text"', 'such as {"text": "...", "probabilities": {...}}')
        return text.strip(), shares_of(row.get("probabilities"), self.labels.names, place)[None]

    def unlabelled(self, name: str, examples: Sequence[str]) -> TextPart:
        """Texts in the place of labelled ones; of their label the first is as good as any."""
        rows = [(one, self.labels.names[0]) for one in examples]
        return TextPart(table_of(name, ("text", "label"), rows), ("text",), "label", self.labels.several)

    def of_soft_targets(self, part: TextPart, examples: TextExamples, said: SoftTargets) -> Statistics:
        """Every metric of what teachers say."""
        return self.labels.of_soft_targets(examples.truth, said)

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
            weights_BT = model.attention(batch.ids_BT, batch.lengths_B, batch.figures_BTF).float().cpu().numpy()
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
            return model(batch.ids_BT, batch.lengths_B, batch.figures_BTF, batch.scores_BC)

        return self.labels.of_batches(batches, count, scores)

    @property
    def columns(self) -> tuple[str, ...]:
        """The labels that evidence is to tell apart: each, or the second of two classes."""
        names = self.labels.names
        return names[1:] if len(names) == 2 and not self.labels.several else names

    def turned(self, columns: Iterable[str]) -> list[tuple[int, int]]:
        """Each of ``columns`` by the number of one here and a sign: of two classes one is what the other is not."""
        names, own = self.labels.names, self.columns
        known = {name: (number, 1) for number, name in enumerate(own)}
        return [known.get(name, (0, -1 if name in names else 0)) for name in columns]

    @property
    def words(self) -> int:
        """Units of the vocabulary."""
        return len(self.vocabulary.tokens)

    def with_words(self, most: int, train: TextPart) -> FittedSentiment:
        """The same with the ``most`` most frequent units, and that share of the n-grams, those that tell most."""
        counts = Counter(unit for units in self.cut_up(train.texts()) for unit in units)
        kept = {unit: counts[unit] for unit in self.vocabulary.tokens}
        vocabulary = Vocabulary.from_counts(kept, min_count=0, max_size=most, specials=self.vocabulary.specials)
        evidence = self.evidence
        if evidence:
            grams = len(evidence.grams.tokens) * most // max(1, self.words)
            evidence = evidence.cut(grams, map(self.units.split, train.texts()))
        recipe = self.recipe.having({"data.max_vocabulary": most})
        counted = self.labels.counts
        return FittedSentiment(recipe, self.units, vocabulary, counted, evidence=evidence, notes=self.notes)

    def in_halves(self) -> FittedSentiment:
        """The same with evidence in numbers of two bytes."""
        evidence = self.evidence and self.evidence.in_halves()
        counts = self.labels.counts
        return FittedSentiment(self.recipe, self.units, self.vocabulary, counts, evidence=evidence, notes=self.notes)

    core_names = ("core",)

    def output_axes(self, model: TextClassifier, outputs: Mapping[str, Names]) -> Axes:
        """What the pooling and the linear layer read."""
        return pooled_axes(self.recipe.model.pooling, outputs["core"])

    def axes(self) -> Axes:
        """Units, labels, and what the core reads of each unit."""
        told = [] if self.evidence is None else self.evidence.figure_names(self.columns)
        read = (*range(self.recipe.model.embedding), *told)
        return {
            "embedding.weight": (self.vocabulary.names,),
            "linear.*": (self.labels.names,),
            "core.weight_ih_l0*": (None, read),
        }

    def _columns(self, truth: np.ndarray) -> np.ndarray:
        """What evidence is to tell apart, (N, C)."""
        if self.labels.several:
            return truth > 0
        return truth[:, None] == [self.labels.names.index(name) for name in self.columns]

    def _truth(self, part: TextPart) -> np.ndarray:
        require_known(part, part.labels(), self.labels.names)
        return self.labels.truth(part.labels())


def _evidence_note(found: LearntEvidence, seconds: float) -> str:
    """What is told, and what it cost."""
    kinds, count = found.evidence.kinds, len(found.evidence.grams)
    inside = " and the letters in them" if kinds.subwords else ""
    rare = f" seen {found.least} times or more" if found.least > 1 else ""
    alone = "" if found.evidence.width else ", of whole texts only: there are many labels"
    share_C = found.evidence.share_C
    beside = "" if share_C is None else f"; those of the run count for {1 - float(share_C.mean()):.0%}, by its texts,"
    return (
        f"evidence: {count:,} n-grams of up to {kinds.order} units{inside}{rare} tell the model of the labels{alone}"
        f"{beside or ';'} learnt in {seconds:.1f} s (model.evidence=off leaves it out)"
    )
