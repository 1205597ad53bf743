"""What n-grams alone say of the labels: scores of a whole text, and figures at each unit for the recurrent model.

A bag of n-grams with weights as naive Bayes has them (Wang & Manning 2012) beats most recurrent models of random
embeddings on small data, because it counts where they must guess. Here it is told to the model. Logistic regressions
over the n-grams of units and, for words, the character n-grams inside them (see :mod:`rnncli.data.text.regression`)
give every n-gram a weight towards each class. A text has the scores of the regressions; a unit is described by the
summed weights of the n-grams that end at it, one figure for each kind of n-gram and class, and by the log-count ratios
of those of units. Training texts are told by regressions that have not seen them (cross-fitting), or the model would
trust them too much; other texts by the mean of those regressions.

Shape letters: N texts, U units of all texts, F n-grams, C columns (classes, or one for two of them), P folds.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from rnncli.data import progress
from rnncli.data.ragged import Ragged
from rnncli.data.rounding import compact, in_halves
from rnncli.data.text.grams import InnerGrams, Kinds, Located, count, locate
from rnncli.data.text.regression import Regressions, cross_fit, shrink
from rnncli.data.text.vocabulary import Vocabulary
from rnncli.errors import RunError

FOLDS = 8
"""Training texts are cross-fitted in so many, and in fewer where that would take more than ``WORK``."""
WORK = 2_500_000_000
"""N-grams of all texts times columns times folds."""
MOST_GRAMS, MOST_WEIGHTS, FEWEST_GRAMS = 500_000, 1_500_000, 20_000
"""N-grams that have weights: at most so many, and so many weights towards all classes, but not fewer than the last."""
MOST_COLUMNS = 20
"""Of more classes than these units are not described, only texts."""
SPREAD = 0.5
"""Standard deviation of every figure over the training part."""
UNITS_MEASURED = 500_000
"""Of more units than these, some say how much figures spread."""
WORK_NAME = "what n-grams say of the labels"


@dataclass(frozen=True, eq=False)
class Told:
    """What n-grams say of some texts: ``scores_NC``, if anything, and figures at each unit, looked up when asked for.

    ``numbers_OU`` are rows of ``told`` (weights and ratios, side by side), ``inside_U`` rows of ``inside`` (summed
    weights of the character n-grams in a unit), and ``scale`` is that of every figure.
    """

    numbers_OU: np.ndarray
    inside_U: np.ndarray
    told: np.ndarray
    inside: np.ndarray
    scale: np.ndarray
    scores_NC: np.ndarray | None

    def figures(self, at: np.ndarray | slice = slice(None)) -> np.ndarray:
        """Those of the units ``at``, (len(at), width) float32."""
        kinds = [self.told[number_U[at]] for number_U in self.numbers_OU]
        kinds += [self.inside[self.inside_U[at]]] if self.inside.shape[1] else []
        return (np.concatenate(kinds, axis=1) * self.scale).astype(np.float32, copy=False)

    def of_batch(self, ids: Ragged, indices: np.ndarray | Sequence[int], ids_BT: np.ndarray) -> Heard:
        """Some texts' figures as (B, T, width) like ``ids_BT``, zero in the padding, and their scores."""
        at, lengths = ids.positions(indices)
        figures_BTF = scores_BC = None
        if len(self.scale):
            padded_BTF = np.zeros((*ids_BT.shape, len(self.scale)), dtype=np.float32)
            padded_BTF[np.arange(ids_BT.shape[1]) < lengths[:, None]] = self.figures(at)
            figures_BTF = padded_BTF
        if self.scores_NC is not None:
            scores_BC = self.scores_NC[np.asarray(indices, np.int64)]
        return Heard(figures_BTF, scores_BC)


@dataclass(frozen=True)
class Heard:
    """What a batch of texts is told: figures of every unit, and scores of every text, or None."""

    figures_BTF: np.ndarray | None
    scores_BC: np.ndarray | None


