"""A recognizer as an ONNX graph: scaled features and lengths in, scores of labels and how many frames they have out.

Shape letters: B batch, T frames of the input, R frames of the core, F feature bins, C channels, E outputs of a core, V
labels and blank.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from onnx import ModelProto
from torch import nn

from rnncli.core.graph import OnnxGraph, cleared, linear, normalised, padding, recurrent
from rnncli.core.recurrent import Recurrent
from rnncli.data.audio.bare import Analysis
from rnncli.errors import RecipeError
from rnncli.tasks.exporting import MODEL, Exported, Likeliest, Trial
from rnncli.tasks.portable import Arrays
from rnncli.tasks.speech import portable
from rnncli.tasks.speech.data import frontend
from rnncli.tasks.speech.fitted import FittedSpeech
from rnncli.tasks.speech.model import KERNEL, Recognizer, Stack

USUAL = 250
"""Frames of the longest recording to try, before it is taken four times: 10 s in all."""


def export(fitted: FittedSpeech, model: Recognizer, *, stream: bool) -> Exported:
    """See :class:`rnncli.tasks.exporting.Exporting`."""
    if stream:
        raise RecipeError(
            "task: a recognizer step by step cannot be exported yet: its convolutions look ahead",
            "leave --stream away; rnncli predict RUN - hears a stream",
        )
    analysis = None if fitted.form.given else Analysis.of(frontend(fitted.recipe.data))
    trial = _Trial(fitted, model)
    return Exported(
        {MODEL: recognizer(model, fitted.form.width, len(fitted.units.labels) + 1)},
        portable.SpeechTables(fitted.decoder, fitted.form, analysis).save,
        portable.__name__,
        Trial(trial.draw, trial.by_torch, trial.decisions),
        USUAL,
    )


def recognizer(model: Recognizer, width: int, labels: int) -> ModelProto:
    """The graph of a model of features of this width: ``logits`` (B, R, V) and ``frames`` (B,)."""
    graph = OnnxGraph("recognizer")
    x_BTF, lengths_B = graph.input("features", "float32", ("B", "T", width)), graph.input("lengths", "int64", ("B",))
    for convolution, norm, stride in zip(model.convolutions, model.convolution_norms, model.strides, strict=True):
        x_BTF = graph.add("Relu", normalised(graph, norm, _convolved(graph, convolution, x_BTF, KERNEL // 2)))
        spare = graph.add("Add", lengths_B, graph.constant(np.int64(stride - 1)))
        lengths_B = graph.add("Div", spare, graph.constant(np.int64(stride)))
        x_BTF = cleared(graph, x_BTF, padding(graph, x_BTF, lengths_B))
    scores = [_scores(graph, member, x_BTF, lengths_B) for member in model.members]
    mean_BRV = scores[0] if len(scores) == 1 else graph.add("Mean", *scores)
    graph.output(mean_BRV, "logits", "float32", ("B", "R", labels))
    graph.output(lengths_B, "frames", "int64", ("B",))
    return graph.model()


def _scores(graph: OnnxGraph, stack: Stack, x_BRC: str, lengths_B: str) -> str:
    """One member's scores (B, R, V)."""
    for layer, (core, norm) in enumerate(zip(stack.cores, stack.norms, strict=True)):
        assert isinstance(core, Recurrent)
        y_BRE = normalised(graph, norm, recurrent(graph, core, x_BRC, lengths_B)[0])
        x_BRC = graph.add("Add", x_BRC, y_BRE) if layer else y_BRE
    if stack.ahead:
        x_BRC = cleared(graph, x_BRC, padding(graph, x_BRC, lengths_B))
        x_BRC = _convolved(graph, stack.lookahead, x_BRC, 0, stack.ahead)
    return linear(graph, stack.linear, x_BRC)


def _convolved(graph: OnnxGraph, layer: nn.Module, x_BTX: str, before: int, behind: int | None = None) -> str:
    """A convolution over time with so many zeros before the first step and behind the last, (B, R, C)."""
    assert isinstance(layer, nn.Conv1d)
    assert layer.bias is not None
    weights = graph.constant(layer.weight, "float32"), graph.constant(layer.bias, "float32")
    pads = [before, before if behind is None else behind]
    settings = {"strides": list(layer.stride), "group": layer.groups, "pads": pads}
    x_BXT = graph.add("Transpose", x_BTX, perm=[0, 2, 1])
    return graph.add("Transpose", graph.add("Conv", x_BXT, *weights, **settings), perm=[0, 2, 1])


class _Trial:
    """Random features, zeros behind each recording."""

    def __init__(self, fitted: FittedSpeech, model: Recognizer) -> None:
        self.fitted, self.model = fitted, model

    def draw(self, chance: np.random.Generator, lengths_B: np.ndarray) -> Arrays:
        steps = max(1, int(lengths_B.max()))
        inside_BT = np.arange(steps) < lengths_B[:, None]
        x_BTF = chance.normal(size=(len(lengths_B), steps, self.fitted.form.width)) * inside_BT[..., None]
        return {"features": x_BTF.astype(np.float32), "lengths": lengths_B}

    def by_torch(self, given: Arrays) -> Arrays:
        logits_BRV, frames_B = self.model(*(torch.from_numpy(given[name]) for name in ("features", "lengths")))
        return {"logits": logits_BRV.numpy(), "frames": frames_B.numpy()}

    def decisions(self, found: Arrays) -> Sequence[Likeliest]:
        """The most probable path."""
        each = zip(found["logits"], found["frames"].tolist(), strict=True)
        return [Likeliest(logits_RV[:frames]) for logits_RV, frames in each]
