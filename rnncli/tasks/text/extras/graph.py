"""A model of texts as ONNX graphs: what was read before each symbol in, ln p of all symbols and the state out.

Shape letters: B batch, T steps, V symbols, E outputs of the core, W width of an embedding, L layers, H hidden.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from onnx import ModelProto

from rnncli.core.graph import OnnxGraph, beginning, linear, recurrent, state_inputs, state_outputs, step
from rnncli.tasks.exporting import MODEL, Exported, Likeliest, Trial
from rnncli.tasks.portable import Arrays, Run
from rnncli.tasks.text import portable
from rnncli.tasks.text.fitted import FittedText
from rnncli.tasks.text.model import TextModel, TextNetwork
from rnncli.tasks.text.predictor import DocumentPredictor

STEP = "step"
STEPS_TRIED = 12
"""Of each sequence, in the graph that reads one symbol at a time."""


def export(fitted: FittedText, model: TextModel, *, stream: bool) -> Exported:
    """See :class:`rnncli.tasks.exporting.Exporting`."""
    began = {prefix + name: part for prefix, one in _named(model) for name, part in beginning(one.core).items()}
    trial = _Trial(model, began, stream=stream)
    return Exported(
        {MODEL: whole(model)} | ({STEP: single(model)} if stream else {}),
        portable.WriterTables(fitted.codec, fitted.recipe.evaluation.sample_length, began).save,
        portable.__name__,
        Trial(trial.draw, trial.by_torch, trial.decisions, trial.by_graphs),
        fitted.recipe.train.window,
        (DocumentPredictor.example, "", DocumentPredictor.example * 3),
    )


def whole(model: TextModel) -> ModelProto:
    """The graph of any number of symbols: ``before`` (B, T), ``lengths`` (B,), the state; ``logs`` (B, T, V)."""
    graph = OnnxGraph("model of texts")
    before_BT, lengths_B = graph.input("before", "int64", ("B", "T")), graph.input("lengths", "int64", ("B",))
    logs, ends = [], []
    for prefix, one in _named(model):
        tables, state = _tables(graph, one), state_inputs(graph, one.core, prefix)
        y_BTE, end = recurrent(graph, one.core, _embedded(graph, tables, before_BT), lengths_B, state)
        logs.append(_logs(graph, one, tables, y_BTE))
        ends.append((prefix, one, end))
    graph.output(_mean(graph, logs), "logs", "float32", ("B", "T", model.symbols))
    for prefix, one, end in ends:
        state_outputs(graph, one.core, end, prefix)
    return graph.model()


def single(model: TextModel) -> ModelProto:
    """The graph of one symbol: ``before`` (B,), the state; ``logs`` (B, V) and the next state."""
    graph = OnnxGraph("model of texts, one symbol")
    before_B = graph.input("before", "int64", ("B",))
    logs, ends = [], []
    for prefix, one in _named(model):
        tables, state = _tables(graph, one), state_inputs(graph, one.core, prefix)
        y_BE, end = step(graph, one.core, _embedded(graph, tables, before_B), state)
        logs.append(_logs(graph, one, tables, y_BE))
        ends.append((prefix, one, end))
    graph.output(_mean(graph, logs), "logs", "float32", ("B", model.symbols))
    for prefix, one, end in ends:
        state_outputs(graph, one.core, end, prefix)
    return graph.model()


class _Tables(NamedTuple):
    """What symbols are read as, before they are scaled, (V + 1, W), and what foretells them, (W, V)."""

    read_VW: str
    foretell_WV: str
    width: int


def _named(model: TextModel) -> list[tuple[str, TextNetwork]]:
    """The networks, and what the names of their states begin with."""
    several = len(model.networks) > 1
    return [(f"member{number}_" if several else "", one) for number, one in enumerate(model.networks, start=1)]


def _tables(graph: OnnxGraph, one: TextNetwork) -> _Tables:
    weight_VW, own_VW = one.head.weight, one.embedding.weight
    symbols, width = weight_VW.shape
    if not one.tied:
        return _Tables(graph.constant(own_VW, "float32"), graph.constant(weight_VW.T, "float32"), width)
    read_VW = graph.constant(torch.cat([weight_VW, own_VW]), "float32")  # one table for both, once in the file
    bounds = (graph.constant(np.array([at])) for at in (0, symbols))
    return _Tables(read_VW, graph.add("Transpose", graph.add("Slice", read_VW, *bounds), perm=[1, 0]), width)


def _embedded(graph: OnnxGraph, tables: _Tables, before: str) -> str:
    return graph.add(
        "Mul", graph.add("Gather", tables.read_VW, before), graph.constant(np.float32(math.sqrt(tables.width)))
    )


def _logs(graph: OnnxGraph, one: TextNetwork, tables: _Tables, y: str) -> str:
    """ln p of all symbols behind outputs of the core, (..., V)."""
    x = y if one.head.project is None else linear(graph, one.head.project, y)
    logits = graph.add("Add", graph.add("MatMul", x, tables.foretell_WV), graph.constant(one.head.bias, "float32"))
    return graph.add("LogSoftmax", logits, axis=-1)


def _mean(graph: OnnxGraph, logs: Sequence[str]) -> str:
    """The logarithm of the mean of probabilities."""
    if len(logs) == 1:
        return logs[0]
    axis = graph.constant(np.array([0]))
    stacked = graph.add("Concat", *(graph.add("Unsqueeze", one, axis) for one in logs), axis=0)
    total = graph.add("ReduceLogSumExp", stacked, axes=[0], keepdims=0)
    return graph.add("Sub", total, graph.constant(np.float32(math.log(len(logs)))))


class _Trial:
    """Random texts behind random states."""

    def __init__(self, model: TextModel, began: Arrays, *, stream: bool) -> None:
        self.model, self.began, self.stream = model, began, stream

    def draw(self, chance: np.random.Generator, lengths_B: np.ndarray) -> Arrays:
        batch, steps = len(lengths_B), max(1, int(lengths_B.max()))
        found: Arrays = {"before": chance.integers(0, self.model.symbols + 1, (batch, steps)), "lengths": lengths_B}
        for name, part in self.began.items():
            shape = (part.shape[0], batch, part.shape[2])
            found[name] = chance.uniform(-1, 1, shape).astype(np.float32)
        return found

    def by_torch(self, given: Arrays) -> Arrays:
        inputs = {name: torch.from_numpy(array) for name, array in given.items()}
        logs, found = [], {}
        for prefix, one in _named(self.model):
            state = tuple(inputs[name] for name in self.began if name in (f"{prefix}h", f"{prefix}c"))
            y_BTE, end = one.read(inputs["before"], inputs["lengths"], state)
            logs.append(torch.log_softmax(one.head(y_BTE), -1))
            found |= {f"next_{prefix}{name}": part.numpy() for name, part in zip("hc", end, strict=False)}
        mean_BTV = torch.logsumexp(torch.stack(logs), 0) - math.log(len(logs)) if len(logs) > 1 else logs[0]
        return self._with_steps({"logs": mean_BTV.numpy(), **found}, given, mean_BTV.numpy()[:, :STEPS_TRIED])

    def by_graphs(self, run: Run, given: Arrays) -> Arrays:
        found = run(MODEL, given)
        return self._with_steps(found, given, self._stepped(run, given) if self.stream else None)

    def decisions(self, found: Arrays) -> Sequence[Likeliest]:
        """The likeliest symbol behind each."""
        return list(map(Likeliest, found["logs"]))

    def _with_steps(self, found: Arrays, given: Arrays, logs_BTV: np.ndarray | None) -> Arrays:
        """With what the graph of one symbol gives for the first ones of each text."""
        if not self.stream or logs_BTV is None:
            return found
        inside_BT = np.arange(logs_BTV.shape[1]) < given["lengths"][:, None]
        return found | {"step_logs": np.where(inside_BT[..., None], logs_BTV, 0)}

    def _stepped(self, run: Run, given: Arrays) -> np.ndarray:
        state, logs = {name: given[name] for name in self.began}, []
        for before_B in given["before"][:, :STEPS_TRIED].T:
            found = run(STEP, {"before": before_B, **state})
            logs.append(found["logs"])
            state = {name: found[f"next_{name}"] for name in state}
        return np.stack(logs, 1)
