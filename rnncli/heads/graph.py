"""Heads as ONNX, in the graphs of :mod:`rnncli.core.graph`.

Shape letters: B batch, T time, H hidden of one direction, E = D*H outputs.
"""

from __future__ import annotations

import numpy as np

from rnncli.core.graph import OnnxGraph, cleared, linear, padding
from rnncli.heads.pooling import ATTENTION, Pooling

LOWEST = float(np.finfo(np.float32).min)


def pooled(graph: OnnxGraph, pooling: Pooling, y_BTE: str, lengths_B: str) -> str:
    """What ``pooling`` makes of the steps 0 .. length - 1 of each example: (B, output_size); T is at least 1."""
    padding_BT = padding(graph, y_BTE, lengths_B)
    y_BTE = cleared(graph, y_BTE, padding_BT)
    parts = [_pooled(graph, pooling, kind, y_BTE, lengths_B, padding_BT) for kind in pooling.kinds]
    return parts[0] if len(parts) == 1 else graph.add("Concat", *parts, axis=-1)


def _pooled(graph: OnnxGraph, pooling: Pooling, kind: str, y_BTE: str, lengths_B: str, padding_BT: str) -> str:
    if kind == "mean":
        return _mean(graph, y_BTE, lengths_B)
    if kind == "max":
        return _highest(graph, y_BTE, lengths_B, padding_BT)
    if kind == ATTENTION:
        return _attended(graph, pooling, y_BTE, padding_BT)
    return _last(graph, pooling, y_BTE, lengths_B)


def _mean(graph: OnnxGraph, y_BTE: str, lengths_B: str) -> str:
    """Added up in double precision, as the model does where nothing is learnt."""
    exact = {"to": 11}  # TensorProto.DOUBLE
    sum_BE = graph.add("ReduceSum", graph.add("Cast", y_BTE, **exact), _ints(graph, 1), keepdims=0)
    count_B1 = graph.add("Unsqueeze", graph.add("Max", lengths_B, graph.constant(np.int64(1))), _ints(graph, 1))
    return graph.add("Cast", graph.add("Div", sum_BE, graph.add("Cast", count_B1, **exact)), to=1)


def _highest(graph: OnnxGraph, y_BTE: str, lengths_B: str, padding_BT: str) -> str:
    highest_BE = graph.add("ReduceMax", cleared(graph, y_BTE, padding_BT, -np.inf), axes=[1], keepdims=0)
    empty_B = graph.add("Equal", lengths_B, graph.constant(np.int64(0)))
    empty_B1 = graph.add("Unsqueeze", empty_B, _ints(graph, 1))
    return graph.add("Where", empty_B1, graph.constant(np.float32(0)), highest_BE)


def _attended(graph: OnnxGraph, pooling: Pooling, y_BTE: str, padding_BT: str) -> str:
    scores_BT1 = linear(graph, pooling.score, graph.add("Tanh", linear(graph, pooling.project, y_BTE)))
    weights_BT1 = graph.add("Softmax", cleared(graph, scores_BT1, padding_BT, LOWEST), axis=1)
    weights_B1T = graph.add("Transpose", cleared(graph, weights_BT1, padding_BT), perm=[0, 2, 1])
    return graph.add("Squeeze", graph.add("MatMul", weights_B1T, y_BTE), _ints(graph, 1))


def _last(graph: OnnxGraph, pooling: Pooling, y_BTE: str, lengths_B: str) -> str:
    """Each direction's own last step; where there are no steps, step 0 is padding and thus zeros already."""
    one, zero = graph.constant(np.int64(1)), graph.constant(np.int64(0))
    at_B1 = graph.add("Unsqueeze", graph.add("Max", graph.add("Sub", lengths_B, one), zero), _ints(graph, 1))
    last_BE = graph.add("GatherND", y_BTE, at_B1, batch_dims=1)
    if pooling.directions == 1:
        return last_BE
    hidden = pooling.size // 2
    first_BE = graph.add("Gather", y_BTE, zero, axis=1)
    ahead_BH = graph.add("Slice", last_BE, _ints(graph, 0), _ints(graph, hidden), _ints(graph, 1))
    back_BH = graph.add("Slice", first_BE, _ints(graph, hidden), _ints(graph, 2 * hidden), _ints(graph, 1))
    return graph.add("Concat", ahead_BH, back_BH, axis=-1)


def _ints(graph: OnnxGraph, *values: int) -> str:
    return graph.constant(np.array(values, np.int64))
