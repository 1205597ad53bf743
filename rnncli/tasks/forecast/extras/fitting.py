"""What a forecaster learns before its network does: how far to look back, in which units, and what lags alone say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from rnncli.data.series.grid import Grid
from rnncli.metrics.forecasts import LEVELS, Scales, scores, window_sums
from rnncli.recipe.schema import AUTO
from rnncli.tasks.forecast.extras.ridge import Ridge, chunks, history
from rnncli.tasks.forecast.extras.transform import Transform
from rnncli.tasks.forecast.scaling import Scaling
from rnncli.tasks.forecast.schema import ForecastRecipe
from rnncli.tasks.forecast.windows import WindowPart

LONGEST_SEGMENT = 48
"""Steps of a season that the core reads at once."""
FEWEST_SEGMENTS = 6
LONGEST_LOOKBACK = 1024
WEIGHTS = (0.1, 10.0)
"""What a window counts at least and at most, where one counts 1 on average."""


@dataclass(frozen=True, eq=False)
class Learnt:
    """All of it; ``names`` are the series that were trained on."""

    names: tuple[str, ...]
    grid: Grid
    columns: Mapping[str, tuple[str, ...]]
    """Names of the columns known ahead, ``known``, known until now, ``past``, and ``static``."""
    horizon: int
    segment: int
    transform: Transform
    scaling: Scaling
    ridge: Ridge | None
    scales: Scales
    non_negative: bool
    about: Mapping[str, Any]
    notes: tuple[str, ...] = ()
    categories: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def scales_of(self, part: WindowPart) -> tuple[np.ndarray, np.ndarray]:
        """By what errors of each window are measured, (W,) each; NaN for a series that was not trained on."""
        numbers = {name: number for number, name in enumerate(self.names)}
        at_S = np.array([numbers.get(name, len(numbers)) for name in part.panel.names], np.int64)
        found = [np.append(one_S, np.nan)[at_S][part.series_W] for one_S in (self.scales.mase_S, self.scales.deviation_S)]
        return found[0], found[1]


def learn(recipe: ForecastRecipe, train: WindowPart, dev: WindowPart, seasons: tuple[int, ...]) -> Learnt:
    """Fitted to ``train``, choices made by ``dev``."""
    panel = train.panel
    segment, lookback = extent(recipe, train, seasons)
    transform, ridge, notes = _regressed(recipe, train, dev, lookback, seasons)
    season = max(seasons)
    scaling = Scaling.of(transform.of(train), lookback, season, min(min(seasons), lookback))
    scales = Scales.of(panel, train.begin_S, train.end_S, min(seasons))
    undefined = int(np.isnan(scales.mase_S).sum())
    if undefined:
        notes.append(f"{undefined:,} series do not change, or have no whole season: left out of mase and msis")
    return Learnt(
        names=panel.names,
        grid=panel.grid,
        columns={"known": panel.known, "past": panel.past, "static": panel.static},
        horizon=train.horizon,
        segment=segment,
        transform=transform,
        scaling=scaling,
        ridge=ridge,
        scales=scales,
        non_negative=_is_non_negative(recipe, train),
        about=_about(recipe, train, seasons),
        notes=(f"{lookback} steps back in segments of {segment}", *notes),
        categories=panel.categories,
    )


def extent(recipe: ForecastRecipe, train: WindowPart, seasons: tuple[int, ...]) -> tuple[int, int]:
    """The steps of a segment and those of a window, a multiple of it.

    Two of the longest season, or twice the horizon, but no more than most series have room for before one horizon.
    """
    room = int(np.median(train.end_S - train.begin_S)) - train.horizon - train.gap
    wanted = recipe.data.lookback
    if wanted == AUTO:
        wanted = min(max(2 * max(seasons), 2 * train.horizon), max(room // 2, 1), LONGEST_LOOKBACK)
    segment = recipe.model.segment
    if segment == AUTO:
        fitting = [season for season in seasons if 4 <= season <= LONGEST_SEGMENT and FEWEST_SEGMENTS * season <= wanted]
        segment = fitting[-1] if fitting else max(1, wanted // 12)
    return segment, max(1, round(wanted / segment)) * segment


def weights(part: WindowPart, scaling: Scaling, power: int) -> np.ndarray:
    """What an error of each training window counts, (W,): its scale by that of the series, as it will be scored."""
    reference_S = Scales.of(part.panel, part.begin_S, part.end_S, 1).deviation_S
    weight_W = np.ones(len(part))
    for rows in chunks(part, scaling.lookback):
        some = part.take(rows)
        starts = part.panel.start_S[some.series_W]
        _, scale_W = scaling.units(history(part.panel, starts, some.origin_W, scaling.lookback, scaling.season))
        weight_W[rows] = scale_W / reference_S[some.series_W]
    weight_W = np.nan_to_num(weight_W, nan=0.0) ** power
    mean = weight_W.mean()
    return np.clip(weight_W / mean, *WEIGHTS) if mean > 0 else np.ones(len(part))


def _regressed(
    recipe: ForecastRecipe, train: WindowPart, dev: WindowPart, lookback: int, seasons: tuple[int, ...]
) -> tuple[Transform, Ridge | None, list[str]]:
    """The transform, chosen by which regression is better on dev, that regression, and what to say of both."""
    kinds = ("none", "log") if recipe.data.transform == AUTO else (recipe.data.transform,)
    values = _values(train)
    least = float(values.min()) if len(values) else 0.0
    if "log" in kinds and least <= 0:
        kinds = ("none",)
    found = []
    for kind in kinds:
        transform = Transform(kind, least / 2 if least > 0 else 1.0)
        ridge = Ridge.fit(transform.of(train), transform.of(dev), lookback, seasons)
        found.append((_error(ridge, transform, train, dev, seasons), transform, ridge))
    _, transform, ridge = min(found, key=lambda one: one[0])
    notes = [ridge.words]
    if len(found) > 1:
        errors = " and ".join(f"{error:.4g} of {'logarithms' if t.kind == 'log' else 'values'}" for error, t, _ in found)
        notes.append(f"mase of the regression on dev: {errors}")
    return transform, ridge, notes


def _error(ridge: Ridge, transform: Transform, train: WindowPart, dev: WindowPart, seasons: tuple[int, ...]) -> float:
    """The mean absolute scaled error of a regression on dev."""
    seen, scales = transform.of(dev), Scales.of(train.panel, train.begin_S, train.end_S, min(seasons))
    total = 0.0
    for rows in chunks(dev, ridge.lookback):
        some = dev.take(rows)
        truth_WH, scored_WH = some.truth_WH()
        point_WH = transform.back(ridge.predict(seen.take(rows)))
        units = scales.mase_S[some.series_W], scales.deviation_S[some.series_W]
        total = total + window_sums(truth_WH, point_WH, None, LEVELS, scored_WH, *units).sum(0)
    found = scores(total)
    return float(found["mase"] if np.isfinite(found["mase"]) else found["mae"])


def _values(train: WindowPart) -> np.ndarray:
    """The observed values of the training part."""
    panel = train.panel
    bounds = zip(train.begin_S.tolist(), train.end_S.tolist(), strict=True)
    return np.concatenate([panel.y_N[begin:end][panel.observed_N[begin:end]] for begin, end in bounds])


def _is_non_negative(recipe: ForecastRecipe, train: WindowPart) -> bool:
    if recipe.data.non_negative != AUTO:
        return recipe.data.non_negative
    values = _values(train)
    return bool(len(values)) and float(values.min()) >= 0


def _about(recipe: ForecastRecipe, train: WindowPart, seasons: tuple[int, ...]) -> dict[str, Any]:
    grid = train.panel.grid
    align = recipe.data.align
    return {
        "horizon": train.horizon,
        "gap": train.gap,
        "step": recipe.evaluation.step or train.horizon,
        "season": max(seasons),
        "frequency": grid.frequency,
        "align": ("end" if grid.is_whole else "calendar") if align == AUTO else align,
    }
