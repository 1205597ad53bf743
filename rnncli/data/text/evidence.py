"""What n-grams alone say of the label, as a few figures for each unit of a text that the recurrent model reads along.

A bag of n-grams with naive Bayes weights (Wang & Manning 2012) beats most recurrent models of random embeddings on
small data, because it counts where they must guess. Here it is told to the model: a logistic regression over the
n-grams of units and, for words, the character n-grams inside them, each feature scaled by its log-count ratio

    r_j = log(p_j / |p|) - log(q_j / |q|),   p_j, q_j = 1 + texts of the class, of the others, with n-gram j,

gives every n-gram a weight; a unit is described by the summed weights of the n-grams that end at it, one figure for
each kind of n-gram, and by the ratios of those of units. Training texts are described by regressions that have not
seen them (cross-fitting), or the model would trust the figures too much.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse
import torch
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file
from torch import Tensor

from rnncli.data.ragged import Ragged
from rnncli.data.text.vocabulary import Vocabulary
from rnncli.errors import RunError

PARTS = 8
"""Training texts are cross-fitted in so many parts."""
STRENGTH = 10.0
"""C of the regression."""
SPREAD = 0.5
"""Standard deviation of every figure over the training part."""
SUBWORDS = (4, 5)
"""Lengths of the character n-grams of a word, its bounds counted."""


@dataclass(frozen=True, eq=False)
class Kinds:
    """The kinds of n-grams: up to ``order`` units, and the character n-grams of each unit if ``subwords``."""

    order: int
    subwords: bool

    @property
    def count(self) -> int:
        """How many kinds."""
        return self.order + self.subwords

    @property
    def figures(self) -> int:
        """Figures for each unit and class: a weight for each kind, a ratio for the n-grams of units."""
        return self.count + self.order

    def of(self, units: Sequence[str], at: int) -> Iterator[tuple[int, str]]:
        """Each n-gram that ends at unit ``at``, as its kind and a name unlike that of any other kind's."""
        for size in range(1, min(self.order, at + 1) + 1):
            yield size - 1, f"{size} {' '.join(units[at - size + 1 : at + 1])}"
        if self.subwords:
            word = f"<{units[at]}>"
            for size in SUBWORDS:
                for start in range(len(word) - size + 1):
                    yield self.order, f"c {word[start : start + size]}"


@dataclass(frozen=True, eq=False)
class Occurrences:
    """Every n-gram of some texts, one after the other: its number, its kind, the unit at which it ends, its text.

    ``units`` counts the units of each text; units are numbered through all texts.
    """

    gram: np.ndarray
    kind: np.ndarray
    unit: np.ndarray
    text: np.ndarray
    units: np.ndarray

    def matrix(self, grams: int) -> Any:
        """Which text has which n-gram: sparse (texts, grams), 0 or 1."""
        shape = (len(self.units), grams)
        found = scipy.sparse.csr_matrix((np.ones(len(self.gram), np.float64), (self.text, self.gram)), shape=shape)
        found.data[:] = 1.0
        return found


@dataclass(frozen=True, eq=False)
class Evidence:
    """Fitted evidence: of each n-gram its weight and its ratio towards each of C classes, (F, C)."""

    kinds: Kinds
    grams: Vocabulary
    weights: np.ndarray
    ratios: np.ndarray
    scale: np.ndarray

    @property
    def width(self) -> int:
        """Figures for each unit."""
        return len(self.scale)

    def describe(self, texts: Iterable[Sequence[str]]) -> np.ndarray:
        """The figures of every unit of some texts, one after the other: (units, width) float32."""
        found = _occurrences(texts, self.kinds, self.grams)
        return (_figures(found, self.kinds, self.weights, self.ratios) * self.scale).astype(np.float32)

    def save(self, folder: Path) -> None:
        """Write the n-grams as JSON and their figures beside it."""
        self.grams.save(folder / "evidence.json")
        kinds = np.array([self.kinds.order, self.kinds.subwords], dtype=np.int64)
        tensors = {"kinds": kinds, "weights": self.weights, "ratios": self.ratios, "scale": self.scale}
        save_file(tensors, folder / "evidence.safetensors")

    @classmethod
    def load(cls, folder: Path) -> Evidence:
        """What ``save`` wrote; raises RunError."""
        path = folder / "evidence.safetensors"
        try:
            found = load_file(path)
            order, subwords = found["kinds"].tolist()
            grams = Vocabulary.load(folder / "evidence.json", size=len(found["weights"]))
            return cls(Kinds(order, bool(subwords)), grams, found["weights"], found["ratios"], found["scale"])
        except (OSError, SafetensorError, KeyError, ValueError) as error:
            raise RunError(f"{path}: cannot be read: {error}", "take it from a copy of the run") from error


