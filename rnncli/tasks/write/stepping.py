"""A model of texts one symbol at a time, in numpy: writing is as fast as products of one vector with a matrix are.

At batch 1 most of the time of a step in torch is spent between its calls. Here what the first layer makes of each
symbol is a table, and sigmoid(x) is (1 + tanh(x / 2)) / 2, so that all gates take one call. The cells are those of
:mod:`rnncli.core.cells`, whose equations the comments name. A Transformer takes its steps in torch.

Shape letters: V symbols, W width of an embedding, H hidden, G gates, I input of a layer, E outputs of the core.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import cache
from typing import Any, NamedTuple, Protocol

import numpy as np
import torch
from threadpoolctl import ThreadpoolController
from torch import Tensor

from rnncli.core.cells import Cell, CellWeights
from rnncli.core.contract import Core
from rnncli.core.recurrent import Recurrent
from rnncli.heads.symbols import SymbolHead
from rnncli.tasks.write.going import Behind
from rnncli.tasks.write.members import parted

LARGEST_TABLE = 1 << 28
"""Bytes that the table of the first layer may take; a larger one is not made, and each step computes its row."""

LayerState = tuple[np.ndarray, ...]
"""What a layer hands from step to step, each (H,): h or, of an lstm, h and c."""
State = tuple[LayerState, ...] | tuple[Tensor, ...]
"""That of all layers of a model."""
_Step = Callable[[np.ndarray, LayerState], LayerState]


class Network(Protocol):
    """What a step is made of; row V of ``table`` (V + 1, W) is the begin of a document."""

    core: Core
    head: SymbolHead

    @property
    def table(self) -> Tensor:
        """The embeddings of all symbols and of the begin."""
        ...


class Stepper:
    """Networks that read one symbol and foretell the next; of several the probabilities are averaged.

    Raises ValueError for a core that also reads backward.
    """

    def __init__(self, networks: Sequence[Network]) -> None:
        self.models = [_Recurrent(one) if isinstance(one.core, Recurrent) else _Whole(one) for one in networks]
        self.begin_symbol = len(networks[0].table) - 1

    def begin(self) -> Behind:
        """Before the first symbol of a document."""
        return self._after([model.begin() for model in self.models], self.begin_symbol)

    def after(self, behind: Behind, symbol: int) -> Behind:
        """One symbol further."""
        return self._after(behind.states, symbol)

    def steadily(self) -> AbstractContextManager[None]:
        """On one thread."""
        return one_thread()

    def _after(self, states: Sequence[State], symbol: int) -> Behind:
        found = [model(state, symbol) for model, state in zip(self.models, states, strict=True)]
        logits_V = found[0][0] if len(found) == 1 else _averaged([logits_V for logits_V, _ in found])
        return Behind(logits_V, tuple(state for _, state in found))


@contextmanager
def one_thread() -> Iterator[None]:
    """On one thread, so that sums are rounded alike wherever there are more of them; it is faster, too."""
    threads = torch.get_num_threads()
    with _controller().limit(limits=1, user_api="blas"):
        torch.set_num_threads(1)
        try:
            yield
        finally:
            torch.set_num_threads(threads)


@cache
def _controller() -> ThreadpoolController:
    return ThreadpoolController()


def _averaged(logits: Sequence[np.ndarray]) -> np.ndarray:
    """The logarithm of the mean of probabilities, (V,)."""
    shares = [np.exp(one_V - one_V.max()) for one_V in logits]
    mean_V = np.mean([one_V / one_V.sum() for one_V in shares], axis=0)
    with np.errstate(divide="ignore"):
        return np.log(mean_V)


class _Whole:
    """A step of one model whose core is no recurrent one, by the core itself."""

    def __init__(self, network: Network) -> None:
        self.core, self.head = network.core, network.head
        with torch.no_grad():
            self.table_VW = network.table.detach().float()

    @torch.no_grad()
    def __call__(self, state: Any, symbol: int) -> tuple[np.ndarray, State]:
        y_11E, end = self.core(self.table_VW[symbol][None, None], None, state)
        return self.head(y_11E[0, 0]).cpu().double().numpy(), end

    def begin(self) -> State:
        """The state before the first step."""
        return self.core.initial_state(1)


class _Recurrent:
    """The weights of one model with recurrent layers, and a step of it."""

    def __init__(self, network: Network) -> None:
        core = network.core
        assert isinstance(core, Recurrent)
        if core.directions != 1:
            raise ValueError("a core that reads backward cannot write: what comes is not there to be read")
        self.core = core
        self.weights = [_scaled(core.cell, core.weights(layer, 0)) for layer in range(core.layers)]
        self.steps = [_STEPS[core.cell.kind](core.cell, weights) for weights in self.weights]
        self.table_VW = _array(network.table)
        self.inputs_VG = self._table()
        head = network.head
        self.weight_VW, self.bias_V = _array(head.weight), _array(head.bias).astype(np.float64)
        self.project_WE = None if head.project is None else _array(head.project.weight)

    def __call__(self, state: Any, symbol: int) -> tuple[np.ndarray, State]:
        ends: list[LayerState] = []
        into_G = self._into(symbol)
        for layer, step in enumerate(self.steps):
            if layer:
                into_G = self.weights[layer].into(ends[-1][0])
            ends.append(step(into_G, state[layer]))
        y_E = ends[-1][0]
        if self.project_WE is not None:
            y_E = self.project_WE @ y_E
        return self.weight_VW @ y_E + self.bias_V, tuple(ends)

    def begin(self) -> State:
        """The state before the first step."""
        return tuple(zip(*(_array(part)[:, 0] for part in parted(self.core.initial_state(1))), strict=True))

    def _table(self) -> np.ndarray | None:
        """What the first layer gets of each symbol, (V + 1, G*H); None where that is too large."""
        first = self.weights[0]
        if len(self.table_VW) * len(first.bias) * self.table_VW.itemsize > LARGEST_TABLE:
            return None
        with one_thread():
            return self.table_VW @ first.weight_ih.T + first.bias

    def _into(self, symbol: int) -> np.ndarray:
        return self.weights[0].into(self.table_VW[symbol]) if self.inputs_VG is None else self.inputs_VG[symbol]


class _Weights(NamedTuple):
    """As :class:`rnncli.core.cells.CellWeights`, the rows of gates that are sigmoids halved."""

    weight_ih: np.ndarray
    weight_hh: np.ndarray
    bias: np.ndarray
    bias_hh: np.ndarray | None

    def into(self, x_I: np.ndarray) -> np.ndarray:
        """W x + b, (G*H,)."""
        return self.weight_ih @ x_I + self.bias


def _scaled(cell: Cell, weights: CellWeights) -> _Weights:
    hidden = weights.weight_hh.shape[1]
    halved = [cell.kind != "rnn" and gate != "candidate" for gate in cell.gates]
    scale_G1 = np.repeat(np.where(halved, 0.5, 1.0).astype(np.float32), hidden)[:, None]
    weight_ih, weight_hh, bias = (_array(part) for part in weights[:3])
    inner = None if weights.bias_hh is None else _array(weights.bias_hh)
    return _Weights(weight_ih * scale_G1, weight_hh * scale_G1, bias * scale_G1[:, 0], inner)


def _rnn(cell: Cell, weights: _Weights) -> _Step:
    weight_hh, activation = weights.weight_hh, _ACTIVATIONS[cell.activation]

    def step(into_H: np.ndarray, state: LayerState) -> LayerState:
        return (activation(weight_hh @ state[0] + into_H),)  # (1)

    return step


def _lstm(cell: Cell, weights: _Weights) -> _Step:
    weight_hh, hidden = weights.weight_hh, weights.weight_hh.shape[1]

    def step(into_G: np.ndarray, state: LayerState) -> LayerState:
        h_H, c_H = state
        gates_G = weight_hh @ h_H
        gates_G += into_G
        np.tanh(gates_G, out=gates_G)  # (3) to (6)
        i_H, f_H, candidate_H, o_H = gates_G.reshape(4, hidden)
        c_H = 0.5 * ((f_H + 1) * c_H + (i_H + 1) * candidate_H)  # (7)
        return 0.5 * (o_H + 1) * np.tanh(c_H), c_H  # (8)

    return step


def _gru(cell: Cell, weights: _Weights) -> _Step:
    hidden = weights.weight_hh.shape[1]
    gates_hh, candidate_hh = np.split(weights.weight_hh, [2 * hidden])
    inner_H = weights.bias_hh

    def step(into_G: np.ndarray, state: LayerState) -> LayerState:
        (h_H,) = state
        gates_G = np.tanh(gates_hh @ h_H + into_G[: 2 * hidden])  # (9), (10)
        r_H, z_H = 0.5 * gates_G.reshape(2, hidden) + 0.5
        if inner_H is None:
            candidate_H = np.tanh(candidate_hh @ (r_H * h_H) + into_G[2 * hidden :])  # (11)
        else:
            candidate_H = np.tanh(r_H * (candidate_hh @ h_H + inner_H) + into_G[2 * hidden :])  # (11')
        return (h_H + z_H * (candidate_H - h_H),)  # (12)

    return step


def _sigmoid(x: np.ndarray) -> np.ndarray:
    return 0.5 * np.tanh(0.5 * x) + 0.5


_ACTIVATIONS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "tanh": np.tanh,
    "sigmoid": _sigmoid,
    "relu": lambda x: np.maximum(x, 0),
}
_STEPS: dict[str, Callable[[Cell, _Weights], _Step]] = {"rnn": _rnn, "lstm": _lstm, "gru": _gru}


def _array(weight: Tensor) -> np.ndarray:
    return np.ascontiguousarray(weight.detach().to("cpu", torch.float32).numpy())
