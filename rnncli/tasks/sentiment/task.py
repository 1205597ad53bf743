"""Sentiment classification: any number of classes, one or several labels a text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from rnncli.data.jsonfile import read_json, write_json
from rnncli.data.ragged import Ragged
from rnncli.data.text import units as text_units
from rnncli.data.text.units import Cut, Units
from rnncli.data.text.vectors import read_vectors
from rnncli.data.text.vocabulary import Vocabulary
from rnncli.errors import RecipeError, RunError
from rnncli.heads.pooling import ATTENTION, Pooling
from rnncli.metrics.classification import minority
from rnncli.metrics.direction import MULTILABEL, OF_ONE_LABEL
from rnncli.report.build import Evaluation
from rnncli.tasks.base import Batches, Corpus, Metrics
from rnncli.tasks.classify import classified
from rnncli.tasks.common import shared
from rnncli.tasks.common.sections import LOSS
from rnncli.tasks.sentiment import attention, baselines, checks
from rnncli.tasks.sentiment.data import (
    TextPart,
    count_labels,
    label_names,
    read_corpus,
    read_part,
    require_known,
    split_label,
)
from rnncli.tasks.sentiment.evidence import Evidence, Kinds, cross_fitted, learn, pad_evidence
from rnncli.tasks.sentiment.model import TextClassifier
from rnncli.tasks.sentiment.predictor import TextPredictor
from rnncli.tasks.sentiment.schema import SentimentRecipe

LABELS = "labels"
MOST_CLASSES, MOST_UNITS = 10, 1_000_000
"""Evidence is left out by ``auto`` beyond these: it costs a regression a class, and helps less where data abounds."""


@dataclass(frozen=True)
class TextBatch:
    """Padded texts: numbers of units ids_BT, lengths_B, and truth_B (classes) or truth_BK (several labels)."""

    ids_BT: Tensor
    lengths_B: Tensor
    truth: Tensor
    evidence_BTF: Tensor | None

    @property
    def size(self) -> int:
        """Texts in the batch."""
        return len(self.lengths_B)

    def to(self, device: torch.device) -> TextBatch:
        """The same batch on ``device``, the lengths still on the CPU, where the core looks at them."""
        evidence_BTF = None if self.evidence_BTF is None else self.evidence_BTF.to(device, non_blocking=True)
        ids_BT, lengths_B = self.ids_BT.to(device, non_blocking=True), self.lengths_B
        return TextBatch(ids_BT, lengths_B, self.truth.to(device, non_blocking=True), evidence_BTF)


@dataclass(frozen=True)
class TextExamples:
    """Encoded texts of one part; ``truth`` is (N,) int64 or (N, K) float32, ``figures`` the evidence of all units."""

    part: TextPart
    ids: Ragged
    truth: np.ndarray
    figures: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.ids)

    @cached_property
    def lengths(self) -> np.ndarray:
        """Units of each text, (N,)."""
        return self.ids.lengths

    def batch(self, indices: np.ndarray) -> TextBatch:
        """Collate the texts at ``indices``."""
        ids_BT, lengths_B = self.ids.pad(indices)
        evidence_BTF = pad_evidence(self.figures, self.ids, indices, ids_BT) if self.figures is not None else None
        return TextBatch(ids_BT, lengths_B, torch.from_numpy(self.truth[indices]), evidence_BTF)

    def place(self, index: int) -> str:
        """File and line of a text."""
        return self.part.table.place(index)


class FittedSentiment:
    """Units, vocabulary and labels of the training part, and the model they lead to."""

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
        self.labels = label_names(counts, recipe.data.model_copy(update={"multi_label": False}))
        self.counts_K = np.array([counts[label] for label in self.labels])
        self.multi = recipe.data.multi_label
        self.positive = minority(self.counts_K) if len(self.labels) == 2 and not self.multi else None

    def save(self, folder: Path) -> None:
        """Write units, vocabulary and labels."""
        self.vocabulary.save(folder / "vocabulary.json")
        text_units.save(self.units, folder / "units.json")
        if self.evidence:
            self.evidence.save(folder)
        counts = {label: int(n) for label, n in zip(self.labels, self.counts_K, strict=True)}
        write_json(folder / "labels.json", LABELS, {"counts": counts})

    @classmethod
    def load(cls, recipe: SentimentRecipe, folder: Path) -> FittedSentiment:
        """What ``save`` wrote; raises RunError."""
        vocabulary = Vocabulary.load(folder / "vocabulary.json")
        units = text_units.load(folder / "units.json")
        counts = read_json(folder / "labels.json", LABELS).get("counts")
        if not isinstance(counts, dict) or not counts or not all(isinstance(n, int) for n in counts.values()):
            raise RunError(f"{folder / 'labels.json'}: holds no counts of labels", "take it from a copy of the run")
        evidence = Evidence.load(folder) if (folder / "evidence.json").exists() else None
        return cls(recipe, units, vocabulary, counts, evidence=evidence)

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
            self.crossed = cross_fitted(self.evidence, list(units), truth, len(self.labels))
        return TextExamples(part, ids, truth, self.crossed)

    def learn_evidence(self, train: TextPart) -> None:
        """Learn what the n-grams of the training part say of its labels."""
        words = self.units.to_dict()["unit"] in ("word", "whitespace")
        kinds = Kinds(order=2, subwords=True) if words else Kinds(order=3, subwords=False)
        texts = list(self.cut_up(train.texts()))
        self.evidence, self.crossed = learn(texts, self._truth(train), len(self.labels), kinds)

    def cut_up(self, texts: Iterable[str]) -> Iterator[Sequence[str]]:
        """The units of each text, up to the recipe's ``max_length``."""
        cut = Cut(self.recipe.data.max_length)
        return (cut(self.units.split(text)) for text in texts)

    def build(self) -> nn.Module:
        """A new classifier; its embeddings start from the vectors file where the recipe names one."""
        settings = self.recipe.model
        width = settings.embedding + (self.evidence.width if self.evidence else 0)
        core = shared.recurrent(width, settings)
        pooling = Pooling(core.output_size, settings.pooling, directions=2 if settings.bidirectional else 1)
        model = TextClassifier(
            core,
            pooling,
            self.vocabulary,
            len(self.labels),
            embedding=settings.embedding,
            embedding_scale=settings.embedding_scale,
            embedding_dropout=settings.embedding_dropout,
            word_dropout=settings.word_dropout,
            dropout=settings.dropout,
        )
        if settings.vectors and self.fresh:
            vectors = read_vectors(
                Path(settings.vectors),
                self.vocabulary,
                dimension=settings.embedding,
                seed=self.recipe.seed,
                scale=settings.embedding_scale,
            )
            model.embedding.weight.data.copy_(torch.from_numpy(vectors.matrix))
        return model

    def kernel(self, model: nn.Module) -> str:
        """Which recurrent path the model takes and why."""
        assert isinstance(model, TextClassifier)
        return model.core.kernel(model.linear.weight.device)

    def parameter_groups(self, model: nn.Module) -> list[dict[str, Any]]:
        """Weights decay, biases do not."""
        return shared.parameter_groups(model)

    def loss(self, model: nn.Module, batch: TextBatch) -> Tensor:
        """Cross-entropy, smoothed and weighted as the recipe says; the mean over the texts."""
        logits_BK = model(batch.ids_BT, batch.lengths_B, batch.evidence_BTF).float()
        settings = self.recipe.train
        weights_K = self._class_weights().to(logits_BK) if settings.class_weights == "balanced" else None
        if self.multi:
            smooth = settings.label_smoothing
            target_BK = batch.truth * (1 - smooth) + smooth / 2
            return functional.binary_cross_entropy_with_logits(logits_BK, target_BK, pos_weight=weights_K)
        return functional.cross_entropy(logits_BK, batch.truth, weights_K, label_smoothing=settings.label_smoothing)

    def validate(self, model: nn.Module, examples: TextExamples, batches: Batches) -> Metrics:
        """Every metric of the classifier, and ``loss``, which is its log loss."""
        found = classified.metrics(examples.truth, self._probabilities(model, len(examples), batches), self.positive)
        return found | {"loss": found["log_loss"]}

    def evaluate(self, model: nn.Module, part: TextPart, examples: TextExamples, batches: Batches) -> Evaluation:
        """Metrics with intervals, confusion matrix, classes, the most confident mistakes, predictions."""
        probabilities_NK = self._probabilities(model, len(examples), batches)
        found = classified.evaluate(
            examples.truth,
            probabilities_NK,
            self.labels,
            part,
            positive=self.positive,
            settings=self.recipe.evaluation,
            seed=self.recipe.seed,
        )
        assert isinstance(model, TextClassifier)
        worst = attention.most_confident_mistakes(examples.truth, probabilities_NK)
        if ATTENTION not in model.pooling.kinds or not len(worst):
            return found
        batch = examples.batch(worst).to(model.linear.weight.device)
        weights_BT = model.attention(batch.ids_BT, batch.lengths_B, batch.evidence_BTF).float().cpu().numpy()
        units = list(self.cut_up(part.take(worst).texts()))
        return replace(found, predictions=attention.noted(found.predictions, worst, units, weights_BT))

    def baselines(self, parts: Mapping[str, TextPart], split: str) -> tuple[dict[str, Metrics], tuple[str, ...]]:
        """Majority, n-grams with logistic regression, NB-SVM."""
        train, test = parts["train"], parts[split]
        notes = ()
        if len(train) > baselines.MOST_TEXTS:
            rows = np.sort(np.random.default_rng(self.recipe.seed).permutation(len(train))[: baselines.MOST_TEXTS])
            notes = (f"baselines on {len(rows):,} of {len(train):,} training texts",)
            train = train.take(rows)
        learn = (list(train.texts()), self._truth(train))
        score = (list(test.texts()), self._truth(test))
        found: dict[str, Metrics] = {}
        if not self.multi:
            found["majority"] = baselines.majority(score[1], self.counts_K, self.positive)
        split_text, classes = self.units.split, len(self.labels)
        found["n-grams + logistic"] = baselines.n_grams_and_logistic(split_text, learn, score, self.positive, classes)
        if not self.multi:
            found["nb-svm"] = baselines.nb_svm(split_text, learn, score, self.positive, classes)
        return found, notes

    def predictor(self, model: nn.Module, device: torch.device) -> TextPredictor:
        """A predictor of texts."""
        return TextPredictor(self, model, device)

    def probabilities(self, logits_BK: Tensor) -> np.ndarray:
        """Scores to probabilities, (B, K) float64: of each class, or of each label on its own."""
        logits_BK = logits_BK.double()
        return (logits_BK.sigmoid() if self.multi else logits_BK.softmax(-1)).cpu().numpy()

    def _probabilities(self, model: nn.Module, count: int, batches: Batches) -> np.ndarray:
        found_NK = np.zeros((count, len(self.labels)))
        for indices, batch in batches():
            found_NK[indices] = self.probabilities(model(batch.ids_BT, batch.lengths_B, batch.evidence_BTF))
        return found_NK

    def _class_weights(self) -> Tensor:
        """As rare as a class is, mean 1 over examples; of several labels the odds against each."""
        counts_K = np.maximum(self.counts_K, 1)
        if self.multi:
            return torch.from_numpy(np.maximum(counts_K.sum() - counts_K, 1) / counts_K)
        return torch.from_numpy(classified.balanced_weights(counts_K))

    def _truth(self, part: TextPart) -> np.ndarray:
        number = {label: k for k, label in enumerate(self.labels)}
        data = self.recipe.data
        require_known(part, self.labels, data)
        truth = np.zeros((len(part), len(number)), np.float32) if self.multi else np.zeros(len(part), np.int64)
        for row, label in enumerate(part.labels()):
            for one in split_label(label, data):
                if self.multi:
                    truth[row, number[one]] = 1
                else:
                    truth[row] = number[one]
        return truth


