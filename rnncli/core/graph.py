"""Recurrent layers, and what models put around them, as ONNX: built operator by operator, exact at every length.

Tracing a model freezes its time and its batch; here both stay open, and sequences of a batch have lengths of their own.

>>> graph = OnnxGraph("core")
>>> x_BTI = graph.input("x", "float32", ("B", "T", 3))
>>> lengths_B = graph.input("lengths", "int64", ("B",))
>>> y_BTE, _ = recurrent(graph, Recurrent(3, 4), x_BTI, lengths_B)
>>> graph.output(y_BTE, "y", "float32", ("B", "T", 8))
>>> model = graph.model()

Shape letters: B batch, T time, I input, H hidden, D directions, L layers, E = D*H outputs.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from onnx import ModelProto, checker, helper, numpy_helper
from torch import nn

from rnncli.core.cells import Cell
from rnncli.core.contract import Core
from rnncli.core.foreign import to_onnx
from rnncli.core.recurrent import Recurrent

OPSET, IR_VERSION = 17, 8
"""Of the graphs: ONNX Runtime has read both since its version 1.13."""
Size = int | str
"""Of an axis: a number, or a letter for one that stays open."""


class OnnxGraph:
    """An ONNX graph that grows node by node; values are known by their names."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._nodes: list[Any] = []
        self._tensors: list[Any] = []
        self._inputs: list[Any] = []
        self._outputs: list[Any] = []
        self._count = 0

    def input(self, name: str, dtype: str, shape: Sequence[Size]) -> str:
        """A value that whoever runs the graph gives."""
        self._inputs.append(helper.make_tensor_value_info(name, _element(dtype), list(shape)))
        return name

    def output(self, value: str, name: str, dtype: str, shape: Sequence[Size]) -> None:
        """Give ``value`` out under ``name``."""
        self._nodes.append(helper.make_node("Identity", [value], [name]))
        self._outputs.append(helper.make_tensor_value_info(name, _element(dtype), list(shape)))

    def constant(self, value: Any, dtype: str = "") -> str:
        """A tensor or array that is part of the graph."""
        array = value.detach().cpu().numpy() if isinstance(value, torch.Tensor) else np.asarray(value)
        array = np.ascontiguousarray(array.astype(dtype) if dtype else array).reshape(array.shape)
        name = self._fresh("c")
        self._tensors.append(numpy_helper.from_array(array, name))
        return name

    def add(self, operator: str, *given: str, **attributes: Any) -> str:
        """The first result of a node."""
        return self.add_many(operator, *given, results=1, **attributes)[0]

    def add_many(self, operator: str, *given: str, results: int, **attributes: Any) -> list[str]:
        """The results of a node; an empty name stands for an input that is left out."""
        made = [self._fresh(operator.lower()) for _ in range(results)]
        self._nodes.append(helper.make_node(operator, list(given), made, **attributes))
        return made

    def model(self) -> ModelProto:
        """The finished graph, checked."""
        graph = helper.make_graph(self._nodes, self.name, self._inputs, self._outputs, self._tensors)
        opsets = [helper.make_opsetid("", OPSET)]
        made = helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION, producer_name="rnncli")
        checker.check_model(made)
        return made

    def _fresh(self, what: str) -> str:
        self._count += 1
        return f"{what}_{self._count}"


