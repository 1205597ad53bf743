"""What goes on inside of recurrent layers: gates, h and c of every step, rebuilt from what a layer reads and writes.

Each gate at step t is a function of x_t and h_(t-1) (equations 1 to 12 of :mod:`rnncli.core.cells`), and both are there
once a layer has been computed: two products for all steps at once give the gates, a third the candidate of a gru that
resets before the product, and a scan gives the lstm's c. So whatever computed a layer, compiled kernels, oneDNN, cuDNN
or a graph of it, need not be asked.

Shape letters: B batch, T time, I input, H hidden of one direction, E all directions, L layers, D directions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from rnncli.core.cells import ACTIVATIONS, Cell, CellWeights, State
from rnncli.core.layout.padded import Spans
from rnncli.core.reach import DIRECTIONS
from rnncli.core.recurrent import Recurrent

KEEPS = {"lstm": "forget", "gru": "update"}
"""By cell the gate that says what stays of a unit: the lstm keeps f of its c, the gru 1 - z of its h."""


class Inside(NamedTuple):
    """One direction of one layer at all steps; ``gates`` by the names of ``Cell.gates``, all tensors (B, T, H).

    Beyond an example's length all is 0. ``c_BTH`` is None but of an lstm; ``begin_BH`` is the h that a direction began
    with. ``off`` is how far the rebuilt h is from what the layer wrote, at most.
    """

    gates: dict[str, Tensor]
    h_BTH: Tensor
    c_BTH: Tensor | None
    begin_BH: Tensor
    off: float

    def values(self) -> dict[str, Tensor]:
        """The gates, ``h`` and, of an lstm, ``c``, by name."""
        memory = {} if self.c_BTH is None else {"c": self.c_BTH}
        return {**self.gates, "h": self.h_BTH, **memory}


class Pass(NamedTuple):
    """What a module read and wrote in one call; ``lengths_B`` lie on the CPU, ``state`` is where it began."""

    x_BTI: Tensor
    lengths_B: Tensor
    state: State
    y_BTE: Tensor


@torch.no_grad()
def observed(layers: Sequence[Recurrent], compute: Callable[[], Any]) -> dict[nn.Module, Pass]:
    """What each of ``layers`` read and wrote in its first call while ``compute`` ran; those not called are left out."""
    found: dict[nn.Module, Pass] = {}

    def written(module: nn.Module, arguments: tuple[Any, ...], options: Mapping[str, Any], result: Any) -> None:
        if module not in found:
            assert isinstance(module, Recurrent)
            found[module] = _pass(module, *arguments, y_BTE=result[0], **options)

    hooks = [one.register_forward_hook(written, with_kwargs=True) for one in layers]
    try:
        compute()
    finally:
        for hook in hooks:
            hook.remove()
    return found


@torch.no_grad()
def rebuilt(core: Recurrent, seen: Pass) -> list[list[Inside]]:
    """The inside of each layer of ``core`` and each of its directions, in the precision of its weights.

    Of all layers but the last what they wrote is computed again, a layer at a time. Dropout has no part in it.
    """
    dtype, (batch, steps, _) = core.bias_l0.dtype, seen.x_BTI.shape
    spans = Spans(seen.lengths_B, batch, steps, seen.x_BTI.device)
    x_TBX = spans.cleared(seen.x_BTI.to(dtype).transpose(0, 1))
    found: list[list[Inside]] = []
    for layer in range(core.layers):
        at = slice(layer * core.directions, (layer + 1) * core.directions)
        begin = tuple(part[at].to(dtype) for part in seen.state)
        if layer == core.layers - 1:
            y_BTE = seen.y_BTE
        else:
            given: Any = begin if core.cell.states == 2 else begin[0]
            y_BTE, _ = _alone(core, layer)(x_TBX.transpose(0, 1), seen.lengths_B, given, need_state=False)
        y_TBE = y_BTE.to(dtype).transpose(0, 1)
        weights = [core.weights(layer, d) for d in range(core.directions)]
        parts = zip(weights, y_TBE.split(core.hidden_size, -1), zip(*begin, strict=True), strict=True)
        found.append([_direction(core.cell, d, x_TBX, *part, spans) for d, part in enumerate(parts)])
        x_TBX = y_TBE
    return found


def named(layers: Sequence[Sequence[Inside]]) -> dict[str, Tensor]:
    """All of it under names such as ``layer1.forward.forget``, layers counted from 1, tensors (B, T, H)."""
    return {
        f"layer{number}.{direction}.{name}": value
        for number, parts in enumerate(layers, start=1)
        for direction, part in zip(DIRECTIONS, parts, strict=False)
        for name, value in part.values().items()
    }


def _pass(
    core: Recurrent,
    x_BTI: Tensor,
    lengths_B: Tensor | None = None,
    state: Tensor | tuple[Tensor, Tensor] | None = None,
    *,
    y_BTE: Tensor,
    need_state: bool = True,
) -> Pass:
    """A call of a module in one form, whatever was left out of it."""
    batch, steps, _ = x_BTI.shape
    lengths_B = torch.full((batch,), steps) if lengths_B is None else lengths_B.cpu()
    begin = core.initial_state(batch) if state is None else (state,) if isinstance(state, Tensor) else tuple(state)
    return Pass(x_BTI, lengths_B, begin, y_BTE)


def _alone(core: Recurrent, layer: int) -> Recurrent:
    """One layer of ``core`` as a module of its own, which shares its weights."""
    cell = core.cell
    with torch.device("meta"):  # nothing is drawn
        found = Recurrent(
            core.output_size if layer else core.input_size,
            core.hidden_size,
            cell=cell.kind,
            activation=cell.activation,
            reset=cell.reset,
            bidirectional=core.directions == 2,
        )
    own = {name.replace("_l0", f"_l{layer}"): name for name, _ in found.named_parameters()}
    found.load_state_dict({own[name]: one for name, one in core.named_parameters() if name in own}, assign=True)
    return found.eval()


def _direction(
    cell: Cell, direction: int, x_TBX: Tensor, weights: CellWeights, y_TBH: Tensor, begin: State, spans: Spans
) -> Inside:
    """One direction of a layer; ``begin`` is where it begins, each (B, H)."""

    def turned(z_TBX: Tensor) -> Tensor:
        return spans.reversed(z_TBX) if direction else z_TBX

    x_TBX, own_TBH = turned(x_TBX), turned(y_TBH)
    before_TBH = torch.cat([begin[0][None], own_TBH[:-1]])[: len(own_TBH)]
    gates = _GATES[cell.kind](cell, x_TBX, before_TBH, weights)
    c_TBH = _scanned(gates, begin[1]) if cell.kind == "lstm" else None
    h_TBH = _h(cell, gates, before_TBH, c_TBH)
    off = float((spans.cleared(h_TBH) - own_TBH).abs().max()) if h_TBH.numel() else 0.0

    def given(z_TBH: Tensor) -> Tensor:
        return spans.cleared(turned(z_TBH)).transpose(0, 1)

    of_gates = {name: given(gate) for name, gate in gates.items()}
    return Inside(of_gates, given(h_TBH), None if c_TBH is None else given(c_TBH), begin[0], off)


def _rnn(cell: Cell, x_TBX: Tensor, before_TBH: Tensor, weights: CellWeights) -> dict[str, Tensor]:
    W_ih, W_hh, b_h, _ = weights
    return {"hidden": ACTIVATIONS[cell.activation](x_TBX @ W_ih.T + b_h + before_TBH @ W_hh.T)}  # (1)


def _lstm(cell: Cell, x_TBX: Tensor, before_TBH: Tensor, weights: CellWeights) -> dict[str, Tensor]:
    W_ih, W_hh, bias, _ = weights
    i, f, candidate, o = (x_TBX @ W_ih.T + bias + before_TBH @ W_hh.T).chunk(4, -1)
    found = (torch.sigmoid(i), torch.sigmoid(f), torch.tanh(candidate), torch.sigmoid(o))  # (4), (3), (6), (5)
    return dict(zip(cell.gates, found, strict=True))


def _gru(cell: Cell, x_TBX: Tensor, before_TBH: Tensor, weights: CellWeights) -> dict[str, Tensor]:
    W_ih, W_hh, bias, b_rx = weights
    W_hr, W_hz, W_rx = W_hh.chunk(3)
    x_r, x_z, x_h = (x_TBX @ W_ih.T + bias).chunk(3, -1)
    r = torch.sigmoid(x_r + before_TBH @ W_hr.T)  # (10)
    z = torch.sigmoid(x_z + before_TBH @ W_hz.T)  # (9)
    if b_rx is None:
        candidate = torch.tanh(x_h + (r * before_TBH) @ W_rx.T)  # (11)
    else:
        candidate = torch.tanh(x_h + r * (before_TBH @ W_rx.T + b_rx))  # (11')
    return dict(zip(cell.gates, (r, z, candidate), strict=True))


_GATES: dict[str, Callable[[Cell, Tensor, Tensor, CellWeights], dict[str, Tensor]]] = {
    "rnn": _rnn,
    "lstm": _lstm,
    "gru": _gru,
}


def _scanned(gates: Mapping[str, Tensor], c_BH: Tensor) -> Tensor:
    """c of all steps, (T, B, H), equation (7)."""
    added_TBH, found = gates["input"] * gates["candidate"], torch.empty_like(gates["input"])
    for at, (f_BH, added_BH) in enumerate(zip(gates["forget"], added_TBH, strict=True)):
        c_BH = found[at] = f_BH * c_BH + added_BH
    return found


def _h(cell: Cell, gates: Mapping[str, Tensor], before_TBH: Tensor, c_TBH: Tensor | None) -> Tensor:
    """h of all steps, (T, B, H), equations (1), (8) and (12)."""
    if c_TBH is not None:
        return gates["output"] * torch.tanh(c_TBH)
    if cell.kind == "gru":
        return (1 - gates["update"]) * before_TBH + gates["update"] * gates["candidate"]
    return gates["hidden"]