class Sentiment:
    """The task: see :class:`rnncli.tasks.base.Task`."""

    def read(self, recipe: SentimentRecipe) -> Corpus:
        """Read and split labelled texts."""
        return read_corpus(recipe)

    def read_more(self, recipe: SentimentRecipe, path: Path) -> Corpus:
        """A further labelled file."""
        return read_part(recipe, path)

    def fit(self, recipe: SentimentRecipe, corpus: Corpus) -> FittedSentiment:
        """Units, vocabulary and labels of the training part."""
        data, train = recipe.data, corpus.parts["train"]
        units, why = text_units.make(data.unit, train.texts(), lower=data.lower, subwords=data.subwords)
        cut = Cut(data.max_length)
        counts: Counter[str] = Counter()
        for text in train.texts():
            counts.update(cut(units.split(text)))
        vocabulary = Vocabulary.from_counts(counts, min_count=data.min_count, max_size=data.max_vocabulary or None)
        notes = [f"units: {why}"] if why else []
        if cut.count:
            notes.append(f"{cut.count:,} training texts cut after {data.max_length} units (data.max_length)")
        fitted = FittedSentiment(recipe, units, vocabulary, count_labels(train, data), fresh=True, notes=tuple(notes))
        _require_metric(recipe.train.best_by, fitted)
        if uses_evidence(recipe, len(fitted.labels), counts.total()):
            fitted.learn_evidence(train)
        return fitted

    def load(self, recipe: SentimentRecipe, folder: Path) -> FittedSentiment:
        """What a run kept."""
        return FittedSentiment.load(recipe, folder)

    def check(self, recipe: SentimentRecipe, corpus: Corpus) -> list[tuple[str, list[str], list[list[str]]]]:
        """Tables of sizes, labels, coverage and duplicates."""
        return checks.tables(recipe, corpus, self.fit(recipe, corpus).units)


def uses_evidence(recipe: SentimentRecipe, classes: int, units: int) -> bool:
    """Whether n-gram evidence is told to the model: by ``auto`` for few classes and not too much training text."""
    wanted = recipe.model.evidence
    if recipe.data.multi_label:
        return False
    return wanted == "on" or (wanted == "auto" and classes <= MOST_CLASSES and units <= MOST_UNITS)


def _require_metric(name: str, fitted: FittedSentiment) -> None:
    """RecipeError where no dev metric of that name can be had of these labels."""
    if fitted.multi and name and name not in (*MULTILABEL, LOSS):
        raise RecipeError(f"train.best_by: {name} is not defined for several labels", f"use {', '.join(MULTILABEL)}")
    if fitted.positive is None and name in OF_ONE_LABEL:
        why = f"{name} is that of the rarer of two classes, and there are {len(fitted.labels)}"
        raise RecipeError(f"train.best_by: {why}", f"train.best_by={name}_macro")


TASK = Sentiment()
