"""One layer in one direction over a padded batch: through a kernel of torch, or a loop where it has none.

Padding lies after the valid steps, so a pass forward in time never meets it before its work is done: outputs
there are cleared by the caller, and their gradient is zero. What remains is the state at each example's own
end; h is the output at the last step, c of the lstm is carried to the end of the batch unchanged (``_hold``).

Shape letters: B batch, T time, I input, H hidden, G gates.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from rnncli.core.cells import Cell, CellWeights, State
from rnncli.core.foreign import to_torch
from rnncli.core.layer import Layer, infer, run
from rnncli.core.layout.packed import Packing
from rnncli.core.layout.padded import Spans
from rnncli.core.paths.cuda_graphs import CapturedRows

SATURATION = 1e4
"""Added to a gate before its sigmoid it gives exactly 1, subtracted exactly 0, and fp16 can hold it."""


def run_layer(
    cell: Cell, weights: CellWeights, x_TBI: Tensor, state: State, spans: Spans, *, need_state: bool
) -> tuple[Tensor, State]:
    """Outputs (T, B, H), finite but meaningless in the padding, and the state (B, H) at each example's end.

    ``x_TBI`` must be zero in the padding and have at least one step; the state holds nothing useful beyond h
    unless ``need_state``.
    """
    if is_right(cell, x_TBI.device.type, x_TBI.dtype):
        return _by_kernel(cell, weights, x_TBI, state, spans, need_state)
    steps, batch, width = x_TBI.shape
    compute = run if torch.is_grad_enabled() else infer
    begin, rows_NI = (state[0].unsqueeze(0),), x_TBI.reshape(steps * batch, width)
    y_NH, _ = compute(CapturedRows(), Layer(cell, [weights], rows_NI, begin, Packing(None, batch, steps)))
    y_TBH = y_NH.view(steps, batch, -1)
    return y_TBH, (spans.last(y_TBH, state[0]),) if need_state else state


def run_stack(
    cell: Cell, layers: Sequence[CellWeights], x_TBI: Tensor, state: State, directions: int
) -> tuple[Tensor, State]:
    """All layers in one call: outputs (T, B, E) and the state (L*D, B, H) behind the last step.

    ``layers`` and ``state`` go layer by layer, forward before reverse. For what :func:`is_right_for_stack` says.
    """
    return _kernel(cell, x_TBI, state, [to_torch(weights, cell) for weights in layers], directions)


def has_kernel(cell: Cell) -> bool:
    """Whether torch has a kernel for whole sequences of this cell."""
    return {"rnn": cell.activation != "sigmoid", "lstm": True, "gru": cell.reset == "after"}[cell.kind]


def is_right(cell: Cell, device: str, dtype: torch.dtype) -> bool:
    """Whether that kernel is as exact as ``dtype`` asks: the tanh of cuDNN's rnn is off by 3e-5."""
    exact = device == "cuda" and dtype == torch.float32 and not torch.backends.cudnn.allow_tf32
    return has_kernel(cell) and not (exact and cell.kind == "rnn" and cell.activation == "tanh")


def is_right_for_stack(cell: Cell, x_TBI: Tensor, spans: Spans, directions: int, *, need_state: bool) -> bool:
    """Whether one call of torch's kernel computes several layers rightly: nothing in it comes after padding."""
    unmet = spans.lengths_B is None or (directions == 1 and not need_state and not _unbounded(cell))
    return unmet and is_right(cell, x_TBI.device.type, x_TBI.dtype)


def _by_kernel(
    cell: Cell, weights: CellWeights, x_TBI: Tensor, state: State, spans: Spans, need_state: bool
) -> tuple[Tensor, State]:
    if spans.lengths_B is not None and (_unbounded(cell) or (cell.kind == "lstm" and need_state)):
        x_TBI, weights = _hold(cell, weights, x_TBI, spans)
    begin = tuple(part.unsqueeze(0) for part in state)
    y_TBH, end = _kernel(cell, x_TBI, begin, [to_torch(weights, cell)], directions=1)
    if not need_state:
        return y_TBH, state
    return y_TBH, (spans.last(y_TBH, state[0]), *(part.squeeze(0) for part in end[1:]))


def _unbounded(cell: Cell) -> bool:
    """Whether a state may grow without end in padding."""
    return cell.kind == "rnn" and cell.activation == "relu"


def _kernel(
    cell: Cell, x_TBI: Tensor, state: State, layers: list[list[Tensor]], directions: int
) -> tuple[Tensor, State]:
    """Outputs and states of torch's kernel; ``layers`` are four weights a layer and direction."""
    kernel: Callable[..., State] = getattr(torch, cell.kind if cell.kind != "rnn" else f"rnn_{cell.activation}")
    begin = [part.contiguous() for part in state]
    arguments = [part for weights in (_in_one_chunk(layers) if x_TBI.is_cuda else layers) for part in weights]
    # Gradients may be asked for in evaluation mode too; there is no dropout here for "train" to switch.
    train = torch.is_grad_enabled()
    given = begin if cell.kind == "lstm" else begin[0]
    y, *end = kernel(x_TBI, given, arguments, True, len(layers) // directions, 0.0, train, directions == 2, False)
    return y, tuple(end)


def _hold(cell: Cell, weights: CellWeights, x_TBI: Tensor, spans: Spans) -> tuple[Tensor, CellWeights]:
    """Give the input a column that is 1 in the padding, weighted so that nothing happens there.

    The lstm's forget gate becomes exactly 1 and its input gate 0: c stays as it was at the example's end. The
    relu's state becomes 0, lest it grow to infinity there and spoil weight gradients as 0 * inf.
    """
    hidden = weights.weight_hh.shape[1]
    column = weights.weight_ih.new_zeros(len(weights.weight_ih), 1)
    if cell.kind == "lstm":
        column[:hidden], column[hidden : 2 * hidden] = -SATURATION, SATURATION
    else:
        column.fill_(-torch.finfo(column.dtype).max / 4)
    held = weights._replace(weight_ih=torch.cat([weights.weight_ih, column], 1))
    return torch.cat([x_TBI, spans.padding_TB1.to(x_TBI.dtype)], -1), held


def _in_one_chunk(layers: list[list[Tensor]]) -> list[list[Tensor]]:
    """The same weights as views of one buffer, as cuDNN wants them; else it warns and copies at every call.

    Its order is the matrices of all layers, then all biases.
    """
    matrices = [part for weights in layers for part in weights[:2]]
    biases = [part for weights in layers for part in weights[2:]]
    views = _Chunk.apply(*matrices, *biases)
    behind = len(matrices)
    return [[*views[at : at + 2], *views[behind + at : behind + at + 2]] for at in range(0, behind, 2)]


class _Chunk(torch.autograd.Function):
    """Copies that lie behind each other in one buffer."""

    @staticmethod
    def forward(ctx: Any, *parts: Tensor) -> Any:  # pyright: ignore[reportIncompatibleMethodOverride]
        buffer = torch.cat([part.reshape(-1) for part in parts])
        pieces = buffer.split([part.numel() for part in parts])
        return tuple(piece.view(part.shape) for piece, part in zip(pieces, parts, strict=True))

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, ...]:  # pyright: ignore[reportIncompatibleMethodOverride]
        return grads
