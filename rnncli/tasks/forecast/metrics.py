"""What forecasts are worth: see :class:`rnncli.tasks.base.Scoring`.

A row is a window: one series forecast from one origin, such as
``{"place": "sales.csv: north, 2025-06-30", "series": "north", "cutoff": "2025-06-30", "origin": 20269, "n": 28,
"sums": [...], "truth": [...], "mean": [...], "quantiles": [[...], ...], "history": [...]}``. ``sums`` are its
:data:`rnncli.metrics.forecasts.COUNTS`. Windows that are not kept have no values: of those ``truth`` is the sum of the
true ones. Shape letters: W windows, K windows with values, H steps ahead, Q levels, C counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np

from rnncli.metrics.crossed import Crossed
from rnncli.metrics.forecasts import AT, COUNTS, counted, scores, some_scores
from rnncli.metrics.statistics import Statistics, Sums
from rnncli.recipe.schema import EvaluationSection
from rnncli.report.build import Details, ReportTable
from rnncli.report.figures import Figure, Line, Piece, Sample, Trace
from rnncli.tasks.base import About, Row
from rnncli.tasks.forecast.extras.shown import Shown, by_time, nan_mean

WORST, BEST = 5, 3
"""Series that a table names where there are more."""
DRAWN = 2
"""Windows that a page draws of the best, and of the worst."""
FEW_BLOCKS = 5
"""Spans of time without a step in common; intervals from fewer are rough."""


def statistics(rows: Sequence[Row], about: About) -> Statistics:
    """Every metric for which something was counted."""
    return of_sums(_sums(rows), *_cells(rows), about)


def of_sums(sums_WC: np.ndarray, origin_W: np.ndarray, series_W: np.ndarray, about: About) -> Statistics:
    """The same of the sums of windows, such as those of a rival, in the order of the rows.

    ``origin_W`` are the numbers of the cutoffs on the grid. ``about["horizon"]`` and ``about["step"]`` say how many
    consecutive origins forecast a step in common, and ``about["align"]`` whether series end at times of their own:
    ``end`` compares their origins by how far from the end they are.
    """
    score = partial(some_scores, counted(sums_WC.sum(0)))
    return Statistics((Sums(sums_WC, score, design=_design(origin_W, series_W, about)),))


def details(rows: Sequence[Row], about: About, settings: EvaluationSection, seed: int) -> Details:
    """Errors by step ahead and by series, a typical window, what was left out of what."""
    shown = Shown.of(rows, about)
    tables = [table for table in (_by_step(shown, len(rows)), _by_series(rows)) if table]
    typical = [_trace(shown, int(shown.order()[len(shown.order()) // 2]), about)] if len(shown.order()) else []
    return Details(tables=tables, notes=_notes(rows, about), traces=typical)


def figures(rows: Sequence[Row], about: About) -> list[Figure]:
    """Good and bad windows; errors by step ahead, by hour or weekday, by origin; coverage by level."""
    shown = Shown.of(rows, about)
    order = shown.order().tolist()
    found = [_window("bad", shown, at, about) for at in order[::-1][:DRAWN]]
    found += [_window("good", shown, at, about) for at in order[: min(DRAWN, len(order) - len(found))]]
    found += [figure for figure in (_step_figure(shown), _time_figure(shown, about), _origin_figure(rows)) if figure]
    if shown.quantile_KHQ is not None and len(shown):
        line = Line("", tuple(shown.levels), tuple(shown.below().tolist()))
        found.append(
            Figure("coverage by level", "level of the quantile", "share of values below", (line,), diagonal=True)
        )
    return found


def samples(rows: Sequence[Row], about: About, most: int) -> list[Sample]:
    """The worst windows, value by value, those outside of the 95 % interval marked."""
    shown = Shown.of(rows, about)
    return [_sample(shown, at) for at in shown.order()[::-1][:most].tolist()]


def _sums(rows: Sequence[Row]) -> np.ndarray:
    return np.array([row["sums"] for row in rows], np.float64).reshape(len(rows), len(COUNTS))


def _cells(rows: Sequence[Row]) -> tuple[np.ndarray, np.ndarray]:
    """The origin and the number of the series of each window, (W,) each."""
    numbers = {name: number for number, name in enumerate(dict.fromkeys(row["series"] for row in rows))}
    series_W = np.array([numbers[row["series"]] for row in rows], np.int64)
    return np.array([row["origin"] for row in rows], np.int64), series_W


def _design(origin_W: np.ndarray, series_W: np.ndarray, about: About) -> Crossed:
    if about.get("align") == "end":
        origin_W = _from_the_end(origin_W, series_W)
    return Crossed(origin_W, series_W, -(-int(about["horizon"]) // max(int(about["step"]), 1)))


def _from_the_end(origin_W: np.ndarray, series_W: np.ndarray) -> np.ndarray:
    """Of each window minus the number of origins of its series that come later."""
    order_W = np.lexsort((origin_W, series_W))
    series_W = series_W[order_W]
    last_W = np.searchsorted(series_W, series_W, side="right") - 1
    found_W = np.empty(len(order_W), np.int64)
    found_W[order_W] = np.arange(len(order_W)) - last_W
    return found_W


def _notes(rows: Sequence[Row], about: About) -> list[str]:
    """Windows that are left out of some metrics, and on how much intervals rest."""
    sums_WC, design = _sums(rows), _design(*_cells(rows), about)
    steps_W = sums_WC[:, AT["steps"]]
    unscaled = int(((steps_W > 0) & (sums_WC[:, AT["scaled_steps"]] == 0)).sum())
    empty = int((steps_W == 0).sum())
    found = [f"{empty:,} of {len(rows):,} windows have no value to be scored"] if empty else []
    if unscaled:
        found.append(
            f"{unscaled:,} of {len(rows):,} windows, of series without a scale (constant), are not in mase and msis"
        )
    (origins, _), (series, _) = design.origins, design.series
    if not design.varies:
        several = f"{origins:,} origins whose steps overlap, of one series, are"
        found.append(f"no intervals: {several if origins > 1 else 'one origin of one series is'} one span of time")
    elif origins > 1 and origins < FEW_BLOCKS * design.overlap:
        spans = f"{origins / design.overlap:.1f} spans of time that have no step in common"
        also = "" if design.in_time else f"; they are over {series:,} series alone"
        found.append(f"intervals are rough: {origins:,} origins come to {spans}{also}")
    return [*found, *([str(about["intervals"])] if about.get("intervals") else [])]


def _by_step(shown: Shown, windows: int) -> ReportTable | None:
    """The errors and the coverage by steps ahead, of the windows that have values; the title counts them."""
    if not len(shown):
        return None
    inside_KH = shown.inside("95")
    error_KH, absolute_KH = shown.errors, np.abs(shown.truth_KH - shown.point_KH)
    rows = []
    for name, steps in shown.steps():
        cells = [_mean(absolute_KH[:, steps])]
        cells += [_mean(error_KH[:, steps])] if shown.is_scaled else []
        cells += [_percent(_mean(inside_KH[:, steps]))] if inside_KH is not None else []
        rows.append((name, *cells))
    columns = ("step", "mae", *(["mase"] if shown.is_scaled else []), *(["% in 95 %"] if inside_KH is not None else []))
    some = f", {len(shown):,} of {windows:,} windows" if len(shown) < windows else ""
    return ReportTable(f"by step ahead{some}", columns, tuple(rows))


def _by_series(rows: Sequence[Row]) -> ReportTable | None:
    """The worst series and, where there are many, the best beside them."""
    names = list(dict.fromkeys(row["series"] for row in rows))
    if len(names) < 2:
        return None
    _, series_W = _cells(rows)
    sums_SC = np.zeros((len(names), len(COUNTS)))
    np.add.at(sums_SC, series_W, _sums(rows))
    found = scores(sums_SC)
    by = "mase" if np.isfinite(found["mase"]).any() else "mae"
    order = np.argsort(-found[by], kind="stable")
    order = order[np.isfinite(found[by][order])].tolist()
    many = len(order) > WORST + BEST
    chosen = [*order[:WORST], *order[-BEST:]] if many else order
    windows_S = np.bincount(series_W, minlength=len(names))
    covered = bool(np.isfinite(found["coverage_95"]).any())
    table = []
    for s in chosen:
        mae, mase, share = (_plain(float(found[name][s])) for name in ("mae", "mase", "coverage_95"))
        cells, coverage = (mae, mase), (_percent(share),) if covered else ()
        table.append((names[s], int(windows_S[s]), *cells, *coverage))
    title = f"by series, the worst {WORST} and the best {BEST} of {len(names):,}" if many else "by series"
    return ReportTable(title, ("series", "windows", "mae", "mase", *(("% in 95 %",) if covered else ())), tuple(table))


def _trace(shown: Shown, at: int, about: About) -> Trace:
    """A window as a report draws it in characters."""
    row, ends = shown.rows[at], shown.ends("95")
    history = tuple(_known(row.get("history") or ()))
    ahead = (shown.truth_KH[at], shown.point_KH[at], *((one[at] for one in ends) if ends else ()))
    truth, point, *band = (tuple(_known(one.tolist())) for one in ahead)
    title = f"a typical window, {_words(shown, at)}"
    return Trace(title, history, point, truth, *band, gap=int(about.get("gap", 0)))


def _window(kind: str, shown: Shown, at: int, about: About) -> Figure:
    """History, forecast with its bands and truth over steps from the cutoff."""
    row = shown.rows[at]
    history = [*(row.get("history") or ())]
    lines = [_line("history", range(1 - len(history), 1), history)]
    ahead = range(1 + int(about.get("gap", 0)), 1 + int(about.get("gap", 0)) + shown.horizon)
    point = shown.point_KH[at].tolist()
    wide, narrow = shown.ends("95"), shown.ends("80")
    lines.append(_line("forecast, 95 %" if wide else "forecast", ahead, point, wide, at))
    if narrow and shown.quantile_KHQ is not None and 0.5 in shown.levels:
        median = shown.quantile_KHQ[at, :, shown.levels.index(0.5)].tolist()
        lines.append(_line("median, 80 %", ahead, median, narrow, at))
    lines.append(_line("truth", ahead, shown.truth_KH[at].tolist()))
    title = f"{kind}: {_words(shown, at)}"
    return Figure(
        title, f"steps from {row['cutoff']}", str(row["series"]), tuple(lines), x_is_share=False, y_is_share=False
    )


def _line(
    name: str,
    xs: Sequence[int],
    ys: Sequence[float | None],
    ends: tuple[np.ndarray, np.ndarray] | None = None,
    at: int = 0,
) -> Line:
    """A line through what is known."""
    known = [(x, y) for x, y in zip(xs, ys, strict=True) if y is not None and np.isfinite(y)]
    band = tuple(tuple(one[at].tolist()) for one in ends) if ends and len(known) == len(ys) else ((), ())
    return Line(name, tuple(float(x) for x, _ in known), tuple(float(y) for _, y in known), *band)


def _step_figure(shown: Shown) -> Figure | None:
    if shown.horizon < 2 or not len(shown):
        return None
    line = _line("", range(1, shown.horizon + 1), nan_mean(shown.errors, 0).tolist())
    return Figure("error by step ahead", "steps ahead", shown.measure, (line,), x_is_share=False, y_is_share=False)


def _time_figure(shown: Shown, about: About) -> Figure | None:
    found = by_time(shown, about)
    if found is None or len(found[1]) < 2:
        return None
    by, groups, means = found
    line = _line("", groups, means)
    axis = {"hour": "hour of the day", "weekday": "weekday, 1 is Monday"}.get(by, by)
    return Figure(f"error by {by}", axis, shown.measure, (line,), x_is_share=False, y_is_share=False)


def _origin_figure(rows: Sequence[Row]) -> Figure | None:
    """The error of each origin over all windows, which shows whether times have changed."""
    origin_W, _ = _cells(rows)
    origins, at_W = np.unique(origin_W, return_inverse=True)
    if len(origins) < 3:
        return None
    sums_OC = np.zeros((len(origins), len(COUNTS)))
    np.add.at(sums_OC, at_W, _sums(rows))
    found = scores(sums_OC)
    by = "mase" if np.isfinite(found["mase"]).any() else "mae"
    first, last = (rows[int(at_W.tolist().index(at))]["cutoff"] for at in (0, len(origins) - 1))
    line = _line("", range(1, len(origins) + 1), found[by].tolist())
    return Figure("error by origin", f"origins, {first} to {last}", by, (line,), x_is_share=False, y_is_share=False)


def _sample(shown: Shown, at: int) -> Sample:
    """A window as its true values, each with what was forecast."""
    inside_KH, ends = shown.inside("95"), shown.ends("95")
    pieces = []
    for h, (truth, point) in enumerate(zip(shown.truth_KH[at], shown.point_KH[at], strict=True)):
        if not np.isfinite(truth):
            continue
        says = f"step {h + 1}: forecast {point:.6g}"
        says += f", 95 % {ends[0][at, h]:.6g} .. {ends[1][at, h]:.6g}" if ends else ""
        mark = "" if inside_KH is None else "right" if inside_KH[at, h] else "wrong"
        pieces.append(Piece(f"{truth:.6g}", mark, says))
    return Sample(_words(shown, at), tuple(pieces), shown.rows[at]["place"])


def _words(shown: Shown, at: int) -> str:
    """A window and its error."""
    row = shown.rows[at]
    named = f"{row['series']} from {row['cutoff']}" if row["series"] else f"from {row['cutoff']}"
    return f"{named}, {shown.measure} {shown.badness[at]:.3g}"


def _mean(values: np.ndarray) -> float | None:
    return _plain(float(nan_mean(values.ravel(), 0)))


def _percent(share: float | None) -> int | None:
    return None if share is None else round(100 * share)


def _plain(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _known(values: Sequence[float | None]) -> list[float | None]:
    return [None if value is None or not np.isfinite(value) else float(value) for value in values]
