"""What a forecaster that goes on from a run learns before its network does, and what of the run it keeps."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from rnncli.errors import DataError
from rnncli.metrics.forecasts import Scales
from rnncli.tasks.common.growing import growth
from rnncli.tasks.forecast.extras.fitting import learnt
from rnncli.tasks.forecast.extras.learnt import LearntSeries
from rnncli.tasks.forecast.extras.regression import fit_ridge
from rnncli.tasks.forecast.scaling import Scaling
from rnncli.tasks.forecast.schema import ForecastRecipe
from rnncli.tasks.forecast.windows import WindowPart

KEPT = "steps back, transform and units of columns are those of the run; the regression over lags is learnt anew"


def learn_further(recipe: ForecastRecipe, train: WindowPart, dev: WindowPart, known: LearntSeries) -> LearntSeries:
    """Regression and scales fitted to ``train``, choices made by ``dev``; all else as it is ``known``.

    Series of the run that do not come again keep their scales. Raises DataError for series of another form.
    """
    train, dev = _in_form(train, known), _in_form(dev, known)
    lookback, seasons = known.scaling.lookback, known.seasons
    ridge = fit_ridge(train, dev, lookback, seasons)
    transform = known.transform
    scaling = Scaling.of(transform.of(train), lookback, seasons, recipe.data.level, recipe.data.scale)
    known_2K, past_2P, static_2C = known.scaling.tables
    scaling = replace(scaling, known_2K=known_2K, past_2P=past_2P, static_2C=static_2C)
    found = learnt(recipe, train, known.segment, seasons, transform, scaling, ridge)
    new = [name for name in found.names if name not in known.names]
    notes = growth("series", known.names, (*known.names, *new))
    return _with_series(replace(found, notes=(*found.notes, KEPT, *notes)), known)


def _with_series(found: LearntSeries, known: LearntSeries) -> LearntSeries:
    """The series of both, first those ``found``."""
    others_S = np.array([at for at, name in enumerate(known.names) if name not in set(found.names)], np.int64)
    names = (*found.names, *(known.names[at] for at in others_S))
    scales = Scales(
        np.append(found.scales.mase_S, known.scales.mase_S[others_S]),
        np.append(found.scales.deviation_S, known.scales.deviation_S[others_S]),
    )
    scaling = found.scaling
    if len(scaling.deviation_S):  # begins with that of a series never seen
        deviation_S = np.append(scaling.deviation_S, known.scaling.deviation_S[1 + others_S])
        scaling = replace(scaling, deviation_S=deviation_S)
    return replace(found, names=names, scales=scales, scaling=scaling)


def _in_form(part: WindowPart, known: LearntSeries) -> WindowPart:
    """A part with the columns of the run; DataError where it has not, or other stamps or steps ahead."""
    panel, form = part.panel, known.form
    if part.horizon != known.horizon:
        raise DataError(
            f"{part.horizon} steps ahead, where the run has {known.horizon}", f"data.horizon={known.horizon}"
        )
    if panel.grid.frequency != form.grid.frequency:
        raise DataError(
            f"stamps of the frequency {panel.grid.frequency}, where the run has {form.grid.frequency}",
            f"data.frequency={form.grid.frequency}",
        )
    found = panel.having(form.known, form.past, form.static)
    if other := [name for name in form.static if dict(found.categories).get(name) != form.categories.get(name)]:
        raise DataError(
            f'the column "{other[0]}" has other texts than in the run', f"leave {other[0]} out of data.static"
        )
    return replace(part, panel=found)
