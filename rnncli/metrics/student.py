"""Student's distribution."""

from __future__ import annotations


def student_quantile(confidence: float, freedom: int) -> float:
    """t such that Student's distribution lies within -t .. t with probability ``confidence``."""
    from scipy.special import stdtrit

    return float(stdtrit(freedom, (1 + confidence) / 2))


def student_share(t: float, freedom: int) -> float:
    """P(-t < T < t) of ``freedom`` degrees of freedom, at least 1."""
    from scipy.special import stdtr

    return float(2 * stdtr(freedom, t) - 1)
