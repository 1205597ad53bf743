"""The labels of a training part: their numbers, their weights, the loss of scores for them, and how a run keeps them.

Shape letters: N examples, B batch, K labels.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from rnncli.data.jsonfile import read_json, write_json
from rnncli.errors import DataError, RecipeError, RunError
from rnncli.heads.distillation import distance, distance_by_label
from rnncli.metrics.classification import (
    MULTILABEL,
    OF_ONE_LABEL,
    class_statistics,
    label_statistics,
    minority,
    multilabel_statistics,
)
from rnncli.metrics.metric import LOSS
from rnncli.metrics.ordinal import OF_NUMBERS, numbers_of
from rnncli.metrics.statistics import Statistics
from rnncli.tasks.base import Batches, Metrics
from rnncli.tasks.classify.answers import probabilities
from rnncli.tasks.classify.sections import ClassTrain
from rnncli.tasks.common.growing import grown, growth
from rnncli.tasks.common.splitting import CorpusPart
from rnncli.tasks.teaching import SoftTargets, Teaching


@dataclass(frozen=True, eq=False)
class Labels:
    """How often each label occurs in training, in the order of their numbers; ``several`` may be true of an example.

    >>> labels = Labels({"neg": 3, "pos": 2})
    >>> labels.truth([["pos"], ["neg"]]).tolist(), labels.positive
    ([1, 0], 'pos')
    """

    counts: Mapping[str, int]
    several: bool = False

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The labels by their numbers."""
        return tuple(self.counts)

    @cached_property
    def frequencies(self) -> np.ndarray:
        """Training examples of each label, (K,)."""
        return np.array(list(self.counts.values()))

    @cached_property
    def number(self) -> int | None:
        """The number of the label of which there are own scores: the rarer of two classes, else None."""
        return minority(self.frequencies) if len(self.names) == 2 and not self.several else None

    @property
    def positive(self) -> str | None:
        """The label of that number."""
        return None if self.number is None else self.names[self.number]

    @cached_property
    def numbers(self) -> np.ndarray | None:
        """The numbers that the labels stand for, (K,), None where they are names or an example may have several."""
        return None if self.several else numbers_of(self.names)

    @property
    def about(self) -> dict[str, Any]:
        """What scoring has to know beside the rows of predictions."""
        return {} if self.positive is None else {"positive": self.positive}

    def truth(self, labels: Iterable[Sequence[str]]) -> np.ndarray:
        """The numbers of each example's label, (N,) int64; of several labels 0 and 1 for each, (N, K) float32.

        KeyError for a label that training does not have.
        """
        numbers = {label: k for k, label in enumerate(self.names)}
        rows = [[numbers[one] for one in row] for row in labels]
        if not self.several:
            return np.array([row[0] for row in rows], dtype=np.int64)
        truth_NK = np.zeros((len(rows), len(self.names)), np.float32)
        for i, row in enumerate(rows):
            truth_NK[i, row] = 1
        return truth_NK

    def loss(self, logits_BK: Tensor, truth: Tensor, settings: ClassTrain) -> Tensor:
        """Cross-entropy, smoothed and weighted as the recipe says; the mean over the examples."""
        weights_K = self._weights().to(logits_BK) if settings.class_weights == "balanced" else None
        smooth = settings.label_smoothing
        if self.several:
            target_BK = truth * (1 - smooth) + smooth / 2
            return functional.binary_cross_entropy_with_logits(logits_BK, target_BK, pos_weight=weights_K)
        return functional.cross_entropy(logits_BK, truth, weights_K, label_smoothing=smooth)

    def taught_loss(self, logits_BK: Tensor, truth: Tensor, settings: ClassTrain, teaching: Teaching) -> Tensor:
        """The loss where teachers have said something, (B, 1, K), beside the labels or in their place."""
        said_BK = teaching.said[:, 0]
        if self.several:
            apart = distance_by_label(logits_BK, said_BK, teaching.temperature)
        else:
            apart = distance(logits_BK.log_softmax(-1), said_BK, teaching.temperature)
        return teaching.mixed(self.loss(logits_BK, truth, settings), apart.mean())

    def of_soft_targets(self, truth: np.ndarray, said: SoftTargets) -> Statistics:
        """Every metric of what teachers say."""
        rows_NK = said.rows_PK.astype(np.float64)
        return multilabel_statistics(truth, rows_NK) if self.several else self.of_probable(truth, rows_NK)

    def probabilities(self, logits_BK: Tensor) -> np.ndarray:
        """Scores to probabilities, (B, K) float64: of each class, or of each label on its own."""
        return probabilities(logits_BK.double().cpu().numpy(), several=self.several)

    def of_batches(self, batches: Batches, count: int, scores: Callable[[Any], Tensor]) -> np.ndarray:
        """The probabilities (N, K) of ``count`` examples; ``scores`` are those (B, K) of a batch."""
        found_NK = np.zeros((count, len(self.names)))
        for indices, batch in batches():
            found_NK[indices] = self.probabilities(scores(batch))
        return found_NK

    def of_predicted(self, truth_N: np.ndarray, predicted_N: np.ndarray) -> Statistics:
        """The metrics of predictions without probabilities, for instance of a rival that gives labels alone."""
        return label_statistics(truth_N, predicted_N, len(self.names), self.number, self.numbers)

    def of_probable(self, truth_N: np.ndarray, probabilities_NK: np.ndarray) -> Statistics:
        """Every metric of probabilities for examples of one label each."""
        return class_statistics(truth_N, probabilities_NK, self.number, numbers_K=self.numbers)

    def validated(self, truth: np.ndarray, probabilities_NK: np.ndarray) -> Metrics:
        """Every metric of the classifier, and ``loss``, which is its log loss."""
        if self.several:
            found = multilabel_statistics(truth, probabilities_NK).values()
        else:
            found = self.of_probable(truth, probabilities_NK).values()
        return found | {"loss": found["log_loss"]}

    def require_metric(self, name: str) -> None:
        """RecipeError where the dev metric ``name`` of ``train.best_by``, if any, cannot be had of these labels."""
        if self.several and name and name not in (*MULTILABEL, LOSS.name):
            raise RecipeError(
                f"train.best_by: {name} is not defined for several labels", f"use {', '.join(MULTILABEL)}"
            )
        if self.positive is None and name in OF_ONE_LABEL:
            why = f"{name} is that of the rarer of two classes, and there are {len(self.names)}"
            raise RecipeError(f"train.best_by: {why}", f"train.best_by={name}_macro")

        if self.numbers is None and name in OF_NUMBERS:
            why = f"{name} wants labels that are three whole numbers or more, and these are {', '.join(self.names[:5])}"
            raise RecipeError(f"train.best_by: {why}", "train.best_by=f1_macro")

    def growth(self, found: Collection[str]) -> Iterator[str]:
        """What is to be said where a model with these labels learns on from data with those ``found``."""
        lost = [label for label in self.names if label not in found]
        return growth("labels", self.names, grown(self.names, sorted(found)), lost)

    def save(self, path: Path, kind: str, **more: Any) -> None:
        """Write the labels, and what else a task keeps with them."""
        write_json(path, kind, {"counts": {label: int(n) for label, n in self.counts.items()}, **more})

    @classmethod
    def load(cls, path: Path, kind: str, *, several: bool = False) -> tuple[Labels, dict[str, Any]]:
        """What ``save`` wrote, the labels and the rest; raises RunError."""
        body = read_json(path, kind)
        counts = body.pop("counts", None)
        if not isinstance(counts, dict) or not counts or not all(isinstance(n, int) for n in counts.values()):
            raise RunError(f"{path}: holds no counts of labels", "take it from a copy of the run")
        return cls(counts, several), body

    def _weights(self) -> Tensor:
        """As rare as a class is, mean 1 over examples; of several labels the odds against each; (K,) float64."""
        counts_K = np.maximum(self.frequencies, 1)
        if self.several:
            return torch.from_numpy(np.maximum(counts_K.sum() - counts_K, 1) / counts_K)
        return torch.from_numpy(counts_K.sum() / (len(counts_K) * counts_K))


def require_known(part: CorpusPart, labels: Iterable[Sequence[str]], known: Collection[str]) -> None:
    """DataError for the first of an example's labels that is none of ``known``."""
    numbered = frozenset(known)
    for row, found in enumerate(labels):
        for label in found:
            if label not in numbered:
                names = list(known)
                hint = f"known: {', '.join(names[:8])}{', ...' if len(names) > 8 else ''}"
                raise DataError(f'{part.place(row)}: label "{label}" does not occur in training', hint)