def recurrent(
    graph: OnnxGraph, core: Core, x_BTI: str, lengths_B: str | None = None, state: Sequence[str] | None = None
) -> tuple[str, tuple[str, ...]]:
    """What ``core`` computes, in float32: outputs (B, T, E), zero beyond each length, and the state (L*D, B, H).

    ``lengths_B`` are int64, 0 to T, and None is T for all; T is at least 1. ``state`` is where each direction begins,
    (L*D, B, H), of the lstm h and c; None is the core's own beginning. An example without steps ends where it began.
    """
    assert isinstance(core, Recurrent)
    begin = [*state] if state is not None else _own_beginning(graph, core, x_BTI)
    x_TBX, valid_TB1, steps_B = graph.add("Transpose", x_BTI, perm=[1, 0, 2]), "", ""
    empty_1B1 = ""
    if lengths_B is not None:
        steps_B, empty_1B1 = _clamped(graph, lengths_B)
        padding_BT = padding(graph, x_BTI, lengths_B)
        valid_TB1 = graph.add("Unsqueeze", graph.add("Transpose", padding_BT, perm=[1, 0]), _axes(graph, 2))
    ends: list[list[str]] = []
    zero = graph.constant(np.float32(0))
    for layer in range(core.layers):
        first = layer * core.directions
        starts = [_rows(graph, part, first, first + core.directions) for part in begin]
        x_TBX, end = _layer(graph, core, layer, x_TBX, steps_B, starts)
        if lengths_B is not None:
            # What an operator makes of a length of 0 differs between runtimes: it runs one step, which is taken back.
            x_TBX = graph.add("Where", valid_TB1, zero, x_TBX)
            end = [graph.add("Where", empty_1B1, start, part) for start, part in zip(starts, end, strict=True)]
        ends.append(end)
    whole = [graph.add("Concat", *parts, axis=0) for parts in zip(*ends, strict=True)]
    return graph.add("Transpose", x_TBX, perm=[1, 0, 2]), tuple(whole)


def step(graph: OnnxGraph, core: Core, x_BI: str, state: Sequence[str]) -> tuple[str, tuple[str, ...]]:
    """A single step: the output (B, E) and the next state (L, B, H) of ``core``, which has one direction."""
    if core.directions != 1:
        raise ValueError("a model of both directions reads its input to the end before it answers: it has no step")
    y_B1E, after = recurrent(graph, core, graph.add("Unsqueeze", x_BI, _axes(graph, 1)), None, state)
    return graph.add("Squeeze", y_B1E, _axes(graph, 1)), after


def state_inputs(graph: OnnxGraph, core: Core, prefix: str = "") -> list[str]:
    """Inputs for a state (L*D, B, H): ``h``, and ``c`` of an lstm, behind ``prefix``."""
    assert isinstance(core, Recurrent)
    shape = (core.layers * core.directions, "B", core.hidden_size)
    return [graph.input(prefix + name, "float32", shape) for name in "hc"[: core.cell.states]]


def state_outputs(graph: OnnxGraph, core: Core, state: Sequence[str], prefix: str = "") -> None:
    """The next state as outputs ``next_h`` and, of an lstm, ``next_c``, ``prefix`` before the letter."""
    shape = (core.layers * core.directions, "B", core.hidden_size)
    for name, value in zip("hc", state, strict=False):
        graph.output(value, f"next_{prefix}{name}", "float32", shape)


def beginning(core: Core) -> dict[str, np.ndarray]:
    """The state of one sequence before its first step, by the names of :func:`state_inputs`: (L*D, 1, H)."""
    with torch.no_grad():
        state = core.initial_state(1)
    parts = state if isinstance(state, tuple) else (state,)
    return {name: part.detach().cpu().float().numpy().copy() for name, part in zip("hc", parts, strict=False)}


def padding(graph: OnnxGraph, x_BTX: str, lengths_B: str) -> str:
    """Where steps lie beyond an example's length, (B, T) bool."""
    steps = graph.add("Gather", graph.add("Shape", x_BTX), graph.constant(np.int64(1)))
    times_T = graph.add("Range", graph.constant(np.int64(0)), steps, graph.constant(np.int64(1)))
    return graph.add("GreaterOrEqual", times_T, graph.add("Unsqueeze", lengths_B, _axes(graph, 1)))


def linear(graph: OnnxGraph, layer: nn.Linear, x: str, *, exact: bool = False) -> str:
    """A linear layer over the last axis; ``exact`` adds up in double precision, as models do at their end."""
    dtype = "float64" if exact else "float32"
    x = graph.add("Cast", x, to=_element(dtype)) if exact else x
    y = graph.add("MatMul", x, graph.constant(layer.weight.T, dtype))
    if layer.bias is not None:
        y = graph.add("Add", y, graph.constant(layer.bias, dtype))
    return graph.add("Cast", y, to=_element("float32")) if exact else y


