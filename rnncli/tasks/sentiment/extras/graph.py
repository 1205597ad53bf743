"""A classifier of texts as an ONNX graph: ids, lengths and evidence in, scores before the softmax out.

Shape letters: B batch, T units, F figures and C scores of evidence, K classes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from onnx import ModelProto

from rnncli.core.graph import OnnxGraph, embedding, linear, recurrent
from rnncli.data.text.units import SubwordUnits
from rnncli.errors import RecipeError
from rnncli.heads.graph import pooled
from rnncli.tasks.classify.answers import chosen, probabilities
from rnncli.tasks.exporting import MODEL, Exported, Trial
from rnncli.tasks.portable import Arrays
from rnncli.tasks.sentiment import portable
from rnncli.tasks.sentiment.fitted import FittedSentiment
from rnncli.tasks.sentiment.model import TextClassifier
from rnncli.tasks.sentiment.predictor import TextPredictor

UNLIMITED = 500
"""Units of the longest sequence to try where ``data.max_length`` sets no limit."""


def export(fitted: FittedSentiment, model: TextClassifier, *, stream: bool) -> Exported:
    """See :class:`rnncli.tasks.exporting.Exporting`."""
    if stream:
        why = "a class is that of a whole text, so there is nothing to give step by step"
        raise RecipeError(f"task: {why}", "leave --stream away")
    if isinstance(fitted.units, SubwordUnits):
        raise RecipeError(
            "data.unit=subword: its pieces are cut by the package tokenizers, which an exported model does not have",
            "train with data.unit=word, or character",
        )
    tables = fitted.tables
    trial = _Trial(fitted, model)
    return Exported(
        {MODEL: classifier(model, trial.figures, trial.scores)},
        tables.save,
        portable.__name__,
        Trial(trial.draw, trial.by_torch, trial.decisions),
        tables.most or UNLIMITED,
        (TextPredictor.example, "", TextPredictor.example * 3),
    )


def classifier(model: TextClassifier, figures: int, scores: int) -> ModelProto:
    """The graph of a model that is told ``figures`` of each unit and ``scores`` of each text, 0 for none."""
    graph = OnnxGraph("text classifier")
    ids_BT, lengths_B = graph.input("ids", "int64", ("B", "T")), graph.input("lengths", "int64", ("B",))
    x_BTI = embedding(graph, model.embedding, ids_BT)
    if figures:
        x_BTI = graph.add("Concat", x_BTI, graph.input("figures", "float32", ("B", "T", figures)), axis=-1)
    y_BTE, _ = recurrent(graph, model.core, x_BTI, lengths_B)
    logits_BK = linear(graph, model.linear, pooled(graph, model.pooling, y_BTE, lengths_B), exact=True)
    classes = model.linear.out_features
    if scores:
        logits_BK = graph.add("Add", logits_BK, _trusted(graph, model, scores, classes))
    graph.output(logits_BK, "logits", "float32", ("B", classes))
    return graph.model()


def _trusted(graph: OnnxGraph, model: TextClassifier, scores: int, classes: int) -> str:
    """What the model adds of the n-grams' scores, (B, K)."""
    scores_BC = graph.input("scores", "float32", ("B", scores))
    if scores < classes:
        half_BC = graph.add("Mul", scores_BC, graph.constant(np.float32(0.5)))
        scores_BC = graph.add("Concat", graph.add("Neg", half_BC), half_BC, axis=1)
    assert model.trust is not None
    return graph.add("Mul", scores_BC, graph.constant(model.trust, "float32"))


class _Trial:
    """Random texts, as the model meets them."""

    def __init__(self, fitted: FittedSentiment, model: TextClassifier) -> None:
        self.model, self.several, evidence = model, fitted.labels.several, fitted.evidence
        self.units = len(fitted.vocabulary)
        self.figures = evidence.width if evidence else 0
        self.scores = len(evidence.bias) if evidence and evidence.bias is not None else 0

    def draw(self, chance: np.random.Generator, lengths_B: np.ndarray) -> Arrays:
        batch, steps = len(lengths_B), max(1, int(lengths_B.max()))
        inside_BT = np.arange(steps) < lengths_B[:, None]
        found: Arrays = {"ids": chance.integers(1, self.units, (batch, steps)) * inside_BT, "lengths": lengths_B}
        if self.figures:
            figures_BTF = chance.normal(size=(batch, steps, self.figures)) * inside_BT[..., None]
            found["figures"] = figures_BTF.astype(np.float32)
        if self.scores:
            found["scores"] = chance.normal(size=(batch, self.scores)).astype(np.float32)
        return found

    def by_torch(self, given: Arrays) -> Arrays:
        inputs: dict[str, Any] = {name: torch.from_numpy(array) for name, array in given.items()}
        logits_BK = self.model(inputs["ids"], inputs["lengths"], inputs.get("figures"), inputs.get("scores"))
        return {"logits": logits_BK.numpy()}

    def decisions(self, found: Arrays) -> Sequence[list[int]]:
        shares_BK = probabilities(found["logits"], several=self.several)
        return [chosen(shares_K, several=self.several) for shares_K in shares_BK]
