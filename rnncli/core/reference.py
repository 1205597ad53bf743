"""Whole sequences by the reference cells: one example, one direction, one step after the other.

Slow and plain on purpose. It shares only the cells with the fast layers, which are held to its results.
Shape letters: B batch, T time, I input, H hidden, D direction, E = D*H, L layers.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from rnncli.core.cells import Cell, CellWeights, State, step


def reference(
    cell: Cell,
    layers: Sequence[Sequence[CellWeights]],
    x_BTI: Tensor,
    lengths_B: Sequence[int],
    state: State | None = None,
) -> tuple[Tensor, State]:
    """Run ``layers`` (each the weights of its one or two directions) over a padded batch.

    Returns y (B, T, E), zero beyond each example's length, and the state of each layer and direction at the
    end of each example (the reverse direction's end is step 0), as tensors (L*D, B, H). ``state`` is where
    they begin, of the same shapes; None is zeros.
    """
    hidden, directions = layers[0][0].weight_hh.shape[1], len(layers[0])
    if state is None:
        zeros = x_BTI.new_zeros(len(layers) * directions, len(x_BTI), hidden)
        state = (zeros,) * cell.states
    outputs, ends = [], []
    for b, length in enumerate(lengths_B):
        y_TE, end = _example(cell, layers, x_BTI[b, :length], tuple(part[:, b] for part in state))
        padding = x_BTI.new_zeros(x_BTI.shape[1] - length, directions * hidden)
        outputs.append(torch.cat([y_TE, padding]))
        ends.append(end)
    return torch.stack(outputs), tuple(torch.stack(part, 1) for part in zip(*ends, strict=True))


def _example(cell: Cell, layers: Sequence[Sequence[CellWeights]], x_TI: Tensor, state: State) -> tuple[Tensor, State]:
    ends = []
    for layer, directions in enumerate(layers):
        outputs = []
        for direction, weights in enumerate(directions):
            at = layer * len(directions) + direction
            begin = tuple(part[at : at + 1] for part in state)
            steps = x_TI.flip(0) if direction else x_TI
            y_TH, end = _pass(cell, weights, steps, begin)
            outputs.append(y_TH.flip(0) if direction else y_TH)
            ends.append(end)
        x_TI = torch.cat(outputs, -1)
    return x_TI, tuple(torch.cat(part) for part in zip(*ends, strict=True))


def _pass(cell: Cell, weights: CellWeights, x_TI: Tensor, state: State) -> tuple[Tensor, State]:
    outputs = [state[0][:0]]
    for x_I in x_TI:
        state = step(cell, x_I[None], state, weights)
        outputs.append(state[0])
    return torch.cat(outputs), state
