"""Explanations as plain values, for JSON, the terminal and pages."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from rnncli.explain.attribution import Attribution
from rnncli.explain.choice import ChosenMethod
from rnncli.explain.deletion import COUNTS, DRAWS, TOLD_BY, Curve, Interval
from rnncli.explain.summary import Speaker
from rnncli.tasks.explaining import Explainer, LabelQuestion, Pieces

DIGITS = 4


@dataclass(frozen=True)
class Explanation:
    """Why a label: a question and what each of the ``pieces`` adds to it."""

    question: LabelQuestion
    attribution: Attribution
    pieces: Pieces
    against: str

    @property
    def seconds(self) -> tuple[float, float] | None:
        """Where the label stands in time, None where it does not."""
        at, line = self.question.at, self.pieces.line
        return (line.edges[at[0]], line.edges[at[1]]) if at and line and line.in_seconds else None

    def row(self) -> dict[str, Any]:
        """As JSON."""
        found, question = self.attribution, self.question
        row: dict[str, Any] = {"example": question.number, "label": question.label}
        if self.pieces.title:
            row["name"] = self.pieces.title
        if question.part is not None:
            row["part"] = question.part
        if question.at is not None:
            row["at"] = list(question.at)
        if self.seconds is not None:
            row["seconds"] = _rounded(self.seconds)
        return row | {
            "probability": round(question.probability, 6),
            "log_odds": round(found.end, DIGITS),
            "method": found.method,
            "against": self.against,
            "pieces": self._piece_rows(),
            "inputs": {
                name: round(float(part.sum()), DIGITS) for name, part in zip(found.streams, found.parts_SP, strict=True)
            },
            "beside": {name: round(value, DIGITS) for name, value in found.beside.items()},
            "baseline": round(found.start, DIGITS),
            "sum": round(float(found.parts_SP.sum()), DIGITS),
            "difference": round(found.end - found.start, DIGITS),
            "adds_up": found.adds_up,
            "steps": found.steps,
        }

    def _piece_rows(self) -> list[dict[str, Any]]:
        found, line, looked = self.attribution, self.pieces.line, self.question.looked
        by_piece = zip(self.pieces.shown, found.amounts_P.tolist(), found.parts_SP.T.tolist(), strict=True)
        rows = []
        for at, (shown, amount, parts) in enumerate(by_piece):
            row: dict[str, Any] = {"piece": shown}
            if line is not None and line.in_seconds:
                row["start"], row["end"] = _rounded(line.edges[at : at + 2])
            row["adds"] = round(amount, DIGITS)
            if len(parts) > 1:
                row["by"] = dict(zip(found.streams, _rounded(parts), strict=True))
            if looked:
                row["looked"] = round(looked[at], DIGITS)
            rows.append(row)
        return rows


def answers(
    explainer: Explainer, questions: Sequence[LabelQuestion], found: Sequence[Attribution], against: str
) -> list[Explanation]:
    """Questions with what was found, as they are shown."""
    both = zip(questions, found, strict=True)
    return [Explanation(question, one, explainer.pieces(question.example), against) for question, one in both]


def curve_row(found: Curve) -> dict[str, Any]:
    """A deletion curve as JSON; None stands for what is infinite or not to be told."""
    both = zip(COUNTS, found.means("named"), found.means("random"), strict=True)
    return {
        "questions": len(found.named_NC),
        "examples": found.examples,
        "too_short": found.short,
        "draws": DRAWS,
        "curve": [{"deleted": count, "falls": _row(one), "random": _row(other)} for count, one, other in both],
        "judged_by": TOLD_BY,
        "times_random": _row(found.ratio),
        "advantage": _row(found.advantage),
        "better_than_chance": found.beats_chance if found.enough else None,
    }


def choice_row(found: ChosenMethod) -> dict[str, Any]:
    """Why a method, as JSON."""
    return {
        "method": found.method,
        "why": found.why,
        "tried": {name: _row(one.means("named")[COUNTS.index(TOLD_BY)]) for name, one in found.curves.items()},
    }


def speakers_row(found: dict[str, list[Speaker]]) -> dict[str, Any]:
    """The pieces that speak for each label, as JSON."""
    return {
        label: [
            {key: round(value, DIGITS) if isinstance(value, float) else value for key, value in asdict(one).items()}
            for one in listed
        ]
        for label, listed in found.items()
    }


def _rounded(values: Sequence[float]) -> list[float]:
    return [round(value, DIGITS) for value in values]


def _row(found: Interval) -> dict[str, float | None]:
    values = {"value": found.value, "low": found.low, "high": found.high}
    return {name: round(value, DIGITS) if math.isfinite(value) else None for name, value in values.items()}
