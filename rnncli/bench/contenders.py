"""Who the recurrent core is measured beside: torch's own layers, a plain loop, ONNX Runtime.

Shape letters: B batch, T time, I input, H hidden, D directions, L layers.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from rnncli.core.cells import step
from rnncli.core.recurrent import Recurrent

Layers = Callable[[Tensor, Tensor], Tensor]
"""Outputs (B, T, D*H) of a padded batch (B, T, I) and its lengths (B)."""
OURS = "rnncli"


def contenders(core: Recurrent, *, equal: bool, training: bool, device: str) -> dict[str, Layers]:
    """``core`` and its rivals by name; ``equal`` says that all lengths are the longest."""
    found: dict[str, Layers] = {OURS: lambda x, n: core(x, None if equal else n, need_state=not training)[0]}
    if core.cell.kind == "gru" and not core.cell.resets_after:
        found["plain loop"] = lambda x, _: plain_loop(core, x)
    else:
        kind = {"rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}[core.cell.kind]
        both = core.directions == 2
        rival = kind(core.input_size, core.hidden_size, core.layers, bidirectional=both, batch_first=True).to(device)
        found["torch padded"] = lambda x, _: rival(x)[0]
        if not equal:
            found["torch packed"] = lambda x, n: _packed(rival, x, n)
    if not training and device == "cpu" and find_spec("onnx") and find_spec("onnxruntime"):
        found["onnxruntime"] = onnx_layers(core)
    return found


def plain_loop(core: Recurrent, x_BTX: Tensor) -> Tensor:
    """What one writes for a cell that torch lacks: the equations, step by step, over the padded batch."""
    for layer in range(core.layers):
        both = []
        for d in range(core.directions):
            state = (x_BTX.new_zeros(len(x_BTX), core.hidden_size),)
            outputs = []
            for x_BX in (x_BTX.flip(1) if d else x_BTX).unbind(1):
                state = step(core.cell, x_BX, state, core.weights(layer, d))
                outputs.append(state[0])
            y_BTH = torch.stack(outputs, 1)
            both.append(y_BTH.flip(1) if d else y_BTH)
        x_BTX = torch.cat(both, -1)
    return x_BTX


def onnx_layers(core: Recurrent) -> Layers:
    """The same weights in ONNX Runtime, on as many threads as torch has."""
    import onnxruntime

    from rnncli.core import graph as onnx_graph

    graph = onnx_graph.OnnxGraph("layers")
    x_BTI = graph.input("x", "float32", ("B", "T", core.input_size))
    y_BTE, _ = onnx_graph.recurrent(graph, core, x_BTI, graph.input("lengths", "int64", ("B",)))
    graph.output(y_BTE, "y", "float32", ("B", "T", core.output_size))
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    # Else its threads spin on after a run, in the time of whoever is measured next.
    options.add_session_config_entry("session.force_spinning_stop", "1")
    model = graph.model().SerializeToString()
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])

    def layers(x_BTI: Tensor, lengths_B: Tensor) -> Tensor:
        (y_BTE,) = session.run(None, {"x": x_BTI.numpy(), "lengths": lengths_B.numpy()})
        return torch.from_numpy(y_BTE)

    return layers


def _packed(layers: nn.Module, x_BTI: Tensor, lengths_B: Tensor) -> Tensor:
    packed, _ = layers(pack_padded_sequence(x_BTI, lengths_B, batch_first=True, enforce_sorted=False))
    return pad_packed_sequence(packed, batch_first=True)[0]
