"""The method that wins the deletion test."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rnncli.explain.attribution import GRADIENT, INTEGRATED, METHODS, OCCLUSION, attribute
from rnncli.explain.deletion import FEWEST, Curve, curve
from rnncli.tasks.explaining import Explainer, LabelQuestion

SAMPLE = 48
"""Questions that methods are tried on."""
MOST_WORK = 300_000
"""Squared pieces of all questions: of more, occlusion, which reads an example once for each piece, is not tried."""


@dataclass(frozen=True)
class ChosenMethod:
    """The ``method``, why, and the curves of those that were tried, by name."""

    method: str
    why: str
    curves: dict[str, Curve]


def choose(explainer: Explainer, questions: Sequence[LabelQuestion], against: str, where: str) -> ChosenMethod:
    """The method after whose three first pieces the probability falls furthest on some ``questions`` of ``where``.

    Integrated gradients, which add up, stay where no other is better beyond doubt.
    """
    some = sample(questions, SAMPLE)
    sizes = [len(explainer.pieces(one.example).shown) for one in some]
    curves: dict[str, Curve] = {}
    if len({one.number for one in some}) >= FEWEST:
        tried = [name for name in METHODS if name != OCCLUSION or sum(size * size for size in sizes) <= MOST_WORK]
        curves = {name: curve(explainer, some, attribute(explainer, some, name, against)) for name in tried}
    if not curves or not curves[INTEGRATED].enough:
        return ChosenMethod(INTEGRATED, f"ig, untried: fewer than {FEWEST} examples of {where} to try it on", {})
    best = INTEGRATED
    for name in (GRADIENT, OCCLUSION):
        if name in curves and curves[name].exceeds(curves[best]):
            best = name
    won = "no other does better" if best == INTEGRATED else "it does better"
    tried_on = f"when its {explainer.piece}s are deleted, on {len(some)} of {where}"
    return ChosenMethod(best, f"{best}: {won} {tried_on}", curves)


def sample(questions: Sequence[LabelQuestion], most: int) -> list[LabelQuestion]:
    """Some of many questions, the same every time, in their order."""
    if len(questions) <= most:
        return list(questions)
    return [questions[i] for i in np.sort(np.random.default_rng(1).permutation(len(questions))[:most])]
