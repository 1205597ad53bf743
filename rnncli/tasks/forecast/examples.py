"""Windows as the model is shown them: in units of the window, with what is known of each step, batch by batch.

Shape letters: W windows, B batch, L steps back, H steps ahead, K columns known ahead, I inputs of a step back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np
import torch
from torch import Tensor

from rnncli.heads.forecasts import WindowUnits
from rnncli.tasks.forecast.inputs import WindowInputs, single
from rnncli.tasks.forecast.windows import WindowPart


@dataclass(frozen=True)
class ForecastBatch:
    """Steps back ``x_BLI``, the value first; columns ``known_BHK`` of the steps ahead; what is true of these.

    ``base_BH`` is what the regression over lags forecasts. Values are in units of the window: less ``level_B``, over
    ``scale_B``; ``spread_B`` is how much the window changes over a season. ``weight_BH`` is 0 for steps that are not to
    be learnt from, whose truth is NaN, and else what an error there counts. ``series_B`` are numbers of series from 1,
    0 for one that was not trained on.
    """

    x_BLI: Tensor
    lengths_B: Tensor
    series_B: Tensor
    static_BC: Tensor
    known_BHK: Tensor
    base_BH: Tensor
    truth_BH: Tensor
    weight_BH: Tensor
    level_B: Tensor
    scale_B: Tensor
    spread_B: Tensor

    @classmethod
    def of(cls, numbers: Mapping[str, np.ndarray], series_B: np.ndarray, lengths_B: np.ndarray) -> Self:
        """The windows of :meth:`rnncli.tasks.forecast.inputs.WindowInputs.numbers`, of which nothing need be true."""
        unknown = {name: np.zeros(numbers["base_BH"].shape) for name in ("truth_BH", "weight_BH")}
        tensors = {name: torch.from_numpy(one) for name, one in single({**unknown, **numbers}).items()}
        return cls(lengths_B=torch.from_numpy(lengths_B), series_B=torch.from_numpy(series_B), **tensors)

    @property
    def units(self) -> WindowUnits:
        """What takes the values back."""
        return WindowUnits(self.level_B, self.scale_B)


@dataclass(frozen=True, eq=False)
class ForecastExamples:
    """The windows of a part; ``lengths`` are the segments that the core reads of each."""

    inputs: WindowInputs
    weight_W: np.ndarray
    lengths: np.ndarray

    def __len__(self) -> int:
        return len(self.inputs)

    @property
    def part(self) -> WindowPart:
        """The windows."""
        return self.inputs.part

    def place(self, index: int) -> str:
        """Its series and cutoff."""
        return self.part.place(index)

    def batch(self, indices: np.ndarray) -> ForecastBatch:
        """Windows side by side; all have as many steps."""
        numbers = self.inputs.numbers(indices)
        truth_BH, scored_BH = self.part.take(indices).truth_WH()
        truth_BH = self.inputs.transform.ahead(truth_BH)
        numbers["truth_BH"] = (truth_BH - numbers["level_B"][:, None]) / numbers["scale_B"][:, None]
        numbers["weight_BH"] = scored_BH * self.weight_W[indices][:, None]
        return ForecastBatch.of(numbers, self.inputs.series_W[indices], self.lengths[indices])
