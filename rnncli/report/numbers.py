"""How numbers are written: shares in per cent with one decimal, everything else as it is; and how JSON holds them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from rnncli.metrics.metric import Unit

UNDEFINED = "-"


def number(value: float | None, unit: Unit = "share") -> str:
    """A value without its unit: the share 0.7789 is 77.9, the plain 0.779 as it is, a count has no decimals.

    A plain value that would be written as 0.000 has two digits, such as 4.2e-05.
    """
    if value is None or not math.isfinite(value):
        return UNDEFINED
    if unit == "share":
        return f"{100 * value:.1f}"
    if unit == "count":
        return f"{value:,.0f}"
    return _written(value)


def interval(low: float | None, high: float | None, unit: Unit = "share") -> str:
    """Both ends of an interval, or nothing where there is none."""
    if low is None or high is None:
        return ""
    return f"{number(low, unit)} - {number(high, unit)}"


def signed(value: float, unit: Unit = "share") -> str:
    """A difference with its sign."""
    if not math.isfinite(value):
        return UNDEFINED
    return f"{100 * value:+.1f}" if unit == "share" else f"{'+' * (value >= 0)}{_written(value)}"


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


def plain(value: Any) -> Any:
    """``value`` as JSON can hold it: numpy's numbers and arrays as Python's, what is no number as None."""
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value


def _written(value: float) -> str:
    if 0 < abs(value) < 0.0005:
        return f"{value:.1e}"
    return f"{value:.3f}" if abs(value) < 100 else f"{value:,.1f}"
