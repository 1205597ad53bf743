"""The weights of a layer as other programs mean them: their orders of gates and their signs, all of them here.

Ours are those of ``rnncli.core.cells``: one matrix for the input and one for the state, the gates stacked by rows in
the order of ``Cell.gates``, one bias, and a second one of the candidate alone where a gru resets after the product.

- ``torch.nn`` stacks lstm input, forget, candidate, output and gru reset, update, candidate by rows, adds two biases,
  and its gru resets after the product.
- Keras stacks lstm input, forget, candidate, output and gru update, reset, candidate by columns: its kernels are
  transposed. Its gru has one bias or, with ``reset_after``, two as the rows of one matrix.
- ONNX stacks lstm input, output, forget, candidate and gru update, reset, candidate by rows; its two biases stand one
  behind the other. Its gru resets before the product or, with ``linear_before_reset``, after it.
- The update gate of all three keeps where ours renews (``h = z h + (1 - z) h'``): its rows have the other sign, since
  sigmoid(-a) = 1 - sigmoid(a).

Shape letters: I input, H hidden, G gates.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from rnncli.core.cells import Cell, CellWeights

Orders = Mapping[str, tuple[str, ...]]
"""By kind of cell the gates in the order in which a program stacks them."""
TORCH: Orders = {
    "rnn": ("hidden",),
    "lstm": ("input", "forget", "candidate", "output"),
    "gru": ("reset", "update", "candidate"),
}
KERAS: Orders = TORCH | {"gru": ("update", "reset", "candidate")}
ONNX: Orders = KERAS | {"lstm": ("input", "output", "forget", "candidate")}


def arranged(cell: Cell, rows: Tensor, order: Orders) -> Tensor:
    """Our rows (G*H, ...), weights or a bias, in another ``order`` whose update gate keeps."""
    parts = dict(zip(cell.gates, rows.chunk(len(cell.gates)), strict=True))
    return torch.cat([_kept(gate, parts[gate]) for gate in order[cell.kind]])


def textbook(cell: Cell, rows: Tensor, order: Orders) -> Tensor:
    """The inverse of :func:`arranged`."""
    parts = dict(zip(order[cell.kind], rows.chunk(len(cell.gates)), strict=True))
    return torch.cat([_kept(gate, parts[gate]) for gate in cell.gates])


def to_torch(weights: CellWeights, cell: Cell) -> list[Tensor]:
    """``weight_ih``, ``weight_hh``, ``bias_ih`` and ``bias_hh`` as ``torch.nn`` and the kernels of torch mean them.

    Of a gru that resets after the product; differentiable.
    """
    weight_ih, weight_hh, bias, inner = weights
    bias_hh = torch.zeros_like(bias)
    if cell.kind == "gru":
        assert inner is not None
        hidden = len(inner)
        bias_hh = torch.cat([bias_hh[: 2 * hidden], inner])
        weight_ih, weight_hh, bias = (arranged(cell, rows, TORCH) for rows in (weight_ih, weight_hh, bias))
    return [weight_ih, weight_hh, bias, bias_hh]


def from_torch(
    cell: Cell, weight_ih: Tensor, weight_hh: Tensor, bias_ih: Tensor | None = None, bias_hh: Tensor | None = None
) -> CellWeights:
    """What ``torch.nn`` calls by these names; without biases they are zero."""
    nothing = weight_ih.new_zeros(len(weight_ih))
    bias_ih, bias_hh = (nothing if bias is None else bias for bias in (bias_ih, bias_hh))
    inner = None
    if cell.kind == "gru":
        hidden = weight_hh.shape[1]
        inner = bias_hh[2 * hidden :].clone()
        bias_hh = torch.cat([bias_hh[: 2 * hidden], nothing[:hidden]])
    rows = [textbook(cell, one, TORCH) for one in (weight_ih, weight_hh, bias_ih + bias_hh)]
    return CellWeights(rows[0], rows[1], rows[2], inner)


def from_keras(cell: Cell, kernel: Tensor, recurrent_kernel: Tensor, bias: Tensor | None = None) -> CellWeights:
    """What Keras calls ``kernel`` (I, G*H), ``recurrent_kernel`` (H, G*H) and ``bias``.

    The bias is (G*H), of a gru with ``reset_after`` (2, G*H), None where the layer uses none.
    """
    if bias is None:
        bias = kernel.new_zeros((2,) * cell.resets_after + (kernel.shape[1],))
    inner = None
    if cell.resets_after:
        hidden = len(recurrent_kernel)
        inner = bias[1, 2 * hidden :].clone()
        bias = bias[0] + torch.cat([bias[1, : 2 * hidden], torch.zeros_like(inner)])
    rows = [textbook(cell, one, KERAS) for one in (kernel.T, recurrent_kernel.T, bias)]
    return CellWeights(rows[0], rows[1], rows[2], inner)


def to_onnx(weights: CellWeights, cell: Cell) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """W (G*H, I), R (G*H, H) and both biases one behind the other, (2*G*H), of ONNX's operator, in fp32."""
    inner = torch.zeros_like(weights.bias)
    if weights.bias_hh is not None:
        inner[-len(weights.bias_hh) :] = weights.bias_hh
    parts = (weights.weight_ih, weights.weight_hh, weights.bias, inner)
    W, R, bias, bias_hh = (arranged(cell, rows.detach().cpu().float(), ONNX).numpy() for rows in parts)
    return W, R, np.concatenate([bias, bias_hh])