@dataclass(frozen=True, eq=False)
class Evidence:
    """Fitted evidence: of each n-gram its weight and its ratio towards each column, both (F, C), and the biases (C,).

    Runs of version 0.1 have no biases, and scores no texts. ``scale`` is that of every figure of a unit. Evidence that
    was there before is part of it where ``share_C`` says how much of each column is that of the last ``texts``.
    """

    kinds: Kinds
    grams: Vocabulary
    weights: np.ndarray
    ratios: np.ndarray
    bias: np.ndarray | None
    scale: np.ndarray
    texts: int = 0
    share_C: np.ndarray | None = None

    @property
    def width(self) -> int:
        """Figures for each unit."""
        return len(self.scale)

    def figure_names(self, columns: Sequence[str]) -> list[tuple[int, str]]:
        """What each figure of a unit is: of which kind, towards which column."""
        return [(kind, name) for kind in range(self.width // max(1, len(columns))) for name in columns]

    def of_columns(self, columns: Sequence[tuple[int, int]]) -> Evidence:
        """The same towards other columns, each by the number of one here and a sign, which is 0 for none."""
        number_C, sign_C = np.array(columns).reshape(-1, 2).T
        scale_KC = self.scale.reshape(-1, self.weights.shape[1])[:, number_C] * np.abs(sign_C)
        return replace(
            self,
            weights=self.weights[:, number_C] * sign_C,
            ratios=self.ratios[:, number_C] * sign_C if self.ratios.shape[1] else self.ratios,
            bias=None if self.bias is None else self.bias[number_C] * sign_C,
            scale=scale_KC.reshape(-1),
        )

    def in_halves(self) -> Evidence:
        """The same in numbers of two bytes, which its file then holds as such."""
        return replace(self, weights=in_halves(self.weights), ratios=in_halves(self.ratios))

    def cut(self, most: int, texts: Iterable[Sequence[str]]) -> Evidence:
        """The same of the ``most`` n-grams that tell most of ``texts``: by weight times the root of how many have them.

        That is how much scores of texts spread by an n-gram that few of them have.
        """
        times_F = np.zeros(len(self.grams))
        for part in locate(texts, self.kinds, self.inner).parts(self.grams.unknown):
            times_F += np.bincount(part.columns_N, minlength=len(times_F))
        specials = len(self.grams.specials)
        told_F = (np.abs(self.weights).max(1, initial=0) * np.sqrt(times_F))[specials:]
        kept = specials + np.sort(np.argsort(-told_F, kind="stable")[:most])
        grams = Vocabulary(tuple(self.grams.names[i] for i in kept), self.grams.specials)
        kept = np.concatenate([np.arange(specials), kept])
        return replace(self, grams=grams, weights=self.weights[kept], ratios=self.ratios[kept])

    def goes_with(self, kinds: Kinds, described: bool) -> bool:
        """Whether evidence of other texts can be added to it, which has n-grams of ``kinds``, and figures of units."""
        alike = (self.kinds.order, self.kinds.subwords) == (kinds.order, kinds.subwords)
        return alike and self.bias is not None and self.texts > 0 and bool(self.width) == described

    def describe(self, texts: Iterable[Sequence[str]], most: int = 0) -> Told:
        """What is to be told of texts: scores of the whole, figures of the first ``most`` units each, 0 for all."""
        found = locate(texts, self.kinds, self.inner)
        scores_NC = None
        if self.bias is not None:
            parts = found.parts(self.grams.unknown)
            scores_NC = np.concatenate(
                [_scores(part_NF, part_NF.bounds_R, self.weights, self.bias) for part_NF in parts]
            )
        fold_N = np.zeros(len(found.lengths_N), np.int64)
        return _told(found, fold_N, self.weights[None], self._table, self.scale, scores_NC, most)

    @cached_property
    def inner(self) -> InnerGrams:
        """The character n-grams in words, as :func:`rnncli.data.text.grams.locate` looks them up."""
        return InnerGrams(self.grams)

    @cached_property
    def _table(self) -> np.ndarray:
        return _side_by_side(self.weights[None], self.ratios[None])

    def arrays(self) -> dict[str, np.ndarray]:
        """All but the n-grams, for a file of arrays."""
        kinds = np.array([self.kinds.order, self.kinds.subwords], dtype=np.int64)
        found = {"kinds": kinds, "weights": self.weights, "ratios": self.ratios, "scale": self.scale}
        found |= {} if self.bias is None else {"bias": self.bias}
        found |= {"texts": np.array(self.texts, dtype=np.int64)} if self.texts else {}
        return found if self.share_C is None else {**found, "share": self.share_C}

    @classmethod
    def of(cls, grams: Vocabulary, arrays: Mapping[str, np.ndarray]) -> Evidence:
        """What :meth:`arrays` gave, with its n-grams; KeyError or ValueError for something else."""
        order, subwords = arrays["kinds"].tolist()
        learnt = (arrays["weights"], arrays["ratios"], arrays.get("bias"), arrays["scale"])
        return cls(Kinds(order, bool(subwords)), grams, *learnt, int(arrays.get("texts", 0)), arrays.get("share"))

    def save(self, folder: Path) -> None:
        """Write the n-grams as JSON and their figures beside it."""
        from safetensors.numpy import save_file

        self.grams.save(folder / "evidence.json")
        save_file({name: compact(array) for name, array in self.arrays().items()}, folder / "evidence.safetensors")

    @classmethod
    def load(cls, folder: Path) -> Evidence:
        """What ``save`` wrote; raises RunError."""
        from safetensors import SafetensorError
        from safetensors.numpy import load_file

        path = folder / "evidence.safetensors"
        try:
            found = {name: _in_singles(array) for name, array in load_file(path).items()}
            return cls.of(Vocabulary.load(folder / "evidence.json", size=len(found["weights"])), found)
        except (OSError, SafetensorError, KeyError, ValueError) as error:
            raise RunError(f"{path}: cannot be read: {error}", "take it from a copy of the run") from error


def _in_singles(array: np.ndarray) -> np.ndarray:
    return array.astype(np.float32) if array.dtype == np.float16 else array


@dataclass(frozen=True, eq=False)
class LearntEvidence:
    """Evidence as it was learnt: what it tells of the training texts, and how often an n-gram had to be seen."""

    evidence: Evidence
    told: Told
    least: int


def learn(
    texts: Iterable[Sequence[str]], truth_NC: np.ndarray, kinds: Kinds, most: int = 0, before: Evidence | None = None
) -> LearntEvidence:
    """Evidence fitted to training texts by what is true of each; figures are of the first ``most`` units, 0 for all.

    It is the mean of that and of evidence of other texts ``before``, by how many texts either is of: about what would
    have been fitted to all. A column that is nowhere true counts for nothing on its side.
    """
    progress.tell(WORK_NAME, 0, 1)
    columns = truth_NC.shape[1]
    most_grams = min(MOST_GRAMS, max(MOST_WEIGHTS // max(columns, 1), FEWEST_GRAMS))
    described = columns <= MOST_COLUMNS
    if before and not before.goes_with(kinds, described):
        before = None
    grams, least, found = count(texts, kinds, most_grams, before.grams if before else None)
    fitted = _cross_fit(found, truth_NC, grams.unknown)
    fits = fitted.fits
    weights, ratios, bias = (mean.mean(0) for mean in (fits.weights_PFC, fits.ratios_PFC, fits.bias_PC))
    width = kinds.order * 2 * columns + kinds.subwords * columns if described else 0
    evidence = Evidence(kinds, grams, weights, ratios, bias, np.ones(width, np.float32), len(truth_NC))
    if before:
        evidence = _together(evidence, before, truth_NC)
    told = _told_apart(evidence, found, fitted, most)
    deviation = _deviation(told)
    scale = SPREAD / np.where(deviation > 0, deviation, np.inf)
    if before:  # what figures were to the model they are again
        scale = np.where(before.scale > 0, before.scale, scale)
    evidence = replace(evidence, scale=scale, ratios=evidence.ratios if described else ratios[:, :0])
    return LearntEvidence(evidence, _scaled(told, scale), least)


def cross_fitted(evidence: Evidence, texts: Iterable[Sequence[str]], truth_NC: np.ndarray, most: int = 0) -> Told:
    """What is told of the texts that ``evidence`` was learnt from last, again as ``learn`` gave it."""
    found = locate(texts, evidence.kinds, InnerGrams(evidence.grams))
    return _told_apart(evidence, found, _cross_fit(found, truth_NC, evidence.grams.unknown), most)


def _together(own: Evidence, before: Evidence, truth_NC: np.ndarray) -> Evidence:
    """The mean of evidence of some texts and of others before, whose n-grams are the first."""
    assert own.bias is not None
    assert before.bias is not None
    total = own.texts + before.texts
    is_known_C = (before.weights != 0).any(0)
    share_C = np.where(is_known_C, own.texts / total, 1.0) * np.where(is_known_C & ~(truth_NC > 0).any(0), 0.0, 1.0)
    share_C = share_C.astype(np.float32)

    def mean(ours: np.ndarray, theirs: np.ndarray) -> np.ndarray:
        padded = np.zeros_like(ours)
        padded[: len(theirs)] = theirs
        return (share_C * ours + (1 - share_C) * padded).astype(np.float32)

    ratios = mean(own.ratios, before.ratios) if before.ratios.shape == before.weights.shape else own.ratios
    weights = mean(own.weights, before.weights)
    bias = (share_C * own.bias + (1 - share_C) * before.bias).astype(np.float32)
    return replace(own, weights=weights, ratios=ratios, bias=bias, texts=total, share_C=share_C)


class _CrossFit(NamedTuple):
    """Which text has which n-gram, the fold of each text, and regressions without each fold."""

    found_NF: Any
    fold_N: np.ndarray
    fits: Regressions


def _cross_fit(found: Located, truth_NC: np.ndarray, unknown: int) -> _CrossFit:
    import scipy.sparse

    texts, columns = truth_NC.shape
    found_NF: Any = scipy.sparse.vstack([part.for_scipy() for part in found.parts(unknown)], format="csr")
    folds = int(np.clip(WORK // max(found_NF.nnz * columns, 1), 2, FOLDS))
    fold_N = np.random.default_rng(0).permutation(texts) % folds
    fits = cross_fit(found_NF, truth_NC, fold_N, folds, lambda done, total: progress.tell(WORK_NAME, done, total))
    return _CrossFit(found_NF, fold_N, fits)


def _told_apart(evidence: Evidence, found: Located, fitted: _CrossFit, most: int) -> Told:
    """What is told of texts by evidence without that of their own fold."""
    found_NF, fold_N, fits = fitted
    weights_PFC, ratios_PFC, bias_PC = fits.weights_PFC, fits.ratios_PFC, fits.bias_PC
    if evidence.share_C is not None and evidence.bias is not None:
        # What was there before is the mean of all folds less what they make of it.
        weights_PFC = evidence.weights + evidence.share_C * (weights_PFC - weights_PFC.mean(0))
        bias_PC = evidence.bias + evidence.share_C * (bias_PC - bias_PC.mean(0))
        if evidence.ratios.shape == evidence.weights.shape:
            ratios_PFC = evidence.ratios + evidence.share_C * (ratios_PFC - ratios_PFC.mean(0))
    scores_NC = None
    if evidence.bias is not None:
        scores_NC = np.zeros((len(fold_N), weights_PFC.shape[2]), np.float32)
        for fold in range(len(weights_PFC)):
            mine = np.flatnonzero(fold_N == fold)
            some_NF = found_NF[mine]
            scores_NC[mine] = _scores(some_NF, some_NF.indptr, weights_PFC[fold], bias_PC[fold])
    table = _side_by_side(weights_PFC, ratios_PFC if len(evidence.scale) else ratios_PFC[..., :0])
    return _told(found, fold_N, weights_PFC, table, evidence.scale, scores_NC, most)


def _scores(found_NF: Any, bounds: np.ndarray, weights: np.ndarray, bias: np.ndarray) -> np.ndarray:
    return (shrink(np.diff(bounds)) * (found_NF @ weights) + bias).astype(np.float32)


def _side_by_side(weights_PFC: np.ndarray, ratios_PFC: np.ndarray) -> np.ndarray:
    """Weights and ratios of each n-gram in a row, the folds under each other: (P * F, 2 C), or of no ratios nothing."""
    if not ratios_PFC.shape[2]:
        return np.zeros((len(weights_PFC) * weights_PFC.shape[1], 0), np.float32)
    return np.concatenate([weights_PFC, ratios_PFC], axis=2).reshape(-1, 2 * weights_PFC.shape[2])


def _told(
    found: Located,
    fold_N: np.ndarray,
    weights_PFC: np.ndarray,
    table: np.ndarray,
    scale: np.ndarray,
    scores_NC: np.ndarray | None,
    most: int,
) -> Told:
    """The ``table`` of all folds under each other, and where in it each unit looks."""
    if not len(scale):
        nothing = np.zeros((1, 0), np.float32)
        return Told(np.zeros((0, 0), np.int32), np.zeros(0, np.int32), nothing, nothing, scale, scores_NC)
    at = found.beginnings(most)
    fold_U = np.repeat(fold_N, found.lengths_N)[at].astype(np.int32)
    _, grams, columns = weights_PFC.shape
    words = found.inside_WF.shape[0]
    subwords = len(scale) > len(found.numbers_OU) * 2 * columns
    inside = np.concatenate([found.inside_WF @ weights for weights in weights_PFC]) if subwords else table[:, :0]
    numbers_OU = found.numbers_OU[:, at] + fold_U * grams
    return Told(numbers_OU, found.word_U[at] + fold_U * words, table, inside, scale, scores_NC)


def _scaled(told: Told, scale: np.ndarray) -> Told:
    return Told(told.numbers_OU, told.inside_U, told.told, told.inside, scale, told.scores_NC)


def _deviation(told: Told) -> np.ndarray:
    """Standard deviation of every figure over the units, or over some that lie evenly among them."""
    count = len(told.inside_U)
    if not len(told.scale) or not count:
        return np.zeros(len(told.scale))
    return told.figures(np.arange(0, count, 1 + count // UNITS_MEASURED)).std(0, dtype=np.float64)
