"""Weights of recurrent layers as others order them: ONNX's operators.

Every order of gates and every change of sign stands here. Shape letters: I input, H hidden, G gates, D directions.
"""

from __future__ import annotations

import numpy as np
import torch

from rnncli.core.cells import Cell, CellWeights

ONNX_GATES = {
    "rnn": ("hidden",),
    "lstm": ("input", "output", "forget", "candidate"),
    "gru": ("update", "reset", "candidate"),
}
"""The gates in the order in which ONNX's RNN, LSTM and GRU stack their rows (operator set 14)."""


def to_onnx(weights: CellWeights, cell: Cell) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """W (G*H, I), R (G*H, H) and both biases one after the other, (2*G*H), of ONNX's operator for ``cell``.

    ONNX's update gate says how much of the state stays, ours of equation (12) how much is new: its rows change sign.
    """
    inner = torch.zeros_like(weights.bias)
    if weights.bias_hh is not None:
        inner[-weights.bias_hh.shape[0] :] = weights.bias_hh
    found = [_onnx_rows(part, cell) for part in (weights.weight_ih, weights.weight_hh, weights.bias, inner)]
    return found[0], found[1], np.concatenate(found[2:])


def _onnx_rows(stacked: torch.Tensor, cell: Cell) -> np.ndarray:
    """The rows of all gates, ours to ONNX's."""
    rows = dict(zip(cell.gates, stacked.detach().cpu().float().chunk(len(cell.gates)), strict=True))
    if cell.kind == "gru":
        rows["update"] = -rows["update"]
    return torch.cat([rows[gate] for gate in ONNX_GATES[cell.kind]]).numpy()
