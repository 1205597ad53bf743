"""What a forecaster learnt before its network did, and what that makes of windows and of what the network says.

Shape letters: S series, W windows, B batch, H steps ahead, Q levels of quantiles.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from rnncli.data.series.panel import PanelForm
from rnncli.metrics.conformal import Conformal
from rnncli.metrics.forecasts import Scales
from rnncli.tasks.forecast.extras.ridge import Ridge
from rnncli.tasks.forecast.extras.transform import Transform
from rnncli.tasks.forecast.inputs import WindowInputs
from rnncli.tasks.forecast.scaling import Scaling
from rnncli.tasks.forecast.windows import WindowPart

Array = np.ndarray
PLAIN = ("names", "horizon", "segment", "non_negative", "seasons", "notes")


@dataclass(frozen=True, eq=False)
class LearntSeries:
    """All of it; ``names`` are the series that were trained on."""

    names: tuple[str, ...]
    form: PanelForm
    horizon: int
    segment: int
    transform: Transform
    scaling: Scaling
    ridge: Ridge
    scales: Scales
    non_negative: bool
    seasons: tuple[int, ...]
    about: Mapping[str, Any]
    columns: Mapping[str, Any]
    """Of the recipe's keys of ``COLUMNS`` the values that training came to."""
    notes: tuple[str, ...] = ()

    def scales_of(self, part: WindowPart) -> tuple[np.ndarray, np.ndarray]:
        """By what errors of each window are measured, (W,) each; NaN for a series that was not trained on."""
        numbers = {name: number for number, name in enumerate(self.names)}
        at_S = np.array([numbers.get(name, len(numbers)) for name in part.panel.names], np.int64)
        found = [
            np.append(one_S, np.nan)[at_S][part.series_W] for one_S in (self.scales.mase_S, self.scales.deviation_S)
        ]
        return found[0], found[1]

    @property
    def segments(self) -> int:
        """How many the core reads of a window."""
        return self.scaling.lookback // self.segment

    def inputs(self, part: WindowPart, *, linear: bool) -> WindowInputs:
        """Windows in units of their own, with the forecast of the regression where ``linear``."""
        form = self.form
        part = replace(part, panel=part.panel.having(form.known, form.past, form.static))
        numbers = {name: number for number, name in enumerate(self.names, 1)}
        series_S = np.array([numbers.get(name, 0) for name in part.panel.names], np.int64)
        ridge = self.ridge if linear else None
        return WindowInputs(part, self.transform, self.scaling, ridge, series_S[part.series_W])

    def floored(self, values: Array) -> Array:
        """Values in the user's units, none below 0 where that cannot be."""
        return np.maximum(values, 0.0) if self.non_negative else values

    def points(self, scaled_BH: Array, level_B: Array, scale_B: Array) -> Array:
        """Points in the user's units of what the network says in those of the windows."""
        return self.floored(self.transform.back(restored(scaled_BH, level_B, scale_B)))

    def quantiles(self, learnt_BHQ: Array, spread_B: Array, conformal: Conformal | None) -> Array:
        """Quantiles in the user's units of those that are learnt, corrected by ``conformal``."""
        if conformal is not None:
            learnt_BHQ = conformal.apply(learnt_BHQ, spread_B)
        return self.floored(self.transform.back(learnt_BHQ))


def restored(scaled: Array, level_B: Array, scale_B: Array) -> Array:
    """Values (B, ...) in units of windows in those that are learnt, float64."""
    level, scale = (one.astype(np.float64).reshape(-1, *[1] * (scaled.ndim - 1)) for one in (level_B, scale_B))
    return level + scale * scaled


def plain_of(
    learnt: LearntSeries, conformal: Conformal | None, share: float
) -> tuple[dict[str, Any], dict[str, Array]]:
    """What to save: plain values as JSON has them, and arrays."""
    body: dict[str, Any] = {name: getattr(learnt, name) for name in PLAIN}
    body |= {"form": learnt.form.to_dict(), "transform": vars(learnt.transform)}
    body |= {"about": dict(learnt.about), "columns": dict(learnt.columns), "share": share}
    arrays = {f"scaling.{name}": one for name, one in learnt.scaling.arrays().items()}
    arrays |= {f"scales.{name}": one for name, one in vars(learnt.scales).items()}
    numbers = learnt.ridge.arrays()
    body["ridge"] = str(numbers.pop("words"))
    arrays |= {f"ridge.{name}": one for name, one in numbers.items()}
    if conformal is not None:
        arrays |= {f"conformal.{name}": one for name, one in conformal.to_dict().items()}
    return json.loads(json.dumps(body)), {name: np.asarray(one, order="C") for name, one in arrays.items()}


def from_plain(body: Mapping[str, Any], arrays: Mapping[str, Array]) -> tuple[LearntSeries, Conformal | None, float]:
    """What :func:`plain_of` was given; KeyError, TypeError or ValueError where that is damaged."""

    def named(prefix: str) -> dict[str, Array]:
        return {name.removeprefix(f"{prefix}."): one for name, one in arrays.items() if name.startswith(f"{prefix}.")}

    learnt = LearntSeries(
        names=tuple(body["names"]),
        form=PanelForm.from_dict(body["form"]),
        horizon=int(body["horizon"]),
        segment=int(body["segment"]),
        transform=Transform(**body["transform"]),
        scaling=Scaling.from_arrays(named("scaling")),
        ridge=Ridge.from_arrays(named("ridge") | {"words": np.array(body["ridge"])}),
        scales=Scales(**named("scales")),
        non_negative=bool(body["non_negative"]),
        seasons=tuple(body["seasons"]),
        about=body["about"],
        columns=dict(body["columns"]),
        notes=tuple(body["notes"]),
    )
    conformal = named("conformal")
    return learnt, Conformal.from_dict(conformal) if conformal else None, float(body["share"])
