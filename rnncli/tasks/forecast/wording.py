"""What a person hears of series that were read, and the values of keys that a recipe leaves open."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from rnncli.data.series import calendar
from rnncli.data.series.panel import Panel
from rnncli.data.wording import counted, few
from rnncli.tasks.common.tables import source_used
from rnncli.tasks.forecast.schema import ForecastRecipe
from rnncli.tasks.forecast.source import Series
from rnncli.tasks.forecast.windows import WindowPart

MOST_COLUMNS = 50
"""FoundColumns of a wide file that a run's recipe names one by one."""


def headline(found: Series) -> str:
    """What was read: rows, series, frequency, span, values."""
    panel, layout, grid = found.panel, found.columns.layout, found.panel.grid
    count = sum(len(table) for table in found.rows.tables)
    if layout.is_wide:
        which = f"{len(panel.names):,} series, a column each ({few(panel.names)})"
    else:
        by = ", ".join(f'"{name}"' for name in layout.series)
        which = f"{len(panel.names):,} series by {by}" if by else "one series"
    first, last = int(panel.first_S.min()), int((panel.first_S + panel.end_S - panel.start_S).max()) - 1
    values = "" if layout.is_wide else f', values "{layout.target[0]}"'
    kind = " (counts)" if _are_counts(panel) else ""
    return (
        f'{panel.source}: {count:,} rows, {which}, {grid.words} by "{layout.time}" {grid.stamp(first)} to '
        f"{grid.stamp(last)}{values}{kind}"
    )


def _are_counts(panel: Panel) -> bool:
    seen = panel.y_N[panel.observed_N]
    return bool((seen >= 0).all() and (seen == np.floor(seen)).all())


def column_notes(found: Series, panel: Panel) -> list[str]:
    """What is known ahead and what until now only, what was guessed, and which columns nobody uses."""
    layout = found.columns.layout
    of_stamps = calendar.names_in(panel.known)
    clauses = [
        f"{title}: {', '.join(names)}"
        for title, names in (
            ("known ahead", layout.known),
            ("calendar", of_stamps),
            ("past only", layout.past),
            ("static", layout.static),
        )
        if names
    ]
    notes = ["; ".join(clauses)] * bool(clauses)
    if found.columns.guessed:
        notes.append(f"columns of {', '.join(found.columns.guessed)} guessed")
    if found.columns.unused:
        notes.append(f"not used: {few(found.columns.unused)}; data.known or data.past=[NAME,...] uses them")
    return notes


def split_words(recipe: ForecastRecipe, parts: Mapping[str, WindowPart], found: Series) -> str:
    """Where train ends, and the origins of dev and test."""
    grid, spacing = found.panel.grid, found.spacing
    train = parts["train"]
    taught = np.unique(train.series_W)
    last = int(train.panel.number(taught, train.end_S[taught] - 1).max())
    said = [f"train to {grid.stamp(last)}, {counted(len(train), 'window')}"]
    for name in ("dev", "test"):
        part = parts[name]
        turns = np.unique(part.cutoff_W)
        begins = grid.stamp(int(turns[0]) + 1 + spacing.gap)
        origins = int(np.bincount(part.series_W).max())
        every = f" every {grid.steps(spacing.step)}" if origins > 1 else ""
        said.append(f"{name} {counted(origins, 'origin')}{every} from {begins}, {counted(len(part), 'window')}")
    evaluation = recipe.evaluation
    refit = evaluation.refit
    how = {"never": "never refitted", "always": "refitted at each"}.get(str(refit), f"refitted at every {refit}")
    return f"{'; '.join(said)} ({evaluation.window}, {how})"


def chosen(recipe: ForecastRecipe, found: Series) -> dict[str, Any]:
    """The values of those keys that a recipe may leave open."""
    layout, grid = found.columns.layout, found.panel.grid
    values: dict[str, Any] = {
        "data.source": source_used(recipe.data),
        "data.time_column": layout.time,
        "data.series_column": _one_or_all(layout.series),
        "data.frequency": grid.frequency,
        "data.zone": grid.zone or recipe.data.zone,
        "data.horizon": found.spacing.horizon,
        "data.season": found.season,
        "data.calendar": calendar.names_in(found.panel.known) or "off",
    }
    if len(layout.target) <= MOST_COLUMNS:
        values["data.target_column"] = _one_or_all(layout.target)
    if found.rows.day_first is not None:
        values["data.day_first"] = found.rows.day_first
    return values


def _one_or_all(names: tuple[str, ...]) -> str | tuple[str, ...]:
    return names if len(names) > 1 else "".join(names)
