"""A Transformer as a core beside the recurrent one: it keeps the same contract, and is exact on any lengths.

Layers of attention and of a feed-forward network (Vaswani et al., 2017), each reading what a layer normalisation leaves
of the sum so far (Xiong et al., 2020)::

    x = x + attention(norm(x))
    x = x + W_2 relu(W_1 norm(x) + b_1) + b_2

Where a step stands tells the angle by which queries and keys are turned (Su et al., 2021), so that only distances
count, and where a piece of a sequence was cut off does not. Reading forward, a step attends to itself and to the
``context`` steps before it: the keys and values of so many steps are the state, which never grows.

Shape letters: B batch, T time, I input, H width, N heads, D width of a head, L layers, C context, S steps attended to.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import dropout, relu, scaled_dot_product_attention

from rnncli.core.layout.packed import checked_lengths
from rnncli.core.recurrent import PRECISIONS, Recurrent

BASE = 10_000.0
"""Of the angles: the slowest pair of a head turns once in about 2 pi times so many steps."""

State = tuple[Tensor, ...]
"""Keys and values of the steps before, each (L, B, C, H) and at the end of C, and how many there are, (1, B)."""


class Transformer(nn.Module):
    """Layers of attention; ``gru=True`` puts a recurrent layer on top, which reads what they write.

    Without ``bidirectional`` it is causal: a step sees those before it. With it, a step sees the whole sequence.

    Dropout: ``layer_dropout`` of what each layer adds, ``variational_dropout`` of the inputs with one mask for all
    steps; attention itself is left whole, so that it stays one fused product.

    >>> layers = Transformer(10, 64, layers=2, heads=4)
    >>> outputs_BTH, state = layers(torch.randn(3, 7, 10), torch.tensor([7, 0, 4]))
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        *,
        layers: int = 2,
        heads: int = 4,
        feed_forward: int = 4,
        context: int = 256,
        bidirectional: bool = False,
        layer_dropout: float = 0.0,
        variational_dropout: float = 0.0,
        gru: bool = False,
    ) -> None:
        super().__init__()
        sizes = {"input_size": input_size, "hidden_size": hidden_size, "layers": layers, "heads": heads}
        for name, size in (sizes | {"feed_forward": feed_forward, "context": context}).items():
            if size < 1:
                raise ValueError(f"{name} is {size}, not at least 1")
        if hidden_size % (2 * heads):
            raise ValueError(f"a width of {hidden_size} does not divide into {heads} heads of an even width")
        self.input_size, self.hidden_size, self.layers = input_size, hidden_size, layers
        self.heads, self.context, self.causal = heads, context, not bidirectional
        self.variational_dropout = variational_dropout
        self.read = nn.Linear(input_size, hidden_size)
        self.blocks = nn.ModuleList(Block(hidden_size, heads, feed_forward, layer_dropout) for _ in range(layers))
        self.norm = nn.LayerNorm(hidden_size)
        self.gru = Recurrent(hidden_size, hidden_size, bidirectional=bidirectional) if gru else None
        self.directions = self.gru.directions if self.gru is not None else 1
        self.reset_parameters()

    @property
    def output_size(self) -> int:
        """The width of the outputs: H, or that of the recurrent layer on top."""
        return self.directions * self.hidden_size

    def initial_state(self, batch: int) -> State:
        """Where ``batch`` sequences begin that nothing comes before: no keys, no values, none counted."""
        nothing = self.read.weight.new_zeros(self.layers, batch, self.context, self.hidden_size)
        begun = (nothing, nothing, torch.zeros(1, batch, dtype=torch.int64, device=nothing.device))
        return begun if self.gru is None else (*begun, *self.gru.initial_state(batch))

    def kernel(self, device: torch.device | str) -> str:
        """What computes this module on ``device``, in which precision, in one line for a person."""
        kind = torch.device(device).type
        dtype = torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else self.read.weight.dtype
        sees = f"the {self.context} steps before" if self.causal else "the whole sequence"
        end = "" if self.gru is None else f"; then {self.gru.kernel(device)}"
        return f"transformer: scaled_dot_product_attention, {kind}, {PRECISIONS[dtype]} (a step sees {sees}){end}"

    def reset_parameters(self) -> None:
        """Draw all weights anew, the same for the same torch seed.

        Xavier uniform, what layers add scaled down by their number (Radford et al., 2019); biases zero.
        """
        for layer in self.modules():
            if isinstance(layer, nn.Linear):
                nn.init.xavier_uniform_(layer.weight)
                nn.init.zeros_(layer.bias)
        for block in self.blocks:
            assert isinstance(block, Block)
            for layer in (block.join, block.narrow):
                nn.init.xavier_uniform_(layer.weight, gain=1 / math.sqrt(2 * self.layers))
        if self.gru is not None:
            self.gru.reset_parameters()

    def forward(
        self, x_BTI: Tensor, lengths_B: Tensor | None = None, state: Any = None, *, need_state: bool = True
    ) -> tuple[Tensor, Any]:
        """Outputs (B, T, E), zero beyond each example's length, and what the steps that follow may attend to.

        Args:
            x_BTI: padded at the end; what lies in the padding, NaN included, has no influence.
            lengths_B: valid steps of each example, 0 to T; None is T for all.
            state: what :meth:`initial_state` or an earlier call gave: steps before those of ``x_BTI``.
            need_state: without it the second result is None.

        An example without steps ends where it began. Raises ValueError for shapes that do not fit.
        """
        if x_BTI.dim() != 3 or x_BTI.shape[-1] != self.input_size:
            raise ValueError(f"input of shape {tuple(x_BTI.shape)}, not (batch, time, {self.input_size})")
        batch, steps, _ = x_BTI.shape
        lengths_B = None if lengths_B is None else checked_lengths(lengths_B, batch, steps)
        own, above = self._parted(state, batch)
        inside_BT1 = None
        if lengths_B is not None:
            inside_BT1 = (torch.arange(steps) < lengths_B[:, None]).to(x_BTI.device)[..., None]
            x_BTI = x_BTI.masked_fill(~inside_BT1, 0)
        y_BTH, kept = self._attended(x_BTI.to(self.read.weight.dtype), lengths_B, own)
        if inside_BT1 is not None:
            y_BTH = y_BTH.masked_fill(~inside_BT1, 0)
        end = self._end(kept, own, lengths_B, steps) if need_state else None
        if self.gru is None:
            return y_BTH, end
        y_BTE, last = self.gru(y_BTH, lengths_B, above, need_state=need_state)
        return y_BTE, None if end is None else (*end, last)

    def extra_repr(self) -> str:
        """What ``print`` shows inside the brackets."""
        sees = f"causal, context {self.context}" if self.causal else "bidirectional"
        return f"{self.input_size} -> {self.layers}x{self.hidden_size}, {self.heads} heads, {sees}"

    def _parted(self, state: Any, batch: int) -> tuple[Cache | None, Tensor | None]:
        """What is attended to of a state, and the state of the recurrent layer."""
        if state is None:
            return None, None
        shapes = [tuple(part.shape) for part in self.initial_state(batch)]
        if not isinstance(state, tuple) or [tuple(part.shape) for part in state] != shapes:
            found = [tuple(part.shape) for part in (state if isinstance(state, tuple) else (state,))]
            raise ValueError(f"state of shapes {found}, not {shapes}")
        return Cache(*state[:3]), state[3] if self.gru is not None else None

    def _attended(
        self, x_BTI: Tensor, lengths_B: Tensor | None, own: Cache | None
    ) -> tuple[Tensor, list[tuple[Tensor, Tensor]]]:
        """All layers: outputs (B, T, H), and of each the keys and values of these steps, (B, T, H)."""
        batch, steps, _ = x_BTI.shape
        if self.training and self.variational_dropout:
            x_BTI = x_BTI * dropout(x_BTI.new_ones(batch, 1, self.input_size), self.variational_dropout)
        x_BTH, kept = self.read(x_BTI), []
        before = self.context if own is not None else 0
        turn = _turn(before + steps, self.hidden_size // self.heads, x_BTH.device)
        mask = self._mask(batch, steps, lengths_B, own, x_BTH.device)
        for layer, block in enumerate(self.blocks):
            cached = None if own is None else (own.keys_LBCH[layer], own.values_LBCH[layer])
            x_BTH, pair = block(x_BTH, turn, mask, cached)
            kept.append(pair)
        return self.norm(x_BTH), kept

    def _mask(
        self, batch: int, steps: int, lengths_B: Tensor | None, own: Cache | None, device: torch.device
    ) -> Tensor | None:
        """Which steps S a step may attend to, (B or 1, 1, T or 1, S); None for all.

        Every step, also one of the padding, has one to attend to, or there would be nothing to divide by.
        """
        ahead_TT = torch.arange(steps, device=device)
        mask_BTT = None
        if self.causal:
            distance_TT = ahead_TT[:, None] - ahead_TT
            mask_BTT = ((distance_TT >= 0) & (distance_TT <= self.context))[None]
        elif lengths_B is not None:
            mask_BTT = (ahead_TT < lengths_B.to(device).clamp(min=1)[:, None])[:, None]
        if own is None:
            return None if mask_BTT is None else mask_BTT[:, None]
        if mask_BTT is None:
            mask_BTT = torch.ones(1, 1, steps, dtype=torch.bool, device=device)
        slots_C = torch.arange(self.context, device=device)
        mask_BTC = (slots_C >= self.context - own.count_1B[0, :, None])[:, None]
        if self.causal:
            mask_BTC = mask_BTC & (slots_C >= ahead_TT[:, None])
        rows = max(mask_BTC.shape[1], mask_BTT.shape[1])
        parts = [mask_BTC.expand(batch, rows, -1), mask_BTT.expand(batch, rows, -1)]
        return torch.cat(parts, -1)[:, None]

    def _end(self, kept: list[tuple[Tensor, Tensor]], own: Cache | None, lengths_B: Tensor | None, steps: int) -> State:
        """The last ``context`` steps of what came before and of this, and how many of them there are."""
        batch, device = len(kept[0][0]), kept[0][0].device
        if own is None:
            nothing, _, count_1B = self.initial_state(batch)[:3]
            own = Cache(nothing, nothing, count_1B)
        lengths_B = torch.full((batch,), steps) if lengths_B is None else lengths_B
        lengths_B = lengths_B.to(device)
        slots_BC = lengths_B[:, None] + torch.arange(self.context, device=device)
        at_BCH = slots_BC[..., None].expand(-1, -1, self.hidden_size)
        ends = []
        for before_LBCH, news in zip(own[:2], zip(*kept, strict=True), strict=True):
            both = (torch.cat([old, new.to(old.dtype)], 1) for old, new in zip(before_LBCH, news, strict=True))
            ends.append(torch.stack([one_BSH.gather(1, at_BCH) for one_BSH in both]))
        return *ends, (own.count_1B + lengths_B).clamp(max=self.context)


class Cache(NamedTuple):
    """What came before: see ``State``."""

    keys_LBCH: Tensor
    values_LBCH: Tensor
    count_1B: Tensor


class Block(nn.Module):
    """A layer: attention, then a feed-forward network."""

    def __init__(self, width: int, heads: int, feed_forward: int, share: float) -> None:
        super().__init__()
        self.heads, self.share = heads, share
        self.norm_attention, self.norm_feed_forward = nn.LayerNorm(width), nn.LayerNorm(width)
        self.query, self.key, self.value, self.join = (nn.Linear(width, width) for _ in range(4))
        self.wide, self.narrow = nn.Linear(width, feed_forward * width), nn.Linear(feed_forward * width, width)

    def forward(
        self, x_BTH: Tensor, turn: tuple[Tensor, Tensor], mask: Tensor | None, cached: tuple[Tensor, Tensor] | None
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """Outputs (B, T, H), and the keys and values of these steps, which a step that follows attends to."""
        normed_BTH = self.norm_attention(x_BTH)
        key_BTH, value_BTH = self.key(normed_BTH), self.value(normed_BTH)
        keys_BSH, values_BSH = key_BTH, value_BTH
        if cached is not None:
            keys_BSH = torch.cat([cached[0].to(key_BTH.dtype), key_BTH], 1)
            values_BSH = torch.cat([cached[1].to(key_BTH.dtype), value_BTH], 1)
        steps = x_BTH.shape[1]
        ours = slice(keys_BSH.shape[1] - steps, None)
        query_BNTD = _turned(self._by_head(self.query(normed_BTH)), turn[0][ours], turn[1][ours])
        key_BNSD, value_BNSD = _turned(self._by_head(keys_BSH), *turn), self._by_head(values_BSH)
        y_BNTD = scaled_dot_product_attention(query_BNTD, key_BNSD, value_BNSD, mask)
        x_BTH = x_BTH + dropout(self.join(y_BNTD.transpose(1, 2).flatten(2)), self.share, self.training)
        wide = relu(self.wide(self.norm_feed_forward(x_BTH)))
        return x_BTH + dropout(self.narrow(wide), self.share, self.training), (key_BTH, value_BTH)

    def _by_head(self, x_BSH: Tensor) -> Tensor:
        return x_BSH.unflatten(-1, (self.heads, -1)).transpose(1, 2)


def _turn(steps: int, width: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Cosine and sine of the angle of each pair of a head at each step, (S, D / 2)."""
    speed_P = BASE ** (-torch.arange(0, width, 2, device=device, dtype=torch.float64) / width)
    angle_SP = torch.arange(steps, device=device, dtype=torch.float64)[:, None] * speed_P
    return angle_SP.cos(), angle_SP.sin()


def _turned(x_BNSD: Tensor, cos_SP: Tensor, sin_SP: Tensor) -> Tensor:
    """Each pair, one of the first half and one of the second half of a head, turned by its step's angle."""
    cos_SP, sin_SP = cos_SP.to(x_BNSD.dtype), sin_SP.to(x_BNSD.dtype)
    first, second = x_BNSD.chunk(2, -1)
    return torch.cat([first * cos_SP - second * sin_SP, first * sin_SP + second * cos_SP], -1)
