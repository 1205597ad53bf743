"""A recognizer of actions as an ONNX graph: frames in, scores before the softmax out.

Shape letters: B clips, T frames, K classes.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from onnx import ModelProto

from rnncli.core.graph import OnnxGraph, linear, recurrent
from rnncli.errors import RecipeError
from rnncli.heads.graph import pooled
from rnncli.tasks.action import portable
from rnncli.tasks.action.fitted import FittedAction
from rnncli.tasks.action.model import ActionClassifier
from rnncli.tasks.action.portable import ActionTables
from rnncli.tasks.exporting import MODEL, Exported, Trial
from rnncli.tasks.frames.graph import drawn, encoded, frames_input
from rnncli.tasks.frames.portable import FrameTables
from rnncli.tasks.portable import Arrays


def export(fitted: FittedAction, model: ActionClassifier, *, stream: bool) -> Exported:
    """See :class:`rnncli.tasks.exporting.Exporting`."""
    if stream:
        why = "a class is that of a whole clip, so there is nothing to give step by step"
        raise RecipeError(f"task: {why}", "leave --stream away")
    tables = ActionTables(FrameTables.of(fitted.recipe, fitted.form), fitted.labels.names, fitted.longest)
    sizes = fitted.form.shape[:2] if fitted.form.view.pixels else ()

    def draw(chance: np.random.Generator, lengths_B: np.ndarray) -> Arrays:
        return drawn(chance, model.encoder, sizes, lengths_B)

    def by_torch(given: Arrays) -> Arrays:
        logits_BK = model(torch.from_numpy(given["frames"]), torch.from_numpy(given["lengths"]))
        return {"logits": logits_BK.numpy()}

    trial = Trial(draw, by_torch, _chosen)
    return Exported({MODEL: recognizer(model, sizes)}, tables.save, portable.__name__, trial, fitted.longest)


def recognizer(model: ActionClassifier, sizes: Sequence[int]) -> ModelProto:
    """The graph of a model; ``sizes`` are the rows and columns of frames that are read as pixels."""
    graph = OnnxGraph("recognizer of actions")
    frames, lengths_B = frames_input(graph, model.encoder, sizes), graph.input("lengths", "int64", ("B",))
    x_BTP = encoded(graph, model.encoder, frames, lengths_B, sizes)
    y_BTE, _ = recurrent(graph, model.core, x_BTP, lengths_B)
    logits_BK = linear(graph, model.linear, pooled(graph, model.pooling, y_BTE, lengths_B), exact=True)
    graph.output(logits_BK, "logits", "float32", ("B", model.linear.out_features))
    return graph.model()


def _chosen(found: Arrays) -> list[int]:
    return found["logits"].argmax(-1).tolist()
