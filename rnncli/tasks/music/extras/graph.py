"""A model of music as ONNX graphs: figures of frames to outputs, and outputs to ln p of a frame's next note.

Shape letters: B batch, T frames, S slots of a frame, F figures of a frame, E outputs of all members, N symbols of the
frames, K keys.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from onnx import ModelProto
from torch import nn

from rnncli.core.graph import OnnxGraph, beginning, embedding, linear, recurrent, state_inputs, state_outputs
from rnncli.data.music.midipieces import MidiChoice
from rnncli.heads.chordgraph import below_last, symbol_inputs, symbol_logits
from rnncli.heads.chords import Frames
from rnncli.heads.notes import BEGIN, NOTHING, unrolled
from rnncli.tasks.exporting import MODEL, Exported, Likeliest, Trial
from rnncli.tasks.music import portable
from rnncli.tasks.music.fitted import FittedMusic
from rnncli.tasks.music.history import begin, width
from rnncli.tasks.music.model import MusicModel, MusicNetwork
from rnncli.tasks.music.past import features
from rnncli.tasks.portable import Arrays, Run

NOTES, STEP = "notes", "step"
STEPS_TRIED = 12
"""Of each piece, in the graph that reads one frame at a time."""


def export(fitted: FittedMusic, model: MusicModel, *, stream: bool) -> Exported:
    """See :class:`rnncli.tasks.exporting.Exporting`."""
    data, form = fitted.recipe.data, fitted.form
    began = {prefix + name: part for prefix, one in _named(model) for name, part in beginning(one.core).items()}
    choice = MidiChoice(data.grid, form.form, data.tracks, data.drums == "keep")
    trial = _Trial(fitted, model, began, stream=stream)
    graphs = {MODEL: outputs(model, single=False), NOTES: notes(model)}
    return Exported(
        graphs | ({STEP: outputs(model, single=True)} if stream else {}),
        portable.MusicTables(form, choice, fitted.recipe.evaluation.first, began).save,
        portable.__name__,
        Trial(trial.draw, trial.by_torch, trial.decisions, trial.by_graphs),
        fitted.recipe.train.window,
    )


def outputs(model: MusicModel, *, single: bool) -> ModelProto:
    """The graph of frames: ``figures`` (B, T, F), ``at``, the number of each, (B, T), ``lengths`` (B,), the state;
    ``outputs`` (B, T, E) and the next state out. With ``single`` that of one frame, without the axis T and lengths.
    """
    graph = OnnxGraph("model of music")
    axes = ("B",) if single else ("B", "T")
    figures = graph.input("figures", "float32", (*axes, width(model.keys, model.voices)))
    at = graph.input("at", "int64", axes)
    lengths_B = None if single else graph.input("lengths", "int64", ("B",))
    if single:
        axis = graph.constant(np.array([1]))
        figures, at = (graph.add("Unsqueeze", one, axis) for one in (figures, at))
    found, ends = [], []
    for prefix, one in _named(model):
        state = state_inputs(graph, one.core, prefix)
        x_BTI = _read(graph, one, figures, at)
        y_BTH, end = recurrent(graph, one.core, x_BTI, lengths_B, state)
        found += [y_BTH, x_BTI]
        ends.append((prefix, one, end))
    y_BTE = graph.add("Concat", *found, axis=-1)
    y_BTE = graph.add("Squeeze", y_BTE, graph.constant(np.array([1]))) if single else y_BTE
    graph.output(y_BTE, "outputs", "float32", (*axes, sum(_sizes(model))))
    for prefix, one, end in ends:
        state_outputs(graph, one.core, end, prefix)
    return graph.model()


def notes(model: MusicModel) -> ModelProto:
    """The graph of symbols: ``outputs`` (N, E) behind the frame before and what is known; ``logs`` (N, K + 1)."""
    graph = OnnxGraph("next note")
    sizes = _sizes(model)
    y_NE, known = graph.input("outputs", "float32", ("N", sum(sizes))), symbol_inputs(graph)
    parts = graph.add_many("Split", y_NE, graph.constant(np.array(sizes)), results=len(sizes), axis=1)
    logs = [
        graph.add("LogSoftmax", symbol_logits(graph, one.head, part, known), axis=-1)
        for one, part in zip(model.networks, parts, strict=True)
    ]
    mean_NK = logs[0]
    if len(logs) > 1:
        axis = graph.constant(np.array([0]))
        stacked = graph.add("Concat", *(graph.add("Unsqueeze", one, axis) for one in logs), axis=0)
        total = graph.add("ReduceLogSumExp", stacked, axes=[0], keepdims=0)
        mean_NK = graph.add("Sub", total, graph.constant(np.float32(math.log(len(logs)))))
    if not model.voices:
        never = graph.constant(np.float32(-np.inf))
        mean_NK = graph.add("Where", below_last(graph, model.networks[0].head, known), never, mean_NK)
    graph.output(mean_NK, "logs", "float32", ("N", model.keys + 1))
    return graph.model()


def _named(model: MusicModel) -> list[tuple[str, MusicNetwork]]:
    """The networks, and what the names of their states begin with."""
    several = len(model.networks) > 1
    return [(f"member{number}_" if several else "", one) for number, one in enumerate(model.networks, start=1)]


def _sizes(model: MusicModel) -> list[int]:
    """How many outputs each member has."""
    return [one.head.state.in_features for one in model.networks]


def _read(graph: OnnxGraph, one: MusicNetwork, figures: str, at_BT: str) -> str:
    """What a core reads of frames and of where they are in the bar, (B, T, I)."""
    clocks = []
    for layer, steps in zip(one.clock, one.rounds, strict=True):
        assert isinstance(layer, nn.Embedding)
        clocks.append(embedding(graph, layer, graph.add("Mod", at_BT, graph.constant(np.int64(steps)))))
    return graph.add("Concat", graph.add("Relu", linear(graph, one.frame, figures)), graph.add("Sum", *clocks), axis=-1)


class _Trial:
    """Random frames behind random states."""

    def __init__(self, fitted: FittedMusic, model: MusicModel, began: Arrays, *, stream: bool) -> None:
        self.form, self.model, self.began, self.stream = fitted.form, model, began, stream

    def draw(self, chance: np.random.Generator, lengths_B: np.ndarray) -> Arrays:
        batch, steps, slots, keys = len(lengths_B), max(1, int(lengths_B.max())), self.form.slots, self.form.keys
        if self.form.voices:
            frames_BTS = chance.integers(0, keys + 1, (batch, steps, slots))
        else:
            frames_BTS = np.sort(chance.random((batch, steps, keys)).argsort(-1)[..., :slots], -1)
            count_BT1 = chance.integers(0, slots + 1, (batch, steps, 1))
            frames_BTS = np.where(np.arange(slots) < count_BT1, frames_BTS, NOTHING)
        frames_BTS = np.where((chance.random((batch, steps, 1)) < 0.5).cumsum(1) % 2, frames_BTS, frames_BTS[:, :1])
        found: Arrays = {"frames": frames_BTS, "lengths": lengths_B, "at": chance.integers(0, 500, batch)}
        for name, part in self.began.items():
            found[name] = chance.uniform(-1, 1, (part.shape[0], batch, part.shape[2])).astype(np.float32)
        return found

    def by_torch(self, given: Arrays) -> Arrays:
        before, inside = self._before(given), self._inside(given)
        inputs = {name: torch.from_numpy(array) for name, array in given.items()}
        before_BTS = torch.from_numpy(before)
        past = begin(len(before), self.model.keys, self.model.voices, self.model.networks[0].frame.weight)
        state = past + tuple(inputs[name] for name in self.began)
        found, ends = self.model.read(before_BTS, inputs["lengths"], inputs["at"], state)
        logs = []
        for one, y_BTE in zip(self.model.networks, found, strict=True):
            frames = Frames(y_BTE[inside], before_BTS[inside], inputs["frames"][inside])
            logs.append(torch.log_softmax(one.head(frames)[0], -1))
        mean_NK = torch.logsumexp(torch.stack(logs), 0) - math.log(len(logs))
        after = {f"next_{name}": part.numpy() for name, part in zip(self.began, ends[len(past) :], strict=True)}
        y_BTE = torch.cat(found, -1).numpy()
        symbols = unrolled(given["frames"][inside], self.form.keys, self.form.voices)
        count_B = _counts(inside, symbols.frame_N)
        return {"logs": mean_NK.numpy(), "symbols": count_B, **after} | self._tried(y_BTE, given)

    def by_graphs(self, run: Run, given: Arrays) -> Arrays:
        before, inside = self._before(given), self._inside(given)
        state = {name: given[name] for name in self.began}
        at_BT = given["at"][:, None] + np.arange(before.shape[1])
        figures_BTF = features(before, self.form.keys, self.form.voices)
        found = run(MODEL, {"figures": figures_BTF, "at": at_BT, "lengths": given["lengths"], **state})
        symbols = unrolled(given["frames"][inside], self.form.keys, self.form.voices)
        frame_N = symbols.frame_N
        known = {"slot": symbols.slot_N, "last": symbols.last_N, "chosen": symbols.chosen_NC}
        y_FE = found.pop("outputs")[inside]
        logs_NK = run(NOTES, {"outputs": y_FE[frame_N], "before": before[inside][frame_N], **known})["logs"]
        stepped = {}
        if self.stream:
            y = []
            for figures_BF, at_B in zip(figures_BTF[:, :STEPS_TRIED].swapaxes(0, 1), at_BT.T, strict=False):
                made = run(STEP, {"figures": figures_BF, "at": at_B, **state})
                y.append(made["outputs"])
                state = {name: made[f"next_{name}"] for name in state}
            stepped = self._tried(np.stack(y, 1), given)
        return {"logs": logs_NK, "symbols": _counts(inside, frame_N), **found} | stepped

    def decisions(self, found: Arrays) -> Sequence[Likeliest]:
        """The likeliest of each symbol of a piece."""
        return list(map(Likeliest, np.split(found["logs"], np.cumsum(found["symbols"])[:-1])))

    def _tried(self, y_BTE: np.ndarray, given: Arrays) -> Arrays:
        """The outputs of the first frames of each piece, where those of single frames are tried too."""
        if not self.stream:
            return {}
        inside_BT = self._inside(given)[:, :STEPS_TRIED]
        return {"outputs": np.where(inside_BT[..., None], y_BTE[:, :STEPS_TRIED], 0)}

    def _before(self, given: Arrays) -> np.ndarray:
        """The frames before, (B, T, S)."""
        frames_BTS = given["frames"]
        return np.concatenate([np.full_like(frames_BTS[:, :1], BEGIN), frames_BTS[:, :-1]], 1)

    def _inside(self, given: Arrays) -> np.ndarray:
        """Which frames lie within their pieces, (B, T)."""
        return np.arange(given["frames"].shape[1]) < given["lengths"][:, None]


def _counts(inside_BT: np.ndarray, frame_N: np.ndarray) -> np.ndarray:
    """How many symbols each piece has, (B,)."""
    return np.bincount(np.nonzero(inside_BT)[0][frame_N], minlength=len(inside_BT))
