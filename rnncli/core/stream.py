"""One step of one layer without gradients, for streams: as few calls as possible, since calls are what it costs.

Shape letters: B batch, I input, H hidden, G gates.
"""

from __future__ import annotations

import torch
from torch import Tensor

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
    cut = 2 * h_BH.shape[1]
    a_BG = torch.addmm(bias, x_BI, W_ih.T)
    if inner_H is None:
        r_BH, z_BH = torch.addmm(a_BG[:, :cut], h_BH, W_hh[:cut].T).sigmoid_().chunk(2, 1)
        n_BH = torch.addmm(a_BG[:, cut:], r_BH * h_BH, W_hh[cut:].T).tanh_()
    else:
        m_BG = torch.mm(h_BH, W_hh.T)
        r_BH, z_BH = (a_BG[:, :cut] + m_BG[:, :cut]).sigmoid_().chunk(2, 1)
        n_BH = torch.addcmul(a_BG[:, cut:], r_BH, m_BG[:, cut:] + inner_H).tanh_()
    return torch.lerp(h_BH, n_BH, z_BH)