def learn(
    texts: Sequence[Sequence[str]], truth_N: np.ndarray, classes: int, kinds: Kinds
) -> tuple[Evidence, np.ndarray]:
    """Evidence fitted to training texts, (N,) labels from 0, and the cross-fitted figures of those texts."""
    counted = {gram: 1 for units in texts for at in range(len(units)) for _, gram in kinds.of(units, at)}
    grams = Vocabulary.from_counts(counted)
    found = _occurrences(texts, kinds, grams)
    weights, ratios = _regressions(found.matrix(len(grams)), truth_N, _columns(classes))
    unscaled = np.ones(kinds.figures * weights.shape[1])
    evidence = Evidence(kinds, grams, weights.astype(np.float32), ratios.astype(np.float32), unscaled)
    figures = _cross_fit(found, truth_N, classes, evidence)
    deviation = figures.std(0)
    scale = SPREAD / np.where(deviation > 0, deviation, np.inf)
    return replace(evidence, scale=scale), (figures * scale).astype(np.float32)


def cross_fitted(evidence: Evidence, texts: Sequence[Sequence[str]], truth_N: np.ndarray, classes: int) -> np.ndarray:
    """The figures of the texts that ``evidence`` was learnt from, again as ``learn`` gave them."""
    found = _occurrences(texts, evidence.kinds, evidence.grams)
    return (_cross_fit(found, truth_N, classes, evidence) * evidence.scale).astype(np.float32)


def pad_evidence(figures: np.ndarray, ids: Ragged, indices: np.ndarray | Sequence[int], ids_BT: Tensor) -> Tensor:
    """The figures of some sequences as (B, T, F) like ``ids_BT``, zero in the padding."""
    at, lengths = ids.positions(indices)
    padded_BTF = np.zeros((*ids_BT.shape, figures.shape[1]), dtype=np.float32)
    padded_BTF[np.arange(ids_BT.shape[1]) < lengths[:, None]] = figures[at]
    return torch.from_numpy(padded_BTF)


def _columns(classes: int) -> list[int]:
    """The classes that get weights of their own: of two, what speaks for one speaks against the other."""
    return [1] if classes == 2 else list(range(classes))


def _cross_fit(found: Occurrences, truth_N: np.ndarray, classes: int, evidence: Evidence) -> np.ndarray:
    X, columns, kinds = found.matrix(len(evidence.grams)), _columns(classes), evidence.kinds
    part_N = np.random.default_rng(0).permutation(len(truth_N)) % PARTS
    part_of_unit = np.repeat(part_N, found.units)
    figures = np.zeros((len(part_of_unit), evidence.width))
    for part in range(PARTS):
        others = part_N != part
        weights, ratios = _regressions(X[others], truth_N[others], columns)
        mine = part_of_unit == part
        figures[mine] = _figures(found, kinds, weights, ratios)[mine]
    return figures


def _regressions(X: Any, truth_N: np.ndarray, columns: list[int]) -> tuple[np.ndarray, np.ndarray]:
    """Weights and ratios of all n-grams towards each class of ``columns``, (F, C); 0 for n-grams that X lacks."""
    from sklearn.linear_model import LogisticRegression

    seen_F = np.asarray(X.sum(0)).ravel() > 0
    rows = scipy.sparse.diags(1 / np.sqrt(np.maximum(np.asarray(X.sum(1)).ravel(), 1)))
    weights, ratios = np.zeros((X.shape[1], len(columns))), np.zeros((X.shape[1], len(columns)))
    for column, label in enumerate(columns):
        mine_N = truth_N == label
        p, q = 1 + np.asarray(X[mine_N].sum(0)).ravel(), 1 + np.asarray(X[~mine_N].sum(0)).ravel()
        ratio_F = np.log(p / p[seen_F].sum()) - np.log(q / q[seen_F].sum())
        ratios[:, column] = ratio_F * seen_F
        if mine_N.any() and not mine_N.all():
            scaled = (rows @ X @ scipy.sparse.diags(ratio_F)).tocsr()
            found: Any = LogisticRegression(C=STRENGTH, solver="liblinear", random_state=0).fit(scaled, mine_N)
            weights[:, column] = found.coef_[0] * ratio_F * seen_F
    return weights, ratios


def _figures(found: Occurrences, kinds: Kinds, weights: np.ndarray, ratios: np.ndarray) -> np.ndarray:
    """Sums over the n-grams of each kind that end at each unit: (units, kinds.figures * C)."""
    units = int(found.units.sum())
    columns = []
    for kind in range(kinds.count):
        mine = found.kind == kind
        unit, gram = found.unit[mine], found.gram[mine]
        told = (*weights.T, *ratios.T) if kind < kinds.order else weights.T
        columns += [np.bincount(unit, values[gram], minlength=units) for values in told]
    return np.stack(columns, axis=1)


def _occurrences(texts: Iterable[Sequence[str]], kinds: Kinds, grams: Vocabulary) -> Occurrences:
    gram, kind, unit, units = array("i"), array("b"), array("i"), array("i")
    first = 0
    for words in texts:
        for at in range(len(words)):
            for which, name in kinds.of(words, at):
                number = grams.number(name)
                if number != grams.unknown:
                    gram.append(number)
                    kind.append(which)
                    unit.append(first + at)
        units.append(len(words))
        first += len(words)
    gram, kind, unit = np.asarray(gram, np.int32), np.asarray(kind, np.int8), np.asarray(unit, np.int32)
    counts = np.asarray(units, np.int64)
    text = np.repeat(np.arange(len(counts), dtype=np.int32), counts)[unit]
    return Occurrences(gram, kind, unit, text, counts)
