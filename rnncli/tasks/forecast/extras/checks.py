"""Tables and findings that let a person judge series before training on them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from rnncli.data.series.calendar import COLUMNS
from rnncli.data.series.gaps import begins
from rnncli.data.series.panel import Panel
from rnncli.report.build import Advice, ReportTable
from rnncli.tasks.base import Corpus
from rnncli.tasks.common.checks import QUANTILES, by_split, quantiles
from rnncli.tasks.forecast.extras.lags import fitted_steps
from rnncli.tasks.forecast.schema import ForecastRecipe
from rnncli.tasks.forecast.windows import WindowPart

ALIKE = 0.999
"""The correlation from which on a column is the target in other words."""
SAMPLED = 200_000
"""Steps that correlations are taken of."""
LOOKED_AHEAD = 48
"""Steps by which a column may be the target shifted."""
FEW_ORIGINS, FEW_SERIES = 4, 30
MANY_ABSENT, MANY_ZEROS = 0.2, 0.5
"""Shares of all steps that are worth a word."""
GAPPIEST = 5
"""Series with the most absent steps that are named."""


def tables(recipe: ForecastRecipe, corpus: Corpus) -> list[ReportTable]:
    """Lengths, what is absent, zero or negative, the windows of each part, the columns beside the target."""
    part = corpus.parts.get("train") or next(iter(corpus.parts.values()))
    panel = part.panel
    length_S = panel.end_S - panel.start_S
    columns = ("frequency", "series", *QUANTILES, "from", "to")
    first, last = int(panel.first_S.min()), int((panel.first_S + length_S).max()) - 1
    span = (panel.grid.stamp(first), panel.grid.stamp(last))
    lengths = (panel.grid.words, f"{len(panel.names):,}", *quantiles(length_S), *span)
    found = [
        ReportTable("steps a series", columns, (lengths,)),
        _kinds(part, length_S),
        by_split("windows", ("origins", "windows", "first origin", "last origin", "scored"), corpus.parts, _windows),
    ]
    found += [one for one in (_gappiest(panel), _covariates(part)) if one.rows]
    return found


def findings(corpus: Corpus) -> Iterator[Advice]:
    """What is odd in the series and the columns beside them, of what training sees."""
    parts: Mapping[str, WindowPart] = corpus.parts
    part = parts.get("train") or next(iter(parts.values()))
    yield from _leaks(part)
    yield from _shifted(part)
    yield from _series_findings(part)
    if "test" in parts:
        yield from _origin_findings(parts["test"])


def _inside(panel: Panel) -> np.ndarray:
    """The steps up to each series' last value, (N,)."""
    return np.arange(len(panel.y_N)) < np.repeat(panel.end_S, np.diff(panel.offset))


def _series_counts(panel: Panel, mask_N: np.ndarray) -> np.ndarray:
    """How many steps of each series a mask (N,) has, (S,)."""
    return np.diff(np.r_[0, np.cumsum(mask_N)][panel.offset])


def _constant(part: WindowPart) -> np.ndarray:
    """Which series have one value throughout what is fitted to, (S,)."""
    panel = part.panel
    fitted = np.flatnonzero(_fitted(part))
    most, least = np.full(len(panel.names), -np.inf), np.full(len(panel.names), np.inf)
    series = np.searchsorted(panel.offset, fitted, "right") - 1
    np.maximum.at(most, series, panel.y_N[fitted])
    np.minimum.at(least, series, panel.y_N[fitted])
    return most == least


def _fitted(part: WindowPart) -> np.ndarray:
    """The observed steps that fitting sees, (N,)."""
    return fitted_steps(part) & part.panel.observed_N


def _kinds(part: WindowPart, length_S: np.ndarray) -> ReportTable:
    """How many steps and series are absent, zero and so on."""
    panel, inside_N = part.panel, _inside(part.panel)
    absent_N = inside_N & ~panel.observed_N
    total = int(inside_N.sum())
    rows = []
    for name, mask_N in (
        ("absent, filled", absent_N),
        ("zero", panel.observed_N & (panel.y_N == 0)),
        ("negative", panel.observed_N & (panel.y_N < 0)),
    ):
        count, of_S = int(mask_N.sum()), _series_counts(panel, mask_N)
        rows.append((name, f"{count:,}", f"{100 * count / total:.1f} %", f"{int((of_S > 0).sum()):,}"))
    ends_S = panel.first_S + length_S
    whole = {
        "constant in train": _constant(part),
        "shorter than three horizons": length_S < 3 * part.horizon + 1,
        "ending before the last": ends_S < ends_S.max(),
        "beginning after the first": panel.first_S > panel.first_S.min(),
    }
    for name, mask_S in whole.items():
        steps = int(length_S[mask_S].sum())
        rows.append((name, f"{steps:,}", f"{100 * steps / total:.1f} %", f"{int(mask_S.sum()):,}"))
    return ReportTable("kinds of steps and series", ("kind", "steps", "share", "series"), tuple(rows))