def torch_settings(module: nn.Module) -> dict[str, Any]:
    """The arguments of ``Recurrent`` for a module of ``torch.nn``; ValueError for what has no equal here."""
    if not isinstance(module, nn.RNN | nn.LSTM | nn.GRU):
        raise ValueError(f"{type(module).__name__} is none of torch.nn.RNN, LSTM and GRU")
    if module.proj_size:
        raise ValueError(f"an LSTM with proj_size={module.proj_size} projects its state, which no cell here does")
    kind, _, activation = module.mode.lower().partition("_")
    return {
        "input_size": module.input_size,
        "hidden_size": module.hidden_size,
        "cell": kind,
        "activation": activation or "tanh",
        "reset": "after",
        "layers": module.num_layers,
        "bidirectional": module.bidirectional,
        "layer_dropout": module.dropout,
    }


def torch_module(cell: Cell, *sizes: int, **options: Any) -> nn.RNN | nn.LSTM | nn.GRU:
    """A module of ``torch.nn`` of this cell; ValueError where it has none."""
    if lacking := missing_in_torch(cell):
        raise ValueError(lacking)
    if cell.kind == "rnn":
        return nn.RNN(*sizes, nonlinearity=cell.activation, **options)
    return (nn.LSTM if cell.kind == "lstm" else nn.GRU)(*sizes, **options)


def missing_in_torch(cell: Cell) -> str:
    """Why ``torch.nn`` has no such cell; empty where it has."""
    if cell.kind == "rnn" and cell.activation == "sigmoid":
        return "torch.nn.RNN knows tanh and relu, not the sigmoid of this rnn"
    if cell.kind == "gru" and not cell.resets_after:
        return "torch.nn.GRU resets after the recurrent product, this gru before it (reset='before')"
    return ""


def torch_names(layer: int, direction: int, *, bias: bool = True) -> Sequence[str]:
    """What ``torch.nn`` calls the weights of a layer, in the order of :func:`to_torch`."""
    suffix = f"_l{layer}" + ("_reverse" if direction else "")
    names = ("weight_ih", "weight_hh") + (("bias_ih", "bias_hh") if bias else ())
    return [name + suffix for name in names]


def _kept(gate: str, rows: Tensor) -> Tensor:
    return -rows if gate == "update" else rows
