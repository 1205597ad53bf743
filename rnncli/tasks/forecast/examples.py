"""Windows as the model is shown them: in units of the window, with what is known of each step, batch by batch.

Shape letters: W windows, B batch, L steps back, H steps ahead, K columns known ahead, I inputs of a step back.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from rnncli.heads.forecasts import WindowUnits
from rnncli.tasks.forecast.extras.lags import history, known_ahead
from rnncli.tasks.forecast.extras.ridge import Ridge
from rnncli.tasks.forecast.extras.transform import Transform
from rnncli.tasks.forecast.scaling import Scaling
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

    @property
    def units(self) -> WindowUnits:
        """What takes the values back."""
        return WindowUnits(self.level_B, self.scale_B)


@dataclass(frozen=True, eq=False)
class ForecastExamples:
    """The windows of a part; ``lengths`` are the segments that the core reads of each."""

    part: WindowPart
    transform: Transform
    scaling: Scaling
    ridge: Ridge | None
    series_W: np.ndarray
    weight_W: np.ndarray
    lengths: np.ndarray

    def __len__(self) -> int:
        return len(self.part)

    def place(self, index: int) -> str:
        """Its series and cutoff."""
        return self.part.place(index)

    def batch(self, indices: np.ndarray) -> ForecastBatch:
        """Windows side by side; all have as many steps."""
        scaling, part = self.scaling, self.part.take(indices)
        panel = part.panel
        value_BL = history(panel, part.start_W, part.origin_W, scaling.lookback, scaling.longest)
        y_BL = self.transform.ahead(value_BL)
        known_BHK = known_ahead(part)
        level_B, scale_B = scaling.units(y_BL, self.series_W[indices])
        truth_BH, scored_BH = part.truth_WH()
        truth_BH = self.transform.ahead(truth_BH)
        base_BH = np.zeros(truth_BH.shape)
        if self.ridge is not None:
            ahead_BH = self.ridge.forecast(value_BL[:, -self.ridge.lookback :], known_BHK, part.cutoff_W)
            base_BH = (self.transform.ahead(ahead_BH) - level_B[:, None]) / scale_B[:, None]
        weight_BH = scored_BH * self.weight_W[indices][:, None]
        found = {
            "x_BLI": self._inputs(part, (y_BL - level_B[:, None]) / scale_B[:, None]),
            "static_BC": scaling.standard_static(panel.static_SC[part.series_W]),
            "known_BHK": scaling.standard_known(known_BHK),
            "base_BH": base_BH,
            "truth_BH": (truth_BH - level_B[:, None]) / scale_B[:, None],
            "weight_BH": weight_BH,
            "level_B": level_B,
            "scale_B": scale_B,
            "spread_B": scaling.spread(y_BL),
        }
        tensors = {name: torch.from_numpy(np.ascontiguousarray(one, np.float32)) for name, one in found.items()}
        series_B = torch.from_numpy(self.series_W[indices])
        return ForecastBatch(lengths_B=torch.from_numpy(self.lengths[indices]), series_B=series_B, **tensors)

    def _inputs(self, part: WindowPart, y_BL: np.ndarray) -> np.ndarray:
        """Value, columns known ahead and those known until now of each step back; the latter as they were, or 0."""
        at_BL, inside_BL = part.back_WL(self.scaling.lookback)
        known_BLK = self.scaling.standard_known(part.panel.known_NK[at_BL]) * inside_BL[..., None]
        past_BLP = self.scaling.standard_past(part.panel.past_NP[at_BL]) * inside_BL[..., None]
        return np.concatenate([y_BL[..., None], known_BLK, past_BLP], axis=2)
