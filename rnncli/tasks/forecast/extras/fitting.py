"""What a forecaster learns before its network does: how far to look back, in which units, and what lags alone say."""

from __future__ import annotations

from typing import Any

import numpy as np

from rnncli.data.series.panel import PanelForm
from rnncli.errors import RecipeError
from rnncli.metrics.forecasts import Scales
from rnncli.recipe.schema import AUTO
from rnncli.tasks.forecast.extras.lags import chunks, fitted_steps, history
from rnncli.tasks.forecast.extras.learnt import LearntSeries
from rnncli.tasks.forecast.extras.regression import fit_ridge
from rnncli.tasks.forecast.extras.ridge import Ridge
from rnncli.tasks.forecast.extras.rivals import MOST_SEASONS
from rnncli.tasks.forecast.extras.transform import Transform
from rnncli.tasks.forecast.scaling import Scaling
from rnncli.tasks.forecast.schema import ForecastRecipe
from rnncli.tasks.forecast.windows import WindowPart

COLUMNS = ("series_column", "time_column", "target_column", "day_first")
LONGEST_SEGMENT = 48
"""Steps of a season that the core reads at once."""
FEWEST_SEGMENTS = 6
SHORTEST_LOOKBACK, LONGEST_LOOKBACK = 2, 1024
"""Steps: one alone tells no scale."""
WEIGHTS = (0.1, 10.0)
"""What a window counts at least and at most, where one counts 1 on average."""


def learn(recipe: ForecastRecipe, train: WindowPart, dev: WindowPart, seasons: tuple[int, ...]) -> LearntSeries:
    """Fitted to ``train``, choices made by ``dev``."""
    segment, lookback = extent(recipe, train, seasons)
    ridge = fit_ridge(train, dev, lookback, seasons)
    transform = _transform(recipe, ridge, train)
    scaling = Scaling.of(transform.of(train), lookback, seasons, recipe.data.level, recipe.data.scale)
    return learnt(recipe, train, segment, seasons, transform, scaling, ridge)


def learnt(
    recipe: ForecastRecipe,
    train: WindowPart,
    segment: int,
    seasons: tuple[int, ...],
    transform: Transform,
    scaling: Scaling,
    ridge: Ridge,
) -> LearntSeries:
    """All of it, of parts that were learnt or known."""
    notes = [ridge.words, *["logarithms of the values are learnt (data.transform)"] * (transform.kind == "log")]
    return LearntSeries(
        names=train.panel.names,
        form=PanelForm.of(train.panel),
        horizon=train.horizon,
        segment=segment,
        transform=transform,
        scaling=scaling,
        ridge=ridge,
        scales=Scales.of(train.panel, *(train.measured or (train.begin_S, train.end_S)), max(seasons)),
        non_negative=_is_non_negative(recipe, train),
        seasons=seasons,
        about=_about(recipe, train, seasons),
        columns={key: getattr(recipe.data, key) for key in COLUMNS},
        notes=(f"the model reads {scaling.lookback} steps back, {segment} at once", *notes),
    )


def extent(recipe: ForecastRecipe, train: WindowPart, seasons: tuple[int, ...]) -> tuple[int, int]:
    """The steps of a segment and those of a window, a multiple of it.

    Two of the longest season, eight of the shortest, of which a rival takes the mean, or twice the horizon, but no more
    than most series have room for before one horizon.
    """
    room = int(np.median(train.end_S - train.begin_S)) - train.horizon - train.gap
    wanted = recipe.data.lookback
    if wanted == AUTO:
        wanted = max(2 * max(seasons), MOST_SEASONS * min(seasons), 2 * train.horizon)
        wanted = min(wanted, max(room // 2, 1), LONGEST_LOOKBACK)
    segment = recipe.model.segment
    if segment == AUTO:
        fitting = [
            season for season in seasons if 4 <= season <= LONGEST_SEGMENT and FEWEST_SEGMENTS * season <= wanted
        ]
        segment = fitting[-1] if fitting else max(1, wanted // 12)
    return segment, max(-(-SHORTEST_LOOKBACK // segment), round(wanted / segment)) * segment


def weights(part: WindowPart, scaling: Scaling, power: int) -> np.ndarray:
    """What an error of each training window counts, (W,): its scale by that of the series, as it will be scored."""
    reference_S = Scales.of(part.panel, part.begin_S, part.end_S, 1).deviation_S
    weight_W = np.ones(len(part))
    for rows in chunks(part, scaling.lookback):
        some = part.take(rows)
        y_WL = history(part.panel, some.start_W, some.origin_W, scaling.lookback, scaling.longest)
        _, scale_W = scaling.units(y_WL, some.series_W + 1)
        weight_W[rows] = scale_W / reference_S[some.series_W]
    weight_W = np.nan_to_num(weight_W, nan=0.0) ** power
    mean = weight_W.mean()
    return np.clip(weight_W / mean, *WEIGHTS) if mean > 0 else np.ones(len(part))


def _transform(recipe: ForecastRecipe, ridge: Ridge, train: WindowPart) -> Transform:
    """As the recipe says or, where that is open, as the regression was better on dev."""
    if recipe.data.transform == "none" or (recipe.data.transform == AUTO and not ridge.floor):
        return Transform()
    least = float(_values(train).min(initial=np.inf))
    if least <= 0:
        raise RecipeError("data.transform: values of 0 or less have no logarithm", "data.transform=none")
    return Transform("log", ridge.floor or least)


def _values(train: WindowPart) -> np.ndarray:
    """The observed values of the training part."""
    return train.panel.y_N[fitted_steps(train) & train.panel.observed_N]


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
        "grid": grid.to_dict(),
        "frequency": grid.frequency,
        "align": ("end" if grid.is_whole else "calendar") if align == AUTO else align,
    }
