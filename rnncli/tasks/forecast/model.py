"""The forecaster: segments of the past to vectors, recurrent core, a step of it for each segment ahead, linear layer.

Reading segments instead of steps, and stepping over all segments ahead at once from the last state, is that of SegRNN
(Lin et al. 2023); that a network learns what a simple forecast leaves, that of ES-RNN (Smyl 2020).
Shape letters: B windows, L steps back, H steps ahead, I inputs of a step, K columns known ahead, W steps of a segment,
M segments ahead, E outputs of the core, C channels of the head.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from rnncli.core.contract import Core
from rnncli.heads.rows import by_row
from rnncli.tasks.forecast.examples import ForecastBatch
from rnncli.tasks.forecast.schema import ForecastModel


@dataclass(frozen=True)
class Sizes:
    """Sizes of a forecaster that its data decide."""

    segment: int
    horizon: int
    inputs: int
    known: int
    static: int
    series: int
    channels: int


class Forecaster(nn.Module):
    """Windows to the channels of a head."""

    def __init__(self, core: Core, sizes: Sizes, settings: ForecastModel) -> None:
        super().__init__()
        self.sizes, self.recursive = sizes, settings.decoder == "recursive"
        self.ahead = -(-sizes.horizon // sizes.segment)
        width = core.input_size
        self.read = nn.Linear(sizes.segment * sizes.inputs, width)
        self.core = core
        self.position = nn.Parameter(torch.randn(self.ahead, width) * 0.1)
        self.known = nn.Linear(sizes.segment * sizes.known, width) if sizes.known else None
        self.static = nn.Linear(sizes.static, width) if sizes.static else None
        self.identity = nn.Embedding(sizes.series + 1, settings.identity, padding_idx=0) if settings.identity else None
        self.of_identity = nn.Linear(settings.identity, width) if settings.identity else None
        self.again = nn.Linear(sizes.segment, width) if self.recursive else None
        self.dropout = nn.Dropout(settings.dropout)
        self.linear = nn.Linear(core.output_size, sizes.segment * sizes.channels)
        nn.init.zeros_(self.linear.weight)
        nn.init.zeros_(self.linear.bias)

    def forward(self, batch: ForecastBatch) -> Tensor:
        """The channels of each step ahead, (B, H, C); to the first the forecast of the regression is added."""
        batch_size, steps, _ = batch.x_BLI.shape
        segment = self.sizes.segment
        x_BTI = batch.x_BLI.reshape(batch_size, steps // segment, -1)
        x_BTI = torch.relu(by_row(self.read, x_BTI))
        _, state = self.core(x_BTI, batch.lengths_B)
        query_BMI = self._queries(batch)
        raw_BMC = self._one_by_one(query_BMI, state) if self.recursive else self._at_once(query_BMI, state)
        raw_BHC = raw_BMC.reshape(batch_size, self.ahead * segment, -1)[:, : self.sizes.horizon]
        return torch.cat([raw_BHC[..., :1] + batch.base_BH[..., None], raw_BHC[..., 1:]], -1)

    def _queries(self, batch: ForecastBatch) -> Tensor:
        """What is known of each segment ahead before it is forecast, (B, M, I)."""
        query_BMI = self.position.expand(len(batch.level_B), -1, -1)
        if self.known is not None:
            missing = self.ahead * self.sizes.segment - self.sizes.horizon
            known_BHK = nn.functional.pad(batch.known_BHK, (0, 0, 0, missing))
            query_BMI = query_BMI + by_row(self.known, known_BHK.reshape(len(known_BHK), self.ahead, -1))
        if self.static is not None:
            query_BMI = query_BMI + by_row(self.static, batch.static_BC)[:, None]
        if self.identity is not None and self.of_identity is not None:
            query_BMI = query_BMI + by_row(self.of_identity, self.identity(batch.series_B))[:, None]
        return torch.tanh(query_BMI)

    def _at_once(self, query_BMI: Tensor, state: Tensor | tuple[Tensor, ...]) -> Tensor:
        """All segments ahead, each a step from the last state of the past."""
        query_N1I = query_BMI.reshape(-1, 1, query_BMI.shape[-1])
        y_N1E, _ = self.core(query_N1I, _ones(len(query_N1I)), _repeated(state, self.ahead))
        return by_row(self.linear, self.dropout(y_N1E[:, 0])).reshape(len(query_BMI), self.ahead, -1)

    def _one_by_one(self, query_BMI: Tensor, state: Tensor | tuple[Tensor, ...]) -> Tensor:
        """Each segment ahead from the state behind the one before it, and from what that was forecast to be."""
        assert self.again is not None
        before_BW = query_BMI.new_zeros(len(query_BMI), self.sizes.segment)
        found = []
        for query_BI in query_BMI.unbind(1):
            x_B1I = (query_BI + by_row(self.again, before_BW))[:, None]
            y_B1E, state = self.core(x_B1I, _ones(len(x_B1I)), state)
            found.append(by_row(self.linear, self.dropout(y_B1E[:, 0])))
            before_BW = found[-1].reshape(len(before_BW), self.sizes.segment, -1)[..., 0]
        return torch.stack(found, 1)


def _ones(count: int) -> Tensor:
    return torch.ones(count, dtype=torch.int64)


def _repeated(state: Tensor | tuple[Tensor, ...], times: int) -> Tensor | tuple[Tensor, ...]:
    """The state of each window, its second dimension, as often as there are segments ahead."""
    if isinstance(state, tuple):
        return tuple(part.repeat_interleave(times, 1) for part in state)
    return state.repeat_interleave(times, 1)
