"""Where else in a part the units light up that do in a span of a text.

Shape letters: N steps of all examples, H units, T steps of the span, K units that are compared.
"""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np

from rnncli.inspection.features import StepsRead

COMPARED = 10
"""Units, those farthest from their means in the span."""


class LitUnit(NamedTuple):
    """A unit by its number from 0, and how many deviations its h is from its mean in the span."""

    unit: int
    deviations: float


class SpanMatch(NamedTuple):
    """Steps ``begin`` to ``end`` of an example, from 0; ``strength`` is 1 where its units are as far as in the span."""

    example: int
    begin: int
    end: int
    strength: float


def matches(
    h_NH: np.ndarray, read: StepsRead, span_TH: np.ndarray, most: int = 10
) -> tuple[list[LitUnit], list[SpanMatch]]:
    """The units of a span, and the best span of each of those examples of ``h_NH`` where they are lit most alike."""
    mean_H, deviation_H = h_NH.mean(0), np.maximum(h_NH.std(0), 1e-6)
    query_H = ((span_TH - mean_H) / deviation_H).mean(0)
    chosen_K = np.argsort(-np.abs(query_H), kind="stable")[:COMPARED]
    query_K = query_H[chosen_K]
    # A unit counts up to what it is in the span: one alone that is much farther makes no match.
    z_NK = (h_NH[:, chosen_K] - mean_H[chosen_K]) / deviation_H[chosen_K] / query_K
    share_N = np.minimum(z_NK, 1).mean(1)
    found = []
    for example, (begin, end) in enumerate(pairwise(read.bounds.tolist())):
        if end - begin < len(span_TH):
            continue
        means = np.convolve(share_N[begin:end], np.full(len(span_TH), 1 / len(span_TH)), "valid")
        best = int(means.argmax())
        found.append(SpanMatch(example, best, best + len(span_TH), float(means[best])))
    found.sort(key=lambda one: -one.strength)
    lit = [LitUnit(int(k), float(z)) for k, z in zip(chosen_K, query_K, strict=True)]
    return lit, found[:most]
