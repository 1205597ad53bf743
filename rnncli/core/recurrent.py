"""The recurrent layers that every task shares: stacked, in one or both directions, exact on any lengths.

Shape letters: B batch, T time, I input, H hidden, D directions, E = D*H, L layers, G gates.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from itertools import product
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import dropout

from rnncli.core import foreign
from rnncli.core.cells import Cell, CellWeights, State
from rnncli.core.layer import Layer
from rnncli.core.layout.packed import Packing, checked_lengths
from rnncli.core.layout.padded import Spans
from rnncli.core.native.stack import LaidLayers
from rnncli.core.paths import torch_kernels, torch_step
from rnncli.core.paths.choice import Choice

PRECISIONS = {torch.float64: "fp64", torch.float32: "fp32", torch.bfloat16: "bf16", torch.float16: "fp16"}
EXACT = (torch.float64, torch.float32)


class Recurrent(nn.Module):
    """Layers of one cell; the equations are in ``rnncli.core.cells``.

    Parameters are in the textbook's form whatever kernel is used, for layer n (the reverse direction's with
    ``_reverse`` after it): ``weight_ih_ln`` (G*H, I), ``weight_hh_ln`` (G*H, H) and ``bias_ln`` (G*H), the gates
    stacked in this order: rnn hidden; lstm input, forget, candidate, output; gru reset, update, candidate. The gru
    with ``reset="after"`` also has ``bias_hh_ln`` (H), inside its reset. A learnt initial state is ``initial_h`` and,
    of the lstm, ``initial_c`` (L*D, H).

    Where ``eight_bits`` is set, compiled kernels multiply in eight bits without gradients: weights are rounded by row,
    inputs and h by row at each step, to whole numbers up to 127 and a scale; gates, h and c stay fp32. Gradients, and
    whatever else computes, take the weights as they are.
    """

    bias_l0: Tensor

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        *,
        cell: str = "gru",
        activation: str = "tanh",
        reset: str = "before",
        layers: int = 1,
        bidirectional: bool = False,
        layer_dropout: float = 0.0,
        variational_dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        learnt_initial_state: bool = False,
    ) -> None:
        super().__init__()
        for name, size in (("input_size", input_size), ("hidden_size", hidden_size), ("layers", layers)):
            if size < 1:
                raise ValueError(f"{name} is {size}, not at least 1")
        self.cell = Cell(cell, activation, reset)
        self.input_size, self.hidden_size, self.layers = input_size, hidden_size, layers
        self.directions = 2 if bidirectional else 1
        self._choice = Choice(self.cell, hidden_size, self.directions)
        self._stack = LaidLayers(self.cell, self.directions)
        self.layer_dropout, self.variational_dropout = layer_dropout, variational_dropout
        self.recurrent_dropout = recurrent_dropout
        self.learnt_initial_state = learnt_initial_state
        self.eight_bits = False
        self._declare()
        self.reset_parameters()

    @classmethod
    def from_torch(cls, module: nn.RNNBase) -> Recurrent:
        """Layers that compute what an ``nn.RNN``, ``nn.LSTM`` or ``nn.GRU`` does, of its type and on its device.

        Dropout between layers is taken over. Whatever the module's ``batch_first`` is, these layers read (B, T, I).
        Raises ValueError for another module, and for an lstm with ``proj_size``.

        >>> layers = Recurrent.from_torch(nn.LSTM(10, 20, num_layers=2, bidirectional=True))
        """
        found = cls(**foreign.torch_settings(module))
        weight = module.get_parameter("weight_ih_l0")
        found.to(weight.device, weight.dtype).train(module.training)
        for layer, direction in found.places():
            names = foreign.torch_names(layer, direction, bias=module.bias)
            weights = [getattr(module, name) for name in names]
            found.put(layer, direction, foreign.from_torch(found.cell, *weights))
        return found

    def to_torch(self) -> nn.RNN | nn.LSTM | nn.GRU:
        """The module of ``torch.nn`` that computes the same, with ``batch_first=True``.

        Unequal lengths go into it packed. Of dropout it has that between layers alone, which counts in training only.
        Raises ValueError for what torch has not: a gru that resets before the product, a sigmoid rnn, a learnt initial
        state.

        >>> module = Recurrent(10, 20, cell="lstm").to_torch()
        """
        if self.learnt_initial_state:
            raise ValueError("torch.nn has no learnt initial state: it is given to a module at each call")
        module = foreign.torch_module(
            self.cell,
            self.input_size,
            self.hidden_size,
            self.layers,
            bidirectional=self.directions == 2,
            dropout=self.layer_dropout if self.layers > 1 else 0.0,
            batch_first=True,
        )
        module.to(self.bias_l0.device, self.bias_l0.dtype).train(self.training)
        with torch.no_grad():
            for layer, direction in self.places():
                weights = foreign.to_torch(self.weights(layer, direction), self.cell)
                for name, weight in zip(foreign.torch_names(layer, direction), weights, strict=True):
                    module.get_parameter(name).copy_(weight)
        return module

    @property
    def output_size(self) -> int:
        """E, the width of the outputs: hidden units times directions."""
        return self.directions * self.hidden_size

    def kernel(self, device: torch.device | str) -> str:
        """What computes this module on ``device``, in which precision and why, in one line for a person.

        The precision is the weights', or under autocast the one it asks for.
        """
        kind, dtype = torch.device(device).type, self._dtype(torch.device(device))
        work = self._work(kind, dtype)
        if kind == "cpu":
            path, why = self._choice.describe(work)
        elif torch_kernels.is_right(self.cell, kind, work):
            path, why = "cuDNN", "a padded batch; where lengths differ, reversed within each"
        else:
            path = "packed autograd function" + (" in CUDA graphs" if kind == "cuda" else "")
            why = "cuDNN's is off by 3e-5" if torch_kernels.has_kernel(self.cell) else "torch has no kernel for it"
        if self.eight_bits and kind == "cpu" and self._choice.compiles(work):
            why += "; products in eight bits, without gradients"
        if work != dtype:
            why += "; computed in fp32, which is " + (
                "faster on a CPU" if kind == "cpu" else "no slower and more exact"
            )
        return f"{self.cell}: {path}, {kind}, {PRECISIONS[dtype]} ({why})"

    def weights(self, layer: int, direction: int) -> CellWeights:
        """The parameters of ``layer`` (from 0), ``direction`` 0 forward or 1 reverse."""
        suffix = f"_l{layer}" + ("_reverse" if direction else "")
        names = ("weight_ih", "weight_hh", "bias") + (("bias_hh",) if self.cell.resets_after else ())
        return CellWeights(*[getattr(self, name + suffix) for name in names])

    def places(self) -> Iterator[tuple[int, int]]:
        """The layer and direction of each of the weights, in the order of the state."""
        return product(range(self.layers), range(self.directions))

    def put(self, layer: int, direction: int, weights: CellWeights) -> None:
        """Let ``weights`` be those of ``layer`` and ``direction``; their shapes must fit."""
        with torch.no_grad():
            for ours, given in zip(self.weights(layer, direction), weights, strict=True):
                if ours is not None and given is not None:
                    ours.copy_(given)

    def put_initial_state(self, state: Sequence[Tensor]) -> None:
        """Let the first L*D rows of each of ``state`` be the learnt initial state."""
        with torch.no_grad():
            for name, given in zip(self._initial_names(), state, strict=True):
                ours = getattr(self, name)
                ours.copy_(given[: len(ours)])

    def initial_state(self, batch: int) -> State:
        """Where ``batch`` sequences begin that nothing comes before: a tensor (L*D, B, H), of the lstm two."""
        return self._begin(None, batch)

    def reset_parameters(self) -> None:
        """Draw all weights anew, the same for the same torch seed.

        Input weights Xavier uniform and recurrent weights orthogonal, each gate by itself; biases zero but the
        lstm's forget gate 1 (Gers et al., 2000; Jozefowicz et al., 2015); a learnt initial state starts at zero.
        """
        for weights in self._all_weights():
            for gate_HI, gate_HH in zip(
                self._by_gate(weights.weight_ih), self._by_gate(weights.weight_hh), strict=True
            ):
                nn.init.xavier_uniform_(gate_HI)
                nn.init.orthogonal_(gate_HH)
            for gate, bias_H in zip(self.cell.gates, self._by_gate(weights.bias), strict=True):
                nn.init.constant_(bias_H, 1.0 if gate == "forget" else 0.0)
            if weights.bias_hh is not None:
                nn.init.zeros_(weights.bias_hh)
        for name in self._initial_names():
            nn.init.zeros_(getattr(self, name))

    def forward(
        self,
        x_BTI: Tensor,
        lengths_B: Tensor | None = None,
        state: Tensor | tuple[Tensor, Tensor] | None = None,
        *,
        need_state: bool = True,
    ) -> tuple[Tensor, Any]:
        """Outputs (B, T, E), zero beyond each example's length, and the state where each direction ended.

        Args:
            x_BTI: padded at the end; what lies in the padding, NaN included, has no influence.
            lengths_B: valid steps of each example, 0 to T; None is T for all.
            state: where each direction begins, (L*D, B, H), layer by layer, forward before reverse; for the lstm
                the pair (h, c) of these. The reverse direction begins at each example's last step.
            need_state: without it the second result is None, which spares an lstm on unequal lengths some work.

        The state has the form that ``state`` takes. An example without steps ends where it began. Under autocast
        both results are in its precision. Raises ValueError for shapes that do not fit.
        """
        if x_BTI.dim() != 3 or x_BTI.shape[-1] != self.input_size:
            raise ValueError(f"input of shape {tuple(x_BTI.shape)}, not (batch, time, {self.input_size})")
        batch, steps, _ = x_BTI.shape
        plain = steps > 0 and self._is_plain(x_BTI)
        if plain and self._choice.few(batch, steps, x_BTI.dtype, rounded=self.eight_bits):
            if lengths_B is not None:
                lengths_B = checked_lengths(lengths_B, batch, steps)
            if lengths_B is None:
                self._stack.lay(self._parameters.values(), self._all_weights, rounded=self.eight_bits)
                begin = () if state is None and not self.learnt_initial_state else self._begin(state, batch)
                return self._given(*self._stack.run(x_BTI, begin, need_state=need_state), need_state)
        device, dtype = x_BTI.device, self._dtype(x_BTI.device)
        begin = self._begin(state, batch)
        if plain and lengths_B is None:
            if steps == 1:
                return self._given(*self._step(x_BTI, begin), need_state)
            if not self.eight_bits and self._choice.onednn(None, batch, steps, dtype):
                weights = list(self._all_weights())
                y_TBE, end = torch_kernels.run_stack(self.cell, weights, x_BTI.transpose(0, 1), begin, self.directions)
                return self._given(y_TBE.transpose(0, 1), end, need_state)
        work = self._work(device.type, dtype)
        begin = tuple(part.to(work) for part in begin)
        batchwise = device.type != "cpu" or (not self.eight_bits and self._choice.onednn(lengths_B, batch, steps, work))
        compute = self._by_batch if batchwise else self._by_rows
        with torch.autocast(device.type, enabled=False) if dtype != self.bias_l0.dtype else nullcontext():
            y_BTE, end = compute(x_BTI, lengths_B, begin, need_state)
            y_BTE, end = y_BTE.to(dtype), tuple(part.to(dtype) for part in end)
        return self._given(y_BTE, end, need_state)

    def extra_repr(self) -> str:
        """What ``print`` shows inside the brackets."""
        both = ", bidirectional" if self.directions == 2 else ""
        return f"{self.cell}, {self.input_size} -> {self.layers}x{self.hidden_size}{both}"

    def _declare(self) -> None:
        rows, hidden = len(self.cell.gates) * self.hidden_size, self.hidden_size
        for layer in range(self.layers):
            width = self.output_size if layer else self.input_size
            shapes = {"weight_ih": (rows, width), "weight_hh": (rows, hidden), "bias": (rows,)}
            if self.cell.resets_after:
                shapes["bias_hh"] = (hidden,)
            for suffix in ("", "_reverse")[: self.directions]:
                for name, shape in shapes.items():
                    self.register_parameter(f"{name}_l{layer}{suffix}", nn.Parameter(torch.empty(shape)))
        for name in self._initial_names():
            self.register_parameter(name, nn.Parameter(torch.empty(self.layers * self.directions, hidden)))

    def _initial_names(self) -> tuple[str, ...]:
        return ("initial_h", "initial_c")[: self.cell.states] if self.learnt_initial_state else ()

    def _all_weights(self) -> Iterator[CellWeights]:
        for layer, direction in self.places():
            yield self.weights(layer, direction)

    def _used(self, layer: int, direction: int) -> CellWeights:
        """The weights of this pass: in training some recurrent ones are left out at all of its steps."""
        weights = self.weights(layer, direction)
        if not (self.training and self.recurrent_dropout):
            return weights
        # Merity, Keskar and Socher (2018), equation 1.
        return weights._replace(weight_hh=dropout(weights.weight_hh, self.recurrent_dropout))

    def _by_gate(self, stacked: Tensor) -> tuple[Tensor, ...]:
        return stacked.detach().split(self.hidden_size)

    def _dtype(self, device: torch.device) -> torch.dtype:
        """The precision to compute in: autocast's where it is on, else the weights'."""
        if torch.is_autocast_enabled(device.type):
            return torch.get_autocast_dtype(device.type)
        return self.bias_l0.dtype

    def _work(self, device: str, dtype: torch.dtype) -> torch.dtype:
        """The precision of the arithmetic.

        Lower ones are slower on a CPU, bf16 no faster than TF32 on a GPU, and loops of ours would add up errors.
        """
        if dtype in EXACT or (
            device != "cpu" and dtype != torch.bfloat16 and torch_kernels.is_right(self.cell, device, dtype)
        ):
            return dtype
        return torch.float32

    def _begin(self, state: Tensor | tuple[Tensor, Tensor] | None, batch: int) -> State:
        shape = (self.layers * self.directions, batch, self.hidden_size)
        if state is None:
            if self.learnt_initial_state:
                return tuple(getattr(self, name).unsqueeze(1).expand(shape) for name in self._initial_names())
            return (self.bias_l0.new_zeros(shape),) * self.cell.states
        parts: State = (state,) if isinstance(state, Tensor) else tuple(state)
        if [part.shape for part in parts] != [shape] * self.cell.states:
            shapes = ", ".join(str(tuple(part.shape)) for part in parts)
            raise ValueError(f"state of shape {shapes}, not {self.cell.states} times {shape}")
        return parts

    def _given(self, y_BTE: Tensor, end: State, need_state: bool) -> tuple[Tensor, Any]:
        """Outputs and state in the form that they are given in."""
        return y_BTE, None if not need_state else end if self.cell.kind == "lstm" else end[0]

    def _is_plain(self, x_BTI: Tensor) -> bool:
        """Whether there is nothing to prepare, so that what computes can be called at once."""
        if torch.is_grad_enabled() or not x_BTI.is_cpu or torch.is_autocast_enabled("cpu"):
            return False
        return x_BTI.dtype in EXACT and x_BTI.dtype == self.bias_l0.dtype and not self._drops()

    def _drops(self) -> bool:
        return self.training and bool(self.layer_dropout or self.variational_dropout or self.recurrent_dropout)

    def _step(self, x_B1I: Tensor, begin: State) -> tuple[Tensor, State]:
        """A single step of all layers, without gradients."""
        x_BX, ends = x_B1I[:, 0], []
        starts = list(zip(*(part.unbind() for part in begin), strict=True))
        for layer in range(self.layers):
            for d in range(self.directions):
                ends.append(torch_step.one_step(self.cell, self.weights(layer, d), x_BX, starts[len(ends)]))
            x_BX = ends[-1][0] if self.directions == 1 else torch.cat([ends[-2][0], ends[-1][0]], 1)
        if len(ends) == 1:
            return x_BX.unsqueeze(1), tuple(part.unsqueeze(0) for part in ends[0])
        return x_BX.unsqueeze(1), tuple(torch.stack(part) for part in zip(*ends, strict=True))

    def _by_rows(self, x_BTI: Tensor, lengths_B: Tensor | None, begin: State, need_state: bool) -> tuple[Tensor, State]:
        """All layers over rows without padding, in the precision of ``begin``."""
        dtype, (batch, steps, _) = begin[0].dtype, x_BTI.shape
        compute, parts = self._choice.by_rows(batch, dtype, rounded=self.eight_bits)
        packing = Packing(lengths_B, batch, steps, parts)
        begin = tuple(packing.sorted(part) for part in begin)
        x_NX = packing.pack(x_BTI.to(dtype))
        ends: list[State] = []
        for layer in range(self.layers):
            x_NX = self._drop(x_NX, layer, packing.spread, len(x_BTI))
            at = slice(layer * self.directions, (layer + 1) * self.directions)
            weights = [self._used(layer, d).map(lambda part: part.to(dtype)) for d in range(self.directions)]
            x_NX, end = compute(Layer(self.cell, weights, x_NX, tuple(part[at] for part in begin), packing))
            ends.append(end)
        if not need_state:
            return packing.unpack(x_NX), ()
        return packing.unpack(x_NX), tuple(packing.unsorted(torch.cat(part)) for part in zip(*ends, strict=True))

    def _by_batch(
        self, x_BTI: Tensor, lengths_B: Tensor | None, begin: State, need_state: bool
    ) -> tuple[Tensor, State]:
        """All layers over the padded batch, through the kernels of torch where it has them."""
        batch, steps, _ = x_BTI.shape
        spans = Spans(lengths_B, batch, steps, x_BTI.device)
        if steps == 0:
            return x_BTI.new_zeros(batch, 0, self.output_size), begin
        dtype = begin[0].dtype
        x_TBX = spans.cleared(x_BTI.to(dtype).transpose(0, 1))
        in_one_call = torch_kernels.is_right_for_stack(self.cell, x_TBX, spans, self.directions, need_state=need_state)
        groups = [range(self.layers)] if in_one_call and not self._drops() else [[n] for n in range(self.layers)]
        ends: list[State] = []
        for layers in groups:
            x_TBX = self._drop(x_TBX, layers[0], lambda mask_BX: mask_BX, batch)
            first = layers[0] * self.directions
            weights = [
                self._used(n, d).map(lambda part: part.to(dtype)) for n in layers for d in range(self.directions)
            ]
            start = tuple(part[first : first + len(weights)] for part in begin)
            if in_one_call:
                x_TBX, end = torch_kernels.run_stack(self.cell, weights, x_TBX, start, self.directions)
            else:
                x_TBX, end = self._by_direction(weights, x_TBX, start, spans, need_state=need_state)
            ends.append(end)
        y_BTE = spans.cleared(x_TBX).transpose(0, 1)
        return y_BTE, tuple(torch.cat(part) for part in zip(*ends, strict=True))

    def _by_direction(
        self, weights: list[CellWeights], x_TBX: Tensor, begin: State, spans: Spans, *, need_state: bool
    ) -> tuple[Tensor, State]:
        """One layer, each direction by itself: outputs (T, B, E) and the state (D, B, H)."""
        outputs: list[Tensor] = []
        ends: list[State] = []
        for d, one in enumerate(weights):
            steps_TBX = spans.reversed(x_TBX) if d else x_TBX
            y_TBH, end = torch_kernels.run_layer(
                self.cell, one, steps_TBX, tuple(part[d] for part in begin), spans, need_state=need_state
            )
            outputs.append(spans.reversed(y_TBH) if d else y_TBH)
            ends.append(end)
        y_TBE = torch.cat(outputs, -1) if len(outputs) > 1 else outputs[0]
        return y_TBE, tuple(torch.stack(part) for part in zip(*ends, strict=True))

    def _drop(self, x_RX: Tensor, layer: int, spread: Callable[[Tensor], Tensor], batch: int) -> Tensor:
        """Dropout on a layer's input; ``spread`` lays a mask of the batch (B, X) over its rows."""
        if layer and self.layer_dropout:
            x_RX = dropout(x_RX, self.layer_dropout, self.training)
        if self.training and self.variational_dropout:
            # Gal and Ghahramani (2016): what is dropped stays dropped at every step of the sequence.
            ones_BX = torch.ones(batch, x_RX.shape[-1], dtype=x_RX.dtype, device=x_RX.device)
            x_RX = x_RX * spread(dropout(ones_BX, self.variational_dropout))
        return x_RX
