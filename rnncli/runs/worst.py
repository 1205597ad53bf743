"""What the worst mistakes of a model hang on, kept in the rows of its predictions for the page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import nn

from rnncli import tasks
from rnncli.core.device import Placement
from rnncli.explain.attribution import along, frozen
from rnncli.recipe.schema import Recipe
from rnncli.runs.page import SAMPLES
from rnncli.tasks.base import Fitted, Row
from rnncli.tasks.explaining import UNKNOWN, Explainer, ExplainingTask, LabelQuestion

POINTS, MOST_PIECES = 32, 4000
"""Gradients are taken at so many points of the way from unknown words; of more pieces in all, at the example alone."""
DIGITS = 3


def with_amounts(
    rows: Sequence[Row], recipe: Recipe, fitted: Fitted[Any], module: nn.Module, placement: Placement
) -> Sequence[Row]:
    """The rows; those of the worst mistakes have under ``adds`` what each piece adds to the label that was predicted.

    Each is a piece, what stands behind it, and log-odds. Nothing is added where a task cannot tell, or tells of parts
    alone.
    """
    task = tasks.load(recipe.task)
    if not recipe.evaluation.explain or not isinstance(task, ExplainingTask):
        return rows
    explainer = task.explainer(fitted, module, placement.device)
    if explainer.of_parts:
        return rows
    worst = tasks.scoring(recipe.task).samples(rows, fitted.about, SAMPLES)
    wanted = {sample.place for sample in worst}
    numbers = [number for number, row in enumerate(rows) if row["place"] in wanted]
    with frozen(module), torch.enable_grad(), placement.autocast():
        found = _amounts(explainer, [rows[number] for number in numbers])
    return [{**row, "adds": found[row["place"]]} if row["place"] in found else row for row in rows]


def _amounts(explainer: Explainer, rows: Sequence[Row]) -> Mapping[str, list[list[Any]]]:
    """By place."""
    told = [(row["place"], example) for row in rows if (example := explainer.example(row)) is not None]
    asked: dict[str, LabelQuestion] = {}
    for question in explainer.questions([example for _, example in told]):
        place = told[question.number][0]
        if place not in asked or question.probability > asked[place].probability:
            asked[place] = question
    pieces = {place: explainer.pieces(question.example) for place, question in asked.items()}
    asked = {place: question for place, question in asked.items() if pieces[place].shown}
    if not asked:
        return {}
    many = sum(len(pieces[place].shown) for place in asked) > MOST_PIECES
    found = along(explainer, list(asked.values()), UNKNOWN, 0 if many else POINTS)
    return {
        place: [
            [shown, gap, round(amount, DIGITS)]
            for shown, gap, amount in zip(pieces[place].shown, pieces[place].gaps, one.amounts_P.tolist(), strict=True)
        ]
        for place, one in zip(asked, found, strict=True)
    }
