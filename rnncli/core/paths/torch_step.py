"""One step of one layer without gradients, for streams: as few calls as possible, since calls are what it costs.

Shape letters: B batch, I input, H hidden, G gates.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import linear

from rnncli.core.cells import ACTIVATIONS, Cell, CellWeights, State


def one_step(cell: Cell, weights: CellWeights, x_BI: Tensor, state: State) -> State:
    """The next state (B, H), whose first tensor is h."""
    W_ih, W_hh, bias, _ = weights
    if cell.kind == "lstm":
        return torch.lstm_cell(x_BI, state, W_ih, W_hh, bias)
    if cell.kind == "gru":
        return (_gru(weights, x_BI, state[0]),)
    if cell.activation == "tanh":
        return (torch.rnn_tanh_cell(x_BI, state[0], W_ih, W_hh, bias),)
    return (ACTIVATIONS[cell.activation](torch.addmm(torch.addmm(bias, x_BI, W_ih.T), state[0], W_hh.T)),)


def _gru(weights: CellWeights, x_BI: Tensor, h_BH: Tensor) -> Tensor:
    """Equations (9) to (12), or (11')."""
    W_ih, W_hh, bias, inner_H = weights
    hidden = h_BH.shape[1]
    parts = (2 * hidden, hidden)
    rz_BG, n_BH = linear(x_BI, W_ih, bias).split_with_sizes(parts, 1)
    if inner_H is None:
        W_gates, W_rx = W_hh.split_with_sizes(parts)
        r_BH, z_BH = rz_BG.addmm_(h_BH, W_gates.t()).sigmoid_().chunk(2, 1)
        n_BH.addmm_(r_BH * h_BH, W_rx.t())
    else:
        m_BG, m_BH = linear(h_BH, W_hh).split_with_sizes(parts, 1)
        r_BH, z_BH = rz_BG.add_(m_BG).sigmoid_().chunk(2, 1)
        n_BH.addcmul_(r_BH, m_BH.add_(inner_H))
    return torch.lerp(h_BH, n_BH.tanh_(), z_BH)
