"""The recurrent layers of plain torch operators, with time and batch left open: what ``torch.export`` can write down.

A step is that of the textbook, ``rnncli.core.cells.step``; ``scan`` runs it over the steps, as many as there are. The
modules of ``torch.nn`` cannot stand for it: exported, they are frozen to the steps of the example.

Shape letters: B batch, T time, I input, H hidden, E outputs of all directions.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch._higher_order_ops.scan import scan  # it has no public name yet

from rnncli.core.cells import CellWeights, State, step
from rnncli.core.recurrent import Recurrent


class PlainRecurrent(nn.Module):
    """Computes what ``core`` does, of which it keeps the weights.

    >>> layers = PlainRecurrent(Recurrent(3, 4))
    """

    def __init__(self, core: Recurrent) -> None:
        super().__init__()
        self.core = core

    def forward(
        self, x_BTI: Tensor, lengths_B: Tensor | None = None, state: Any = None, *, need_state: bool = True
    ) -> tuple[Tensor, Any]:
        """As of :class:`Recurrent`, for at least one step."""
        core, (batch, steps) = self.core, x_BTI.shape[:2]
        begin = core.initial_state(batch) if state is None else (state,) if isinstance(state, Tensor) else state
        if lengths_B is None:
            lengths_B = torch.full((batch,), steps)
        times_T, nothing_B1 = torch.arange(steps), x_BTI.new_zeros(batch, 1)
        inside_TB1 = (times_T[:, None] < lengths_B[None]).unsqueeze(-1)
        back_TB1 = (lengths_B[None] - 1 - times_T[:, None]).clamp(min=0).unsqueeze(-1)
        x_TBX = torch.where(inside_TB1, x_BTI.transpose(0, 1), 0.0)
        ends: list[State] = []
        for layer in range(core.layers):
            outputs = []
            for direction in range(core.directions):
                start = tuple(part[len(ends)] + nothing_B1 for part in begin)
                steps_TBX = x_TBX.gather(0, back_TB1.expand_as(x_TBX)) if direction else x_TBX
                y_TBH, end = self._pass(core.weights(layer, direction), steps_TBX, inside_TB1, start)
                outputs.append(y_TBH.gather(0, back_TB1.expand_as(y_TBH)) if direction else y_TBH)
                ends.append(end)
            x_TBX = torch.where(inside_TB1, torch.cat(outputs, -1), 0.0)
        end = tuple(torch.stack(part) for part in zip(*ends, strict=True))
        given = None if not need_state else end if core.cell.kind == "lstm" else end[0]
        return x_TBX.transpose(0, 1), given

    def _pass(self, weights: CellWeights, x_TBX: Tensor, inside_TB1: Tensor, start: State) -> tuple[Tensor, State]:
        """One layer in one direction, forward in time: outputs (T, B, H), and the state at each example's end."""
        cell = self.core.cell

        def body(state: State, read: tuple[Tensor, Tensor]) -> tuple[State, Tensor]:
            x_BX, inside_B1 = read
            new = step(cell, x_BX, state, weights)
            held = tuple(torch.where(inside_B1, one, old) for one, old in zip(new, state, strict=True))
            return held, held[0].clone()

        end, y_TBH = scan(body, start, (x_TBX, inside_TB1))
        return y_TBH, tuple(end)
