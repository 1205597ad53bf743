"""Series of a user or built in, as windows of train, dev and test.

A row as it comes is ``unique_id,ds,y`` such as ``north,2025-01-31,12``, or of a wide file ``date,north,south`` such as
``2025-01-31,12,7``; what is learnt from is a window: a series, the last step that is known, and what follows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from rnncli.data.series import calendar
from rnncli.data.series.frequency import step_of
from rnncli.data.series.gaps import filled
from rnncli.data.series.panel import Panel, PanelForm
from rnncli.data.series.reading import NEVER
from rnncli.data.tables.sources import ALL, read
from rnncli.data.tables.table import Table
from rnncli.data.wording import counted, few
from rnncli.errors import DataError
from rnncli.recipe.schema import AUTO
from rnncli.tasks.base import Corpus
from rnncli.tasks.common.tables import Tables, is_builtin, is_repository, source_of, with_given_parts
from rnncli.tasks.forecast.schema import ForecastRecipe, SeriesData
from rnncli.tasks.forecast.source import Series, read_series, seasons_of
from rnncli.tasks.forecast.splitting import (
    Spacing,
    TimeCut,
    dev_cut,
    evaluated,
    require_room,
    test_cut,
    thinned,
    trained,
)
from rnncli.tasks.forecast.windows import WindowPart
from rnncli.tasks.forecast.wording import chosen, column_notes, headline, split_words

_FILLED = {
    "linear": "linearly",
    "previous": "by the value before",
    "seasonal": "by the value a season before",
    "zero": "by 0",
}


def read_corpus(recipe: ForecastRecipe, builtin: Callable[[], Table] | None = None) -> Corpus:
    """The windows of a recipe's data, of ``builtin`` where it names none; raises DataError."""
    _require_split_by_time(recipe.data)
    return corpus_of(recipe, read_tables(recipe.data, builtin))


def read_tables(data: SeriesData, builtin: Callable[[], Table] | None = None) -> Tables:
    """The tables of a recipe's data by part, in the order of time, or ``builtin`` where it names none; DataError."""
    if is_builtin(data, "sales.csv"):
        assert builtin is not None
        return {ALL: builtin()}
    place = data.train if is_repository(data) else str(Path(data.root) / data.train)
    form = {"encoding": data.encoding, "header": data.header}
    tables = read(place, source=source_of(data), splits=data.splits or None, config=data.config or None, **form)
    tables = with_given_parts(tables, data, lambda path: read(path, **form))
    if not {ALL, "train"} & set(tables):
        raise DataError(f"there is no train part, only {', '.join(tables)}", "data.train and data.splits say what is")
    return {name: tables[name] for name in (ALL, "train", "dev", "test") if name in tables}


def corpus_of(recipe: ForecastRecipe, tables: Tables) -> Corpus:
    """The windows of tables by part, in the order of time: dev and test hold the steps behind the ones of train."""
    found = read_series(recipe, tables, None)
    cut = _cut(recipe, found, list(tables))
    first = _fold(recipe, cut)
    return _windows(recipe, found, cut, first)


def read_part(recipe: ForecastRecipe, path: Path, form: PanelForm | None = None) -> Corpus:
    """A further file with values, all of it as the part ``test``: the last origins that the recipe counts.

    ``form`` is that of the panel that was trained on, so that numbers and columns mean the same here.
    """
    data = recipe.data
    tables = read(path, encoding=data.encoding, header=data.header)
    if len(tables) > 1 and "test" not in tables:
        raise DataError(f"{path}: holds {', '.join(tables)}, no test", "name one file")
    table = tables.get("test") or next(iter(tables.values()))
    found = read_series(recipe, {ALL: table}, form)
    panel, spacing = found.panel, found.spacing
    panel = panel.having(form.known, form.past, form.static) if form else panel
    start_S, bound_S = _spans(found, _align(data, panel))
    most = recipe.evaluation.origins or NEVER
    count_S = np.clip(spacing.fit(bound_S - start_S - 1 - spacing.gap), 0, most)
    from_S = bound_S - spacing.span(count_S)
    if data.test_from:
        given = _step(data, "test_from", found)
        if (start_S < given).any() and (given < bound_S).any():
            from_S = np.full_like(start_S, given)
            count_S = np.minimum(spacing.fit(bound_S - from_S), most)
    series_W, origin_W = evaluated(panel, from_S, count_S, spacing)
    if not len(series_W):
        longest = int((bound_S - start_S).max())
        raise DataError(
            f"{path}: no window fits: series of at most {longest:,} steps, and {spacing.horizon} to forecast",
            "a longer file, with the steps before those to be forecast",
        )
    end_S = np.clip(panel.start_S + from_S - panel.first_S - spacing.gap, panel.start_S, panel.end_S)
    panel, notes = _closed(recipe, panel, np.r_[origin_W, end_S - 1])
    part = WindowPart(panel, series_W, origin_W, spacing.horizon, spacing.gap, panel.start_S, end_S)
    return Corpus({"test": part}, headline(found), (*found.reading.notes, *notes), found.reading.dropped)