def _windows(part: WindowPart) -> list[str]:
    numbers = part.cutoff_W
    _, scored_WH = part.truth_WH() if len(part) * part.horizon < 50_000_000 else (None, None)
    scored = "" if scored_WH is None else f"{int(scored_WH.sum()):,}"
    grid = part.panel.grid
    ends = [grid.stamp(int(numbers.min())), grid.stamp(int(numbers.max()))]
    return [f"{int(np.bincount(part.series_W).max()):,}", f"{len(part):,}", *ends, scored]


def _gappiest(panel: Panel) -> ReportTable:
    """The series with the most absent steps."""
    absent_N = _inside(panel) & ~panel.observed_N
    of_S = _series_counts(panel, absent_N)
    rows = []
    for series in np.argsort(-of_S, kind="stable")[:GAPPIEST].tolist():
        if not of_S[series]:
            break
        at = np.flatnonzero(absent_N[panel.offset[series] : panel.offset[series + 1]])
        runs = np.split(at, np.flatnonzero(np.diff(at) > 1) + 1)
        longest = max(runs, key=len)
        begins_at = panel.grid.stamp(int(panel.first_S[series] + longest[0]))
        rows.append((panel.names[series], f"{len(at):,}", f"{len(runs):,}", f"{len(longest):,}", begins_at))
    return ReportTable("gaps", ("series", "absent steps", "gaps", "longest", "from"), tuple(rows))


def _covariates(part: WindowPart) -> ReportTable:
    """The columns beside the target, without those of the calendar."""
    panel = part.panel
    rows = []
    for kind, names, values in (
        ("known ahead", panel.known, panel.known_NK),
        ("past only", panel.past, panel.past_NP),
        ("static", panel.static, panel.static_SC),
    ):
        for name, column in zip(names, values.T, strict=True):
            if name not in COLUMNS:
                cells = (f"{column.min():.6g}", f"{column.mean(dtype=np.float64):.6g}", f"{column.max():.6g}")
                rows.append((name, kind, *cells))
    return ReportTable("columns beside the values", ("column", "kind", "least", "mean", "most"), tuple(rows))


def _within(panel: Panel, values_N: np.ndarray, mask_N: np.ndarray) -> np.ndarray:
    """Values minus the mean of their series over a mask, float64 (N,): what differs between series is no likeness."""
    count_S = _series_counts(panel, mask_N)
    total = np.r_[0, np.cumsum(np.where(mask_N, values_N, 0.0).astype(np.float64))][panel.offset]
    mean_S = np.diff(total) / np.maximum(count_S, 1)
    return values_N - np.repeat(mean_S, np.diff(panel.offset))


def _correlation(one: np.ndarray, other: np.ndarray) -> float:
    scale = np.sqrt((one**2).sum() * (other**2).sum())
    return float((one * other).sum() / scale) if scale > 0 else 0.0


