"""The head of chords as ONNX, in the graphs of :mod:`rnncli.core.graph`.

Shape letters: N symbols, S slots of the frame before, C places of the frame, P notes that have a distance, U hidden
units, K keys, J views, O distances.
"""

from __future__ import annotations

import numpy as np

from rnncli.core.graph import OnnxGraph, linear
from rnncli.heads.chords import ChordHead
from rnncli.heads.notes import FARTHEST

LOWEST = np.float32(-1e30)
"""Of the logits of what cannot come: so that a mean over members has no infinities."""


def symbol_inputs(graph: OnnxGraph) -> dict[str, str]:
    """What is known of symbols: those of the frame before, those before them in their own, the last, the place."""
    wide = {"before": ("N", "S"), "chosen": ("N", "C"), "last": ("N",), "slot": ("N",)}
    return {name: graph.input(name, "int64", shape) for name, shape in wide.items()}


def symbol_logits(graph: OnnxGraph, head: ChordHead, y_NE: str, known: dict[str, str]) -> str:
    """Logits (N, K + 1) of symbols from the outputs of the core behind the frame before, as the head gives them.

    ``known`` are those of :func:`symbol_inputs`. Of notes that are not above the last they are ``LOWEST``.
    """
    own_N = known["slot"] if head.slots else graph.add("Mul", known["slot"], graph.constant(np.int64(0)))
    table = head.before.weight.T, head.chosen.flatten(0, 1)
    before, chosen = (
        _summed(graph, head, weights, known[name]) for weights, name in zip(table, ("before", "chosen"), strict=True)
    )
    parts = [before, chosen, _rows(graph, head.last.weight, known["last"]), _rows(graph, head.slot.weight, own_N)]
    hidden_NU = linear(graph, head.state, y_NE)
    for part in parts:
        hidden_NU = graph.add("Add", hidden_NU, part)
    hidden_NU = graph.add("Relu", hidden_NU)
    hidden_NU = graph.add("Add", hidden_NU, graph.add("Relu", linear(graph, head.second, hidden_NU)))
    near_NK = _by_distance(graph, head, linear(graph, head.distance, hidden_NU), known)
    logits = graph.add("Add", linear(graph, head.out, hidden_NU), near_NK)
    return logits if head.slots else graph.add("Where", below_last(graph, head, known), graph.constant(LOWEST), logits)


def below_last(graph: OnnxGraph, head: ChordHead, known: dict[str, str]) -> str:
    """Which symbols of notes are not above the last one, (N, K + 1) bool."""
    keys = graph.constant(np.int64(head.keys))
    least_N = graph.add("Where", graph.add("LessOrEqual", known["last"], keys), known["last"], _int(graph, -1))
    return graph.add("LessOrEqual", graph.constant(np.arange(head.keys + 1)), _column(graph, least_N))


def _summed(graph: OnnxGraph, head: ChordHead, weights: object, symbols_NC: str) -> str:
    """The sum of the rows of a table, (N, U), that each place has for its symbol; none for what is no symbol."""
    kind_C = _kinds(graph, head, symbols_NC)
    first_C = graph.add("Mul", kind_C, _int(graph, head.keys + 1))
    at_NC = graph.add("Add", graph.add("Max", symbols_NC, _int(graph, 0)), first_C)
    vectors_NCU = _rows(graph, weights, at_NC)
    is_one_NC1 = graph.add("Unsqueeze", graph.add("Less", symbols_NC, _int(graph, 0)), _ints(graph, 2))
    kept_NCU = graph.add("Where", is_one_NC1, graph.constant(np.float32(0)), vectors_NCU)
    return graph.add("ReduceSum", kept_NCU, _ints(graph, 1), keepdims=0)


def _by_distance(graph: OnnxGraph, head: ChordHead, weights_NX: str, known: dict[str, str]) -> str:
    """Of each key what its distances to P notes are worth, by the view on each, summed, 0 for the end: (N, K + 1)."""
    views, before = head.views, known["before"]
    notes, seen = [before], [_kinds(graph, head, before)]
    if head.slots:
        own_N = graph.add("GatherElements", before, _column(graph, known["slot"]), axis=1)
        notes.append(own_N)
        seen.append(_ints(graph, head.slots))
    notes += [known["chosen"], _column(graph, known["last"])]
    of_chosen = graph.add("Mul", _kinds(graph, head, known["chosen"]), _int(graph, 0))
    seen += [graph.add("Add", of_chosen, _int(graph, views - 2)), _ints(graph, views - 1)]
    note_NP1 = graph.add("Unsqueeze", graph.add("Concat", *notes, axis=1), _ints(graph, 2))
    shape = graph.constant(np.array([0, views, 2 * FARTHEST + 1]))
    weights_NJO = graph.add("Reshape", weights_NX, shape)
    weights_NPO = graph.add("Gather", weights_NJO, graph.add("Concat", *seen, axis=0), axis=1)
    at_NPK = graph.add("Sub", graph.constant(np.arange(head.keys) + FARTHEST), note_NP1)
    most = _int(graph, 2 * FARTHEST)
    near_NPK = graph.add(
        "And", graph.add("GreaterOrEqual", at_NPK, _int(graph, 0)), graph.add("LessOrEqual", at_NPK, most)
    )
    is_key = graph.add("And", *(graph.add(kind, note_NP1, bound) for kind, bound in _bounds(graph, head)))
    at_NPK = graph.add("Min", graph.add("Max", at_NPK, _int(graph, 0)), most)
    found_NPK = graph.add("GatherElements", weights_NPO, at_NPK, axis=2)
    kept_NPK = graph.add("Where", graph.add("And", near_NPK, is_key), found_NPK, graph.constant(np.float32(0)))
    near_NK = graph.add("ReduceSum", kept_NPK, _ints(graph, 1), keepdims=0)
    return graph.add("Pad", near_NK, graph.constant(np.array([0, 0, 0, 1])))


def _bounds(graph: OnnxGraph, head: ChordHead) -> list[tuple[str, str]]:
    return [("GreaterOrEqual", _int(graph, 0)), ("Less", _int(graph, head.keys))]


def _kinds(graph: OnnxGraph, head: ChordHead, symbols_NC: str) -> str:
    """Of each place the voice whose it is, 0 of notes, (C,)."""
    places = graph.add("Gather", graph.add("Shape", symbols_NC), graph.constant(np.int64(1)))
    place_C = graph.add("Range", _int(graph, 0), places, _int(graph, 1))
    return graph.add("Min", place_C, _int(graph, max(1, head.slots) - 1))


def _rows(graph: OnnxGraph, table: object, numbers: str) -> str:
    return graph.add("Gather", graph.constant(table, "float32"), numbers)


def _column(graph: OnnxGraph, values_N: str) -> str:
    return graph.add("Unsqueeze", values_N, _ints(graph, 1))


def _int(graph: OnnxGraph, value: int) -> str:
    return graph.constant(np.int64(value))


def _ints(graph: OnnxGraph, *values: int) -> str:
    return graph.constant(np.array(values, np.int64))
