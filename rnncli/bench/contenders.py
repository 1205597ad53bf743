"""Who the recurrent core is measured beside: torch's own layers, a plain loop, ONNX Runtime.

Shape letters: B batch, T time, I input, H hidden, D directions, L layers, G gates.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import numpy as np
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

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    # Else its threads spin on after a run, in the time of whoever is measured next.
    options.add_session_config_entry("session.force_spinning_stop", "1")
    model = _onnx_model(core).SerializeToString()
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])

    def layers(x_BTI: Tensor, lengths_B: Tensor) -> Tensor:
        given = {"x": x_BTI.transpose(0, 1).contiguous().numpy(), "lengths": lengths_B.numpy().astype(np.int32)}
        (y_TBE,) = session.run(None, given)
        return torch.from_numpy(y_TBE).transpose(0, 1)

    return layers


def _packed(layers: nn.Module, x_BTI: Tensor, lengths_B: Tensor) -> Tensor:
    packed, _ = layers(pack_padded_sequence(x_BTI, lengths_B, batch_first=True, enforce_sorted=False))
    return pad_packed_sequence(packed, batch_first=True)[0]


def _onnx_model(core: Recurrent) -> Any:
    """One operator a layer; its outputs (T, D, B, H) become the next one's input (T, B, D*H)."""
    from onnx import TensorProto, helper, numpy_helper

    nodes, tensors = [], [numpy_helper.from_array(np.array([0, 0, -1], dtype=np.int64), "flat")]
    options: dict[str, Any] = {"hidden_size": core.hidden_size}
    options["direction"] = "bidirectional" if core.directions == 2 else "forward"
    if core.cell.kind == "gru":
        options["linear_before_reset"] = int(core.cell.resets_after)
    elif core.cell.kind == "rnn":
        options["activations"] = [core.cell.activation.capitalize()] * core.directions
    for layer in range(core.layers):
        both = [_onnx_weights(core, layer, d) for d in range(core.directions)]
        names = [f"{what}{layer}" for what in ("w", "r", "b")]
        for name, parts in zip(names, zip(*both, strict=True), strict=True):
            tensors.append(numpy_helper.from_array(np.stack(parts), name))
        given, made = f"h{layer}" if layer else "x", f"y{layer}"
        nodes.append(helper.make_node(core.cell.kind.upper(), [given, *names, "lengths"], [made], **options))
        nodes.append(helper.make_node("Transpose", [made], [f"t{layer}"], perm=[0, 2, 1, 3]))
        result = f"h{layer + 1}" if layer + 1 < core.layers else "result"
        nodes.append(helper.make_node("Reshape", [f"t{layer}", "flat"], [result]))
    inputs = [
        helper.make_tensor_value_info("x", TensorProto.FLOAT, ["T", "B", core.input_size]),
        helper.make_tensor_value_info("lengths", TensorProto.INT32, ["B"]),
    ]
    outputs = [helper.make_tensor_value_info("result", TensorProto.FLOAT, ["T", "B", core.output_size])]
    graph = helper.make_graph(nodes, "layers", inputs, outputs, tensors)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def _onnx_weights(core: Recurrent, layer: int, d: int) -> list[np.ndarray]:
    """W (G*H, I), R (G*H, H) and both biases (2*G*H) in the order and sense of ONNX's operators."""
    weight_ih, weight_hh, bias, bias_hh = core.weights(layer, d)
    inner = torch.zeros_like(bias)
    if bias_hh is not None:
        inner[-core.hidden_size :] = bias_hh
    order = {"rnn": [0], "lstm": [0, 3, 1, 2], "gru": [1, 0, 2]}[core.cell.kind]
    found = []
    for part in (weight_ih, weight_hh, bias, inner):
        blocks = [part.detach().split(core.hidden_size)[gate] for gate in order]
        if core.cell.kind == "gru":  # its update gate says how much stays, ours how much is new
            blocks[0] = -blocks[0]
        found.append(torch.cat(blocks).numpy())
    return [found[0], found[1], np.concatenate(found[2:])]
