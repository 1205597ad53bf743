"""A captioner as ONNX graphs: frames to what a head reads, and of attention a word to the next one.

Shape letters: B clips, T frames, E outputs of the encoder, S words, V words that can be written, H hidden.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from onnx import ModelProto
from torch import nn

from rnncli.core.graph import (
    OnnxGraph,
    cleared,
    embedding,
    linear,
    normalised,
    padding,
    recurrent,
    state_inputs,
    state_outputs,
    step,
)
from rnncli.errors import RecipeError
from rnncli.heads.attention import AttentionDecoder
from rnncli.heads.graph import LOWEST
from rnncli.tasks.captioning import portable
from rnncli.tasks.captioning.fitted import FittedCaptioning
from rnncli.tasks.captioning.model import Captioner
from rnncli.tasks.exporting import MODEL, Exported, Likeliest, Trial
from rnncli.tasks.frames.graph import drawn, encoded, frames_input
from rnncli.tasks.frames.portable import FrameTables
from rnncli.tasks.portable import Arrays, Run

STEP = "step"
USUAL, WORDS = 50, 4
"""Frames of the longest clip to try where ``data.most_frames`` sets no limit, and words behind each other."""


def export(fitted: FittedCaptioning, model: Captioner, *, stream: bool) -> Exported:
    """See :class:`rnncli.tasks.exporting.Exporting`."""
    if stream:
        why = "a caption is that of a whole clip, so there is nothing to give step by step"
        raise RecipeError(f"task: {why}", "leave --stream away")
    tables = portable.CaptionTables(FrameTables.of(fitted.recipe, fitted.form), fitted.writer)
    sizes = fitted.form.shape[:2] if fitted.form.view.pixels else ()
    trial, longest = _Trial(model, sizes), fitted.recipe.data.most_frames or USUAL
    if isinstance(model.head, AttentionDecoder):
        graphs = {MODEL: encoder(model, model.head, sizes), STEP: decoder(model.head)}
        trials = Trial(trial.draw, trial.attended, trial.next_words, trial.by_graphs)
        return Exported(graphs, tables.save, portable.__name__, trials, longest)
    trials = Trial(trial.draw, trial.labelled, trial.labels)
    return Exported({MODEL: labeller(model, sizes)}, tables.save, portable.__name__, trials, longest)


def labeller(model: Captioner, sizes: Sequence[int]) -> ModelProto:
    """The graph of a captioner by ctc: ``frames`` and ``lengths`` in, ``logits`` (B, T, V) out."""
    graph = OnnxGraph("captioner")
    memory_BTE, _ = _memory(graph, model, sizes)
    assert isinstance(model.head, nn.Sequential)
    layer = model.head[-1]
    assert isinstance(layer, nn.Linear)
    graph.output(linear(graph, layer, memory_BTE), "logits", "float32", ("B", "T", layer.out_features))
    return graph.model()


def encoder(model: Captioner, head: AttentionDecoder, sizes: Sequence[int]) -> ModelProto:
    """What attention reads: ``memory`` (B, T, E), ``keys`` (B, T, H), the state to begin with, (L, B, H)."""
    graph = OnnxGraph("encoder of clips")
    memory_BTE, lengths_B = _memory(graph, model, sizes)
    axis = graph.constant(np.array([1]))
    count_B = graph.add("Max", lengths_B, graph.constant(np.int64(1)))
    count_B1 = graph.add("Cast", graph.add("Unsqueeze", count_B, axis), to=1)
    mean_BE = graph.add("Div", graph.add("ReduceSum", memory_BTE, axis, keepdims=0), count_B1)
    layers, hidden = head.core.layers, head.core.hidden_size
    begin_BX = graph.add("Tanh", linear(graph, head.begin, mean_BE))
    begin_BLH = graph.add("Reshape", begin_BX, graph.constant(np.array([-1, layers, hidden])))
    h_LBH = graph.add("Transpose", begin_BLH, perm=[1, 0, 2])
    graph.output(memory_BTE, "memory", "float32", ("B", "T", model.core.output_size))
    graph.output(linear(graph, head.key, memory_BTE), "keys", "float32", ("B", "T", hidden))
    graph.output(h_LBH, "h", "float32", (layers, "B", hidden))
    if head.core.cell.states > 1:
        nothing = graph.add("Mul", h_LBH, graph.constant(np.float32(0)))
        graph.output(nothing, "c", "float32", (layers, "B", hidden))
    return graph.model()


def decoder(head: AttentionDecoder) -> ModelProto:
    """Of a word: ``words`` (B,), what was encoded, the state; ``logs`` (B, V) and ``attention`` (B, T) out."""
    graph, hidden, width = OnnxGraph("next word"), head.core.hidden_size, head.key.in_features
    words_B, lengths_B = graph.input("words", "int64", ("B",)), graph.input("lengths", "int64", ("B",))
    memory_BTE = graph.input("memory", "float32", ("B", "T", width))
    keys_BTH = graph.input("keys", "float32", ("B", "T", hidden))
    state = state_inputs(graph, head.core)
    h_BH, after = step(graph, head.core, embedding(graph, head.embedding, words_B), state)
    axis = graph.constant(np.array([1]))
    query_B1H = graph.add("Unsqueeze", linear(graph, head.query, h_BH), axis)
    energy_BT1 = linear(graph, head.energy, graph.add("Tanh", graph.add("Add", query_B1H, keys_BTH)))
    energy_BT1 = cleared(graph, energy_BT1, padding(graph, memory_BTE, lengths_B), LOWEST)
    weights_BT1 = graph.add("Softmax", energy_BT1, axis=1)
    seen_B1E = graph.add("MatMul", graph.add("Transpose", weights_BT1, perm=[0, 2, 1]), memory_BTE)
    both_BX = graph.add("Concat", h_BH, graph.add("Squeeze", seen_B1E, axis), axis=-1)
    logits_BV = linear(graph, head.linear, graph.add("Tanh", linear(graph, head.join, both_BX)))
    graph.output(graph.add("LogSoftmax", logits_BV, axis=-1), "logs", "float32", ("B", head.linear.out_features))
    weights_BT = graph.add("Squeeze", weights_BT1, graph.constant(np.array([2])))
    graph.output(weights_BT, "attention", "float32", ("B", "T"))
    state_outputs(graph, head.core, after)
    return graph.model()


def _memory(graph: OnnxGraph, model: Captioner, sizes: Sequence[int]) -> tuple[str, str]:
    """What a head reads, (B, T, E), zero in the padding; and the lengths."""
    frames, lengths_B = frames_input(graph, model.encoder, sizes), graph.input("lengths", "int64", ("B",))
    x_BTP = encoded(graph, model.encoder, frames, lengths_B, sizes)
    y_BTE = normalised(graph, model.norm, recurrent(graph, model.core, x_BTP, lengths_B)[0])
    return cleared(graph, y_BTE, padding(graph, frames, lengths_B)), lengths_B


class _Trial:
    """Random clips and, of attention, random words."""

    def __init__(self, model: Captioner, sizes: Sequence[int]) -> None:
        self.model, self.sizes = model, sizes

    def draw(self, chance: np.random.Generator, lengths_B: np.ndarray) -> Arrays:
        found = drawn(chance, self.model.encoder, self.sizes, lengths_B)
        if isinstance(self.model.head, AttentionDecoder):
            found["words"] = chance.integers(1, self.model.head.linear.out_features, (len(lengths_B), WORDS))
        return found

    def labelled(self, given: Arrays) -> Arrays:
        frames, lengths_B = torch.from_numpy(given["frames"]), torch.from_numpy(given["lengths"])
        return {"logits": self.model.head(self.model.encode(frames, lengths_B)).numpy()}

    def labels(self, found: Arrays) -> Sequence[Likeliest]:
        """The most probable path, that of padding with it."""
        return list(map(Likeliest, found["logits"]))

    def attended(self, given: Arrays) -> Arrays:
        frames, lengths_B = torch.from_numpy(given["frames"]), torch.from_numpy(given["lengths"])
        memory_BTE = self.model.encode(frames, lengths_B)
        logits_BSV = self.model.head(memory_BTE, lengths_B, torch.from_numpy(given["words"]))
        return {"memory": memory_BTE.numpy(), "logs": logits_BSV.log_softmax(-1).numpy()}

    def by_graphs(self, run: Run, given: Arrays) -> Arrays:
        lengths_B = given["lengths"]
        found, logs = run(MODEL, {"frames": given["frames"], "lengths": lengths_B}), []
        state = {name: found[name] for name in ("h", "c") if name in found}
        for words_B in given["words"].T:
            told = {"memory": found["memory"], "keys": found["keys"], "lengths": lengths_B}
            made = run(STEP, {"words": words_B, **told, **state})
            logs.append(made["logs"])
            state = {name: made[f"next_{name}"] for name in state}
        return {"memory": found["memory"], "logs": np.stack(logs, 1)}

    def next_words(self, found: Arrays) -> Sequence[Likeliest]:
        """The likeliest word behind each."""
        return list(map(Likeliest, found["logs"]))