def _require_split_by_time(data: SeriesData) -> None:
    for key in ("split_column", "fold_column", "dev_fraction", "test_fraction"):
        if getattr(data, key) != SeriesData.model_fields[key].default:
            raise DataError(
                f"data.{key}: series are split by time", "data.test_from=2025-07-01, say, or evaluation.origins"
            )


def _align(data: SeriesData, panel: Panel) -> str:
    if data.align != AUTO:
        return data.align
    return "end" if panel.grid.is_whole else "calendar"


def _spans(found: Series, align: str) -> tuple[np.ndarray, np.ndarray]:
    """The numbers of the first step and of that behind the last, (S,): of all together where they are aligned."""
    panel = found.panel
    start_S, bound_S = panel.first_S, panel.first_S + panel.end_S - panel.start_S
    if align == "end":
        return start_S, bound_S
    return np.full_like(start_S, start_S.min()), np.full_like(bound_S, bound_S.max())


def _step(data: SeriesData, key: str, found: Series) -> int:
    day_first = found.rows.day_first if data.day_first == AUTO and found.rows.day_first is not None else data.day_first
    return step_of(found.panel.grid, getattr(data, key), f"data.{key}", day_first)


def _cut(recipe: ForecastRecipe, found: Series, names: list[str]) -> TimeCut:
    """Where dev and test begin, by stamps, files, or counts of origins; raises DataError where nothing fits."""
    data, panel, spacing = recipe.data, found.panel, found.spacing
    start_S, bound_S = _spans(found, _align(data, panel))
    from_S: dict[str, np.ndarray] = {}
    for at, name in enumerate(names[1:]):
        from_S[name] = found.reading.from_PS[at]
    if from_S:
        start_S, bound_S = _spans(found, "end")
        _require_known(found, from_S)
    for name in ("dev", "test"):
        if getattr(data, f"{name}_from"):
            if name in from_S:
                raise DataError(f"data.{name}_from and a file of {name}: one of the two says what {name} is")
            from_S[name] = np.full_like(start_S, _step(data, f"{name}_from", found))
    if "test" not in from_S or "dev" not in from_S:
        require_room(int((bound_S - start_S).max()), spacing, panel.source)
    test_S, origins_S = test_cut(start_S, bound_S, from_S.get("test"), recipe.evaluation.origins, spacing)
    known_S = test_S - spacing.gap
    if len(names) > 1 and "dev" not in from_S:
        known_S = np.minimum(known_S, found.reading.last_S + 1)
    dev_S, dev_origins_S = dev_cut(start_S, bound_S, known_S, origins_S, from_S.get("dev"), spacing)
    cut = TimeCut(dev_S, dev_origins_S, test_S, origins_S, carved="dev" not in from_S and "test" in names)
    _require_origins(cut, found)
    return cut


def _require_known(found: Series, from_S: Mapping[str, np.ndarray]) -> None:
    """Note series that train lacks; raises DataError where a file has no other."""
    reading = found.reading
    for name, begin_S in from_S.items():
        there_S = begin_S < NEVER
        new_S = there_S & (reading.last_S < 0) & (reading.last_S == -NEVER)
        names = reading.panel.names
        if there_S.any() and new_S[there_S].all():
            raise DataError(
                f"{reading.panel.source}: no series of {name} is in train: {names[int(np.argmax(there_S))]} is not",
                f"is it the same column? its names must be those of train, such as {names[int(np.argmin(new_S))]}",
            )
        if new_S.any():
            shown = names[int(np.argmax(new_S))]
            reading.notes.append(f"{int(new_S.sum()):,} series of {name} not in train left out, such as {shown}")


