"""One layer in one direction over a padded batch: through a kernel of torch, or a loop where it has none.

Padding lies after the valid steps, so a pass forward in time never meets it before its work is done: outputs
there are cleared by the caller, and their gradient is zero. What remains is the state at each example's own
end; h is the output at the last step, c of the lstm is carried to the end of the batch unchanged (``_hold``).

Shape letters: B batch, T time, I input, H hidden, G gates.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from rnncli.core import layer
from rnncli.core.cells import Cell, CellWeights, State
from rnncli.core.graphs import Loops
from rnncli.core.layer import Layer
from rnncli.core.packing import Packing
from rnncli.core.spans import Spans

SHUT = 1e4
"""Added to a gate before its sigmoid it gives exactly 1, subtracted exactly 0, and fp16 can hold it."""


def run(
    cell: Cell, weights: CellWeights, x_TBI: Tensor, state: State, spans: Spans, *, need_state: bool, coarse: bool
) -> tuple[Tensor, State]:
    """Outputs (T, B, H), finite but meaningless in the padding, and the state (B, H) at each example's end.

    ``x_TBI`` must be zero in the padding and have at least one step; the state holds nothing useful beyond h
    unless ``need_state``. With ``coarse`` a loop of ours may compute products in TF32.
    """
    if has_kernel(cell):
        return _by_kernel(cell, weights, x_TBI, state, spans, need_state)
    steps, batch, width = x_TBI.shape
    compute = layer.run if torch.is_grad_enabled() else layer.infer
    begin, rows_NI = (state[0].unsqueeze(0),), x_TBI.reshape(steps * batch, width)
    y_NH, _ = compute(Loops(coarse=coarse), Layer(cell, [weights], rows_NI, begin, Packing(None, batch, steps)))
    y_TBH = y_NH.view(steps, batch, -1)
    return y_TBH, (spans.last(y_TBH, state[0]),) if need_state else state


def run_layers(
    cell: Cell, layers: Sequence[CellWeights], x_BTI: Tensor, state: State, directions: int
) -> tuple[Tensor, State]:
    """All layers in one call, over equal lengths: outputs (B, T, E) and the state (L*D, B, H).

    ``layers`` and ``state`` go layer by layer, forward before reverse. For cells that have a kernel.
    """
    arguments = [part for weights in layers for part in _as_torch(cell, weights)]
    return _kernel(cell, x_BTI, state, arguments, directions, batch_first=True)


def has_kernel(cell: Cell) -> bool:
    """Whether torch has a kernel for whole sequences of this cell."""
    return {"rnn": cell.activation != "sigmoid", "lstm": True, "gru": cell.reset == "after"}[cell.kind]


def _by_kernel(
    cell: Cell, weights: CellWeights, x_TBI: Tensor, state: State, spans: Spans, need_state: bool
) -> tuple[Tensor, State]:
    unbounded = cell.kind == "rnn" and cell.activation == "relu"
    if spans.lengths_B is not None and (unbounded or (cell.kind == "lstm" and need_state)):
        x_TBI, weights = _hold(cell, weights, x_TBI, spans)
    arguments = _as_torch(cell, weights)
    if x_TBI.is_cuda:
        arguments = _in_one_chunk(arguments)
    begin = tuple(part.unsqueeze(0) for part in state)
    y_TBH, end = _kernel(cell, x_TBI, begin, arguments, directions=1, batch_first=False)
    if not need_state:
        return y_TBH, state
    return y_TBH, (spans.last(y_TBH, state[0]), *(part.squeeze(0) for part in end[1:]))


def _kernel(
    cell: Cell, x: Tensor, state: State, arguments: list[Tensor], directions: int, *, batch_first: bool
) -> tuple[Tensor, State]:
    """Outputs and states of torch's kernel; ``arguments`` are four a layer and direction."""
    kernel: Callable[..., State] = getattr(torch, cell.kind if cell.kind != "rnn" else f"rnn_{cell.activation}")
    begin = [part.contiguous() for part in state]
    layers = len(arguments) // (4 * directions)
    # Gradients may be asked for in evaluation mode too; there is no dropout here for "train" to switch.
    train = torch.is_grad_enabled()
    given = begin if cell.kind == "lstm" else begin[0]
    y, *end = kernel(x, given, arguments, True, layers, 0.0, train, directions == 2, batch_first)
    return y, tuple(end)


def _hold(cell: Cell, weights: CellWeights, x_TBI: Tensor, spans: Spans) -> tuple[Tensor, CellWeights]:
    """Give the input a column that is 1 in the padding, weighted so that nothing happens there.

    The lstm's forget gate becomes exactly 1 and its input gate 0: c stays as it was at the example's end. The
    relu's state becomes 0, lest it grow to infinity there and spoil weight gradients as 0 * inf.
    """
    hidden = weights.weight_hh.shape[1]
    column = weights.weight_ih.new_zeros(len(weights.weight_ih), 1)
    if cell.kind == "lstm":
        column[:hidden], column[hidden : 2 * hidden] = -SHUT, SHUT
    else:
        column.fill_(-torch.finfo(column.dtype).max / 4)
    held = weights._replace(weight_ih=torch.cat([weights.weight_ih, column], 1))
    return torch.cat([x_TBI, spans.padding_TB1.to(x_TBI.dtype)], -1), held


def _as_torch(cell: Cell, weights: CellWeights) -> list[Tensor]:
    """``weight_ih, weight_hh, bias_ih, bias_hh`` as torch's kernels mean them.

    The order of the gates is torch's already. Its update gate keeps where ours renews, so its rows change
    sign: sigmoid(-a) = 1 - sigmoid(a).
    """
    weight_ih, weight_hh, bias, bias_inner = weights
    bias_hh = torch.zeros_like(bias)
    if cell.kind == "gru":
        assert bias_inner is not None
        hidden = len(bias_inner)
        bias_hh = torch.cat([bias_hh[: 2 * hidden], bias_inner])
        sign = torch.ones_like(bias.detach())
        sign[hidden : 2 * hidden] = -1
        weight_ih, weight_hh, bias = weight_ih * sign[:, None], weight_hh * sign[:, None], bias * sign
    return [weight_ih, weight_hh, bias, bias_hh]


def _in_one_chunk(arguments: list[Tensor]) -> list[Tensor]:
    """The same weights as views of one buffer, as cuDNN wants them; else it warns and copies at every call."""
    buffer = torch.cat([part.reshape(-1) for part in arguments])
    views = buffer.split([part.numel() for part in arguments])
    return [view.view(part.shape) for view, part in zip(views, arguments, strict=True)]
