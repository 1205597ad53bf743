"""How figures are written: shares in per cent with one decimal, everything else as a plain number."""

from __future__ import annotations

import math

PLAIN = frozenset({"loss", "log_loss", "brier", "calibration_error", "perplexity"})
"""Metrics that are no share of anything, or too small to read in per cent."""

UNDEFINED = "-"


def is_share(name: str) -> bool:
    """Whether a metric is shown in per cent."""
    return name not in PLAIN


def figure(name: str, value: float | None) -> str:
    """The figure of metric ``name`` without a unit: 0.7789 of accuracy is 77.9, of log loss 0.779."""
    if value is None or not math.isfinite(value):
        return UNDEFINED
    if is_share(name):
        return f"{100 * value:.1f}"
    return f"{value:.3f}" if abs(value) < 100 else f"{value:,.1f}"


def interval(name: str, low: float | None, high: float | None) -> str:
    """Both ends of an interval, or nothing where there is none."""
    if low is None or high is None:
        return ""
    return f"{figure(name, low)} - {figure(name, high)}"


def percent(value: float | None) -> str:
    """A share in per cent, without the sign."""
    return figure("", value)


def words(name: str) -> str:
    """The name of a metric as a person reads it."""
    return name.replace("_", " ")


def duration(seconds: float) -> str:
    """12.3 s, 4 min 12 s, 2 h 5 min."""
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"


def magnitude(count: int) -> str:
    """12,345 or 1.9 M."""
    return f"{count:,}" if count < 100_000 else f"{count / 1e6:.1f} M"