def _sample(mask_N: np.ndarray) -> np.ndarray:
    at = np.flatnonzero(mask_N)
    return at[:: max(1, len(at) // SAMPLED)]


def _leaks(part: WindowPart) -> Iterator[Advice]:
    """FoundColumns known ahead that tell the target of the same step, alone or together."""
    panel, fitted_N = part.panel, _fitted(part)
    names = [name for name in panel.known if name not in COLUMNS]
    at = _sample(fitted_N)
    if not names or len(at) < 10 * len(names):
        return
    y = _within(panel, panel.y_N, fitted_N)[at]
    x = np.stack([_within(panel, panel.known_NK[:, panel.known.index(name)], fitted_N)[at] for name in names], axis=1)
    found = False
    for name, column in zip(names, x.T, strict=True):
        r = _correlation(y, column)
        if abs(r) > ALIKE:
            found = True
            says = f'the column "{name}", known ahead, tells the value of the same step (correlation {r:.4f})'
            yield Advice(says, "leave it out of data.known, unless it is known before the value is", rank=10)
    if found or len(names) < 2:
        return
    weights = np.linalg.lstsq(x, y, rcond=None)[0]
    r = _correlation(y, x @ weights)
    if r > ALIKE:
        says = f"the columns known ahead ({', '.join(names)}) together tell the value of the same step ({r:.4f})"
        yield Advice(says, "leave those out of data.known that are not known before the value is", rank=10)


def _shifted(part: WindowPart) -> Iterator[Advice]:
    """Past columns that hold the target of a later step."""
    panel, fitted_N = part.panel, _fitted(part)
    begin_N = begins(panel.offset)
    y_N = panel.y_N
    for name, column in zip(panel.past, panel.past_NP.T, strict=True):
        for ahead in range(1, min(part.horizon + part.gap, LOOKED_AHEAD) + 1):
            later_N = np.r_[fitted_N[ahead:], np.zeros(ahead, bool)] & fitted_N
            later_N[:-ahead] &= begin_N[ahead:] == begin_N[:-ahead]
            at = _sample(later_N)
            if len(at) < 20:
                break
            future = _centred(y_N[at + ahead])
            if abs(_correlation(_centred(column[at].astype(np.float64)), future)) > ALIKE:
                if abs(_correlation(_centred(y_N[at]), future)) > ALIKE:
                    continue  # the values themselves tell as much of those ahead
                says = f'the column "{name}" holds the value {panel.grid.steps(ahead)} later'
                yield Advice(says, "leave it out of data.past: at that time it cannot be known", rank=10)
                break


def _centred(values: np.ndarray) -> np.ndarray:
    return values - values.mean()


def _series_findings(part: WindowPart) -> Iterator[Advice]:
    panel = part.panel
    inside_N = _inside(panel)
    total = int(inside_N.sum())
    if constant := int(_constant(part).sum()):
        some = panel.names[int(np.argmax(_constant(part)))]
        says = f"{constant:,} series constant in train" + f", such as {some}" * bool(some)
        yield Advice(says, "their MASE is undefined and left out; take them out if nothing is to be forecast", rank=34)
    absent = int((inside_N & ~panel.observed_N).sum())
    if absent > MANY_ABSENT * total:
        says = f"{100 * absent / total:.0f} % of the steps are absent"
        yield Advice(says, "data.gaps=zero where that means none, or a longer step: data.frequency=W, say", rank=30)
    zeros = int((panel.observed_N & (panel.y_N == 0)).sum())
    if zeros > MANY_ZEROS * int(panel.observed_N.sum()):
        says = f"{100 * zeros / int(panel.observed_N.sum()):.0f} % of the values are 0"
        yield Advice(
            says, "model.head=counts suits rare counts; or longer steps, data.frequency=W data.duplicates=sum", rank=36
        )
    lowered: dict[str, str] = {}
    for name in panel.names:
        if (other := lowered.setdefault(name.casefold(), name)) != name:
            yield Advice(f'"{other}" and "{name}" are two series', "give them one name if they are one", rank=31)
            break
    yield from _twins(panel)
    season, length = panel.grid.seasons[-1], int((part.end_S - part.begin_S).max())
    if 1 < season < length < 2 * season:
        says = f"train has {length:,} steps, fewer than two seasons of {season:,}"
        yield Advice(says, "longer series, or data.season= a shorter one", rank=33)


def _twins(panel: Panel) -> Iterator[Advice]:
    """Two series with equal values."""
    seen: dict[tuple[int, bytes], int] = {}
    for series, (begin, end) in enumerate(zip(panel.start_S.tolist(), panel.end_S.tolist(), strict=True)):
        if end - begin < 10 or np.ptp(panel.y_N[begin:end]) == 0:
            continue
        other = seen.setdefault((int(panel.first_S[series]), panel.y_N[begin:end].tobytes()), series)
        if other != series:
            says = f'the series "{panel.names[other]}" and "{panel.names[series]}" have equal values'
            yield Advice(says, "keep one of them, if they are the same", rank=32)
            return


def _origin_findings(test: WindowPart) -> Iterator[Advice]:
    origins, series = int(np.bincount(test.series_W).max()), len(np.unique(test.series_W))
    if origins < FEW_ORIGINS and series < FEW_SERIES:
        says = f"test has {origins} origin{'s'[: origins != 1]} of {series} series: another time may look otherwise"
        yield Advice(says, "more evaluation.origins, or a smaller evaluation.step or --horizon", rank=25)
