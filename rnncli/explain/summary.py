"""Which pieces speak for each label, over many examples."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rnncli.explain.attribution import Attribution
from rnncli.tasks.explaining import Explainer, LabelQuestion

FEWEST_TIMES = 3
"""Pieces seen less often are not listed."""
MOST_LISTED = 15
Z = 1.96


@dataclass(frozen=True)
class Speaker:
    """A piece that speaks for a label: the mean of what it ``adds`` in log-odds where it stands, and how sure that is.

    ``low`` and ``high`` are 1.96 standard errors of the mean away, over the ``count`` examples that have it.
    """

    name: str
    count: int
    adds: float
    low: float
    high: float


def speakers(
    explainer: Explainer, questions: Sequence[LabelQuestion], answers: Sequence[Attribution]
) -> dict[str, list[Speaker]]:
    """For each label that was given, the pieces that add most to it, by what they add at least; and how many others."""
    amounts: defaultdict[str, defaultdict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for question, answer in zip(questions, answers, strict=True):
        found: defaultdict[str, list[float]] = defaultdict(list)
        names = explainer.pieces(question.example).names
        for name, amount in zip(names, answer.amounts_P.tolist(), strict=True):
            found[name].append(amount)
        for name, values in found.items():
            amounts[question.label][name].append(float(np.mean(values)))
    return {
        label: _first([_speaker(name, values) for name, values in found.items() if len(values) >= FEWEST_TIMES])
        for label, found in sorted(amounts.items())
    }


def _first(found: list[Speaker]) -> list[Speaker]:
    return sorted((one for one in found if one.low > 0), key=lambda one: (-one.low, one.name))[:MOST_LISTED]


def _speaker(name: str, values: Sequence[float]) -> Speaker:
    mean, error = float(np.mean(values)), float(np.std(values, ddof=1) / np.sqrt(len(values)))
    return Speaker(name, len(values), mean, mean - Z * error, mean + Z * error)
