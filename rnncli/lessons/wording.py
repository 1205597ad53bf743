"""Figures as words: what every lesson says of a metric, of a difference, of how far a gradient arrives."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rnncli.report.build import Estimate
from rnncli.report.comparison import Compared, Comparison, Versus
from rnncli.report.numbers import signed
from rnncli.report.reach import reach_figure
from rnncli.report.side import probability
from rnncli.runs.outcome import Outcome

SURE = 0.05
"""A difference with a larger p is called none."""


def named(outcome: Outcome) -> str:
    """The core of a run as people call it."""
    core = getattr(outcome.recipe.model, "core", "recurrent")  # pyright: ignore[reportAttributeAccessIssue]
    return outcome.report.model.cell.upper() if core == "recurrent" else str(core).replace("transformer", "Transformer")


def valued(estimate: Estimate) -> str:
    """A figure and its interval."""
    return f"{estimate.number} ({estimate.interval})" if estimate.interval else estimate.number


def setting(comparison: Comparison, outcome: Outcome) -> Compared:
    """What a comparison says of the setting of a run."""
    return next(one for one in comparison.settings if outcome.path in map(Path, one.runs))


def differs(comparison: Comparison, outcome: Outcome, metric: str) -> str:
    """By how much a run differs from the base of a comparison, and whether that is more than chance."""
    versus = setting(comparison, outcome).versus.get(metric)
    if versus is None:
        return "not tested"
    unit = comparison.units[metric]
    points = " points" if unit == "share" else ""
    ends = f"{signed(versus.low, unit)} .. {signed(versus.high, unit)}"
    return f"{signed(versus.difference, unit)}{points} ({ends}, p {_p(versus)})"


def better(comparison: Comparison, outcome: Outcome, metric: str) -> int:
    """1 where a run is shown to be better than the base of a comparison, -1 where it is shown to be worse, else 0."""
    versus = setting(comparison, outcome).versus.get(metric)
    if versus is None or versus.p_adjusted > SURE:
        return 0
    up = versus.difference > 0
    return 1 if up == (comparison.better[metric] == "higher") else -1


def listed(words: Sequence[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    return " and ".join(filter(None, (", ".join(words[:-1]), words[-1]))) if words else ""


def reach_of(outcome: Outcome) -> str:
    """How many steps back a tenth of the gradient arrives; empty where it was not measured."""
    found = outcome.report.reach
    return reach_figure(found.steps, found.beyond) if found else ""


def share_at(outcome: Outcome, lag: int) -> float | None:
    """The share of the gradient that arrives from ``lag`` steps back, the mean of directions; None if not known."""
    found = outcome.report.reach
    if found is None or any(len(one) <= lag for one in found.shares.values()) or not found.shares:
        return None
    return sum(one[lag] for one in found.shares.values()) / len(found.shares)


def percent(share: float | None) -> str:
    """A share of the gradient in per cent, which may be very small, or more than all."""
    if share is None:
        return "-"
    return f"{100 * share:.3g} %" if share >= 1e-5 else "< 0.001 %"


def _p(versus: Versus) -> str:
    return probability(versus.p_adjusted)
