"""Windows as numbers that a forecaster reads: in units of the window, with what is known of each step.

Shape letters: W windows, B batch, L steps back, H steps ahead, K columns known ahead, P known until now, C static ones,
I inputs of a step back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from rnncli.tasks.forecast.extras.lags import history, known_ahead
from rnncli.tasks.forecast.extras.ridge import Ridge
from rnncli.tasks.forecast.extras.transform import Transform
from rnncli.tasks.forecast.scaling import Scaling
from rnncli.tasks.forecast.windows import WindowPart

Array = np.ndarray


@dataclass(frozen=True, eq=False)
class WindowInputs:
    """The windows of a part; ``series_W`` are numbers of series from 1, 0 for one that was not trained on."""

    part: WindowPart
    transform: Transform
    scaling: Scaling
    ridge: Ridge | None
    series_W: Array

    def __len__(self) -> int:
        return len(self.part)

    def numbers(self, indices: Array) -> dict[str, Array]:
        """Of some windows what a model is told, float64, by these names.

        ``x_BLI`` (the value first), ``static_BC``, ``known_BHK`` of the steps ahead; ``base_BH``, what the regression
        forecasts; ``level_B`` and ``scale_B``, the units of the window, in which values are; ``spread_B``, how much it
        changes over a season.
        """
        scaling, part = self.scaling, self.part.take(indices)
        panel = part.panel
        value_BL = history(panel, part.start_W, part.origin_W, scaling.lookback, scaling.longest)
        y_BL = self.transform.ahead(value_BL)
        known_BHK = known_ahead(part)
        level_B, scale_B = scaling.units(y_BL, self.series_W[indices])
        base_BH = np.zeros((len(part), part.horizon))
        if self.ridge is not None:
            ahead_BH = self.ridge.forecast(value_BL[:, -self.ridge.lookback :], known_BHK, part.cutoff_W)
            base_BH = (self.transform.ahead(ahead_BH) - level_B[:, None]) / scale_B[:, None]
        return {
            "x_BLI": self._steps(part, (y_BL - level_B[:, None]) / scale_B[:, None]),
            "static_BC": scaling.standard_static(panel.static_SC[part.series_W]),
            "known_BHK": scaling.standard_known(known_BHK),
            "base_BH": base_BH,
            "level_B": level_B,
            "scale_B": scale_B,
            "spread_B": scaling.spread(y_BL),
        }

    def _steps(self, part: WindowPart, y_BL: Array) -> Array:
        """Value, columns known ahead and those known until now of each step back; the latter as they were, or 0."""
        at_BL, inside_BL = part.back_WL(self.scaling.lookback)
        known_BLK = self.scaling.standard_known(part.panel.known_NK[at_BL]) * inside_BL[..., None]
        past_BLP = self.scaling.standard_past(part.panel.past_NP[at_BL]) * inside_BL[..., None]
        return np.concatenate([y_BL[..., None], known_BLK, past_BLP], axis=2)


def single(numbers: Mapping[str, Array]) -> dict[str, Array]:
    """The same in float32, as models read it."""
    return {name: np.ascontiguousarray(one, np.float32) for name, one in numbers.items()}
