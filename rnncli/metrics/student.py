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


def expanded(confidence: float, units: int) -> float:
    """The share of resamples that a bootstrap's interval from few units must hold to be as wide as Student's.

    Drawing from n units gives resamples a variance that is too small by (n - 1) / n, and knows nothing of the tails of
    Student's distribution (Hesterberg 2015, "What teachers should know about the bootstrap", section 5.3).
    """
    from scipy.special import ndtr

    if units < 2:
        return 1.0
    return float(2 * ndtr((units / (units - 1)) ** 0.5 * student_quantile(confidence, units - 1)) - 1)
