"""The learning curve in characters: a header, then one line for each evaluation as it happens."""

from __future__ import annotations

import math
from collections.abc import Sequence

from rich.text import Text

from rnncli.metrics.metric import Metric
from rnncli.report.layout import visible
from rnncli.report.numbers import UNDEFINED, number

BLOCKS = "▁▂▃▄▅▆▇█"
POINTS = 12
"""At most so many of the last evaluations are drawn."""


def sparkline(values: Sequence[float | None]) -> str:
    """The last values as bars between their own least and greatest; a gap where a value is not a number."""
    last = [math.nan if value is None else value for value in values[-POINTS:]]
    finite = [value for value in last if math.isfinite(value)]
    if not finite:
        return " " * len(last)
    low, span = min(finite), max(finite) - min(finite)
    if not span:
        return "".join(BLOCKS[3] if math.isfinite(value) else " " for value in last)
    steps = len(BLOCKS) - 1
    return "".join(BLOCKS[round((value - low) / span * steps)] if math.isfinite(value) else " " for value in last)


def curve_header(metric: Metric) -> Text:
    """The line above the curve; ``metric`` is the watched dev metric."""
    width = _metric_width(metric)
    return Text(f"epoch     loss  {_title(metric):<{width}}        seconds", style="dim")


def curve_row(
    epoch: int,
    loss: float,
    metric: Metric,
    history: Sequence[float | None],
    *,
    best: bool,
    seconds: float,
    note: str = "",
) -> Text:
    """One evaluation: ``history`` holds every value of ``metric`` so far, this one last; ``note`` ends the line."""
    value = history[-1] if history else None
    shown = f"{loss:.3f}" if math.isfinite(loss) else UNDEFINED
    line = Text(f"{epoch:>5}  {shown:>7}  ", no_wrap=True, overflow="ignore")
    line.append(f"{number(value, metric.unit):<7}", style="bold" if best else "")
    room = _metric_width(metric) - 7
    line.append(f"{sparkline(history):<{room}}", style="cyan")
    line.append(f"  {'best' if best else '':<4}", style="bold green")
    line.append(f"  {seconds:>7,.1f}")
    return line.append(f"  {visible(note)}") if note else line


def _title(metric: Metric) -> str:
    return f"dev {visible(metric.words)}"


def _metric_width(metric: Metric) -> int:
    return max(len(_title(metric)), 7 + POINTS)
