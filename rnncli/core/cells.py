"""The recurrent cells of the textbook, one step each, written to be read and to be differentiated in fp64.

Shape letters: B batch, I input, H hidden, O output. ``sigma`` is tanh, sigmoid or relu; ``*`` is elementwise.
A subscript pair names a matrix by where it comes from and where it goes.

Recurrent network (Elman, "Finding structure in time", 1990)::

    h_t  = sigma(W_ih x_t + W_hh h_(t-1) + b_h)                              (1)
    y_t  = sigma(W_ho h_t + b_o)                                             (2)

Long short-term memory (Hochreiter and Schmidhuber, 1997; forget gate: Gers, Schmidhuber and Cummins, 2000)::

    f_t  = sigmoid(W_if x_t + W_hf h_(t-1) + b_f)                            (3)
    i_t  = sigmoid(W_ii x_t + W_hi h_(t-1) + b_i)                            (4)
    o_t  = sigmoid(W_io x_t + W_ho h_(t-1) + b_o)                            (5)
    c'_t = tanh(W_ic x_t + W_hc h_(t-1) + b_c)                               (6)
    c_t  = f_t * c_(t-1) + i_t * c'_t                                        (7)
    h_t  = o_t * tanh(c_t)                                                   (8)

Gated recurrent unit (Cho et al., 2014), ``reset="before"``::

    z_t  = sigmoid(W_iz x_t + W_hz h_(t-1) + b_z)                            (9)
    r_t  = sigmoid(W_ir x_t + W_hr h_(t-1) + b_r)                            (10)
    h'_t = tanh(W_ix x_t + W_rx (r_t * h_(t-1)) + b_h)                       (11)
    h_t  = (1 - z_t) * h_(t-1) + z_t * h'_t                                  (12)

With ``reset="after"`` the gate acts on the finished product, which has a bias of its own::

    h'_t = tanh(W_ix x_t + b_h + r_t * (W_rx h_(t-1) + b_r'))                (11')
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
    "relu": torch.relu,
}
GATES = {
    "rnn": ("hidden",),
    "lstm": ("input", "forget", "candidate", "output"),
    "gru": ("reset", "update", "candidate"),
}
RESETS = ("before", "after")

State = tuple[Tensor, ...]
"""What a cell hands from step to step: (h,) or, of an lstm, (h, c)."""


@dataclass(frozen=True)
class Cell:
    """Which cell: ``kind`` rnn, lstm or gru; ``activation`` is of the rnn alone, ``reset`` of the gru alone."""

    kind: str = "gru"
    activation: str = "tanh"
    reset: str = "before"

    def __post_init__(self) -> None:
        for what, value, known in (
            ("cell", self.kind, GATES),
            ("activation", self.activation, ACTIVATIONS),
            ("reset", self.reset, RESETS),
        ):
            if value not in known:
                raise ValueError(f"{what} {value!r} is not one of {', '.join(known)}")

    @property
    def gates(self) -> tuple[str, ...]:
        """The gates in the order in which their rows are stacked in the weights."""
        return GATES[self.kind]

    @property
    def states(self) -> int:
        """Tensors that are handed from step to step: 2 (h and c) for an lstm, else 1."""
        return 2 if self.kind == "lstm" else 1

    @property
    def resets_after(self) -> bool:
        """Whether this is the gru of equation (11'), which has ``bias_hh``."""
        return self.kind == "gru" and self.reset == "after"

    def __str__(self) -> str:
        variant = {"rnn": f"({self.activation})", "lstm": "", "gru": f"({self.reset})"}[self.kind]
        return self.kind + variant


class CellWeights(NamedTuple):
    """The weights of one layer in one direction, the gates stacked in the order of ``Cell.gates``.

    Of G gates: ``weight_ih`` (G*H, I), ``weight_hh`` (G*H, H), ``bias`` (G*H). ``bias_hh`` (H,) is b_r' of
    equation (11'), and None for every other cell.
    """

    weight_ih: Tensor
    weight_hh: Tensor
    bias: Tensor
    bias_hh: Tensor | None = None

    def map(self, change: Callable[[Tensor], Tensor]) -> CellWeights:
        """What ``change`` makes of each."""
        inner = None if self.bias_hh is None else change(self.bias_hh)
        return CellWeights(change(self.weight_ih), change(self.weight_hh), change(self.bias), inner)


def rnn_step(x_BI: Tensor, h_BH: Tensor, weights: CellWeights, activation: str = "tanh") -> Tensor:
    """One step of the recurrent network, equation (1): the next h (B, H)."""
    W_ih, W_hh, b_h, _ = weights
    return ACTIVATIONS[activation](x_BI @ W_ih.T + h_BH @ W_hh.T + b_h)


def rnn_output(h_BH: Tensor, W_ho: Tensor, b_o: Tensor, activation: str = "tanh") -> Tensor:
    """The output of the recurrent network, equation (2): y (B, O), of ``W_ho`` (O, H) and ``b_o`` (O,)."""
    return ACTIVATIONS[activation](h_BH @ W_ho.T + b_o)


def lstm_step(x_BI: Tensor, h_BH: Tensor, c_BH: Tensor, weights: CellWeights) -> tuple[Tensor, Tensor]:
    """One step of the long short-term memory, equations (3) to (8): the next h and c, each (B, H)."""
    W_ii, W_if, W_ic, W_io = weights.weight_ih.chunk(4)
    W_hi, W_hf, W_hc, W_ho = weights.weight_hh.chunk(4)
    b_i, b_f, b_c, b_o = weights.bias.chunk(4)
    f = torch.sigmoid(x_BI @ W_if.T + h_BH @ W_hf.T + b_f)  # (3)
    i = torch.sigmoid(x_BI @ W_ii.T + h_BH @ W_hi.T + b_i)  # (4)
    o = torch.sigmoid(x_BI @ W_io.T + h_BH @ W_ho.T + b_o)  # (5)
    candidate = torch.tanh(x_BI @ W_ic.T + h_BH @ W_hc.T + b_c)  # (6)
    c = f * c_BH + i * candidate  # (7)
    return o * torch.tanh(c), c  # (8)


def gru_step(x_BI: Tensor, h_BH: Tensor, weights: CellWeights) -> Tensor:
    """One step of the gated recurrent unit, equations (9) to (12): the next h (B, H).

    Weights with ``bias_hh`` are those of a gru that resets after the product, equation (11').
    """
    W_ir, W_iz, W_ix = weights.weight_ih.chunk(3)
    W_hr, W_hz, W_rx = weights.weight_hh.chunk(3)
    b_r, b_z, b_h = weights.bias.chunk(3)
    z = torch.sigmoid(x_BI @ W_iz.T + h_BH @ W_hz.T + b_z)  # (9)
    r = torch.sigmoid(x_BI @ W_ir.T + h_BH @ W_hr.T + b_r)  # (10)
    if weights.bias_hh is None:
        candidate = torch.tanh(x_BI @ W_ix.T + (r * h_BH) @ W_rx.T + b_h)  # (11)
    else:
        candidate = torch.tanh(x_BI @ W_ix.T + b_h + r * (h_BH @ W_rx.T + weights.bias_hh))  # (11')
    return (1 - z) * h_BH + z * candidate  # (12)


def step(cell: Cell, x_BI: Tensor, state: State, weights: CellWeights) -> State:
    """One step of any cell: the next state, whose first tensor is h."""
    if cell.kind == "rnn":
        return (rnn_step(x_BI, state[0], weights, cell.activation),)
    if cell.kind == "lstm":
        return lstm_step(x_BI, state[0], state[1], weights)
    return (gru_step(x_BI, state[0], weights),)