def normalised(graph: OnnxGraph, layer: nn.Module, x: str) -> str:
    """Layer normalisation over the last axis."""
    assert isinstance(layer, nn.LayerNorm)
    weights = graph.constant(layer.weight, "float32"), graph.constant(layer.bias, "float32")
    return graph.add("LayerNormalization", x, *weights, axis=-1, epsilon=layer.eps)


def embedding(graph: OnnxGraph, layer: nn.Embedding, ids: str) -> str:
    """Rows of the table by their numbers, int64."""
    return graph.add("Gather", graph.constant(layer.weight, "float32"), ids)


def cleared(graph: OnnxGraph, x_BTX: str, padding_BT: str, fill: float = 0.0) -> str:
    """``fill`` in the padding of (B, T, X)."""
    wide = graph.add("Unsqueeze", padding_BT, _axes(graph, 2))
    return graph.add("Where", wide, graph.constant(np.float32(fill)), x_BTX)


def _layer(
    graph: OnnxGraph, core: Recurrent, layer: int, x_TBX: str, steps_B: str, starts: Sequence[str]
) -> tuple[str, list[str]]:
    """One layer: outputs (T, B, E) and the state (D, B, H) as the operator gives them."""
    both = [to_onnx(core.weights(layer, d), core.cell) for d in range(core.directions)]
    weights = [graph.constant(np.stack(parts)) for parts in zip(*both, strict=True)]
    y_TDBH, *end = graph.add_many(
        core.cell.kind.upper(), x_TBX, *weights, steps_B, *starts, results=1 + len(starts), **_settings(core)
    )
    if core.directions == 1:
        return graph.add("Squeeze", y_TDBH, _axes(graph, 1)), end
    y_TBDH = graph.add("Transpose", y_TDBH, perm=[0, 2, 1, 3])
    return graph.add("Reshape", y_TBDH, graph.constant(np.array([0, 0, core.output_size]), "int64")), end


def _settings(core: Recurrent) -> dict[str, Any]:
    """The attributes of the operator."""
    cell: Cell = core.cell
    found: dict[str, Any] = {"hidden_size": core.hidden_size}
    found["direction"] = "bidirectional" if core.directions == 2 else "forward"
    if cell.kind == "gru":
        found["linear_before_reset"] = int(cell.resets_after)
    elif cell.kind == "rnn":
        found["activations"] = [cell.activation.capitalize()] * core.directions
    return found


def _own_beginning(graph: OnnxGraph, core: Recurrent, x_BTI: str) -> list[str]:
    """The learnt initial state, or zeros, of as many sequences as there are: (L*D, B, H)."""
    batch = graph.add("Gather", graph.add("Shape", x_BTI), graph.constant(np.array([0])))
    rows, hidden = (graph.constant(np.array([n])) for n in (core.layers * core.directions, core.hidden_size))
    shape = graph.add("Concat", rows, batch, hidden, axis=0)
    return [graph.add("Expand", graph.constant(part), shape) for part in beginning(core).values()]


def _clamped(graph: OnnxGraph, lengths_B: str) -> tuple[str, str]:
    """Lengths of at least 1, int32, and which are 0, (1, B, 1)."""
    one = graph.constant(np.int64(1))
    steps_B = graph.add("Cast", graph.add("Max", lengths_B, one), to=_element("int32"))
    empty_B = graph.add("Less", lengths_B, one)
    return steps_B, graph.add("Unsqueeze", empty_B, graph.constant(np.array([0, 2])))


def _rows(graph: OnnxGraph, value: str, start: int, end: int) -> str:
    """Rows of the first axis."""
    return graph.add("Slice", value, graph.constant(np.array([start])), graph.constant(np.array([end])))


def _axes(graph: OnnxGraph, axis: int) -> str:
    return graph.constant(np.array([axis]))


def _element(dtype: str) -> int:
    return helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
