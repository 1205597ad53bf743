"""Student's distribution, from the finite sums of Abramowitz and Stegun, 26.7.3 and 26.7.4."""

from __future__ import annotations

import math


def student_quantile(confidence: float, freedom: int) -> float:
    """t such that Student's distribution lies within -t .. t with probability ``confidence``."""
    low, high = 0.0, 1.0
    while student_share(high, freedom) < confidence:
        high *= 2
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if student_share(middle, freedom) < confidence else (low, middle)
    return high


def student_share(t: float, freedom: int) -> float:
    """P(-t < T < t) of ``freedom`` degrees of freedom, at least 1."""
    angle = math.atan2(t, math.sqrt(freedom))
    sine, cosine = math.sin(angle), math.cos(angle)
    odd = freedom % 2
    term, total = (cosine, cosine) if odd else (1.0, 1.0)
    for k in range(2 + odd, freedom - 1, 2):
        term *= cosine * cosine * (k - 1) / k
        total += term
    if not odd:
        return sine * total
    return 2 / math.pi * (angle + (sine * total if freedom > 1 else 0.0))
