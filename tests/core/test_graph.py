"""Recurrent layers as ONNX, held to the layers themselves in ONNX Runtime."""

import numpy as np
import onnxruntime
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from rnncli.core import graph as onnx
from rnncli.core.graph import OnnxGraph
from rnncli.core.recurrent import Recurrent

CELLS = [
    {"cell": "lstm"},
    {"cell": "gru", "reset": "before"},
    {"cell": "gru", "reset": "after"},
    *({"cell": "rnn", "activation": activation} for activation in ("tanh", "sigmoid", "relu")),
]


def layers(seed=0, **settings):
    torch.manual_seed(seed)
    core = Recurrent(3, 4, **settings).eval()
    with torch.no_grad():
        for parameter in core.parameters():
            parameter.uniform_(-0.4, 0.4)
    return core


def session(graph):
    return onnxruntime.InferenceSession(graph.model().SerializeToString(), providers=["CPUExecutionProvider"])


def by_onnx(core, x_BTI, lengths_B=None, state=()):
    graph = OnnxGraph("layers")
    given = {"x": x_BTI}
    x = graph.input("x", "float32", ("B", "T", 3))
    lengths = None
    if lengths_B is not None:
        lengths, given["lengths"] = graph.input("lengths", "int64", ("B",)), lengths_B
    begin = onnx.state_inputs(graph, core) if state else None
    given |= dict(zip("hc", state, strict=False))
    y, end = onnx.recurrent(graph, core, x, lengths, begin)
    graph.output(y, "y", "float32", ("B", "T", core.output_size))
    onnx.state_outputs(graph, core, end)
    return session(graph).run(None, {name: np.asarray(one) for name, one in given.items()})


def parts(state):
    return list(state) if isinstance(state, tuple) else [state]


@given(
    st.sampled_from(CELLS),
    st.booleans(),
    st.integers(1, 3),
    st.booleans(),
    st.lists(st.integers(0, 9), min_size=1, max_size=5),
    st.integers(0, 3),
)
@settings(max_examples=14, deadline=None)
def test_layers_are_the_same_at_every_length(cell, both, count, learnt, lengths, spare):
    core = layers(**cell, bidirectional=both, layers=count, learnt_initial_state=learnt)
    x_BTI, lengths_B = torch.randn(len(lengths), max(1, *lengths) + spare, 3), torch.tensor(lengths)
    with torch.no_grad():
        y_BTE, end = core(x_BTI, lengths_B)
    for one, other in zip(by_onnx(core, x_BTI, lengths_B), [y_BTE, *parts(end)], strict=True):
        np.testing.assert_allclose(one, other.numpy(), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("cell", CELLS, ids=lambda cell: "-".join(cell.values()))
def test_a_state_that_is_given_is_where_layers_begin(cell):
    core = layers(**cell, bidirectional=True, layers=2)
    x_BTI, state = torch.randn(3, 5, 3), [torch.randn(4, 3, 4) for _ in range(core.cell.states)]
    with torch.no_grad():
        y_BTE, end = core(x_BTI, state=tuple(state) if len(state) > 1 else state[0])
    for one, other in zip(by_onnx(core, x_BTI, None, state), [y_BTE, *parts(end)], strict=True):
        np.testing.assert_allclose(one, other.numpy(), atol=1e-6)


@pytest.mark.parametrize("cell", CELLS, ids=lambda cell: "-".join(cell.values()))
def test_steps_one_by_one_are_the_whole(cell):
    core, graph = layers(**cell, layers=2, learnt_initial_state=True), OnnxGraph("step")
    y, after = onnx.step(graph, core, graph.input("x", "float32", ("B", 3)), onnx.state_inputs(graph, core))
    graph.output(y, "y", "float32", ("B", 4))
    onnx.state_outputs(graph, core, after)
    run, x_BTI = session(graph), torch.randn(1, 6, 3)
    with torch.no_grad():
        y_BTE, _ = core(x_BTI)
    state = onnx.beginning(core)
    for t in range(6):
        y_BE, *ends = run.run(None, {"x": x_BTI[:, t].numpy(), **state})
        state = dict(zip("hc", ends, strict=False))
        np.testing.assert_allclose(y_BE, y_BTE[:, t].numpy(), atol=1e-6)


def test_both_directions_have_no_step():
    core, graph = layers(bidirectional=True), OnnxGraph("step")
    with pytest.raises(ValueError, match="reads its input to the end"):
        onnx.step(graph, core, "x", [])


def test_no_gate_is_exchanged_for_another():
    """By hand, with weights that are all zero but for one gate: ONNX's orders and our signs."""
    for kind, gate, wanted in (("lstm", "forget", 0.0), ("lstm", "input", 0.0), ("gru", "update", 0.0)):
        core = Recurrent(3, 4, cell=kind, bidirectional=False).eval()
        with torch.no_grad():
            for parameter in core.parameters():
                parameter.zero_()
            rows = dict(zip(core.cell.gates, core.bias_l0.chunk(len(core.cell.gates)), strict=True))
            rows[gate].fill_(-30.0)
            rows["candidate"].fill_(30.0)
            if kind == "lstm" and gate == "forget":
                rows["input"].fill_(-30.0)
        y_BTE = by_onnx(core, torch.zeros(1, 3, 3))[0]
        np.testing.assert_allclose(y_BTE, wanted, atol=1e-6)