def _require_origins(cut: TimeCut, found: Series) -> None:
    panel, spacing = found.panel, found.spacing
    last_S = panel.first_S + panel.end_S - panel.start_S
    for name, from_S, count_S, bound_S, what in (
        ("test", cut.test_S, cut.test_origins_S, last_S, "the data end"),
        ("dev", cut.dev_S, cut.dev_origins_S, cut.test_S - spacing.gap, "test begins"),
    ):
        if not count_S.max(initial=0):
            room = int((bound_S - from_S).max())
            at, bound = panel.grid.stamp(int(from_S.min())), panel.grid.stamp(int(bound_S.max()))
            few = panel.grid.steps(room) if room > 0 else "no step"
            raise DataError(
                f"{panel.source}: {name} begins at {at}, {few} before {what} ({bound}), for a horizon of "
                f"{spacing.horizon}",
                f"an earlier data.{name}_from" + (f", or --horizon {room}" if room > 0 else ""),
            )


def _fold(recipe: ForecastRecipe, cut: TimeCut) -> int:
    """The number of the first origin that this fit tests; raises DataError where there are not as many as wanted."""
    data, evaluation = recipe.data, recipe.evaluation
    if data.fold is None:
        return 0
    there = int(cut.test_origins_S.max())
    if there < evaluation.origins:
        raise DataError(
            f"evaluation.origins={evaluation.origins}, by which evaluation.refit counts its fits, and only {there} fit "
            "in",
            f"evaluation.origins={there}",
        )
    return data.fold * evaluation.origins_a_fit


def _windows(recipe: ForecastRecipe, found: Series, whole: TimeCut, first: int) -> Corpus:
    """The windows of all parts, series too short for any left out."""
    data, spacing = recipe.data, found.spacing
    keep_S, lonely = _usable(recipe, found, whole, first)
    panel, whole = found.panel.only(keep_S), whole.only(keep_S)
    cut = whole.moved(first, recipe.evaluation.origins_a_fit, spacing.step) if data.fold is not None else whole
    begin_S, end_S = _bounds(recipe, found, panel, whole, cut)
    measured = _measured(recipe, found, panel, whole)
    first_S, count_S = trained(begin_S, end_S, _lookback(recipe, panel, spacing, end_S - begin_S), spacing)
    windows = {
        "train": thinned(panel, first_S, count_S, data.windows, recipe.seed),
        "dev": evaluated(panel, cut.dev_S, cut.dev_origins_S, spacing),
        "test": evaluated(panel, cut.test_S, cut.test_origins_S, spacing),
    }
    _require_windows(windows, panel, spacing)
    known = np.concatenate([windows["dev"][1], windows["test"][1], end_S - 1])
    closed, notes = _closed(recipe, panel, known)
    closed, constant = _varying(closed, begin_S, end_S)
    parts = {
        name: WindowPart(closed, series_W, origin_W, spacing.horizon, spacing.gap, begin_S, end_S, measured)
        for name, (series_W, origin_W) in windows.items()
    }
    dropped = Counter(found.reading.dropped)
    short = int((~keep_S).sum())
    if short:
        steps = int((found.panel.end_S - found.panel.start_S)[~keep_S].sum())
        dropped["step of a series too short to learn from"] = steps
        notes.insert(0, f"{short:,} series left out: no room for {spacing.horizon} steps ahead before dev")
    if lonely:
        notes.append(f"{lonely:,} series too short to learn from, forecast by what others taught")
    how = split_words(recipe, parts, found)
    notes = [*found.reading.notes, *notes, *column_notes(found, closed), *constant, how]
    values = chosen(recipe, found) | {"data.align": _align(data, panel)}
    return Corpus(parts, headline(found), tuple(notes), dropped, values)


def _measured(recipe: ForecastRecipe, found: Series, panel: Panel, whole: TimeCut) -> tuple[np.ndarray, np.ndarray]:
    """The flat indices, (S,) each, between which lies what errors are measured by, in all refits the same.

    That is what is learnt from or, where test is a file of its own, all of the file of train, as published scales are.
    """
    if not whole.carved:
        return panel.start_S, _bounds(recipe, found, panel, whole, whole)[1]
    behind_S = whole.test_S - found.spacing.gap - panel.first_S
    return panel.start_S, np.clip(panel.start_S + behind_S, panel.start_S, panel.end_S)


def _usable(recipe: ForecastRecipe, found: Series, whole: TimeCut, first: int) -> tuple[np.ndarray, int]:
    """Which series have windows of train or test, (S,), and how many have of test alone."""
    panel, spacing = found.panel, found.spacing
    cut = whole.moved(first, recipe.evaluation.origins_a_fit, spacing.step) if recipe.data.fold is not None else whole
    begin_S, end_S = _bounds(recipe, found, panel, whole, cut)
    taught_S = trained(begin_S, end_S, np.ones_like(begin_S), spacing)[1] > 0
    if taught_S.all():
        return taught_S, 0
    if not taught_S.any():
        longest = int((end_S - begin_S).max())
        raise DataError(
            f"{panel.source}: series have at most {longest:,} steps before dev, too few to learn from: the horizon is "
            f"{spacing.horizon}",
            f"a smaller --horizon, such as {max(1, longest // 4)}, or fewer evaluation.origins",
        )
    first_S, count_S = (np.where(taught_S, 0, one_S) for one_S in (cut.test_S, cut.test_origins_S))
    series_W, _ = evaluated(panel, first_S, count_S, spacing)
    tested_S = np.bincount(series_W, minlength=len(taught_S)) > 0
    return taught_S | tested_S, int((tested_S & ~taught_S).sum())


def _bounds(
    recipe: ForecastRecipe, found: Series, panel: Panel, whole: TimeCut, cut: TimeCut
) -> tuple[np.ndarray, np.ndarray]:
    """The flat indices, (S,) each, between which fitting looks at a series: what is known at dev's first origin.

    A rolling window begins as many steps later as its dev does than the first fit's.
    """
    end_S = panel.start_S + cut.dev_S - found.spacing.gap - panel.first_S
    end_S = np.clip(end_S, panel.start_S, panel.end_S)
    if recipe.evaluation.window == "expanding":
        return panel.start_S, end_S
    moved_S = cut.dev_S - whole.dev_S
    if _align(recipe.data, panel) == "end":
        begin_S = panel.start_S + moved_S
        # A series too short for the first fit has no window to roll.
        return np.where(begin_S < end_S, begin_S, panel.start_S), end_S
    begin_S = panel.start_S + found.panel.first_S.min() + moved_S - panel.first_S
    return np.clip(begin_S, panel.start_S, end_S), end_S


def _lookback(recipe: ForecastRecipe, panel: Panel, spacing: Spacing, room_S: np.ndarray) -> np.ndarray:
    """The steps that a window of training has before it at least, (S,)."""
    if recipe.data.lookback != AUTO:
        return np.full_like(room_S, recipe.data.lookback)
    usual = max(spacing.horizon, panel.grid.seasons[-1])
    return np.clip((room_S - spacing.horizon - spacing.gap) // 2, 1, usual)


def _require_windows(windows: Mapping[str, tuple[np.ndarray, np.ndarray]], panel: Panel, spacing: Spacing) -> None:
    for name, (series_W, _) in windows.items():
        if not len(series_W):
            raise DataError(
                f"{panel.source}: no window of {name} has a value to be forecast, {spacing.horizon} steps ahead",
                "a smaller --horizon, or other data.dev_from and data.test_from",
            )


def _closed(recipe: ForecastRecipe, panel: Panel, known: np.ndarray) -> tuple[Panel, list[str]]:
    """The panel with its gaps filled, none by what the origins ``known`` (flat) cannot know; and what to say of it."""
    rule = recipe.data.gaps
    inside_N = np.arange(len(panel.y_N)) < np.repeat(panel.end_S, np.diff(panel.offset))
    absent_N = inside_N & ~panel.observed_N
    if not absent_N.any():
        return panel, []
    season = seasons_of(recipe.data, panel.grid)[0]
    y_N = filled(panel.y_N, panel.offset, panel.end_S, rule, season, known)
    seen = np.r_[0, np.cumsum(absent_N)]
    gappy = int((np.diff(seen[panel.offset]) > 0).sum())
    said = f"{counted(int(absent_N.sum()), 'absent step')} of {gappy:,} series filled {_FILLED[rule]}, never scored"
    if rule == "linear":
        said += "; where a forecast begins inside of a gap, by the value before"
    return replace(panel, y_N=y_N), [said]


def _varying(panel: Panel, begin_S: np.ndarray, end_S: np.ndarray) -> tuple[Panel, list[str]]:
    """The panel without covariates that are the same in all that fitting sees: nothing can be learnt of them."""
    at_N = np.arange(len(panel.y_N))
    length_S = np.diff(panel.offset)
    fitted_N = (at_N >= np.repeat(begin_S, length_S)) & (at_N < np.repeat(end_S, length_S))
    kept: list[tuple[str, ...]] = []
    constant: list[str] = []
    for names, values in ((panel.known, panel.known_NK), (panel.past, panel.past_NP)):
        same = [name for name, column in zip(names, values.T, strict=True) if np.ptp(column[fitted_N]) == 0]
        kept.append(tuple(name for name in names if name not in same))
        constant += same
    if not constant:
        return panel, []
    shown = few(tuple(name for name in constant if name not in calendar.COLUMNS))
    said = [f"left out, as the same in all of train: {shown}"] * bool(shown)
    return panel.having(kept[0], kept[1], panel.static), said
